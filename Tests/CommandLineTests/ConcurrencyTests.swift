import Foundation
import Testing

/// Two processes and one checkpoint.
@Suite struct ConcurrencyTests {
    /// The first process stops writing its progress when the pipe is full, and so keeps the lock until it is read.
    @Test func secondProcessIsToldWhoWrites() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        for number in 4..<200 { try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n") }
        let first = try RunningTidemill(["run", "p.sql", "--progress", "jsonl"], in: workspace.directory)
        #expect(first.firstLine().hasPrefix("{"))

        let second = try workspace.tidemill("run", "p.sql")
        second.expectError("TIDEMILL_CHECKPOINT_LOCKED", "pid \(first.process.processIdentifier)", "--storage")
        let other = try workspace.tidemill("run", "p.sql", "--storage", "other", "--warehouse", "tables")
        other.expectSuccess()

        let outcome = try first.finish()
        outcome.expectSuccess()
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT n, amount FROM totals WHERE customer = 'zoe'") == ["196,196.0"])
        #expect(try workspace.rows("SELECT count(*) FROM big") == ["4"])
    }

    @Test func readerNeedsNoLock() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        for number in 4..<200 { try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n") }
        let first = try RunningTidemill(["run", "p.sql", "--progress", "jsonl"], in: workspace.directory)
        #expect(first.firstLine().hasPrefix("{"))
        #expect(try workspace.rows("SELECT n FROM totals WHERE customer = 'cid'") == ["1"])
        try first.finish().expectSuccess()
    }

    /// `kill -9` at any moment: the next run continues, and every row is there once.
    @Test func killedProcess() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        for number in 4..<200 { try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n") }
        let first = try RunningTidemill(["run", "p.sql", "--progress", "jsonl"], in: workspace.directory)
        #expect(first.firstLine().hasPrefix("{"))
        kill(first.process.processIdentifier, SIGKILL)
        #expect(try first.finish().status == nil)
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT n, amount FROM totals WHERE customer = 'zoe'") == ["196,196.0"])
        #expect(try workspace.rows("SELECT count(*) FROM big") == ["4"])
    }
}
