/// How an aggregate of a streaming table ends its groups.
public struct AggregateEventTime: Sendable {
    public enum Output: Sendable {
        /// Old and new rows of changed groups; a group that ends just goes.
        case changes
        /// The new row of every group that got input, changed or not; a group that ends just goes.
        case touched
        /// A group's row once, when it ends.
        case ended
    }
    let output: Output
    /// The group that is event time; nil: groups never end.
    let group: Int?
    public let clock: OperatorClock
    public init(output: Output, group: Int?, clock: OperatorClock) {
        self.output = output
        self.group = group
        self.clock = clock
    }
}

extension AggregateOperator {
    /// Rows of the batch that are in time. Late ones are counted: each of them, and the groups they fall into.
    func withoutLate(
        _ columns: [Column], _ batch: Batch, _ eventTime: AggregateEventTime, _ task: TaskContext
    ) -> Bitmap? {
        guard let group = eventTime.group,
            let keep = columns[group].notLate(after: eventTime.clock.lateMicros)
        else { return nil }
        let late = keep.inverted()
        eventTime.clock.keep(late: batch, notIn: keep, times: columns[group], task)
        let groups = lateGroups.add(Array(columns[..<groupCount]), where: late)
        eventTime.clock.count(late: late.onesCount, keys: groups)
        return keep
    }

    /// Gives out what the mode asks for, and ends the groups that the watermark has passed.
    func finish(
        _ p: Int, _ partition: AggregatePartition, _ eventTime: AggregateEventTime, _ task: TaskContext
    ) throws(TidemillError) {
        let clock = eventTime.clock
        clock.count(updated: partition.touched.count)
        switch eventTime.output {
        case .changes: try emitChanges(of: partition, task)
        case .touched: try emit(partition.touched, of: partition, task)
        case .ended: break
        }
        guard eventTime.group != nil, clock.flow.takesPart else { return }
        try load(p, partition, through: clock.evictionMicros)
        let ended = partition.endGroups(through: clock.evictionMicros)
        if eventTime.output == .ended { try emit(ended, of: partition, task) }
        partition.dropValues(ended)
        partition.markEmpty(ended)
        partition.makeEntries(through: clock.evictionMicros)
        clock.count(removed: ended.count, leaving: readsLazily ? 0 : ended.count)
    }

    private func emit(
        _ rows: [UnsafeMutableRawPointer], of partition: AggregatePartition, _ task: TaskContext
    ) throws(TidemillError) {
        if rows.isEmpty { return }
        let heap = AccumulatorHeap(strings: partition.arena.heap(), sums: partition.sums)
        let keyHeap = partition.table.arena.heap()
        for start in stride(from: 0, to: rows.count, by: AggregateOperator.outputRows) {
            let chunk = Array(rows[start..<min(start + AggregateOperator.outputRows, rows.count)])
            let areas = chunk.map { $0 + layout.valueOffset }
            let columns = try resultColumns(chunk, areas, of: partition, keyHeap, heap)
            try outputs.emit(Batch(columns: columns, count: chunk.count), task)
        }
    }

    private func resultColumns(
        _ rows: [UnsafeMutableRawPointer], _ areas: [UnsafeMutableRawPointer], of partition: AggregatePartition,
        _ keyHeap: StringHeap, _ heap: AccumulatorHeap
    ) throws(TidemillError) -> [Column] {
        let n = rows.count
        let rowPointers = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: n)
        let areaPointers = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: n)
        defer {
            rowPointers.deallocate()
            areaPointers.deallocate()
        }
        for i in 0..<n {
            rowPointers[i] = rows[i]
            areaPointers[i] = areas[i]
        }
        var columns = (0..<groupCount).map {
            partition.table.keyColumn(
                $0, of: UnsafePointer(rowPointers), count: n, as: groupTypes[$0], heap: keyHeap)
        }
        for output in accumulators.outputs.indices {
            columns.append(try accumulators.result(output, UnsafePointer(areaPointers), n, heap))
        }
        return columns
    }
}
