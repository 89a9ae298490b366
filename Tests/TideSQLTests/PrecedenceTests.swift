import Testing
import TideCore
import TideSQL

/// Operator precedence and associativity. The right sides are the column names that Spark 4.3 gave these expressions
/// over a table (a INT, b INT, s STRING, p BOOLEAN, arr ARRAY<INT>, st STRUCT<f: INT>): every operator in parentheses.
@Suite struct PrecedenceTests {
    static let cases: [(sql: String, tree: String)] = [
        (#"a + b * a - b"#, #"((a + (b * a)) - b)"#),
        (#"a - b - a"#, #"((a - b) - a)"#),
        (#"a / b / a"#, #"((a / b) / a)"#),
        (#"(a - b) * a"#, #"((a - b) * a)"#),
        (#"a * (a + b)"#, #"(a * (a + b))"#),
        (#"a % b * a"#, #"((a % b) * a)"#),
        (#"a + b << a"#, #"((a + b) << a)"#),
        (#"a << b & a"#, #"((a << b) & a)"#),
        (#"a & b ^ a | b"#, #"(((a & b) ^ a) | b)"#),
        (#"a | b ^ a & b"#, #"(a | (b ^ (a & b)))"#),
        (#"a | b = a"#, #"((a | b) = a)"#),
        (#"a = b | a"#, #"(a = (b | a))"#),
        (#"a + b = b + a"#, #"((a + b) = (b + a))"#),
        (#"a < b and b > a or a = b"#, #"(((a < b) AND (b > a)) OR (a = b))"#),
        (#"a = 1 or b = 2 and a = 3"#, #"((a = 1) OR ((b = 2) AND (a = 3)))"#),
        (#"not a = b and p"#, #"((NOT (a = b)) AND p)"#),
        (#"not (a = b and p)"#, #"(NOT ((a = b) AND p))"#),
        (#"not p or p"#, #"((NOT p) OR p)"#),
        (#"a between 1 and 2 and p"#, #"(between(a, 1, 2) AND p)"#),
        (#"a + 1 between b - 1 and b + 1"#, #"between((a + 1), (b - 1), (b + 1))"#),
        (#"a in (1, 2) and not p"#, #"((a IN (1, 2)) AND (NOT p))"#),
        (#"a + 1 in (1, 2)"#, #"((a + 1) IN (1, 2))"#),
        (#"s like 'x' and p"#, #"(s LIKE x AND p)"#),
        (#"s || 'x' = 'y'"#, #"(concat(s, x) = y)"#),
        (#"s || a + 1"#, #"(concat(s, a) + 1)"#),
        (#"1 + a || s"#, #"concat((1 + a), s)"#),
        (#"a + - b"#, #"(a + (- b))"#),
        (#"- a * b"#, #"((- a) * b)"#),
        (#"- (a * b)"#, #"(- (a * b))"#),
        (#"-a + b"#, #"((- a) + b)"#),
        (#"~a & b"#, #"(~a & b)"#),
        (#"~ - a"#, #"~(- a)"#),
        (#"not not p"#, #"(NOT (NOT p))"#),
        (#"a = b = p"#, #"((a = b) = p)"#),
        (#"a = 1 is true"#, #"((a = 1) <=> true)"#),
        (#"a + b is null"#, #"((a + b) IS NULL)"#),
        (#"a is null and b is null or p"#, #"(((a IS NULL) AND (b IS NULL)) OR p)"#),
        (#"a > b + 1 is not null"#, #"((a > (b + 1)) IS NOT NULL)"#),
        (
            #"case when a = 1 or p then a + 1 else b * 2 end + 1"#,
            #"(CASE WHEN ((a = 1) OR p) THEN (a + 1) ELSE (b * 2) END + 1)"#
        ),
        (#"a::double + 1"#, #"(CAST(a AS DOUBLE) + 1)"#),
        (#"a + b::double"#, #"(a + CAST(b AS DOUBLE))"#),
        (#"-a::double"#, #"(- CAST(a AS DOUBLE))"#),
        (#"arr[0] + arr[1] * 2"#, #"(arr[0] + (arr[1] * 2))"#),
        (#"arr[a + 1]"#, #"arr[(a + 1)]"#),
        (#"st.f + 1 = a"#, #"((st.f + 1) = a)"#),
        (#"a >> 1 > b"#, #"((a >> 1) > b)"#),
        (#"a > b >> 1"#, #"(a > (b >> 1))"#),
        (#"a not in (1) or not a in (2)"#, #"((NOT (a IN (1))) OR (NOT (a IN (2))))"#),
        (#"not a between 1 and 2"#, #"(NOT between(a, 1, 2))"#),
        (#"p and a between 1 and 2 or p"#, #"((p AND between(a, 1, 2)) OR p)"#),
        (#"a <=> b and p"#, #"((a <=> b) AND p)"#),
        (#"a div b * a"#, #"((a div b) * a)"#),
        (#"2 - -1"#, #"(2 - -1)"#),
        (#"2 - - 1"#, #"(2 - -1)"#),
        (#"2 --1"#, #"2"#),
        (#"- - a"#, #"(- (- a))"#),
        (#"+ - + a"#, #"(+ (- (+ a)))"#),
        (#"a != b or a <> b"#, #"((NOT (a = b)) OR (NOT (a = b)))"#),
        (#"exists (select 1) and p"#, #"(exists() AND p)"#),
        (#"a > (select max(a) from t) + 1"#, #"(a > (scalarsubquery() + 1))"#),
        (
            #"a = any_value(b) over (partition by a) + 1"#,
            #"(a = (any_value(b) OVER (PARTITION BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) + 1))"#
        ),
        (#"count(*) + 1 > 2"#, #"((count(1) + 1) > 2)"#),
    ]

    @Test(arguments: cases) func bindsAsInSpark(sql: String, tree: String) throws {
        #expect(try parseExpression(SourceText(name: "q", text: sql)).sql == tree)
    }

    @Test func longChainsOfBooleansAreOneNode() throws {
        let chain = (0..<5_000).map { "a = \($0)" }.joined(separator: " OR ")
        let expression = try parseExpression(SourceText(name: "q", text: chain))
        guard case .or(let operands) = expression.kind else {
            Issue.record("no OR")
            return
        }
        #expect(operands.count == 5_000)
        #expect(expression.height == 3)
    }
}
