import Foundation
import Testing

@testable import TideExpressions

/// What Apache Spark 4.3 says (Oracle/spark_facts.py), against what Tidemill says: as constants and as columns.
struct ExpressionFactTests {
    struct Fact: CustomStringConvertible {
        let expression: String
        let type: String
        let value: String
        var description: String { "\(expression) → \(type) \(value)" }
    }

    static let facts: [Fact] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Oracle/facts.txt")
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let value = parts[2].replacingOccurrences(of: "\\t", with: "\t").replacingOccurrences(of: "\\n", with: "\n")
                .replacingOccurrences(of: "\\\\", with: "\\")
            return Fact(expression: parts[0], type: parts[1], value: value)
        }
    }()

    /// Differences that docs/SEMANTICS names: expression → what Tidemill gives.
    static let known: [String: String] = KnownDifferences.table

    @Test func thereAreEnoughFacts() { #expect(Self.facts.count >= 300) }

    @Test func constantsAgreeWithSpark() {
        check { expression throws(TidemillError) in
            let context = EvaluationContext(currentTimestampMicros: 0)
            let folded = FunctionRegistry.builtin.fold(expression)
            return try ExpressionProgram([folded]).evaluate(Batch(columns: [], count: 1), context)[0]
        }
    }

    /// Every literal becomes a column, so the column loops run; three rows, so that the last is not the first.
    @Test func columnsAgreeWithSpark() {
        check { expression throws(TidemillError) in
            var columns: [Column] = []
            let lifted = Self.lifted(expression, &columns)
            let program = ExpressionProgram([lifted])
            let batch = Batch(columns: columns, count: 3)
            let column = try program.evaluate(batch, EvaluationContext(currentTimestampMicros: 0))[0]
            #expect(
                column.scalar(0) == column.scalar(2) || column.scalar(0).value == .double(.nan)
                    || column.type.isFractional)
            return column
        }
    }

    private static func lifted(_ expression: BoundExpression, _ columns: inout [Column]) -> BoundExpression {
        switch expression {
        case .literal(let scalar):
            columns.append(Column(repeating: scalar, count: 3))
            return .column(index: columns.count - 1, type: scalar.type, nullable: true)
        case .in(let operand, let members, let negated):
            return .in(lifted(operand, &columns), members, negated: negated)
        default:
            var held = columns
            let result = expression.mapChildren { child in lifted(child, &held) }
            columns = held
            return result
        }
    }

    private func check(_ evaluate: (BoundExpression) throws(TidemillError) -> Column) {
        for fact in Self.facts {
            let (type, value) = outcome(fact.expression, evaluate)
            let expected = Self.known[fact.expression] ?? "\(fact.type) \(fact.value)"
            let actual = "\(type) \(value)"
            if expected == actual || isClose(expected, actual) { continue }
            Issue.record("\(fact.expression): Spark \(expected), here \(actual)")
        }
    }

    private func outcome(
        _ text: String, _ evaluate: (BoundExpression) throws(TidemillError) -> Column
    ) -> (String, String) {
        let bound: BoundExpression
        do throws(TidemillError) { bound = try SQLBinding().bind(text) } catch { return ("!", "!" + error.code) }
        let type = bound.type.isNested ? bound.type.simpleName : bound.type.sql.lowercased()
        do throws(TidemillError) {
            let column = try evaluate(bound)
            let printed =
                column.type == .null
                ? column
                : try CastKernel(from: column.type, to: .string, isTry: false).run(
                    Datum(column),
                    KernelCall(
                        resultType: .string, rowCount: column.count, validity: nil,
                        context: EvaluationContext(currentTimestampMicros: 0)))
            return (type, printed.isValid(0) && column.type != .null ? printed.scalar(0).string ?? "" : "NULL")
        } catch {
            return (type, "!" + error.code)
        }
    }

    /// Java's and C's elementary functions may differ in the last place.
    private func isClose(_ a: String, _ b: String) -> Bool {
        guard a.hasPrefix("double "), b.hasPrefix("double "), let x = Double(a.dropFirst(7)),
            let y = Double(b.dropFirst(7))
        else { return false }
        return abs(x - y) <= 1e-15 * max(abs(x), abs(y)) * 2
    }
}
