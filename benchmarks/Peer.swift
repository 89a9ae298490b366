import Foundation
import Tidemill

/// Peers run as processes of their own, with the Python environment that `make check-peers` makes.
enum Peer {
    /// The same job in DuckDB: each step groups its files, merges them into the table by full aggregation, and copies
    /// the table to Parquet.
    static func duckdb(
        data: FilePath, work: FilePath, _ filesPerEpoch: Int, python: String?
    ) throws(TidemillError) {
        let interpreter = python ?? ".venv-peers/bin/python"
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            Report.line("duckdb    not measured: no Python with duckdb (make check-peers installs .venv-peers)")
            return
        }
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        var script = "benchmarks/peers/j1_duckdb.py"
        if !FileManager.default.fileExists(atPath: script) {
            script = program.appendingPathComponent("../../../benchmarks/peers/j1_duckdb.py").path
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = [script, data.string, work.string, String(filesPerEpoch)]
        do {
            try process.run()
        } catch {
            throw TidemillError(.io, "TIDEMILL_IO", "cannot start \(interpreter): \(error.localizedDescription)")
        }
        process.waitUntilExit()
        if process.terminationStatus != 0 { Report.line("duckdb    failed with status \(process.terminationStatus)") }
    }

    /// The state workload in RocksDB, by the program that `make bench-state` builds. Prints its line.
    /// - Returns: updates per second, and the line's end from the number of rows on.
    static func rocksdb(
        program: String, work: FilePath, operations: Int, keys: Int, batch: Int, cacheBytes: Int
    ) throws(TidemillError) -> (keysPerSecond: Double, checksum: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [work.string] + [operations, keys, batch, cacheBytes].map(String.init)
        let output = Pipe()
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw TidemillError(.io, "TIDEMILL_IO", "cannot start \(program): \(error.localizedDescription)")
        }
        let line = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .trimmingCharacters(in: .newlines)
        process.waitUntilExit()
        let parts = line.components(separatedBy: ", ")
        guard process.terminationStatus == 0, parts.count == 6,
            let speed = parts[1].split(separator: " ").first.flatMap({ Double($0) })
        else {
            throw TidemillError(
                .io, "TIDEMILL_IO", "\(program) failed with status \(process.terminationStatus): \(line)")
        }
        Report.line(line)
        return (speed, parts[4] + ", " + parts[5])
    }
}
