import Testing

@testable import TideExpressions

/// Errors of branches that no row takes are not raised; errors of rows that take them are.
struct LazinessTests {
    static let schema = Schema([Field("x", .int), Field("s", .string)])

    /// x: 0, 2, NULL, 4.  s: 'a', '1', NULL, '2'.
    static let batch = Batch(
        columns: [
            Column(.int, [.int(0), .int(2), .null(.int), .int(4)]),
            Column(.string, [.string("a"), .string("1"), .null(.string), .string("2")]),
        ], count: 4)

    func evaluate(_ text: String) throws -> [Scalar] {
        let bound = try SQLBinding(schema: Self.schema).bind(text)
        let column = try ExpressionProgram([bound]).evaluate(Self.batch, BatchPropertyTests.context)[0]
        return (0..<4).map { column.scalar($0) }
    }

    @Test(arguments: [
        "CASE WHEN x <> 0 THEN 8 div x ELSE -1 END",
        "CASE WHEN x = 0 THEN -1 WHEN 8 div x > 3 THEN 4 WHEN x IS NULL THEN -1 ELSE 2 END",
        "if(x = 0, NULL, 8 div x)",
        "coalesce(CASE WHEN x = 0 THEN -1 END, 8 div x)",
        "x = 0 OR 8 div x > 1",
        "x <> 0 AND 8 div x > 1",
        "CASE WHEN s <> 'a' THEN cast(s AS int) END",
        "CASE WHEN true THEN 1 ELSE 1 div 0 END",
        "true OR 1 div 0 = 1",
        "coalesce(1, 1 div 0)",
        "CASE WHEN x > 0 THEN CASE WHEN x > 2 THEN 8 div (x - 2) ELSE 0 END END",
    ])
    func branchesNotTakenRaiseNothing(_ text: String) throws { _ = try evaluate(text) }

    @Test(arguments: [
        ("8 div x", "DIVIDE_BY_ZERO"), ("8 % x", "REMAINDER_BY_ZERO"), ("cast(s AS int)", "CAST_INVALID_INPUT"),
        ("x + 2147483647", "ARITHMETIC_OVERFLOW"), ("CASE WHEN x = 0 THEN 8 div x END", "DIVIDE_BY_ZERO"),
        ("x = 0 AND 8 div x > 1", "DIVIDE_BY_ZERO"), ("coalesce(NULL, 8 div x)", "DIVIDE_BY_ZERO"),
        ("cast(x * 100 AS tinyint)", "CAST_OVERFLOW"),
        ("cast(x * 100 AS decimal(2,0))", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"),
        ("8 / x", "DIVIDE_BY_ZERO"), ("1 div 0", "DIVIDE_BY_ZERO"), ("split_part(s, ',', x)", "INVALID_INDEX_OF_ZERO"),
    ])
    func rowsThatTakeThemDo(_ text: String, _ code: String) throws {
        do {
            _ = try evaluate(text)
            Issue.record("\(text) must fail")
        } catch let error as TidemillError {
            #expect(error.code == code)
            #expect(error.hint != nil)
        }
    }

    @Test func valuesOfTakenBranches() throws {
        let values = try evaluate("CASE WHEN x <> 0 THEN 8 div x ELSE -1 END")
        #expect(values == [.bigint(-1), .bigint(4), .bigint(-1), .bigint(2)])
        let texts = try evaluate("CASE WHEN x = 0 THEN 'a text that is longer than twelve' WHEN x = 2 THEN s END")
        #expect(texts[0].string == "a text that is longer than twelve")
        #expect(texts[1].string == "1" && texts[2].isNull && texts[3].isNull)
    }

    /// Garbage under NULL is not an error.
    @Test func nullsHideErrors() throws {
        let garbage = Buffer.zeroed(byteCount: 16)
        let column = Column(type: .int, count: 4, values: garbage, validity: Bitmap(repeating: false, count: 4))
        let bound = try SQLBinding(schema: Self.schema).bind("8 div x")
        let result = try ExpressionProgram([bound]).evaluate(
            Batch(columns: [column, Self.batch.columns[1]], count: 4), BatchPropertyTests.context)[0]
        #expect(result.nullCount == 4)
    }

    @Test func errorsNameTheFirstOffendingValue() throws {
        do {
            _ = try evaluate("cast(s AS int)")
            Issue.record("must fail")
        } catch let error as TidemillError {
            #expect(error.message.contains("'a'"))
            #expect(error.hint?.contains("try_cast") == true)
        }
    }
}
