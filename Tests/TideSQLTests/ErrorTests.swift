import Foundation
import Testing
import TideCore
import TideSQL

/// What a person reads when the text is wrong: code, message, caret and hint, letter by letter.
/// `Fixtures/errors.txt` holds each text behind `====` (further lines indented by five blanks) and its report below.
@Suite struct ErrorTests {
    struct Sample {
        var sql = ""
        var report = ""
    }

    static func samples() throws -> [Sample] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = folder.appendingPathComponent("Fixtures/errors.txt")
        var samples: [Sample] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("==== ") {
                samples.append(Sample(sql: String(line.dropFirst(5))))
            } else if line.hasPrefix("     "), samples.last?.report.isEmpty == true {
                samples[samples.count - 1].sql += "\n" + line.dropFirst(5)
            } else {
                samples[samples.count - 1].report += line + "\n"
            }
        }
        return samples
    }

    @Test func reports() throws {
        let samples = try ErrorTests.samples()
        #expect(samples.count > 80)
        for sample in samples {
            let source = SourceText(name: "q", text: sample.sql)
            let error = #expect(throws: TidemillError.self) { try parseScript(source) }
            #expect(error?.report() == sample.report)
        }
    }
}
