import Foundation
import Testing

/// The built command line. `TIDEMILL_BINARY` names it, else it is the package's release build.
enum TidemillBinary {
    static let path: String = {
        if let named = ProcessInfo.processInfo.environment["TIDEMILL_BINARY"] { return named }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.appendingPathComponent(".build/release/tidemill").path
    }()

    /// Fails the test with what to do about it if there is no binary.
    static func require() throws {
        struct Missing: Error, CustomStringConvertible { var description: String }
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing(
                description: "no tidemill binary at \(path): run `swift build -c release --product tidemill`, "
                    + "or set TIDEMILL_BINARY")
        }
    }
}

/// What a process left behind.
struct Outcome: CustomStringConvertible {
    /// The exit status; nil if it was ended by a signal or by the time limit.
    var status: Int32?
    var out: String
    var err: String

    var description: String { "status \(status.map(String.init) ?? "none (signal or timeout)")\n\(out)\n\(err)" }
    var outLines: [String] { out.split(separator: "\n").map(String.init) }
    /// Lines on standard error that begin an error.
    var errors: [String] { err.split(separator: "\n").map(String.init).filter { $0.hasPrefix("error: ") } }

    /// Exit 1 and one readable error that holds all of `parts`; no Swift type name, no crash report.
    func expectError(_ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(status == 1, "\(self)", sourceLocation: sourceLocation)
        #expect(errors.count == 1, "\(self)", sourceLocation: sourceLocation)
        for part in parts {
            #expect(err.contains(part), "no \"\(part)\" in:\n\(err)", sourceLocation: sourceLocation)
        }
        for noise in ["Fatal error", "Optional(", "TidemillError", "crashed", "TIDEMILL_INTERNAL"] {
            #expect(!err.contains(noise), "\(self)", sourceLocation: sourceLocation)
        }
    }

    func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(status == 0, "\(self)", sourceLocation: sourceLocation)
        #expect(errors.isEmpty, "\(self)", sourceLocation: sourceLocation)
    }
}

/// A tidemill process that runs.
final class RunningTidemill {
    let process = Process()
    let output = Pipe()
    private let errorFile: URL

    init(_ arguments: [String], in directory: URL, executable: String = TidemillBinary.path) throws {
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        errorFile = directory.appendingPathComponent(".stderr-\(UUID().uuidString)")
        try Data().write(to: errorFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        process.standardOutput = output
        try process.run()
    }

    /// Bytes up to and including the first line end.
    func firstLine() -> String {
        var bytes: [UInt8] = []
        while bytes.last != UInt8(ascii: "\n") {
            let next = output.fileHandleForReading.readData(ofLength: 1)
            if next.isEmpty { break }
            bytes.append(contentsOf: next)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until every part was told on standard error; half a minute at most, or as long as the process lives.
    func waitForError(_ parts: String...) throws {
        let end = Date() + 30
        while true {
            let isOver = !process.isRunning || Date() > end
            let text = String(decoding: try Data(contentsOf: errorFile), as: UTF8.self)
            let missing = parts.filter { !text.contains($0) }
            if missing.isEmpty { return }
            if isOver {
                Issue.record("\(missing) was not told: \(text)")
                return
            }
            sched_yield()
        }
    }

    /// Reads the rest and waits; a process that takes longer than a minute is ended.
    func finish() throws -> Outcome {
        let process = self.process
        let limit = DispatchWorkItem { if process.isRunning { process.terminate() } }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: limit)
        let out = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        limit.cancel()
        let err = try Data(contentsOf: errorFile)
        try FileManager.default.removeItem(at: errorFile)
        return Outcome(
            status: process.terminationReason == .exit ? process.terminationStatus : nil,
            out: String(decoding: out, as: UTF8.self), err: String(decoding: err, as: UTF8.self))
    }
}
