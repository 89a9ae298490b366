import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// What is hidden beside the directory of a table that left the pipeline: removed when nobody needs it, and only ours.
@Suite struct AbandonedTableTests {
    private static let source = """
        CREATE TABLE sales (id INT, customer STRING) USING csv OPTIONS (path 'in', header 'true');
        CREATE STREAMING TABLE kept AS SELECT id FROM STREAM sales;

        """
    private static let leaving = """
        CREATE MATERIALIZED VIEW v AS SELECT customer, count(*) AS n FROM sales GROUP BY customer;
        CREATE MATERIALIZED VIEW text USING json AS SELECT customer, max(id) AS id FROM sales GROUP BY customer;
        CREATE STREAMING TABLE s AS SELECT id FROM STREAM sales;
        CREATE SINK copy USING csv OPTIONS (path 'out/copy', header 'true') AS FROM v;
        """
    private static let warehouse = SimulatedMachine.root.appending("spark-warehouse")
    private static let out = SimulatedMachine.root.appending("out")

    /// Three epochs, then a pipeline without the tables.
    private static func machine() throws -> SimulatedMachine {
        let machine = SimulatedMachine(seed: 1)
        machine.settings["tidemill.publishInterval"] = "0 ms"
        machine.settings["tidemill.retain.epochs"] = "1"
        machine.tableOptions.inlineBytesMax = 0
        for file in 1...3 {
            try machine.write("in/\(file).csv", "id,customer\n\(file),ann\n\(file + 10),bob\n")
            try machine.run(source + leaving)
        }
        return machine
    }

    /// Hidden names, but for the rows of a text table and the staging folders of tables in the pipeline.
    private static func hidden(_ machine: SimulatedMachine) throws -> [String] {
        try (machine.names(warehouse) + machine.names(out)).filter {
            $0.hasPrefix(".") && $0 != ".kept.staging" && $0 != ".text.rows"
        }
    }

    @Test func nothingStaysBesideATableThatLeft() throws {
        let machine = try Self.machine()
        let before = try Self.hidden(machine)
        for part in [".v.old-", "..text.rows.old-", ".text.old-", ".s.staging", ".copy.old-"] {
            #expect(before.contains { $0.hasPrefix(part) }, "\(part) in \(before)")
        }
        // Within the grace of readers, what was swapped out stays.
        try machine.run(Self.source)
        #expect(try Self.hidden(machine).contains { $0.hasPrefix(".v.old-") })
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == [])
        // The tables themselves are their owner's.
        #expect(try machine.names(Self.warehouse) == [".kept.staging", ".text.rows", "kept", "s", "text", "v"])
        #expect(try machine.names(Self.out) == ["copy"])
        // And come back as if they had never left.
        try machine.run(Self.source + Self.leaving)
        #expect(try machine.rows(Self.source + Self.leaving, "v").map { $0[1].value } == [.integer(3), .integer(3)])
    }

    /// A savepoint keeps versions of tables that have left: with their definition they come back by a rollback.
    @Test func savepointsKeepTheirVersions() throws {
        let machine = SimulatedMachine(seed: 1)
        machine.settings["tidemill.retain.epochs"] = "1"
        try machine.write("in/1.csv", "id,customer\n1,ann\n")
        let all = Self.source + Self.leaving
        try machine.run(all)
        _ = try machine.pipeline(all).retainedEpochs().createSavepoint("first")
        try machine.write("in/2.csv", "id,customer\n2,ann\n")
        try machine.run(all)
        machine.clock.advance(micros: 600_000_000)
        for file in 3...5 {
            try machine.write("in/\(file).csv", "id,customer\n\(file),ann\n")
            try machine.run(Self.source)
        }
        _ = try machine.pipeline(all).retainedEpochs().rollBack(toSavepoint: "first")
        #expect(try machine.rows(all, "v").map { $0[1].value } == [.integer(1)])
        _ = try machine.pipeline(all).retainedEpochs().dropSavepoint("first")
        try machine.run(all)
        #expect(try machine.rows(all, "v").map { $0[1].value } == [.integer(5)])
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        machine.clock.advance(micros: 600_000_000)
        try machine.write("in/6.csv", "id,customer\n6,ann\n")
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == [])
    }

    /// Somebody else's table, or somebody's files, in the same place: nothing is touched.
    @Test(arguments: ["another marker", "no marker", "no directory"])
    func othersAreLeftAlone(_ what: String) throws {
        let machine = try Self.machine()
        let place = Self.warehouse.appending("v")
        let before = try Self.hidden(machine).filter { $0.hasPrefix(".v.") }
        let other = SimulatedMachine(seed: 99)
        try other.write("in/1.csv", "id,customer\n1,ann\n")
        try other.run(Self.source + Self.leaving)
        let marker = try other.disk.contents(of: place.appending("_tidemill"))
        switch what {
        case "another marker":
            try machine.disk.remove(place.appending("_tidemill"))
            try machine.disk.createDurably(place.appending("_tidemill"), marker)
        case "no marker": try machine.disk.remove(place.appending("_tidemill"))
        default:
            try machine.disk.removeTree(place)
            // Versions that say themselves whose they are: these are of another checkpoint.
            for name in before {
                let path = Self.warehouse.appending(name).appending("_tidemill")
                if try machine.disk.exists(path) {
                    try machine.disk.remove(path)
                    try machine.disk.createDurably(path, marker)
                }
            }
        }
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == before)
    }

    /// A start that was cut off left the folders it tries the file system with, and no table. Seed 1031 found it.
    @Test func probesGoToo() throws {
        let machine = try Self.machine()
        try machine.disk.removeTree(Self.out.appending("copy"))
        for name in [".copy.probe-a", ".copy.probe-b"] { try machine.disk.createDirectory(Self.out.appending(name)) }
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == [])
    }

    /// So does a replacement that was cut off before its marker was written. Seed 2724 found it.
    @Test func replacementsThatWereBegunGoToo() throws {
        let machine = try Self.machine()
        try machine.disk.removeTree(Self.out.appending("copy"))
        let stage = Self.out.appending(".copy.next-7")
        try machine.disk.createDirectory(stage)
        try machine.disk.createDurably(stage.appending("part-00000-000000000007-207284ddd7f0f86b.csv"), [])
        let others = Self.out.appending(".copy.next-8")
        try machine.disk.createDirectory(others)
        try machine.disk.createDurably(others.appending("notes.txt"), [])
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == [".copy.next-8"])
    }

    /// A table whose checkpoint went back, and back again without the table in the pipeline. Seed 2610 found it.
    @Test func generationsOfEarlierRollbacksAreKnown() throws {
        let machine = try Self.machine()
        let all = Self.source + Self.leaving
        let last = Epoch(2)
        _ = try machine.pipeline(all).retainedEpochs().rollBack(to: last)
        for _ in 0..<2 { _ = try machine.pipeline(Self.source).retainedEpochs().rollBack(to: last) }
        for _ in 0..<2 {
            machine.clock.advance(micros: 600_000_000)
            try machine.run(Self.source)
        }
        #expect(try Self.hidden(machine) == [])
    }

    /// A rollback that was cut off anywhere, and is finished without the table in the pipeline. Seed 7458 found it.
    @Test func halfARollbackLeavesNothing() throws {
        let start = try Self.machine()
        for cut in 0..<120 {
            let machine = SimulatedMachine(start.disk.copied(), seed: UInt64(cut))
            machine.disk.cutPower(afterCalls: cut)
            let rolledBack: Void? = try? {
                _ = try machine.pipeline(Self.source + Self.leaving).retainedEpochs().rollBack(to: Epoch(2))
            }()
            let next = SimulatedMachine(machine.disk.crashed(seed: UInt64(cut)), seed: UInt64(cut) + 500)
            next.settings = start.settings
            for file in 4...6 {
                next.clock.advance(micros: 600_000_000)
                try next.write("in/\(file).csv", "id,customer\n\(file),ann\n")
                try next.run(Self.source)
            }
            #expect(try Self.hidden(next) == [], "cut \(cut), \(rolledBack == nil ? "cut off" : "whole")")
        }
    }

    /// A marker that cannot be read now says nothing for good. Seed 20525 found it.
    @Test func anUnreadableMarkerIsLookedAtAgain() throws {
        let machine = try Self.machine()
        let path = Self.warehouse.appending("v").appending("_tidemill")
        let marker = try machine.disk.contents(of: path)
        try machine.disk.remove(path)
        try machine.disk.createDurably(path, Array(marker.dropLast()))
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine).contains { $0.hasPrefix(".v.old-") })
        try machine.disk.remove(path)
        try machine.disk.createDurably(path, marker)
        try machine.run(Self.source)
        #expect(try Self.hidden(machine) == [])
    }

    /// A table that moved leaves nothing at its old place.
    @Test func aTableThatMoved() throws {
        let machine = try Self.machine()
        let moved = Self.leaving.replacing(
            "VIEW v AS", with: "VIEW v TBLPROPERTIES ('tidemill.location' = 'elsewhere/v') AS")
        _ = try? machine.run(Self.source + moved)
        machine.clock.advance(micros: 600_000_000)
        machine.refreshed = ["v"]
        try machine.run(Self.source + moved)
        machine.refreshed = []
        machine.clock.advance(micros: 600_000_000)
        try machine.run(Self.source + moved)
        #expect(try Self.hidden(machine).filter { $0.hasPrefix(".v.") } == [])
        #expect(try machine.names(Self.warehouse.appending("elsewhere")).contains("v"))
    }
}
