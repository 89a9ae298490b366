import Foundation
import Testing
import TideSimulation

@testable import TideEngine

@Suite struct PlanRegistryTests {
    private func sample() -> PlanRegistry {
        var registry = PlanRegistry()
        registry.flows["daily"] = .init(
            dataset: "daily", fingerprint: "ab12", operators: [registry.newOwner(), registry.newOwner()],
            descriptions: [
                .init(
                    name: "aggregate", signature: "by k STRING: count(*)",
                    parts: [
                        .init(
                            name: "left", columns: ["hash", "live", "k", "n"],
                            types: [.bigint, .boolean, .string, .decimal(precision: 38, scale: 0)],
                            readTypes: [.bigint, .boolean, .string, .decimal(precision: 38, scale: 2)],
                            keyColumns: [2])
                    ]), .init(name: "join", signature: "", parts: []),
            ])
        registry.flows["F with ü"] = .init(dataset: "other", fingerprint: "", operators: [])
        registry.sources["sales;header=true"] = registry.newOwner()
        registry.tables["daily"] = registry.newOwner()
        return registry
    }

    @Test func ownersAreNeverReused() {
        var registry = PlanRegistry()
        #expect((0..<5).map { _ in registry.newOwner() } == [1, 2, 3, 4, 5])
        #expect(registry.nextOwner == 6)
    }

    @Test func roundTrip() throws {
        for registry in [PlanRegistry(), sample()] {
            let again = try PlanRegistry(decoding: registry.encoded)
            #expect(again == registry)
            #expect(again.encoded == registry.encoded)
        }
    }

    /// Damaged bytes are an error or another registry, never a trap; cut ones are always an error.
    @Test func mutations() {
        let bytes = sample().encoded
        for count in bytes.indices {
            #expect(throws: TidemillError.self) { try PlanRegistry(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: TidemillError.self) { try PlanRegistry(decoding: bytes + [0]) }
        #expect(throws: TidemillError.self) { try PlanRegistry(decoding: [9] + bytes.dropFirst()) }
        for index in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF, bytes[index] &+ 1] as [UInt8] where value != bytes[index] {
                var changed = bytes
                changed[index] = value
                do throws(TidemillError) {
                    #expect(try PlanRegistry(decoding: changed) != sample(), "byte \(index)")
                } catch { #expect(error.kind == .corruption, "byte \(index)") }
            }
        }
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let noise = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? PlanRegistry(decoding: [1] + noise)
        }
    }
}

/// What a start means for each flow.
@Suite struct FlowDecisionsTests {
    private static let tables = "CREATE TABLE s (k STRING, v DOUBLE) USING csv OPTIONS (path 'in/s');\n"

    private func definition(_ sql: String) throws -> PipelineDefinition {
        let analyzer = PipelineAnalyzer(name: "p", projectDirectory: "/p", configuration: [:]) { _ in Schema([]) }
        return try analyzer.analyze(scripts: [SourceText(name: "p.sql", text: Self.tables + sql)])
    }

    private func fingerprints(_ definition: PipelineDefinition) -> [String: String] {
        var all: [String: String] = [:]
        for flow in definition.datasets.flatMap(\.flows) {
            all[flow.name] = Fingerprint.of(flow.analyzed, relations: definition.relations).description
        }
        return all
    }

    /// Decisions for `new`, started on the checkpoint that `old` left.
    private func decide(_ old: String, _ new: String, refreshed: Set<String> = []) throws -> [String: FlowDecisions
        .Decision]
    {
        var registry = PlanRegistry()
        let before = try definition(old)
        let prints = fingerprints(before)
        for dataset in before.datasets {
            for flow in dataset.flows {
                registry.flows[flow.name] = .init(
                    dataset: dataset.name.lowercased(), fingerprint: prints[flow.name] ?? "", operators: [])
            }
        }
        let after = try definition(new)
        return FlowDecisions.decide(
            after, fingerprints: fingerprints(after), registry: registry,
            refreshed: Dictionary(uniqueKeysWithValues: refreshed.map { ($0, "asked") })
        ).flows
    }

    private let views = """
        CREATE MATERIALIZED VIEW a AS SELECT k, count(*) AS n FROM s GROUP BY k;
        CREATE MATERIALIZED VIEW b AS SELECT n, count(*) AS c FROM a GROUP BY n;
        CREATE MATERIALIZED VIEW c AS SELECT sum(v) AS v FROM s;
        CREATE STREAMING TABLE t AS SELECT k FROM STREAM s;

        """

    @Test func theSameTextContinues() throws {
        #expect(Set(try decide(views, views).values) == [.continuing])
        // Neither spelling nor position makes another query.
        let respelled = views.split(separator: "\n").reversed().joined(separator: "\n")
            .replacingOccurrences(of: "count(*)", with: "COUNT( * )")
        #expect(Set(try decide(views, respelled).values) == [.continuing])
    }

    @Test func everythingIsNewOnAnEmptyCheckpoint() throws {
        #expect(Set(try decide("CREATE MATERIALIZED VIEW z AS SELECT k FROM s;", views).values) == [.new])
    }

    @Test func aChangedViewTakesItsReadersAlong() throws {
        let changed = views.replacingOccurrences(of: "count(*) AS n", with: "count(v) AS n")
        #expect(
            try decide(views, changed)
                == ["a": .rebuilt, "b": .rebuilt, "c": .continuing, "t": .continuing])
    }

    @Test func aStreamingTableKeepsItsRows() throws {
        let changed = views.replacingOccurrences(
            of: "SELECT k FROM STREAM s", with: "SELECT upper(k) AS k FROM STREAM s")
        #expect(try decide(views, changed)["t"] == .continuing)
        #expect(try decide(views, changed, refreshed: ["t"])["t"] == .rebuilt)
    }

    @Test func aRefreshRebuildsATableAndTheViewsOverIt() throws {
        #expect(
            try decide(views, views, refreshed: ["a"])
                == ["a": .rebuilt, "b": .rebuilt, "c": .continuing, "t": .continuing])
    }

    @Test func oneFlowOfATableStartsOverWithTheOthers() throws {
        let flows = """
            CREATE STREAMING TABLE t;
            CREATE FLOW f1 AS INSERT INTO t SELECT k FROM STREAM s;
            CREATE FLOW f2 AS INSERT INTO t SELECT upper(k) AS k FROM STREAM s;

            """
        let one = """
            CREATE STREAMING TABLE t;
            CREATE FLOW f1 AS INSERT INTO t SELECT k FROM STREAM s;

            """
        #expect(try decide(one, flows) == ["f1": .continuing, "f2": .new])
        #expect(try decide(one, flows, refreshed: ["t"]) == ["f1": .rebuilt, "f2": .rebuilt])
        #expect(try decide(flows, one) == ["f1": .continuing])
    }

    @Test func aFlowThatMovedToAnotherTableIsNew() throws {
        let here = "CREATE STREAMING TABLE t; CREATE FLOW f AS INSERT INTO t SELECT k FROM STREAM s;"
        let there = "CREATE STREAMING TABLE u; CREATE FLOW f AS INSERT INTO u SELECT k FROM STREAM s;"
        #expect(try decide(here, there) == ["f": .new])
    }
}
