/// Rows of a table by the time at which they go, so that an epoch which evicts nothing costs nothing and one that
/// evicts n rows costs n.
///
///     buckets: one per second of event time that some row has | least time | (time, row) … |
///     order:   a heap of the buckets' numbers
///
/// Windows of many keys end at the same moment, so buckets are few and long; a bucket that the watermark cuts is
/// searched only if its least time has passed. Row addresses must stay valid until they are taken.
struct EvictionIndex {
    private struct Bucket {
        var least: Int64
        var entries: [(time: Int64, row: UnsafeMutableRawPointer)]
    }
    private static let bucketMicros: Int64 = 1_000_000
    /// Where each bucket stands in `lists`.
    private var buckets: [Int64: Int] = [:]
    private var lists: [Bucket] = []
    /// Places in `lists` of buckets that were taken.
    private var free: [Int] = []
    /// The bucket that was added to last: rows of a batch mostly share it.
    private var latest: (number: Int64, place: Int)?
    /// Binary heap, least first.
    private var order: [Int64] = []
    private(set) var count = 0

    mutating func add(_ row: UnsafeMutableRawPointer, at time: Int64) {
        let number = time >= 0 ? time / Self.bucketMicros : (time &+ 1) / Self.bucketMicros - 1
        count += 1
        let place: Int
        if let latest, latest.number == number { place = latest.place } else { place = self.place(of: number) }
        lists[place].entries.append((time, row))
        if time < lists[place].least { lists[place].least = time }
    }

    private mutating func place(of number: Int64) -> Int {
        let place: Int
        if let known = buckets[number] {
            place = known
        } else {
            let empty = Bucket(least: .max, entries: [])
            if let emptied = free.popLast() {
                place = emptied
                lists[place] = empty
            } else {
                place = lists.count
                lists.append(empty)
            }
            buckets[number] = place
            push(number)
        }
        latest = (number, place)
        return place
    }

    /// Rows with a time up to `limit`, taken out.
    mutating func take(through limit: Int64) -> [UnsafeMutableRawPointer] {
        var due: [UnsafeMutableRawPointer] = []
        while let first = order.first, let place = buckets[first], lists[place].least <= limit {
            let bucket = lists[place]
            let late = bucket.entries.filter { $0.time > limit }
            for entry in bucket.entries where entry.time <= limit { due.append(entry.row) }
            guard let least = late.map(\.time).min() else {
                remove(first, at: place)
                continue
            }
            lists[place] = Bucket(least: least, entries: late)
            break
        }
        count -= due.count
        return due
    }

    /// The least time; nil if there is none.
    var least: Int64? { order.first.flatMap { buckets[$0] }.map { lists[$0].least } }

    private mutating func remove(_ number: Int64, at place: Int) {
        buckets[number] = nil
        lists[place].entries = []
        free.append(place)
        latest = nil
        pop()
    }

    private mutating func push(_ number: Int64) {
        order.append(number)
        var child = order.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if order[parent] <= order[child] { return }
            order.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func pop() {
        order[0] = order[order.count - 1]
        order.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < order.count && order[child] < order[least] {
                least = child
            }
            if least == parent { return }
            order.swapAt(parent, least)
            parent = least
        }
    }

    var byteCount: Int { count * 16 + buckets.count * 96 }
}
