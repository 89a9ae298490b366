import Foundation
import Testing

/// One flipped byte in the checkpoint after a clean exit: the next run ends with an error or the exactly right tables,
/// never with a crash, a hang or wrong rows.
@Suite struct DamageTests {
    /// Positions looked at, spread over all files of the checkpoint.
    private static let samples = 60

    @Test func flippedBytes() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        try FileManager.default.moveItem(at: workspace.url(".tidemill"), to: workspace.url("good"))
        try FileManager.default.moveItem(at: workspace.url("spark-warehouse"), to: workspace.url("tables"))
        try workspace.write("in/4.csv", Orders.header + "10,ann,1\n11,fay,50\n")
        let totals = ["ann,4,112.0", "bob,2,22.0", "cid,1,5.0", "dan,2,0.0", "eve,1,0.5", "fay,1,50.0"]

        var positions: [(file: String, offset: Int)] = []
        let files = workspace.files("good").filter { !$0.hasSuffix("lock") }
        #expect(files.contains { $0.hasSuffix(".log") })
        let sizes = try files.map { try Data(contentsOf: workspace.url("good/\($0)")).count }
        let step = max(1, sizes.reduce(0, +) / DamageTests.samples)
        for (file, size) in zip(files, sizes) {
            positions += stride(from: 0, to: size, by: min(step, max(1, size / 4))).map { (file, $0) }
        }
        var errors = 0
        for (index, position) in positions.enumerated() {
            try? workspace.remove(".tidemill")
            try? workspace.remove("spark-warehouse")
            try workspace.copy("good", ".tidemill")
            try workspace.copy("tables", "spark-warehouse")
            let file = workspace.url(".tidemill/\(position.file)")
            var bytes = try Data(contentsOf: file)
            bytes[position.offset] ^= UInt8(1 << (index % 8))
            try bytes.write(to: file)

            let outcome = try workspace.tidemill("run", "p.sql")
            let place: Comment = "byte \(position.offset) of \(position.file): \(outcome)"
            if outcome.status == 0 {
                #expect(try workspace.rows("SELECT * FROM totals ORDER BY customer") == totals, place)
                #expect(try workspace.rows("SELECT id FROM big ORDER BY id") == Orders.big + ["11"], place)
            } else {
                errors += 1
                #expect(outcome.status == 1, place)
                #expect(outcome.errors.count == 1, place)
                #expect(!outcome.err.contains("Fatal error") && !outcome.err.contains("TIDEMILL_INTERNAL"), place)
            }
        }
        // Most of a checkpoint is needed and checksummed.
        #expect(errors > positions.count / 4, "\(errors) of \(positions.count)")
    }

    @Test func truncatedLog() throws {
        let workspace = try Workspace()
        try Orders.write(to: workspace)
        try Orders.expectComplete(workspace)
        let log = try #require(workspace.files(".tidemill").last { $0.hasSuffix(".log") })
        let whole = try Data(contentsOf: workspace.url(".tidemill/\(log)"))
        for keep in [0, 1, whole.count / 2, whole.count - 1] {
            try whole.prefix(keep).write(to: workspace.url(".tidemill/\(log)"))
            let outcome = try workspace.tidemill("run", "p.sql")
            if outcome.status == 0 {
                try Orders.expectTables(workspace)
            } else {
                outcome.expectError(".log")
            }
            try whole.write(to: workspace.url(".tidemill/\(log)"))
        }
    }
}
