/// Timers of one partition: any number of times per key, each fires once.
///
/// A timer is due when the clock has reached it: of event time the eviction watermark, of processing time the epoch's
/// time. One that is set for a time that has passed already fires in the same epoch, after the epoch's rows; one that
/// is set while timers fire, at the next epoch that the flow takes part in. Timers are a map without values whose rows
/// expire at their own key.
final class Timers {
    /// In the checkpoint like any variable.
    let times: StateVariable

    /// Timers that fire, by the hash of their key, those of a key in the order of their times.
    struct Due {
        var keys: [Column]
        /// Microseconds.
        var times: Column
        var count: Int
    }

    init(keys: [DataType], leadBits: Int) {
        times = StateVariable(.map([.bigint]), keys: keys, values: [], leadBits: leadBits)
    }

    /// Setting one that is set already changes nothing.
    func set(keys: [Column], at moments: Column, count n: Int) {
        times.put(
            keys: keys, elements: [moments], values: [], count: n, expiry: .times(moments.pointer(Int64.self)))
    }

    /// Those that are not set are passed over.
    func delete(keys: [Column], at moments: Column, count n: Int) {
        times.remove(times.find(keys: keys, elements: [moments], count: n, now: .min).compactMap { $0 })
    }

    /// The moments of each key, ascending: those of key i are `starts[i]..<starts[i + 1]`.
    func list(keys: [Column], count n: Int) -> (moments: [Int64], starts: [Int]) {
        let (rows, starts) = times.elements(of: keys, count: n, now: .min)
        var moments = rows.map { times.expiry(of: $0) }
        for i in 0..<n { moments[starts[i]..<starts[i + 1]].sort() }
        return (moments, starts)
    }

    /// Takes the timers up to `limit` out.
    func fire(through limit: Int64) -> Due? {
        let rows = times.due(through: limit)
        if rows.isEmpty { return nil }
        let due = Due(
            keys: times.keyColumns(of: rows), times: times.elementColumns(of: rows)[0], count: rows.count)
        times.remove(rows)
        return due
    }

    /// Microseconds; a timer that was deleted may still count.
    var next: Int64? { times.nextExpiry() }
}
