import TideColumns

/// Rows in order of their hash, batch by batch. What a merge reads: a run, an epoch's blocks in the log, or memory.
protocol MergeInput: AnyObject {
    /// nil at the end; never an empty batch.
    func next() throws(TidemillError) -> Batch?
}

/// A run, read some blocks at a time: blocks are small, so that one row is found quickly, and handling each on its own
/// would cost a merge more than its rows do.
final class RunInput: MergeInput {
    private let run: RunReader
    private var position = 0
    private static let rowsMin = 4096

    init(_ run: RunReader) { self.run = run }

    func next() throws(TidemillError) -> Batch? {
        guard position < run.blocks.count else { return nil }
        var end = position
        var rows = 0
        while end < run.blocks.count && rows < RunInput.rowsMin {
            rows += Int(run.blocks[end].rows)
            end += 1
        }
        defer { position = end }
        return try run.batch(blocks: position..<end)
    }
}

/// The blocks that one epoch logged for an address.
final class LogInput: MergeInput {
    private let log: LogReader
    private let blocks: [BlockReference]
    private var position = 0

    init(_ log: LogReader, _ blocks: [BlockReference]) {
        self.log = log
        self.blocks = blocks
    }

    func next() throws(TidemillError) -> Batch? {
        while position < blocks.count {
            defer { position += 1 }
            let batch = try log.batch(blocks[position])
            if batch.count > 0 { return batch }
        }
        return nil
    }
}

/// Rows that are in memory already, each identity once.
final class MemoryInput: MergeInput {
    private var batch: Batch?
    init(_ batch: Batch) { self.batch = batch.count > 0 ? batch : nil }
    func next() -> Batch? {
        defer { batch = nil }
        return batch
    }
}
