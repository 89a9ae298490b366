import Glibc
import TideColumns

/// What a merge keeps.
public struct MergeRule: Sendable {
    /// Columns that, with the hash, make a row's key. Compared by their bits, NULL equal to NULL.
    public var keyColumns: [Int]
    /// A boolean column that is false in a tombstone; nil if rows are never deleted.
    public var liveColumn: Int?
    /// True when merging to the bottom: no older run can hold the key, so tombstones have done their work.
    public var dropTombstones: Bool

    public init(keyColumns: [Int], liveColumn: Int? = nil, dropTombstones: Bool = false) {
        self.keyColumns = keyColumns
        self.liveColumn = liveColumn
        self.dropTombstones = dropTombstones
    }
}

/// Merges runs, newest first, into `writer`: per key the row of the newest run wins. A key stands at most once per run.
///
/// All rows of one hash are looked at together; keys are compared only when several rows share a hash.
public func mergeRuns(_ runs: [RunReader], rule: MergeRule, into writer: RunWriter) throws(TidemillError) {
    var cursors: [RunCursor] = []
    for run in runs {
        let cursor = RunCursor(run)
        try cursor.load()
        cursors.append(cursor)
    }
    guard let types = runs.first?.types else { return }
    guard runs.allSatisfy({ $0.types == types }) else { throw .internal("runs of different types are merged") }
    var out = RowAssembler(types: types)
    var candidates: [RowPlace] = []
    while let hash = cursors.compactMap(\.hash).min() {
        candidates.removeAll(keepingCapacity: true)
        for cursor in cursors {
            while cursor.hash == hash, let batch = cursor.batch {
                let row = RowPlace(batch: batch, row: cursor.row)
                if !candidates.contains(where: { $0.sameKey(as: row, rule.keyColumns) }) { candidates.append(row) }
                try cursor.advance()
            }
        }
        for candidate in candidates where !(rule.dropTombstones && candidate.isTombstone(rule)) {
            out.append(candidate.batch, candidate.row..<(candidate.row + 1))
        }
        if out.byteCount >= RunFormat.blockBytesTarget { try writer.append(out.finish()) }
    }
    if out.rows > 0 { try writer.append(out.finish()) }
}

/// A position in a run.
private final class RunCursor {
    private let run: RunReader
    private var next = 0
    private(set) var batch: Batch?
    private(set) var row = 0

    init(_ run: RunReader) { self.run = run }

    /// Of the row it stands on; nil at the end.
    var hash: UInt64? { batch.map { $0.columns[0].pointer(UInt64.self)[row] } }

    func load() throws(TidemillError) {
        row = 0
        batch = next < run.blocks.count ? try run.batch(run.blocks[next]) : nil
        next += 1
    }
    func advance() throws(TidemillError) {
        row += 1
        if let batch, row == batch.count { try load() }
    }
}

private struct RowPlace {
    let batch: Batch
    let row: Int

    func isTombstone(_ rule: MergeRule) -> Bool {
        guard let live = rule.liveColumn else { return false }
        return !batch.columns[live].bits[row]
    }

    func sameKey(as other: RowPlace, _ keys: [Int]) -> Bool {
        keys.allSatisfy { key in
            let a = batch.columns[key]
            let b = other.batch.columns[key]
            let valid = a.isValid(row)
            guard valid == b.isValid(other.row) else { return false }
            if !valid { return true }
            switch a.type.physical {
            case .bit: return a.bits[row] == b.bits[other.row]
            case .view: return stringEqual(a.views[row], a.heap.bases, b.views[other.row], b.heap.bases)
            default:
                let width = a.type.physical.width
                return memcmp(a.values.base + row * width, b.values.base + other.row * width, width) == 0
            }
        }
    }
}
