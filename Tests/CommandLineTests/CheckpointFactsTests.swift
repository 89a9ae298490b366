import Foundation
import Testing

/// What a start may find: a lock, a copy, something newer, something older.
@Suite struct CheckpointFactsTests {
    /// The lock is the operating system's; the text of its file is only for the message.
    @Test func aStaleOrDamagedLockFileIsTakenOver() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
        let stale = [
            "token 7\nhost  somewhere.else\npid   1\nstart 1700000000000000\n", "", "pid 99999999999999999999\n",
            String(repeating: "x", count: 100_000),
        ]
        for text in stale {
            try workspace.write(".tidemill/p/lock", text)
            try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
            let now = try String(contentsOf: workspace.url(".tidemill/p/lock"), encoding: .utf8)
            #expect(now.hasPrefix("token ") && now.contains("\npid   ") && now.utf8.count < 400)
        }
        try Data([0xFF, 0, 0xC3, 0x28]).write(to: workspace.url(".tidemill/p/lock"))
        try Orders.expectComplete(workspace)
    }

    /// A live lock is respected whatever its file says, by every command that writes.
    @Test func aLiveLockIsRespected() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        for number in 4..<200 { try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n") }
        let first = try RunningTidemill(["run", "p.sql", "--progress", "jsonl"], in: workspace.directory)
        #expect(first.firstLine().hasPrefix("{"))
        let pid = "pid \(first.process.processIdentifier)"
        for arguments in [["verify"], ["rollback", "--to-epoch", "1"], ["savepoint", "s"]] {
            let outcome = try RunningTidemill(["checkpoint"] + arguments + ["p.sql"], in: workspace.directory).finish()
            outcome.expectError("TIDEMILL_CHECKPOINT_LOCKED", pid, "started 20")
        }
        // Looking needs no lock.
        try workspace.tidemill("checkpoint", "list", "p.sql").expectSuccess()
        try workspace.tidemill("checkpoint", "show", "p.sql").expectSuccess()
        try workspace.write(".tidemill/p/lock", "gibberish")
        try workspace.tidemill("run", "p.sql").expectError("TIDEMILL_CHECKPOINT_LOCKED", "pid unknown on host unknown")
        try first.finish().expectSuccess()
    }

    /// Paths are not inside: a copy of storage and warehouse goes on from where it is.
    @Test func aCopyElsewhere() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try workspace.tidemill("run", "p.sql", "--max-epochs", "2").expectSuccess()
        try workspace.createDirectory("backup")
        try workspace.copy(".tidemill/p", "backup/storage")
        try workspace.copy("spark-warehouse", "backup/tables")
        try Orders.expectComplete(workspace)
        let outcome = try workspace.tidemill(
            "run", "p.sql", "--storage", "backup/storage", "--warehouse", "backup/tables")
        outcome.expectSuccess()
        #expect(outcome.err.contains("1 epoch, 3 rows"))
        let answer = try workspace.tidemill(
            "sql", "-e", "SELECT * FROM totals ORDER BY customer", "--format", "csv", "p.sql", "--warehouse",
            "backup/tables")
        #expect(Array(answer.outLines.dropFirst()) == Orders.totals)
        try workspace.tidemill("checkpoint", "verify", "p.sql", "--storage", "backup/storage").expectSuccess()
    }

    /// An old copy of the checkpoint beside newer tables of the same generation would repeat or lose epochs.
    @Test func tablesNewerThanTheLog() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
        try workspace.copy(".tidemill", "old")
        try Orders.expectComplete(workspace)
        try workspace.remove(".tidemill")
        try workspace.copy("old", ".tidemill")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectError("TIDEMILL_CORRUPT_LOG", "epoch 2 was committed, but the log ends with epoch 0")
        try Orders.expectTables(workspace)
    }

    @Test func aNewerFormat() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        let path = workspace.url(".tidemill/p/manifest")
        var bytes = [UInt8](try Data(contentsOf: path))
        bytes[8] = 99
        bytes.removeLast(4)
        bytes += withUnsafeBytes(of: CheckpointFactsTests.crc(bytes).littleEndian) { Array($0) }
        try Data(bytes).write(to: path)
        for arguments in [["run", "p.sql"], ["checkpoint", "list", "p.sql"]] {
            let outcome = try RunningTidemill(arguments, in: workspace.directory).finish()
            outcome.expectError("TIDEMILL_CHECKPOINT_NEWER_FORMAT", "manifest format 99")
        }
    }

    /// CRC-32C bit by bit (RFC 3720).
    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
        }
        return ~crc
    }

    @Test func filesThatAreNotThere() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        try workspace.write(".tidemill/p/log/0000000099.log", "not a segment")
        try workspace.tidemill("run", "p.sql").expectError("TIDEMILL_CORRUPT_LOG", "0000000099.log")
        try workspace.remove(".tidemill/p/log/0000000099.log")
        try workspace.write(".tidemill/p/notes.txt", "mine")
        let verify = try workspace.tidemill("checkpoint", "verify", "p.sql")
        verify.expectSuccess()
        #expect(verify.out.contains("notes.txt at byte 0: no part of the checkpoint"))
        let file = try #require(workspace.files(".tidemill/p").first { $0.hasSuffix(".log") })
        try workspace.remove(".tidemill/p/\(file)")
        try workspace.tidemill("run", "p.sql").expectError("TIDEMILL_CORRUPT_LOG")
        try Orders.expectTables(workspace)
    }
}
