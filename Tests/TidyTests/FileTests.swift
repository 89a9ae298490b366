import Foundation
import Testing

/// What every file of the tree keeps to.
struct FileTests {
    @Test func namesSayWhatIsInside() throws {
        let banned = ["Utils", "Util", "Helpers", "Helper", "Common", "Manager", "Misc", "Info", "Impl"]
        for file in try Repository.swiftFiles(in: Repository.codeFolders) {
            let name = file.name.replacingOccurrences(of: ".swift", with: "")
            for part in name.split(separator: "+") {
                #expect(!banned.contains { part.hasSuffix($0) }, "\(file.path)")
            }
        }
    }

    @Test func filesAreShort() throws {
        let linesMax = 500
        // A file that is over it says here why it is one thing.
        let exceptions: [String: Int] = [:]
        for file in try Repository.swiftFiles(in: Repository.codeFolders) {
            let limit = min(exceptions[file.path] ?? linesMax, 600)
            let count = file.lines.count - 1
            #expect(count <= limit, "\(file.path) has \(count) lines: do two things live there?")
        }
    }

    @Test func linesFit() throws {
        for file in try Repository.files(in: Repository.codeFolders, suffixes: [".swift", ".c", ".h"]) {
            for (number, line) in file.lines.enumerated() {
                // A query in a test may stay on one line.
                let isQuery = file.path.hasPrefix("Tests/") && line.contains("SELECT ")
                #expect(line.count <= 120 || isQuery, "\(file.path):\(number + 1) is \(line.count) columns wide")
                #expect(!line.contains("\t"), "\(file.path):\(number + 1) has a tab")
            }
            #expect(file.text.hasSuffix("\n"), "\(file.path) does not end with a newline")
        }
    }

    /// No open ends, and nothing that input could turn into a crash.
    @Test func nothingIsLeftOpen() throws {
        let banned = #/\b(?:TODO|FIXME|XXX)\b|\btry!|\bas!|\bfatalError\(/#
        for file in try Repository.files(in: Repository.productFolders, suffixes: [".swift", ".c", ".h"]) {
            for (number, line) in file.lines.enumerated() {
                guard let match = line.firstMatch(of: banned) else { continue }
                Issue.record("\(file.path):\(number + 1) has \(match.output)")
            }
        }
    }

    /// Output is the command line's; the engine reports events.
    @Test func enginePrintsNothing() throws {
        let call = #/(?:^|[^A-Za-z0-9_.])(?:print|debugPrint|dump)\(/#
        let edges = ["Sources/tidemill/"]
        for file in try Repository.swiftFiles(in: ["Sources", "checkpoints", "connectors"]) {
            if edges.contains(where: file.path.hasPrefix) { continue }
            for (number, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                if code.hasPrefix("//") || code.hasPrefix("func ") { continue }
                #expect(line.firstMatch(of: call) == nil, "\(file.path):\(number + 1) prints")
            }
        }
    }
}
