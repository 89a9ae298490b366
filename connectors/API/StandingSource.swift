/// A relation that stands still while a query reads it: a stored table, the state of an operator. It never has anything
/// new, so it has no ledger.
public protocol StandingSource: Source {}

extension StandingSource {
    public var ledgerTypes: [DataType] { [] }
    public func restore(ledger: Batch) throws(TidemillError) {}
    public func ledger() -> Batch { Batch(columns: [], count: 0) }
    public func plan(limit: RateLimit, until horizon: SourceHorizon?) throws(TidemillError) -> SourcePlan? { nil }
    public func horizon() throws(TidemillError) -> SourceHorizon { SourceHorizon(token: []) }
    public func commit(_ plan: SourcePlan) throws(TidemillError) {}
    public func replay() throws(TidemillError) -> [SourceSplit] { try snapshot().splits }
}

/// Batches that are there already.
public final class BatchesReader: SplitReader {
    private var batches: ArraySlice<Batch>
    public private(set) var report = SplitReport()
    public init(_ batches: [Batch]) { self.batches = batches[...] }
    public func next() throws(TidemillError) -> Batch? {
        guard let batch = batches.popFirst() else { return nil }
        report.rows += batch.count
        return batch
    }
}
