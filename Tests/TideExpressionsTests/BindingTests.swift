import Testing

@testable import TideExpressions

/// Errors, descriptions, aggregates and the properties of bound expressions.
struct BindingTests {
    @Test func misspelledNamesGetASuggestion() {
        #expect(throws: TidemillError.self) { try FunctionRegistry.builtin.bind("uper", arguments: [.string("a")]) }
        do throws(TidemillError) {
            _ = try FunctionRegistry.builtin.bind("uper", arguments: [.string("a")])
        } catch {
            #expect(error.code == "UNRESOLVED_ROUTINE")
            #expect(error.hint == "did you mean upper?")
        }
    }

    @Test func errorsCarryTheirPlace() {
        let source = SourceText(name: "q.sql", text: "SELECT year(5)")
        let span = SourceSpan(source: source, range: 7..<14)
        do throws(TidemillError) {
            _ = try FunctionRegistry.builtin.bind("year", arguments: [.literal(.int(5))], span: span)
            Issue.record("must fail")
        } catch {
            #expect(error.code == "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
            #expect(error.report().contains("^^^^^^^"))
        }
    }

    @Test func descriptionsReadLikeSQL() throws {
        let schema = Schema([Field("a", .int), Field("b", .string)])
        func text(_ sql: String) throws -> String { try SQLBinding(schema: schema).bind(sql).description }
        #expect(try text("a + 1 > 2 AND b LIKE 'x%'") == #"(((#0 + 1) > 2) AND like(#1, 'x%', '\'))"#)
        #expect(try text("CASE WHEN a IS NULL THEN 0 ELSE a END") == "CASE WHEN (#0 IS NULL) THEN 0 ELSE #0 END")
        #expect(try text("upper(trim(b))") == "upper(trim(#1))")
        #expect(
            try text("cast(a AS bigint) IN (1, 2)") == "(cast(#0 AS BIGINT) IN (cast(1 AS BIGINT), cast(2 AS BIGINT)))")
    }

    @Test func propertiesOfExpressions() throws {
        let schema = Schema([Field("a", .int), Field("b", .string, nullable: false)])
        let bound = try SQLBinding(schema: schema).bind("concat(b, cast(a AS string))")
        #expect(bound.columns == [0, 1])
        #expect(bound.nullable && bound.type == .string && bound.isDeterministic && !bound.isConstant)
        #expect(bound.remapped { $0 + 5 }.columns == [5, 6])
        #expect(try SQLBinding(schema: schema).bind("length(b)").nullable == false)
        #expect(bound.mapColumns { _ in .string("x") }.isConstant == true)
        #expect(BoundExpression.currentTimestamp.dependsOnTime)
        let equal = try SQLBinding(schema: schema).bind("concat(b, cast(a AS string))")
        #expect(bound == equal && bound.hashValue == equal.hashValue)
    }

    @Test func foldingKeepsErrorsForRunTime() throws {
        let registry = FunctionRegistry.builtin
        #expect(registry.fold(try SQLBinding().bind("1 + 2 * 3")) == .literal(.int(7)))
        let failing = try SQLBinding().bind("1 div 0")
        #expect(registry.fold(failing).literalValue == nil)
    }

    @Test(arguments: [
        ("count", [DataType](), DataType.bigint, false), ("count", [.int, .string], .bigint, false),
        ("sum", [.int], .bigint, true), ("sum", [.float], .double, true),
        ("sum", [.decimal(precision: 10, scale: 2)], .decimal(precision: 20, scale: 2), true),
        ("sum", [.decimal(precision: 35, scale: 2)], .decimal(precision: 38, scale: 2), true),
        ("avg", [.int], .double, true),
        ("avg", [.decimal(precision: 10, scale: 2)], .decimal(precision: 14, scale: 6), true),
        ("avg", [.decimal(precision: 38, scale: 18)], .decimal(precision: 38, scale: 22), true),
        ("min", [.string], .string, true), ("max", [.date], .date, true), ("every", [.boolean], .boolean, true),
        ("some", [.string], .boolean, true), ("count_if", [.boolean], .bigint, false),
        ("stddev", [.int], .double, true),
        ("first", [.int], .int, true),
    ])
    func aggregateTypesAreSparks(_ name: String, _ types: [DataType], _ result: DataType, _ nullable: Bool) throws {
        let arguments = types.enumerated().map {
            BoundExpression.column(index: $0.offset, type: $0.element, nullable: true)
        }
        let bound = try FunctionRegistry.builtin.bindAggregate(name, arguments: arguments)
        #expect(bound.resultType == result && bound.nullable == nullable)
        #expect(FunctionRegistry.builtin.isAggregate(name))
    }

    @Test(arguments: [
        ("sum", [DataType.boolean], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("avg", [.date], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"), ("sum", [], "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("regr_slope", [.int], "UNSUPPORTED_FEATURE"), ("nosuch", [.int], "UNRESOLVED_ROUTINE"),
        ("count_if", [.int], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
    ])
    func aggregatesRefuse(_ name: String, _ types: [DataType], _ code: String) {
        let arguments = types.map { BoundExpression.null($0) }
        do throws(TidemillError) {
            _ = try FunctionRegistry.builtin.bindAggregate(name, arguments: arguments)
            Issue.record("\(name) must fail")
        } catch { #expect(error.code == code) }
    }

    @Test func otherTimeZonesAreRefused() throws {
        let bound = try SQLBinding().bind("hour(current_timestamp())")
        let program = ExpressionProgram([bound])
        let batch = Batch(columns: [], count: 1)
        let utc = EvaluationContext(currentTimestampMicros: 3_600_000_000 * 5, timeZone: "Etc/UTC")
        #expect(try program.evaluate(batch, utc)[0].scalar(0) == .int(5))
        let berlin = EvaluationContext(currentTimestampMicros: 0, timeZone: "Europe/Berlin")
        do throws(TidemillError) {
            _ = try program.evaluate(batch, berlin)
            Issue.record("must fail")
        } catch { #expect(error.code == "UNSUPPORTED_FEATURE") }
    }

    /// The examples of the documentation are true.
    @Test func documentedExamplesHold() throws {
        let context = EvaluationContext(currentTimestampMicros: 0)
        for function in FunctionRegistry.builtin.documentation
        where ![.aggregate, .window, .generator].contains(function.group) {
            #expect(!function.summary.isEmpty && !function.usage.isEmpty)
            do {
                let bound = try SQLBinding().bind(function.example)
                let text = bound.type == .null ? BoundExpression.null(.string) : TypeCoercion.cast(bound, to: .string)
                let value = try ExpressionProgram([text]).evaluate(Batch(columns: [], count: 1), context)[0].scalar(0)
                let printed = value.string ?? "NULL"
                #expect(printed == function.result, "\(function.example)")
            } catch {
                Issue.record("\(function.example): \(error)")
            }
        }
    }
}
