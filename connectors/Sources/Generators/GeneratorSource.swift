import Synchronization

/// A source whose rows are computed. Its ledger is one row: | 0 | next position | moment it began, microseconds |.
final class GeneratorSource: Source, @unchecked Sendable {
    // Sendable: mutable state is behind `state`; the rest is immutable.
    let ledgerTypes: [DataType] = [.bigint, .bigint, .bigint]
    var description: String { generator.description }
    let schema: Schema

    private let generator: any RowGenerator
    /// For each column of `schema` its place in the generator's.
    private let places: [Int]
    private let clock: any Clock

    private struct State {
        var position: Int64 = 0
        /// When the source began, to the millisecond; nil before anybody asked.
        var started: Int64?
        /// The beginning is in the checkpoint.
        var isCommitted = false
    }
    private let state = Mutex(State())

    /// What one task makes: positions are many, tasks should be, too.
    private static let ordinalsPerSplit: Int64 = 1 << 16
    /// A generator without an end has one here: times and ids of its rows stay in range.
    static let positionMax: Int64 = 1 << 42
    /// What an epoch takes from a generator without an end if nothing says how much.
    private static let endlessStep: Int64 = 1_000_000

    /// - Parameter schema: the declared columns, a choice of the generator's in any order; nil: all.
    /// - Throws: for a column that the generator does not have, or has with another type.
    init(_ generator: any RowGenerator, schema: Schema?, clock: any Clock) throws(TidemillError) {
        self.generator = generator
        self.clock = clock
        let declared = schema.flatMap { $0.fields.isEmpty ? nil : $0 } ?? generator.schema
        self.schema = declared
        var places: [Int] = []
        for field in declared.fields {
            guard let place = generator.schema.index(of: field.name) else {
                let names = generator.schema.names
                throw TidemillError(
                    .user, "TIDEMILL_GENERATOR_COLUMN", "\(generator.description) has no column \(field.name)",
                    hint: closestName(to: field.name, among: names).map { "did you mean \($0)?" }
                        ?? "its columns are \(names.joined(separator: ", "))")
            }
            let own = generator.schema[place].type
            guard own == field.type else {
                throw TidemillError(
                    .user, "TIDEMILL_GENERATOR_COLUMN",
                    "the column \(field.name) of \(generator.description) is not \(field.type.sql)",
                    hint: "declare it as \(own.sql)")
            }
            places.append(place)
        }
        self.places = places
    }

    private func begin(_ state: inout State) -> Int64 {
        if let started = state.started { return started }
        let started = clock.now() / 1000 * 1000
        state.started = started
        return started
    }

    // MARK: Offsets

    func restore(ledger: Batch) throws(TidemillError) {
        guard ledger.columns.map(\.type) == ledgerTypes else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "a source's ledger has other columns than expected")
        }
        state.withLock { state in
            for row in 0..<ledger.count {
                state.position = max(state.position, ledger.columns[1].pointer(Int64.self)[row])
                state.started = ledger.columns[2].pointer(Int64.self)[row]
                state.isCommitted = true
            }
        }
    }

    func ledger() -> Batch {
        state.withLock { state in
            guard state.isCommitted, let started = state.started else { return ledgerRows([]) }
            return ledgerRows([(state.position, started)])
        }
    }

    private func ledgerRows(_ rows: [(position: Int64, started: Int64)]) -> Batch {
        Batch(
            columns: [
                Column(.bigint, rows.map { _ in .bigint(0) }), Column(.bigint, rows.map { .bigint($0.position) }),
                Column(.bigint, rows.map { .bigint($0.started) }),
            ], count: rows.count)
    }

    func commit(_ plan: SourcePlan) throws(TidemillError) { try restore(ledger: plan.ledger) }

    /// Where the source stood and what was there; -1: no end.
    func horizon() throws(TidemillError) -> SourceHorizon {
        var writer = ByteWriter()
        state.withLock { state in
            let end = generator.end(started: begin(&state), now: clock.now())
            writer.i64(state.position)
            writer.i64(end ?? -1)
        }
        return SourceHorizon(token: writer.bytes)
    }

    /// A run that must end takes one step of a generator that does not.
    func plan(limit: RateLimit, until horizon: SourceHorizon?) throws(TidemillError) -> SourcePlan? {
        var bound: Int64?
        if let horizon {
            var reader = ByteReader(horizon.token, file: "horizon")
            let (from, end) = (try reader.i64(), try reader.i64())
            bound = end >= 0 ? end : from + (limit.rowsMax ?? GeneratorSource.endlessStep)
        }
        return state.withLock { state in
            let started = begin(&state)
            let start = state.position
            var end = generator.end(started: started, now: clock.now())
            if let bound { end = min(end ?? bound, bound) }
            let step = limit.rowsMax ?? (end == nil ? GeneratorSource.endlessStep : .max)
            let (sum, isOver) = start.addingReportingOverflow(step)
            let stop = max(start, min(isOver ? .max : sum, end ?? GeneratorSource.positionMax))
            if stop == start && (state.isCommitted || !generator.followsClock) { return nil }
            return SourcePlan(
                splits: splits(start..<stop), ledger: ledgerRows([(stop, started)]), startOffset: offset(start),
                endOffset: offset(stop), hasMore: end.map { stop < $0 } ?? true)
        }
    }

    private func offset(_ position: Int64) -> String { "{\"\(generator.unit)\":\(position)}" }

    // MARK: Reading

    private func splits(_ positions: Range<Int64>) -> [SourceSplit] {
        let (first, last) = (generator.ordinal(at: positions.lowerBound), generator.ordinal(at: positions.upperBound))
        var splits: [SourceSplit] = []
        var start = first
        while start < last {
            let end = min(last - start, GeneratorSource.ordinalsPerSplit) + start
            var token = ByteWriter()
            token.i64(start)
            token.i64(end)
            splits.append(
                SourceSplit(
                    ordinal: splits.count, name: "\(description)[\(start)..<\(end)]", bytes: 0, token: token.bytes))
            start = end
        }
        return splits
    }

    func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        var reader = ByteReader(split.token, file: "split")
        let (start, end) = (try reader.i64(), try reader.i64())
        let wanted = columns.map { places[$0] }
        let started = state.withLock { begin(&$0) }
        let ascending = Array(Set(wanted)).sorted()
        let inner = generator.open(start..<end, started: started, columns: ascending)
        if ascending == wanted { return inner }
        return ReorderingReader(inner, order: wanted.map { column in ascending.firstIndex(of: column) ?? 0 })
    }

    func replay() throws(TidemillError) -> [SourceSplit] { splits(0..<state.withLock { $0.position }) }

    /// All there is; of a generator without an end what was taken.
    func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        let (end, started) = state.withLock { state in
            let started = begin(&state)
            return (generator.end(started: started, now: clock.now()) ?? state.position, started)
        }
        var version = ByteWriter()
        version.i64(end)
        version.i64(generator.followsClock ? started : 0)
        version.string(generator.identity)
        return (version.bytes, splits(0..<end))
    }
}

/// Columns in another order than they are made in.
private final class ReorderingReader: SplitReader {
    private let inner: any SplitReader
    private let order: [Int]
    var report: SplitReport { inner.report }

    init(_ inner: any SplitReader, order: [Int]) {
        self.inner = inner
        self.order = order
    }

    func next() throws(TidemillError) -> Batch? {
        guard let batch = try inner.next() else { return nil }
        return batch.with(columns: order.map { batch.columns[$0] })
    }
}
