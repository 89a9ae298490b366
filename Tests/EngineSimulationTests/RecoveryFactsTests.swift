import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// What a start may find, with the whole engine: another number of workers, files that are missing or not its own, a
/// checkpoint in another place, a newer format, tables of a later life.
@Suite struct RecoveryFactsTests {
    private static let sql = RollbackTests.sql
    private static let checkpoint = SimulatedMachine.root.appending("checkpoint")

    /// Three epochs; the last two are in the log alone.
    private static func machine(workers: Int = 2) throws -> SimulatedMachine {
        let machine = SimulatedMachine(seed: 1, workers: workers)
        machine.settings["tidemill.flushBytes"] = "0"
        for number in 1...3 {
            try write(number, to: machine)
            try machine.run(sql)
            machine.settings["tidemill.flushBytes"] = "1000000"
        }
        return machine
    }

    private static func write(_ number: Int, to machine: SimulatedMachine) throws {
        try machine.write("in/\(number).csv", "id,customer,amount\n\(number),ann,\(number)0\n\(number + 10),bob,1\n")
    }

    /// Of `totals` after so many files: n and amount of ann.
    private static func ann(_ machine: SimulatedMachine) throws -> [Scalar.Value] {
        let row = try machine.rows(sql, "totals").first { $0[0].string == "ann" }
        return (row ?? []).dropFirst().map(\.value)
    }

    @Test(arguments: [1, 2, 4, 8, 64]) func anotherNumberOfWorkers(_ workers: Int) throws {
        var disk = try Self.machine(workers: 4).disk.copied()
        for (life, count) in [workers, 3, workers].enumerated() {
            let machine = SimulatedMachine(disk, seed: UInt64(workers), workers: count)
            machine.settings["tidemill.flushBytes"] = life == 1 ? "0" : "1000000"
            try Self.write(4 + life, to: machine)
            try machine.run(Self.sql)
            disk = machine.disk.copied()
        }
        let last = SimulatedMachine(disk, seed: 9)
        #expect(try Self.ann(last) == [.integer(6), .double(210)])
        #expect(try last.rows(Self.sql, "big").count == 6)
    }

    /// Files that are nobody's stay where they are and do no harm; `verify` names them.
    @Test func foreignFiles() throws {
        let machine = try Self.machine()
        let foreign = ["notes.txt", "log/notes.txt", "log/.hidden", "runs/README", "runs/.x.new"]
        for name in foreign {
            try machine.disk.createDurably(Self.checkpoint.pushing(FilePath(name)), Array("mine".utf8))
        }
        try Self.write(4, to: machine)
        try machine.run(Self.sql)
        #expect(try Self.ann(machine) == [.integer(4), .double(100)])
        for name in foreign where !name.contains("/.") {
            let path = Self.checkpoint.pushing(FilePath(name))
            #expect(try machine.disk.contents(of: path) == Array("mine".utf8), "\(name)")
        }
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).damage == [])
    }

    /// Each file of the checkpoint in turn is not there: an error that names it, and nothing is changed.
    @Test func missingFiles() throws {
        let machine = try Self.machine()
        var paths = [Self.checkpoint.appending("manifest")]
        for folder in ["log", "runs"] {
            for name in try machine.names(Self.checkpoint.appending(folder)) {
                paths.append(Self.checkpoint.appending(folder).appending(name))
            }
        }
        #expect(paths.count > 4)
        for path in paths {
            let next = SimulatedMachine(machine.disk.copied(), seed: 2)
            next.disk.withdraw(path)
            try Self.write(4, to: next)
            // All state is read, also that of the views that the epoch does not touch.
            let error = #expect(throws: TidemillError.self, "\(path)") { try next.run(Self.sql) }
            #expect(error?.kind == .corruption || error?.kind == .conflict, "\(path): \(String(describing: error))")
            #expect(try Self.ann(next) == [.integer(3), .double(60)], "\(path)")
        }
    }

    /// Checkpoint, warehouse and input moved to another place together go on there.
    @Test func aPipelineThatMoved() throws {
        let machine = try Self.machine()
        let other = SimulatedFileSystem()
        func copy(_ from: FilePath) throws {
            for entry in try machine.disk.entries(of: from) {
                let path = from.appending(entry.name)
                if entry.kind == .directory {
                    try other.createDirectories(path)
                    try copy(path)
                } else {
                    let modified = try machine.disk.status(of: path)?.modified ?? 0
                    other.place(path, try machine.disk.contents(of: path), modifiedNanos: modified)
                }
            }
        }
        try other.createDirectories(SimulatedMachine.root)
        try copy(SimulatedMachine.root)
        for disk in [other, machine.disk] {
            let next = SimulatedMachine(disk, seed: 5)
            try Self.write(4, to: next)
            try next.run(Self.sql)
            #expect(try Self.ann(next) == [.integer(4), .double(100)])
        }
    }

    /// An older copy of the checkpoint beside the tables of now: somebody's mistake, and not ours to resolve.
    @Test func tablesNewerThanTheLog() throws {
        let machine = try Self.machine()
        var older: [(FilePath, [UInt8])] = []
        func remember(_ folder: FilePath) throws {
            for entry in try machine.disk.entries(of: folder) {
                let path = folder.appending(entry.name)
                if entry.kind == .directory {
                    try remember(path)
                } else {
                    older.append((path, try machine.disk.contents(of: path)))
                }
            }
        }
        try remember(Self.checkpoint)
        try Self.write(4, to: machine)
        try machine.run(Self.sql)
        try machine.disk.removeTree(Self.checkpoint)
        for (path, bytes) in older {
            try machine.disk.createDirectories(path.removingLastComponent())
            try machine.disk.createDurably(path, bytes)
        }
        let error = #expect(throws: TidemillError.self) { try machine.run(Self.sql) }
        #expect(error?.kind == .corruption || error?.kind == .conflict, "\(String(describing: error))")
        #expect(try Self.ann(machine) == [.integer(4), .double(100)])
    }

    /// A manifest, a segment or a run of a later version is refused by name, and nothing is changed.
    @Test(arguments: ["manifest", "log", "runs"]) func newerFormats(_ what: String) throws {
        let machine = try Self.machine()
        let folder = Self.checkpoint.appending(what)
        let path =
            what == "manifest"
            ? folder : folder.appending(try #require(try machine.names(folder).last { !$0.hasPrefix(".") }))
        var bytes = try machine.disk.contents(of: path)
        // The version stands behind the magic number; checksums are of the whole, of sector 0, of the header.
        bytes[8] = 99
        let end = what == "manifest" ? bytes.count - 4 : what == "log" ? 508 : 12
        let sum = CRC32C.checksum(bytes[..<end])
        for byte in 0..<4 { bytes[end + byte] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(byte))) }
        try machine.disk.remove(path)
        try machine.disk.createDurably(path, bytes)
        try Self.write(4, to: machine)
        let error = #expect(throws: TidemillError.self) { try machine.run(Self.sql) }
        #expect(error?.code == "TIDEMILL_CHECKPOINT_NEWER_FORMAT", "\(String(describing: error))")
        #expect(try Self.ann(machine) == [.integer(3), .double(60)])
    }
}
