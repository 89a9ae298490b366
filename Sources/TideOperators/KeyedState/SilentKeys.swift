/// `tidemill_silent`: the newest row of a key of which nothing came for a while.
///
/// A value per key: its newest row by event time, and that time; one timer per key. Without a
/// watermark the time of a row is the epoch's.
final class SilentKeys: KeyedProcessor {
    private let newest: StateVariable
    let timers: Timers?
    private let alarms: Timers
    private let timeColumn: Int?
    private let silenceMicros: Int64
    private let width: Int

    var variables: [StateVariable] { [newest, alarms.times] }

    init(
        keys: [DataType], input: [DataType], timeColumn: Int?, silenceMicros: Int64, leadBits: Int
    ) {
        newest = StateVariable(.value, keys: keys, values: input + [.bigint], leadBits: leadBits)
        alarms = Timers(keys: keys, leadBits: leadBits)
        timers = alarms
        self.timeColumn = timeColumn
        self.silenceMicros = silenceMicros
        width = input.count
    }

    static func variableTypes(keys: [DataType], input: [DataType]) -> [StatePart] {
        [
            StateVariable.statePart(keys, [], input + [.bigint]),
            StateVariable.statePart(keys, [.bigint], []),
        ]
    }

    func handle(_ rows: KeyedBatch) throws(TidemillError) -> Batch? {
        let numbers = KeyNumbers(rows.keys, count: rows.count)
        let keys = rows.keys.map { $0.gather(numbers.firsts) }
        // Of rows of one time the later one is the newer.
        var newestTime = storedTimes(keys, numbers.count)
        var winner = [Int32](repeating: -1, count: numbers.count)
        let times = timeColumn.map { rows.batch.columns[$0] }
        for row in 0..<rows.count {
            var time = rows.moment.now
            if let times {
                // A row without a time says nothing about when.
                if !times.isValid(row) { continue }
                time = times.eventMicros(row)
            }
            let number = Int(numbers.numbers[row])
            if let newer = newestTime[number], newer > time { continue }
            newestTime[number] = time
            winner[number] = Int32(row)
        }
        let changed = winner.indices.filter { winner[$0] >= 0 }.map { UInt32($0) }
        if changed.isEmpty { return nil }
        let changedKeys = keys.map { $0.gather(changed) }
        let winners = changed.map { UInt32(winner[Int($0)]) }
        let newTimes = changed.map { newestTime[Int($0)] ?? 0 }
        newest.put(
            keys: changedKeys,
            values: rows.batch.columns.map { $0.gather(winners) } + [Column(bigints: newTimes)],
            count: changed.count, expiry: .at(StateVariable.never))
        setAlarms(changedKeys, newTimes.map { SilentKeys.sum($0, silenceMicros) })
        return nil
    }

    /// When the newest row of each key came.
    private func storedTimes(_ keys: [Column], _ count: Int) -> [Int64?] {
        let stored = newest.find(keys: keys, count: count, now: .min)
        let column = newest.values(of: stored.compactMap { $0 })[width]
        var at = 0
        return stored.map { row in
            guard row != nil else { return nil }
            defer { at += 1 }
            return column.pointer(Int64.self)[at]
        }
    }

    /// Each key's one timer.
    private func setAlarms(_ keys: [Column], _ moments: [Int64]) {
        let (before, starts) = alarms.list(keys: keys, count: moments.count)
        var (moved, old): ([UInt32], [Int64]) = ([], [])
        for key in moments.indices {
            for timer in starts[key]..<starts[key + 1] where before[timer] != moments[key] {
                moved.append(UInt32(key))
                old.append(before[timer])
            }
        }
        alarms.delete(keys: keys.map { $0.gather(moved) }, at: Column(bigints: old), count: moved.count)
        alarms.set(keys: keys, at: Column(bigints: moments), count: moments.count)
    }

    func handle(_ due: Timers.Due, _ moment: KeyedMoment) throws(TidemillError) -> Batch? {
        let rows = newest.find(keys: due.keys, count: due.count, now: .min).compactMap { $0 }
        guard rows.count == due.count else { throw TidemillError.internal("a timer of a key without a row") }
        let columns = newest.values(of: rows).prefix(width) + [due.times.retyped(.timestamp)]
        newest.remove(rows)
        return Batch(columns: Array(columns), count: due.count)
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max - 1 : sum
    }
}
