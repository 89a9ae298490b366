/// `tidemill_silent`: the newest row of a key of which nothing came for a while.
///
/// A value per key: its newest row by event time, and when the key's timer is set; one timer per key. Without a
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
        let stored = newest.find(keys: keys, count: numbers.count, now: .min)
        let known = stored.compactMap { $0 }
        let alarmColumn = newest.values(of: known)[width]
        var alarmBefore = [Int64?](repeating: nil, count: numbers.count)
        var at = 0
        for (number, row) in stored.enumerated() where row != nil {
            alarmBefore[number] = alarmColumn.pointer(Int64.self)[at]
            at += 1
        }
        // Of rows of one time the later one is the newer.
        var winner = [Int32](repeating: -1, count: numbers.count)
        var alarm = alarmBefore
        let times = timeColumn.map { rows.batch.columns[$0] }
        for row in 0..<rows.count {
            var time = rows.moment.now
            if let times {
                // A row without a time says nothing about when.
                if !times.isValid(row) { continue }
                time = times.eventMicros(row)
            }
            let due = SilentKeys.sum(time, silenceMicros)
            let number = Int(numbers.numbers[row])
            if let set = alarm[number], set > due { continue }
            alarm[number] = due
            winner[number] = Int32(row)
        }
        let changed = winner.indices.filter { winner[$0] >= 0 }
        if changed.isEmpty { return nil }
        let moved = changed.filter { alarmBefore[$0] != nil && alarmBefore[$0] != alarm[$0] }
        if !moved.isEmpty {
            alarms.delete(
                keys: gather(keys, moved), at: Column(bigints: moved.map { alarmBefore[$0] ?? 0 }),
                count: moved.count)
        }
        let alarmsNow = Column(bigints: changed.map { alarm[$0] ?? 0 })
        let changedKeys = gather(keys, changed)
        let selected = changed.map { UInt32(winner[$0]) }
        newest.put(
            keys: changedKeys, values: rows.batch.columns.map { $0.gather(selected) } + [alarmsNow],
            count: changed.count, expiry: .at(StateVariable.never))
        alarms.set(keys: changedKeys, at: alarmsNow, count: changed.count)
        return nil
    }

    func handle(_ due: Timers.Due, _ moment: KeyedMoment) throws(TidemillError) -> Batch? {
        let rows = newest.find(keys: due.keys, count: due.count, now: .min).compactMap { $0 }
        guard rows.count == due.count else { throw TidemillError.internal("a timer of a key without a row") }
        let columns = newest.values(of: rows).prefix(width) + [due.times.retyped(.timestamp)]
        newest.remove(rows)
        return Batch(columns: Array(columns), count: due.count)
    }

    private func gather(_ columns: [Column], _ rows: [Int]) -> [Column] {
        let selected = rows.map { UInt32($0) }
        return columns.map { $0.gather(selected) }
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max - 1 : sum
    }
}
