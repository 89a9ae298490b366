/// `tidemill_new_values`: rows whose value their key has not shown for a while, with how many other values it has.
///
/// A map per key from value to nothing, each entry with a time to live that every row renews.
final class NewValues: KeyedProcessor {
    private let seen: StateVariable
    let timers: Timers? = nil
    private let valueColumn: Int
    private let liveMicros: Int64

    var variables: [StateVariable] { [seen] }

    init(keys: [DataType], value: DataType, valueColumn: Int, liveMicros: Int64, leadBits: Int) {
        seen = StateVariable(.map([value]), keys: keys, values: [], leadBits: leadBits)
        self.valueColumn = valueColumn
        self.liveMicros = liveMicros
    }

    static func variableTypes(keys: [DataType], value: DataType) -> [StatePart] {
        [StateVariable.statePart(keys, [value], [])]
    }

    func handle(_ rows: KeyedBatch) throws(TidemillError) -> Batch? {
        let value = rows.batch.columns[valueColumn]
        let pairs = KeyNumbers(rows.keys + [value], count: rows.count)
        let keys = rows.keys.map { $0.gather(pairs.firsts) }
        let values = value.gather(pairs.firsts)
        let now = rows.moment.now
        let found = seen.find(keys: keys, elements: [values], count: pairs.count, now: now)
        let new = found.indices.filter { found[$0] == nil }
        var result: Batch?
        if !new.isEmpty {
            let selected = new.map { pairs.firsts[$0] }
            let newKeys = rows.keys.map { $0.gather(selected) }
            let numbers = KeyNumbers(newKeys, count: selected.count)
            let (_, starts) = seen.elements(
                of: newKeys.map { $0.gather(numbers.firsts) }, count: numbers.count, now: now)
            var known = (0..<numbers.count).map { Int64(starts[$0 + 1] - starts[$0]) }
            var counts: [Int64] = []
            for number in numbers.numbers {
                counts.append(known[Int(number)])
                known[Int(number)] += 1
            }
            let batch = rows.batch.gather(selected)
            result = Batch(columns: batch.columns + [Column(bigints: counts)], count: batch.count)
        }
        let (end, overflow) = now.addingReportingOverflow(liveMicros)
        seen.put(
            keys: keys, elements: [values], values: [], count: pairs.count,
            expiry: .at(overflow ? StateVariable.never : end))
        return result
    }

    func handle(_ due: Timers.Due, _ moment: KeyedMoment) throws(TidemillError) -> Batch? { nil }
}
