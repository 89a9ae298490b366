import Foundation
import Testing

/// `tidemill checkpoint …`, as a person uses it.
@Suite struct CheckpointCommandTests {
    /// Three epochs, each published.
    private func workspace() throws -> Workspace {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        for number in 1...3 {
            try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
            #expect(number > 0)
        }
        return workspace
    }

    /// Times, sizes and random numbers are not the same twice.
    private func masked(_ text: String) -> String {
        text.replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/#, with: "<time>")
            .replacing(#/[0-9.]+ k?B\b/#, with: "<size>").replacing(#/\b[0-9a-f]{16}\b/#, with: "<generation>")
            .replacing(#/ +/#, with: " ")
    }

    @Test func listAndShow() throws {
        let workspace = try workspace()
        let list = try workspace.tidemill("checkpoint", "list", "p.sql")
        list.expectSuccess()
        #expect(
            masked(list.out) == """
                epoch time held for it alone
                2 <time> published last <size>
                1 <time> published <size>

                """)
        let show = try workspace.tidemill("checkpoint", "show", "p.sql")
        show.expectSuccess()
        let text = masked(show.out)
        for line in [
            "checkpoint of p", " generation <generation>", " fencing token 3", " committed epoch 2",
            " published epoch 2", " spark.sql.session.timeZone UTC", " totals.aggregate ", " orders ",
        ] {
            #expect(text.contains(line), "no \"\(line)\" in:\n\(text)")
        }
        let json = try workspace.tidemill("checkpoint", "show", "p.sql", "--json")
        json.expectSuccess()
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
        #expect(object["committed"] as? Int == 2 && object["pipeline"] as? String == "p")
        #expect((object["retained"] as? [[String: Any]])?.compactMap { $0["epoch"] as? Int } == [2, 1])
    }

    @Test func verify() throws {
        let workspace = try workspace()
        let sound = try workspace.tidemill("checkpoint", "verify", "p.sql")
        sound.expectSuccess()
        #expect(sound.out.contains(".tidemill/p: sound ("))
        for file in workspace.files(".tidemill/p") where !file.hasSuffix("lock") {
            let url = workspace.url(".tidemill/p/\(file)")
            let whole = try Data(contentsOf: url)
            var bytes = whole
            bytes[whole.count / 2] ^= 4
            try bytes.write(to: url)
            let outcome = try workspace.tidemill("checkpoint", "verify", "p.sql")
            outcome.expectError("TIDEMILL_CHECKPOINT_DAMAGED", file, "at byte")
            #expect(outcome.out.contains("damage: "))
            let json = try workspace.tidemill("checkpoint", "verify", "p.sql", "--json")
            #expect(json.status == 1 && json.out.contains("\"sound\":false"))
            try whole.write(to: url)
        }
        try workspace.tidemill("checkpoint", "verify", "p.sql").expectSuccess()
    }

    @Test func rollback() throws {
        let workspace = try workspace()
        let back = try workspace.tidemill("checkpoint", "rollback", "--to-epoch", "1", "p.sql")
        back.expectSuccess()
        #expect(back.out == "went back from epoch 2 to epoch 1\n  tables: big, totals\n")
        #expect(try workspace.rows("SELECT id FROM big ORDER BY id") == ["1", "2", "6"])
        #expect(
            try workspace.rows("SELECT * FROM totals ORDER BY customer") == [
                "ann,2,11.0", "bob,2,22.0", "cid,1,5.0", "dan,1,40.0",
            ])
        let other = try workspace.tidemill("checkpoint", "rollback", "--to-epoch", "0", "p.sql")
        other.expectError("TIDEMILL_EPOCH_NOT_RETAINED", "epoch 0 is not retained", "retained are: 1")
        try Orders.expectComplete(workspace)
        try workspace.tidemill("checkpoint", "verify", "p.sql").expectSuccess()
    }

    @Test func savepoint() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try workspace.tidemill("checkpoint", "savepoint", "first", "p.sql").expectError("TIDEMILL_CHECKPOINT_NOT_FOUND")
        try workspace.tidemill("run", "p.sql", "--max-epochs", "1").expectSuccess()
        let made = try workspace.tidemill("checkpoint", "savepoint", "first", "p.sql")
        made.expectSuccess()
        #expect(made.out == "savepoint first: epoch 0\n")
        try workspace.tidemill("checkpoint", "savepoint", "first", "p.sql").expectError("TIDEMILL_SAVEPOINT_EXISTS")
        try workspace.tidemill("checkpoint", "savepoint", "a b", "p.sql").expectError("TIDEMILL_SAVEPOINT_NAME")
        try Orders.expectComplete(workspace)
        for number in 4..<8 {
            try workspace.write("in/\(number).csv", Orders.header + "\(number),zoe,1\n")
            try workspace.tidemill("run", "p.sql").expectSuccess()
        }
        let list = try workspace.tidemill("checkpoint", "list", "p.sql")
        #expect(masked(list.out).contains("0 <time> savepoint first"), "\(list)")
        try workspace.tidemill("checkpoint", "rollback", "--to-epoch", "0", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT id FROM big ORDER BY id") == ["1", "2"])
        #expect(try workspace.rows("SELECT count(*), sum(n) FROM totals") == ["3,3"])
        let dropped = try workspace.tidemill("checkpoint", "savepoint", "--drop", "first", "p.sql")
        dropped.expectSuccess()
        #expect(dropped.out == "dropped savepoint first\n")
        try workspace.tidemill("checkpoint", "savepoint", "--drop", "first", "p.sql").expectError(
            "TIDEMILL_SAVEPOINT_NOT_FOUND", "there are none")
        for number in 4..<8 { try workspace.remove("in/\(number).csv") }
        try Orders.expectComplete(workspace)
    }

    /// After a rollback a savepoint and an epoch may have one number: they are told apart.
    @Test func savepointFromBeforeARollback() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try workspace.tidemill("run", "p.sql", "--max-epochs", "2").expectSuccess()
        try workspace.tidemill("checkpoint", "savepoint", "keep", "p.sql").expectSuccess()
        try Orders.expectComplete(workspace)
        try workspace.tidemill("checkpoint", "rollback", "--to-savepoint", "keep", "p.sql").expectSuccess()
        let lines = try workspace.tidemill("checkpoint", "list", "p.sql").outLines.filter { $0.hasPrefix("1 ") }
        #expect(lines.count == 2, "\(lines)")
        #expect(lines.first?.contains("published last") == true, "\(lines)")
        #expect(lines.last?.contains("savepoint keep, from before a rollback") == true, "\(lines)")
        try Orders.expectComplete(workspace)
    }

    /// Three files are the epochs 0 to 2. Whatever is cut off the log, tables and manifest show that epoch 2 was
    /// committed; a whole sector less is noticed by the second trailer.
    @Test func verifyFindsACutLog() throws {
        let workspace = try workspace()
        let log = try #require(workspace.files(".tidemill/p/log").last)
        let url = workspace.url(".tidemill/p/log/\(log)")
        let whole = try Data(contentsOf: url)
        for keep in [whole.count / 2, 4096, whole.count - 512, whole.count - 1, 0] {
            try whole.prefix(keep).write(to: url)
            let outcome = try workspace.tidemill("checkpoint", "verify", "p.sql")
            outcome.expectError("TIDEMILL_CHECKPOINT_DAMAGED", log)
            if keep == whole.count / 2 { #expect(outcome.err.contains("epoch 2 was committed"), "\(outcome)") }
        }
        try FileManager.default.removeItem(at: url)
        try workspace.tidemill("checkpoint", "verify", "p.sql").expectError(
            "epoch 2 was committed, but the log ends with epoch 1")
        try whole.write(to: url)
        try workspace.tidemill("checkpoint", "verify", "p.sql").expectSuccess()
    }

    /// A table whose marker was changed is no evidence, and is named.
    @Test func verifyNamesATamperedTable() throws {
        let workspace = try workspace()
        let url = workspace.url("spark-warehouse/totals/_tidemill")
        let whole = try Data(contentsOf: url)
        var bytes = whole
        bytes[whole.count / 2] ^= 1
        try bytes.write(to: url)
        let outcome = try workspace.tidemill("checkpoint", "verify", "p.sql")
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.err.contains("spark-warehouse/totals/_tidemill"), "\(outcome)")
        try whole.write(to: url)
        try workspace.tidemill("checkpoint", "verify", "p.sql").expectSuccess()
    }

    /// A version of a table that somebody removed is named before anything is changed.
    @Test func rollbackWithoutTheTable() throws {
        let workspace = try workspace()
        for name in try FileManager.default.contentsOfDirectory(atPath: workspace.url("spark-warehouse").path)
        where name.hasPrefix(".totals.old-") { try workspace.remove("spark-warehouse/\(name)") }
        let outcome = try workspace.tidemill("checkpoint", "rollback", "--to-epoch", "1", "p.sql")
        outcome.expectError("TIDEMILL_RETAINED_TABLE_MISSING", "totals", "nothing was changed")
        #expect(try workspace.tidemill("checkpoint", "list", "p.sql").out.contains("not whole"))
        try Orders.expectTables(workspace)
    }

    @Test func withoutACheckpoint() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        for verb in ["list", "show", "verify"] {
            try workspace.tidemill("checkpoint", verb, "p.sql").expectError(
                "TIDEMILL_CHECKPOINT_NOT_FOUND", "run the pipeline")
        }
        #expect(try workspace.tidemill("checkpoint", "rollback", "p.sql").status == 2)
        #expect(!workspace.exists(".tidemill"))
    }
}
