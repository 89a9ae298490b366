/// Which number in the checkpoint belongs to which part of the pipeline, and what each flow's query was: the memory
/// that lets a restart tell unchanged flows from changed and new ones. Travels in every epoch record.
struct PlanRegistry: Sendable, Hashable {
    struct FlowEntry: Sendable, Hashable {
        var dataset: String
        var fingerprint: String
        /// Owners of the flow's stateful operators, by their position.
        var operators: [UInt32]
    }
    var nextOwner: UInt32 = 1
    var flows: [String: FlowEntry] = [:]
    /// By scan id.
    var sources: [String: UInt32] = [:]
    /// By dataset name in lower case.
    var tables: [String: UInt32] = [:]

    static let entryID = "@plan"

    mutating func newOwner() -> UInt32 {
        defer { nextOwner += 1 }
        return nextOwner
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u32(nextOwner)
        writer.varint(UInt64(flows.count))
        for (name, flow) in flows.sorted(by: { $0.key < $1.key }) {
            writer.string(name)
            writer.string(flow.dataset)
            writer.string(flow.fingerprint)
            writer.varint(UInt64(flow.operators.count))
            for owner in flow.operators { writer.u32(owner) }
        }
        for map in [sources, tables] {
            writer.varint(UInt64(map.count))
            for (name, owner) in map.sorted(by: { $0.key < $1.key }) {
                writer.string(name)
                writer.u32(owner)
            }
        }
        return writer.bytes
    }

    init() {}

    init(decoding bytes: [UInt8]) throws(TidemillError) {
        var reader = ByteReader(bytes, file: "epoch record")
        guard try reader.u8() == 1 else { throw reader.corruption("plan registry of no known version") }
        nextOwner = try reader.u32()
        for _ in 0..<(try reader.count(elementBytesMin: 4)) {
            let name = try reader.string()
            let dataset = try reader.string()
            let fingerprint = try reader.string()
            var operators: [UInt32] = []
            for _ in 0..<(try reader.count(elementBytesMin: 4)) { operators.append(try reader.u32()) }
            flows[name] = FlowEntry(dataset: dataset, fingerprint: fingerprint, operators: operators)
        }
        for _ in 0..<(try reader.count(elementBytesMin: 5)) {
            let name = try reader.string()
            sources[name] = try reader.u32()
        }
        for _ in 0..<(try reader.count(elementBytesMin: 5)) {
            let name = try reader.string()
            tables[name] = try reader.u32()
        }
        try reader.expectEnd()
    }
}

/// What a start means for each flow: decided from the registry and the definition alone.
struct FlowDecisions: Sendable, Hashable {
    enum Decision: String, Sendable, Hashable {
        /// State and table go on.
        case continuing
        /// Never seen: filled from what its inputs have taken so far.
        case new
        /// The query changed, or a refresh was asked for: state and table start over.
        case rebuilt
    }
    var flows: [String: Decision] = [:]

    func needsFilling(_ flow: String) -> Bool { flows[flow] != .continuing }

    /// - Parameters:
    ///   - fingerprints: of the flows, by name.
    ///   - refreshed: datasets (lower case) to be rebuilt whatever their fingerprint.
    static func decide(
        _ definition: PipelineDefinition, fingerprints: [String: String], registry: PlanRegistry, refreshed: Set<String>
    ) -> FlowDecisions {
        var decisions = FlowDecisions()
        var rebuiltTables = Set<String>()
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            for flow in dataset.flows {
                let readsRebuilt = flow.plan.ownTables.contains { rebuiltTables.contains($0) }
                if let known = registry.flows[flow.name], known.dataset == name {
                    let changed = known.fingerprint != fingerprints[flow.name]
                    // A streaming table's rows are final: a new text applies from now on.
                    let rebuilds =
                        refreshed.contains(name) || (dataset.kind == .materializedView && (changed || readsRebuilt))
                    decisions.flows[flow.name] = rebuilds ? .rebuilt : .continuing
                } else {
                    // Asked to start over, even if the checkpoint that knew the table is gone.
                    decisions.flows[flow.name] = refreshed.contains(name) ? .rebuilt : .new
                }
            }
            if dataset.flows.contains(where: { decisions.flows[$0.name] == .rebuilt }) {
                rebuiltTables.insert(name)
                // One flow of a table cannot start over alone.
                for flow in dataset.flows { decisions.flows[flow.name] = .rebuilt }
            }
        }
        return decisions
    }
}

extension LogicalPlan {
    /// The pipeline's own tables that the plan reads, lower case.
    var ownTables: Set<String> {
        if case .scan(let scan) = self { return scan.relation.isOwnTable ? [scan.relation.name.lowercased()] : [] }
        return inputs.reduce(into: []) { $0.formUnion($1.ownTables) }
    }
}
