import Testing
@testable import TidePlan

@Suite struct AnalysisTests {
    @Test func simpleAggregate() throws {
        let text = try PlanFixture.lastTable(
            "CREATE MATERIALIZED VIEW m AS SELECT category, count(*) AS n, sum(price) s FROM sales GROUP BY category")
        #expect(
            text == """
                project [category#0, count(1)#1 AS n, sum(price)#2 AS s]
                  aggregate by [category#3] [count() AS count(1), sum(price#5) AS sum(price)]
                    scan sales changes [transaction_id, customer_id, product_name, category, quantity, price, transaction_date]
                key (category)

                """)
    }
}
