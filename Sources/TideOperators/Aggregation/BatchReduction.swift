import Synchronization
import TideColumns

/// Decides whether the rows of a batch are put together by their keys before partitions are looked up: worth it where
/// keys repeat within a batch, and nearly free to find out.
///
/// Measured on 2 cores (windows of 10 s by bidder, ten rows to a key in a batch, see docs/PERFORMANCE.md): looking up,
/// partitioning and adding cost 15 ns per row before, 7 ns with it.
final class BatchReduction: Sendable {
    /// Batches that are still to be taken as they are.
    private let rest = Atomic<Int>(0)
    private static let restBatches = 16

    /// nil: take all rows. Which batches are reduced has no influence on results.
    func reduced(_ keys: KeyImages, weights: Column?) -> ReducedRows? {
        if rest.load(ordering: .relaxed) > 0 {
            rest.subtract(1, ordering: .relaxed)
            return nil
        }
        let reduced = keys.reduced(weights: weights)
        // Half of the rows gone pays; with fewer, the next batches are not tried.
        if reduced.rows.count * 2 > keys.count { rest.store(BatchReduction.restBatches, ordering: .relaxed) }
        return reduced
    }
}
