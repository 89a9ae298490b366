import Foundation
import SystemPackage
import Testing
import TidePlan
import Tidemill

@testable import TideExpressions

/// Tidemill gives the answers that Spark gave to the questions of Tests/Peers/questions: types, values, error classes.
/// Tests/Peers/differences.txt lists what is known to differ, with Tidemill's answer and the reason.
struct SparkAnswersTests {
    @Test(arguments: try SparkAnswer.topics()) func agrees(topic: String) throws {
        let known = try Dictionary(
            SparkAnswer.read("differences.txt").map { ($0.question, $0) }, uniquingKeysWith: { first, _ in first })
        for expected in try SparkAnswer.read("answers/\(topic).txt") {
            let answer = ask(expected)
            let listed = known[expected.question]
            if !answer.agrees(with: listed ?? expected) {
                Issue.record("\(expected.question)\n  Spark \(expected.text)\n  here  \(answer.text)")
            } else if listed != nil, answer.agrees(with: expected) {
                Issue.record("\(expected.question)\n  agrees with Spark: take it off differences.txt")
            }
        }
    }

    @Test func thereAreManyQuestions() throws {
        let questions = try SparkAnswer.topics().flatMap { try SparkAnswer.read("answers/\($0).txt") }.map(\.question)
        #expect(questions.count >= 2000)
        #expect(Set(questions).count == questions.count)
    }

    private func ask(_ expected: SparkAnswer) -> SparkAnswer {
        let question = expected.question
        let text = expected.isQuery ? question : "SELECT \(question) AS x"
        var types = "!"
        do throws(TidemillError) {
            let source = SourceText(name: "query", text: text)
            types = name(of: try schema(source), expected)
            let answer = try Pipeline.query(source, directory: FilePath("/"), environment: environment)
            var rows: [[String]] = []
            for batch in answer.batches {
                let columns = try batch.columns.map { (column) throws(TidemillError) in try texts(column) }
                for row in 0..<batch.count { rows.append(columns.map { $0[row] }) }
            }
            if expected.isQuery, !expected.isOrdered { rows.sort { $0.lexicographicallyPrecedes($1) } }
            return SparkAnswer(question: question, types: types, rows: rows)
        } catch {
            return SparkAnswer(question: question, types: types, rows: [["!" + error.code]])
        }
    }

    private func schema(_ source: SourceText) throws(TidemillError) -> Schema {
        let empty = PipelineDefinition(
            name: "query", configuration: [:], relations: [:], datasets: [], sinks: [], notes: [])
        let analyzer = BatchAnalyzer(definition: empty, directory: FilePath("/")) {
            (relation) throws(TidemillError) in throw TidemillError.internal("no files are read: \(relation.name)")
        }
        return try analyzer.analyzeQuery(source).plan.schema
    }

    private let environment = Environment.system(workers: 1)

    private func name(of schema: Schema, _ expected: SparkAnswer) -> String {
        guard expected.isQuery else { return schema.fields[0].type.simpleName }
        let mark = expected.isOrdered ? "= " : "~ "
        return mark + schema.fields.map { "\($0.name) \($0.type.simpleName)" }.joined(separator: ", ")
    }

    /// The values as CAST(… AS STRING) prints them, escaped as in the files.
    private func texts(_ column: Column) throws(TidemillError) -> [String] {
        var printed = column
        if column.type != .null {
            let call = KernelCall(
                resultType: .string, rowCount: column.count, validity: nil,
                context: EvaluationContext(currentTimestampMicros: 0))
            printed = try CastKernel(from: column.type, to: .string, isTry: false).run(Datum(column), call)
        }
        return (0..<column.count).map { row in
            guard column.type != .null, printed.isValid(row), let text = printed.scalar(row).string else {
                return "\\N"
            }
            if text.isEmpty { return "\\E" }
            return text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\t", with: "\\t")
                .replacingOccurrences(of: "\n", with: "\\n").replacingOccurrences(of: "\r", with: "\\r")
                .replacingOccurrences(of: "\0", with: "\\0")
        }
    }
}
