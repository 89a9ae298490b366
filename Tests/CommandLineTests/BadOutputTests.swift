import Foundation
import Testing

/// Places that cannot be written or belong to somebody else.
@Suite struct BadOutputTests {
    let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try Orders.write(to: workspace)
    }

    @Test func foreignDirectoryInTheWarehouse() throws {
        try workspace.write("spark-warehouse/totals/notes.txt", "mine")
        try workspace.tidemill("run", "p.sql").expectError("spark-warehouse/totals", "hint: ")
        #expect(try String(contentsOf: workspace.url("spark-warehouse/totals/notes.txt"), encoding: .utf8) == "mine")
        try workspace.remove("spark-warehouse/totals")
        try Orders.expectComplete(workspace)
    }

    /// The rows of another checkpoint's streaming table are final: they are not taken over. A view's are computed anew.
    @Test func tablesOfAnotherCheckpoint() throws {
        try Orders.expectComplete(workspace)
        try workspace.tidemill("run", "p.sql", "--storage", "other")
            .expectError("TIDEMILL_TABLE_OF_ANOTHER_CHECKPOINT", "spark-warehouse/big", "--storage", "--full-refresh")
        try Orders.expectComplete(workspace)
        try workspace.remove("spark-warehouse/big")
        try workspace.tidemill("run", "p.sql", "--storage", "third").expectSuccess()
        try Orders.expectTables(workspace)
    }

    @Test func warehouseThatIsAFile() throws {
        try workspace.write("warehouse", "no folder")
        try workspace.tidemill("run", "p.sql", "--warehouse", "warehouse").expectError("warehouse")
        try Orders.expectComplete(workspace)
    }

    @Test func storageThatIsAFile() throws {
        try workspace.write("storage", "no folder")
        try workspace.tidemill("run", "p.sql", "--storage", "storage").expectError("storage")
        try Orders.expectComplete(workspace)
    }

    /// /proc takes no directories, not even from root.
    @Test func unwritableStorage() throws {
        try workspace.tidemill("run", "p.sql", "--storage", "/proc/tidemill").expectError("/proc/tidemill")
        #expect(!workspace.exists("spark-warehouse"))
        try Orders.expectComplete(workspace)
    }

    @Test func unwritableWarehouse() throws {
        try workspace.tidemill("run", "p.sql", "--warehouse", "/proc/tidemill").expectError("/proc/tidemill")
        try Orders.expectComplete(workspace)
    }

    @Test func tableThatWasDeleted() throws {
        try Orders.expectComplete(workspace)
        try workspace.remove("spark-warehouse/totals")
        try workspace.tidemill("run", "p.sql").expectError("TIDEMILL_TABLE_MISSING", "totals", "--full-refresh totals")
        try workspace.tidemill("run", "p.sql", "--full-refresh", "totals").expectSuccess()
        try Orders.expectTables(workspace)
    }

    /// With another warehouse the tables would begin with what comes in from now on.
    @Test func warehouseThatIsAnother() throws {
        try Orders.expectComplete(workspace)
        try workspace.tidemill("run", "p.sql", "--warehouse", "other")
            .expectError("TIDEMILL_TABLE_MISSING", "--warehouse", "--full-refresh")
        try Orders.expectComplete(workspace)
    }

    @Test func tableFileThatWasDeleted() throws {
        try Orders.expectComplete(workspace)
        let file = workspace.files("spark-warehouse/totals").first { $0.hasSuffix(".parquet") }
        try workspace.remove("spark-warehouse/totals/\(#require(file))")
        try workspace.write("in/4.csv", Orders.header + "10,ann,1\n")
        let outcome = try workspace.tidemill("run", "p.sql")
        if outcome.status == 0 {
            #expect(try workspace.rows("SELECT n FROM totals ORDER BY customer") == ["4", "2", "1", "2", "1"])
        } else {
            outcome.expectError("TIDEMILL_TABLE_FILE_MISSING", "totals", "remove its folder", "--full-refresh totals")
            try workspace.remove("spark-warehouse/totals")
            try workspace.tidemill("run", "p.sql", "--full-refresh", "totals").expectSuccess()
            #expect(try workspace.rows("SELECT n FROM totals ORDER BY customer") == ["4", "2", "1", "2", "1"])
        }
    }
}
