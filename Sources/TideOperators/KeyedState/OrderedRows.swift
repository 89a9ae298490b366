/// `tidemill_in_order`: rows are held back until the watermark has passed them, and go out in the order of their event
/// time, those of one time in the order in which they came.
///
/// A list of rows per key, and one timer per key, for the first of them.
final class OrderedRows: KeyedProcessor {
    private let held: StateVariable
    let timers: Timers?
    private let alarms: Timers
    private let timeColumn: Int

    var variables: [StateVariable] { [held, alarms.times] }

    init(keys: [DataType], input: [DataType], timeColumn: Int, leadBits: Int) {
        held = StateVariable(.list, keys: keys, values: input, leadBits: leadBits)
        alarms = Timers(keys: keys, leadBits: leadBits)
        timers = alarms
        self.timeColumn = timeColumn
    }

    static func variableTypes(keys: [DataType], input: [DataType]) -> [StatePart] {
        [StateVariable.statePart(keys, [.bigint], input), StateVariable.statePart(keys, [.bigint], [])]
    }

    func handle(_ rows: KeyedBatch) throws(TidemillError) -> Batch? {
        let times = rows.batch.columns[timeColumn]
        // Rows without a time have nothing to wait for.
        var timed: [UInt32] = []
        var timeless: [UInt32] = []
        for row in 0..<rows.count {
            if times.isValid(row) { timed.append(UInt32(row)) } else { timeless.append(UInt32(row)) }
        }
        if !timed.isEmpty { hold(rows, timed) }
        return timeless.isEmpty ? nil : rows.batch.gather(timeless)
    }

    private func hold(_ rows: KeyedBatch, _ timed: [UInt32]) {
        let n = timed.count
        let rowKeys = rows.keys.map { $0.gather(timed) }
        let columns = rows.batch.columns.map { $0.gather(timed) }
        held.append(keys: rowKeys, values: columns, count: n, expiry: .at(StateVariable.never))
        let numbers = KeyNumbers(rowKeys, count: n)
        var first = [Int64](repeating: .max, count: numbers.count)
        for row in 0..<n {
            let number = Int(numbers.numbers[row])
            first[number] = min(first[number], columns[timeColumn].eventMicros(row))
        }
        let keys = rowKeys.map { $0.gather(numbers.firsts) }
        let (moments, starts) = alarms.list(keys: keys, count: numbers.count)
        // An earlier row than those that are held sets the timer forward.
        var (moved, before): ([UInt32], [Int64]) = ([], [])
        var (changed, after): ([UInt32], [Int64]) = ([], [])
        for number in 0..<numbers.count {
            if starts[number] < starts[number + 1] {
                let set = moments[starts[number]]
                if set <= first[number] { continue }
                moved.append(UInt32(number))
                before.append(set)
            }
            changed.append(UInt32(number))
            after.append(first[number])
        }
        alarms.delete(keys: keys.map { $0.gather(moved) }, at: Column(bigints: before), count: moved.count)
        alarms.set(keys: keys.map { $0.gather(changed) }, at: Column(bigints: after), count: changed.count)
    }

    func handle(_ due: Timers.Due, _ moment: KeyedMoment) throws(TidemillError) -> Batch? {
        let limit = moment.watermark ?? .min
        let (rows, starts) = held.elements(of: due.keys, count: due.count, now: .min)
        let times = held.values(of: rows)[timeColumn]
        var ready: [(row: Int, time: Int64)] = []
        var (waiting, next): ([UInt32], [Int64]) = ([], [])
        for key in 0..<due.count {
            let begin = ready.count
            var first = Int64.max
            for row in starts[key]..<starts[key + 1] {
                let time = times.eventMicros(row)
                if time <= limit { ready.append((row, time)) } else { first = min(first, time) }
            }
            ready[begin...].sort { ($0.time, $0.row) < ($1.time, $1.row) }
            if first < .max {
                waiting.append(UInt32(key))
                next.append(first)
            }
        }
        let released = ready.map { rows[$0.row] }
        let batch = Batch(columns: held.values(of: released), count: released.count)
        held.remove(released)
        alarms.set(keys: due.keys.map { $0.gather(waiting) }, at: Column(bigints: next), count: waiting.count)
        return batch
    }
}
