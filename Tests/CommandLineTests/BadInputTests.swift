import Foundation
import Testing

/// Input that is missing, unreadable or wrong. Each is an error with its place, or a named and counted bad row; nothing
/// is lost afterwards.
@Suite struct BadInputTests {
    let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try Orders.write(to: workspace)
    }

    @Test func missingDirectory() throws {
        try FileManager.default.moveItem(at: workspace.url("in"), to: workspace.url("elsewhere"))
        try workspace.tidemill("run", "p.sql").expectError("PATH_NOT_FOUND", "/in", "p.sql:1:14", "hint: ")
        try FileManager.default.moveItem(at: workspace.url("elsewhere"), to: workspace.url("in"))
        try Orders.expectComplete(workspace)
    }

    @Test func emptyDirectoryIsNoError() throws {
        for name in workspace.files("in") { try workspace.remove("in/\(name)") }
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT count(*) FROM totals") == ["0"])
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
    }

    /// Root reads files of any mode: there a dangling link is what cannot be read.
    @Test func unreadableFile() throws {
        try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
        if geteuid() == 0 {
            try FileManager.default.createSymbolicLink(
                atPath: workspace.url("in/2b.csv").path, withDestinationPath: "/nonexistent/file")
            try workspace.tidemill("run", "p.sql").expectSuccess()
            try workspace.remove("in/2b.csv")
        } else {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0], ofItemAtPath: workspace.url("in/2.csv").path)
            try workspace.tidemill("run", "p.sql").expectError("in/2.csv", "Permission denied")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: workspace.url("in/2.csv").path)
        }
        try Orders.expectComplete(workspace)
    }

    @Test func directoryNamedAsAFile() throws {
        try workspace.createDirectory("in/0.csv")
        try Orders.expectComplete(workspace)
    }

    /// A view starts over from the files that are there: `dry-run` says so before, and the run that does it.
    @Test func fileThatVanishesAfterItWasRead() throws {
        try Orders.expectComplete(workspace)
        let tables = try workspace.rows("SELECT * FROM totals ORDER BY customer")
        try FileManager.default.moveItem(at: workspace.url("in/1.csv"), to: workspace.url("1.csv"))
        let dry = try workspace.tidemill("dry-run", "p.sql")
        dry.expectSuccess()
        #expect(dry.out.contains("in/1.csv changed or vanished after being read: reads again"), "\(dry)")
        for isBack in [false, true] {
            if isBack { try FileManager.default.moveItem(at: workspace.url("1.csv"), to: workspace.url("in/1.csv")) }
            let outcome = try workspace.tidemill("run", "p.sql", "--progress", "jsonl")
            outcome.expectSuccess()
            #expect(outcome.err.contains("flow totals is rebuilt, since"), "\(outcome)")
            #expect(outcome.err.contains("in/1.csv changed or vanished after being read"), "\(outcome)")
            #expect(outcome.out.contains("\"changedFiles\":1"), "\(outcome)")
            #expect(try (workspace.rows("SELECT * FROM totals ORDER BY customer") == tables) == isBack)
        }
        try Orders.expectTables(workspace)
        let quiet = try workspace.tidemill("run", "p.sql", "--progress", "jsonl")
        #expect(quiet.out.isEmpty && !quiet.err.contains("rebuilt"), "\(quiet)")
    }

    /// Where files never change, rows of one that was read stay; the run says that it is gone.
    @Test func immutableFileThatVanishesAfterItWasRead() throws {
        try workspace.write("p.sql", Orders.sql(options: ", tidemill.changedFiles 'immutable'"))
        try Orders.expectComplete(workspace)
        try workspace.remove("in/1.csv")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        #expect(outcome.err.contains("in/1.csv"), "\(outcome)")
        #expect(outcome.err.contains("vanished"), "\(outcome)")
        try Orders.expectTables(workspace)
    }

    /// A rebuild cannot read it any more: that is an error that names it, and the table stays as it was.
    @Test func fileThatVanishesBeforeARebuild() throws {
        try workspace.write("p.sql", Orders.sql(options: ", tidemill.changedFiles 'immutable'"))
        try Orders.expectComplete(workspace)
        try FileManager.default.moveItem(at: workspace.url("in/1.csv"), to: workspace.url("1.csv"))
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totals").expectError("in/1.csv", "hint: ")
        try Orders.expectTables(workspace)
        try FileManager.default.moveItem(at: workspace.url("1.csv"), to: workspace.url("in/1.csv"))
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totals").expectSuccess()
        try Orders.expectTables(workspace)
    }

    @Test func changedFileIsNamed() throws {
        try Orders.expectComplete(workspace)
        try workspace.write("in/1.csv", Orders.header + "1,ann,10\n2,bob,20\n3,cid,5\n99,zoe,1\n")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        #expect(outcome.err.contains("in/1.csv"), "\(outcome)")
    }

    @Test func failfastNamesFileAndLine() throws {
        try workspace.write("p.sql", Orders.sql(options: ", mode 'FAILFAST'"))
        try workspace.write("in/2.csv", Orders.header + "4,ann,1\n5,bob,two\n6,dan,40\n")
        // In its place between the others, however long ago they were written.
        for (second, name) in ["1", "2", "3"].enumerated() {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + Double(second))],
                ofItemAtPath: workspace.url("in/\(name).csv").path)
        }
        try workspace.tidemill("run", "p.sql")
            .expectError("MALFORMED_RECORD_IN_PARSING", "amount", "two", "in/2.csv:3", "PERMISSIVE")
        // The first file's epoch is kept; the mended file follows.
        #expect(try workspace.rows("SELECT sum(n) FROM totals") == ["3"])
        try Orders.write(to: workspace, sql: Orders.sql(options: ", mode 'FAILFAST'"))
        try Orders.expectComplete(workspace)
    }

    @Test func permissiveReadsNullAndSaysSo() throws {
        try workspace.write("in/2.csv", Orders.header + "4,ann,1\n5,bob,two\n6,dan,40\n")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        #expect(outcome.err.contains("in/2.csv:3"), "\(outcome)")
        #expect(outcome.err.contains("'two'"), "\(outcome)")
        #expect(outcome.err.contains("1 bad row"), "\(outcome)")
        #expect(try workspace.rows("SELECT n, amount FROM totals WHERE customer = 'bob'") == ["2,20.0"])
    }

    @Test func notNullRowIsKeptOutCountedAndNamed() throws {
        let sql = Orders.sql(columns: "id INT NOT NULL, customer STRING NOT NULL, amount DOUBLE")
        try Orders.write(to: workspace, sql: sql)
        try workspace.write("in/4.csv", Orders.header + "10,fay,1\nx,gus,2\n12,,3\n")
        let outcome = try workspace.tidemill("run", "p.sql")
        outcome.expectSuccess()
        for part in ["in/4.csv:3", "in/4.csv:4", "id", "customer", "2 bad rows", "2 of them left out"] {
            #expect(outcome.err.contains(part), "no \"\(part)\" in \(outcome)")
        }
        let sets = "SELECT customer FROM totals WHERE customer IS NULL OR customer IN ('fay', 'gus')"
        #expect(try workspace.rows(sets) == ["fay"])
    }

    /// A German 12,50 would be read as 1250: what an option asks for is done or refused.
    @Test func localeThatIsNotRead() throws {
        try workspace.write("p.sql", Orders.sql(options: ", locale 'de-DE'"))
        try workspace.tidemill("run", "p.sql").expectError("'locale'", "de-DE", "p.sql:1:14", "hint: ", "STRING")
    }

    @Test func wrongHeaderIsNoticed() throws {
        try workspace.write("p.sql", Orders.sql(options: ", enforceSchema 'false'"))
        try workspace.write("in/2.csv", "id,amount,customer\n4,1,ann\n")
        try workspace.tidemill("run", "p.sql").expectError("in/2.csv", "header")
    }
}
