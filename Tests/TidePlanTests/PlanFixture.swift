import Testing
@testable import TidePlan

/// Analyzes SQL for the tests; schemas of undeclared relations are fixed.
enum PlanFixture {
    static let tables = """
        CREATE TABLE sales (transaction_id STRING, customer_id STRING, product_name STRING, category STRING,
          quantity INT, price DOUBLE, transaction_date STRING) USING csv OPTIONS (path 'in/sales', header 'true');
        CREATE TABLE customers (customer_id STRING, customer_name STRING, email STRING, city STRING, state STRING,
          registration_date STRING) USING csv OPTIONS (path 'in/customers', header 'true');
        CREATE TABLE t (a INT, b BIGINT, c STRING, d DATE, x DOUBLE, p DECIMAL(10,2), ts TIMESTAMP, f BOOLEAN)
          USING parquet OPTIONS (path 't');
        CREATE TABLE u (a INT, k STRING, v DOUBLE) USING json OPTIONS (path '/abs/u');

        """

    static func analyzer(_ configuration: [String: String] = [:]) -> PipelineAnalyzer {
        PipelineAnalyzer(name: "test", projectDirectory: "/project", configuration: configuration) { relation in
            Schema([Field("id", .bigint), Field("name", .string)])
        }
    }

    /// A pipeline of the fixture's tables and `sql`.
    static func pipeline(
        _ sql: String, _ configuration: [String: String] = [:]
    ) throws(TidemillError) -> PipelineDefinition {
        try analyzer(configuration).analyze(scripts: [
            SourceText(name: "tables.sql", text: tables), SourceText(name: "p.sql", text: sql),
        ])
    }

    static func batch(_ sql: String) throws(TidemillError) -> BatchQuery {
        let analyzer = BatchAnalyzer(definition: try pipeline(""), directory: "/project") { relation in
            Schema([Field("id", .bigint), Field("name", .string)])
        }
        return try analyzer.analyzeQuery(SourceText(name: "q.sql", text: sql))
    }

    /// The analyzed plan of the pipeline's last table, and its key.
    static func lastTable(_ sql: String) throws(TidemillError) -> String {
        let pipeline = try pipeline(sql)
        guard let dataset = pipeline.datasets.last else { return "no tables\n" }
        return dataset.flows.map { PlanText.of($0.analyzed) }.joined() + "key \(keyText(dataset))\n"
    }

    static func keyText(_ dataset: Dataset) -> String {
        switch dataset.key {
        case nil: "none"
        case .bag: "bag"
        case .columns(let columns): "(\(columns.map { dataset.schema[$0].name }.joined(separator: ", ")))"
        }
    }

    static func report(_ body: () throws(TidemillError) -> Void) -> String {
        do throws(TidemillError) {
            try body()
            return "no error\n"
        } catch {
            return error.report()
        }
    }
}
