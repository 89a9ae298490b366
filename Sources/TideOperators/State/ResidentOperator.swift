/// A stateful operator that can tell all it has, as long as all of it is in memory.
///
/// What a flush otherwise merges is what the log has gathered. Where rows come and go, as those of windows do, that is
/// many times what is left of them: writing what is left costs less.
public protocol ResidentOperator: StatefulOperator {
    /// How many rows `residentState` gives for a part over all partitions, or a few more; nil if the operator cannot
    /// tell them. Not asked where rows may lie in runs alone.
    func residentRows(part: Int) -> Int?
    /// Every row of a part, in the form and order of `stateChanges`; some may be marked as not live. Between epochs
    /// only.
    func residentState(part: Int, partition: Int) -> [Batch]
}

extension RowTable {
    var allRows: [UnsafeMutableRawPointer] {
        var rows: [UnsafeMutableRawPointer] = []
        rows.reserveCapacity(count)
        forEachRow { rows.append($0) }
        return rows
    }
}

extension AggregateOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? {
        if part == 0 { return partitions.reduce(0) { sum, p in sum + p.withLock { $0.table.count } } }
        return partitions.reduce(0) { sum, p in sum + p.withLock { $0.values[part - 1].entries.count } }
    }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock {
            part == 0 ? stateBatches($0, $0.table.allRows) : $0.values[part - 1].residentState()
        }
    }
}

extension PaneAggregateOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { stateRows }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { stateBatches($0, $0.panes.table.allRows) }
    }
}

extension SessionOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { part > 0 ? nil : rowsInMemory }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { stateBatches($0, $0.sessions.table.allRows) }
    }
}

extension DeduplicateOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { part > 0 ? nil : rowsInMemory }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { stateBatches($0, $0.table.allRows) }
    }
}

extension StreamJoinOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? {
        let side: Side = part == 0 ? .left : .right
        return partitions.reduce(0) { sum, p in sum + p.withLock { $0.side(side).entries.count } }
    }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        let side: Side = part == 0 ? .left : .right
        return partitions[p].withLock { stateBatches($0.side(side), $0.side(side).entries.allRows, side) }
    }
}

extension IncrementalJoinOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? {
        partitions.reduce(0) { sum, p in sum + p.withLock { side(part, $0).entries.count } }
    }
    public func residentState(part: Int, partition p: Int) -> [Batch] {
        partitions[p].withLock { side(part, $0).residentState() }
    }
}

extension WindowOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { partitions.rowCount }
    public func residentState(part: Int, partition p: Int) -> [Batch] { partitions.residentState(p) }
}

extension TopNOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { partitions.rowCount }
    public func residentState(part: Int, partition p: Int) -> [Batch] { partitions.residentState(p) }
}

extension LatestOperator: ResidentOperator {
    public func residentRows(part: Int) -> Int? { partitions.rowCount }
    public func residentState(part: Int, partition p: Int) -> [Batch] { partitions.residentState(p) }
}
