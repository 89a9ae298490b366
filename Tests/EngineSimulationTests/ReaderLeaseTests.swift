import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// What readers with a lease found stays until they are done.
@Suite struct ReaderLeaseTests {
    private static let sql = """
        CREATE TABLE sales (id INT, customer STRING) USING csv OPTIONS (path 'in', header 'true');
        CREATE STREAMING TABLE big AS SELECT * FROM STREAM sales;
        CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) AS n FROM sales GROUP BY customer;
        """
    private static let checkpoint = SimulatedMachine.root.appending("checkpoint")
    private static let warehouse = SimulatedMachine.root.appending("spark-warehouse")

    /// Everything is published, flushed, merged and removed at once.
    private static func machine() throws -> SimulatedMachine {
        let machine = SimulatedMachine(seed: 5)
        machine.settings = [
            "tidemill.publishInterval": "0 ms", "tidemill.flushBytes": "0", "tidemill.retain.epochs": "1",
            "tidemill.readerGrace": "0 s",
        ]
        machine.log.segmentBytesMax = 1024
        machine.maintenance.deadLogBytes = 0
        machine.maintenance.mergesAllAtExit = true
        try epochs(1...2, machine)
        return machine
    }

    private static func epochs(_ files: ClosedRange<Int>, _ machine: SimulatedMachine) throws {
        for file in files {
            try machine.write("in/\(file).csv", "id,customer\n\(file),ann\n\(file + 100),bob\n")
            try machine.run(sql)
        }
    }

    /// Runs, segments, and versions of tables.
    private static func names(_ machine: SimulatedMachine) throws -> Set<String> {
        var names: Set<String> = []
        for folder in [checkpoint.appending("runs"), checkpoint.appending("log"), warehouse] {
            names.formUnion(try machine.names(folder).map { "\(folder)/\($0)" })
        }
        return names
    }

    @Test func nothingThatAReaderFoundIsRemoved() throws {
        let machine = try Self.machine()
        let found = try Self.names(machine)
        var lease = try ReaderLease.take(Self.checkpoint, environment: machine.environment)
        #expect(lease != nil)
        try Self.epochs(3...5, machine)
        let held = try Self.names(machine)
        #expect(found.isSubset(of: held), "\(found.subtracting(held))")
        #expect(held.count { $0.contains(".totals.old-") } == 3)
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).damage == [])
        lease = nil
        withExtendedLifetime(lease) {}
        // The retained epoch's version is kept anyway.
        try Self.epochs(6...7, machine)
        let end = try Self.names(machine)
        #expect(end.count { $0.contains(".totals.old-") } <= 1)
        #expect(end.isDisjoint(with: found.filter { $0.hasSuffix(".run") || $0.hasSuffix(".log") }))
        #expect(try verifyCheckpoint(Self.checkpoint, files: machine.disk).problems == [])
        #expect(try machine.names(Self.checkpoint.appending("readers")) == [])
    }

    /// The file of a reader that died says nothing, and goes.
    @Test func aDeadReaderHoldsNothing() throws {
        let machine = try Self.machine()
        let readers = Self.checkpoint.appending("readers")
        try machine.disk.createDirectory(readers)
        try machine.disk.createDurably(readers.appending("4d2"), [])
        let found = try Self.names(machine)
        try Self.epochs(3...5, machine)
        #expect(try Self.names(machine).isDisjoint(with: found.filter { $0.hasSuffix(".run") }))
        #expect(try machine.names(readers) == [])
    }

    /// A query that began before later epochs gives what was committed then.
    @Test func aSnapshotStays() throws {
        let machine = try Self.machine()
        let pipeline = try machine.pipeline(Self.sql)
        let snapshot = try CommittedSnapshot.open(
            pipeline.definition.datasets, storage: Self.checkpoint, connectors: pipeline.connectors,
            environment: machine.environment)
        #expect(snapshot.epoch == Epoch(1))
        try Self.epochs(3...5, machine)
        for dataset in pipeline.definition.datasets {
            let source = try #require(snapshot.source(dataset))
            var rows = 0
            for split in try source.snapshot().splits {
                let reader = try source.open(split, columns: [0])
                while let batch = try reader.next() { rows += batch.count }
            }
            #expect(rows == (dataset.name == "big" ? 4 : 2))
        }
    }

    @Test func aRollbackThatWasCutOffIsSaid() throws {
        let machine = try Self.machine()
        var cut = 0
        while true {
            let disk = machine.disk.copied()
            let other = SimulatedMachine(disk, seed: 9)
            other.disk.cutPower(afterCalls: cut, finishing: true)
            _ = try? other.pipeline(Self.sql).retainedEpochs().rollBack(to: Epoch(1))
            let next = SimulatedMachine(other.disk.killed(), seed: 10)
            let manifest = try RecoveredCheckpoint.read(Self.checkpoint, files: next.disk)?.manifest
            let query = SourceText(name: "query", text: "SELECT count(*) FROM big")
            if manifest?.rollback?.isDecided == true {
                let error = #expect(throws: TidemillError.self) { try next.pipeline(Self.sql).query(query) }
                #expect(error?.code == "TIDEMILL_ROLLBACK_UNFINISHED")
                return
            }
            _ = try next.pipeline(Self.sql).query(query)
            cut += 1
            try #require(cut < 200)
        }
    }
}
