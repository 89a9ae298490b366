/// The state of a pipeline's operators as tables, read from a checkpoint without its lock. The checkpoint describes its
/// operators itself, so the query that is there now does not matter.
public struct StateCatalog: Sendable {
    /// One table of one operator.
    public struct Entry: Sendable {
        /// `daily.aggregate`, `cities.join.left`: the flow, the operator, and its part if it has several.
        public var name: String
        public var flow: String
        /// What the operator does, in words.
        public var signature: String
        /// Columns behind the hash and the live mark.
        public var schema: Schema
        public var address: StateAddress
        var rule: MergeRule
        /// Rows and bytes in runs and in the log, replaced and deleted rows included.
        public var storedRows: Int64 = 0
        public var runs = 0
        public var runBytes: Int64 = 0
        public var logBytes: Int64 = 0
    }

    /// By name.
    public let entries: [Entry]
    public let lastCommitted: Epoch?
    private let recovered: RecoveredCheckpoint

    public init(_ recovered: RecoveredCheckpoint) throws(TidemillError) {
        self.recovered = recovered
        lastCommitted = recovered.lastCommitted
        let registry = try PlanRegistry(of: recovered)
        var found: [Entry] = []
        for (flow, known) in registry.flows {
            for (index, description) in known.descriptions.enumerated() where known.operators.indices.contains(index) {
                for (number, part) in description.parts.enumerated() {
                    let name = "\(flow).\(registry.operatorName(known, index))"
                    let fields = zip(part.columns, part.readTypes).dropFirst(2).map { Field($0, $1) }
                    found.append(
                        Entry(
                            name: StateCatalog.name(name, part.name, number), flow: flow,
                            signature: description.signature, schema: Schema(fields),
                            address: StateAddress(owner: known.operators[index], kind: .state, part: UInt16(number)),
                            rule: MergeRule(keyColumns: part.keyColumns, liveColumn: 1)))
                }
            }
        }
        entries = found.map { StateCatalog.measured($0, recovered) }.sorted { $0.name < $1.name }
    }

    private static func name(_ name: String, _ part: String, _ number: Int) -> String {
        if !part.isEmpty { return "\(name).\(part)" }
        return number == 0 ? name : "\(name).part\(number + 1)"
    }

    private static func measured(_ entry: Entry, _ recovered: RecoveredCheckpoint) -> Entry {
        var entry = entry
        for run in recovered.manifest.runs where run.address == entry.address {
            entry.runs += 1
            entry.storedRows += run.rows
            entry.runBytes += run.bytes
        }
        for block in recovered.afterSnapshot.flatMap(\.blocks)
        where block.owner == entry.address.owner && block.kind == .state && block.part == entry.address.part {
            entry.storedRows += Int64(block.rows)
            entry.logBytes += Int64(block.length)
        }
        return entry
    }

    /// - Throws: `.user` naming what there is.
    public func entry(_ name: String) throws(TidemillError) -> Entry {
        if let entry = entries.first(where: { $0.name == name })
            ?? entries.first(where: { $0.name.lowercased() == name.lowercased() })
        {
            return entry
        }
        let names = entries.map(\.name)
        throw TidemillError(
            .user, "TIDEMILL_STATE_NOT_FOUND", "no operator keeps state of this name: \(name)",
            hint: names.isEmpty
                ? "no operator of the pipeline has written state"
                : closestName(to: name, among: names).map { "did you mean \($0)?" }
                    ?? "there are: \(names.joined(separator: ", "))")
    }

    /// The rows as they stand, batch by batch, until `body` returns false.
    public func forEachRow(
        of entry: Entry, _ body: (Batch) throws(TidemillError) -> Bool
    ) throws(TidemillError) {
        try recovered.forEachRow(entry.address, rule: entry.rule) { (batch) throws(TidemillError) in
            let columns = zip(batch.columns.dropFirst(2), entry.schema.types).map { $0.retyped($1) }
            return try body(Batch(columns: columns, count: batch.count))
        }
    }

    public func rowCount(of entry: Entry) throws(TidemillError) -> Int {
        var count = 0
        try forEachRow(of: entry) { batch in
            count += batch.count
            return true
        }
        return count
    }

    /// The first rows, at most so many.
    public func rows(of entry: Entry, limit: Int = .max) throws(TidemillError) -> [Batch] {
        var batches: [Batch] = []
        var left = limit
        try forEachRow(of: entry) { batch in
            let kept = batch.count <= left ? batch : batch.gather(Array(UInt32(0)..<UInt32(left)))
            batches.append(kept)
            left -= kept.count
            return left > 0
        }
        return batches
    }
}

/// An operator's state as a relation of a query.
final class StateSource: StandingSource {
    private let catalog: StateCatalog
    private let entry: StateCatalog.Entry

    init(_ catalog: StateCatalog, _ entry: StateCatalog.Entry) {
        self.catalog = catalog
        self.entry = entry
    }

    var description: String { "State[\(entry.name)]" }
    var schema: Schema { entry.schema }

    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        let split = SourceSplit(ordinal: 0, name: entry.name, bytes: entry.runBytes + entry.logBytes, token: [])
        return ([], [split])
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        var batches: [Batch] = []
        try catalog.forEachRow(of: entry) { batch in
            batches.append(Batch(columns: columns.map { batch.columns[$0] }, count: batch.count))
            return true
        }
        return BatchesReader(batches)
    }
}

extension StateCatalog {
    /// `state.<operator>` of a query.
    public func source(_ name: String) throws(TidemillError) -> any Source { StateSource(self, try entry(name)) }
}
