import CTideKernels

/// Enumerates the pairs of a change's rows and the stored entries with their key, a buffer full at a time.
///
/// Unsafe memory: the buffers live as long as the cursor; entry addresses are valid because nothing is inserted into or
/// removed from the stored side while pairs are enumerated.
struct JoinPairs: ~Copyable {
    static let capacity = 8192
    private static let prefetchDistance = 12

    /// Rows of the change.
    let probe = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    let entries = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity)
    /// Weight of the row times that of the entry.
    let weights = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
    private(set) var count = 0
    /// Every weight is 1.
    private(set) var isPlain = true

    private let found: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let rows: Int
    private let changeWeights: Column?
    private let firstAt: Int
    private let weightAt: Int
    private var row = -1
    private var entry: UnsafeMutableRawPointer?

    init(_ change: RowChange, _ stored: KeyedRows) {
        rows = change.batch.count
        changeWeights = change.batch.weights
        firstAt = stored.firstAt
        weightAt = stored.weightAt
        found = .allocate(capacity: max(1, rows))
        let images = KeyImages(change.keys, count: rows, layout: stored.index.layout)
        stored.index.find(images, selection: nil, count: rows, into: found)
    }

    deinit {
        probe.deallocate()
        entries.deallocate()
        weights.deallocate()
        found.deallocate()
    }

    /// The next pairs, ordered by row; false if there are none left.
    mutating func next() -> Bool {
        if let changeWeights {
            let weights = changeWeights.pointer(Int64.self)
            fill { weights[$0] }
        } else {
            fill { _ in 1 }
        }
        return count > 0
    }

    @inline(__always) private mutating func fill(_ rowWeight: (Int) -> Int64) {
        let (probe, entries, weights, found) = (probe, entries, weights, found)
        let (rows, firstAt, weightAt) = (rows, firstAt, weightAt)
        var (row, entry) = (row, entry)
        var n = 0
        var odd: Int64 = 0
        while true {
            if let current = entry {
                if n == JoinPairs.capacity { break }
                let weight = current.load(fromByteOffset: weightAt, as: Int64.self)
                if weight != 0 {
                    let product = weight &* rowWeight(row)
                    probe[n] = UInt32(truncatingIfNeeded: row)
                    entries[n] = current
                    weights[n] = product
                    odd |= product ^ 1
                    n &+= 1
                }
                entry = UnsafeMutableRawPointer(
                    bitPattern: current.load(fromByteOffset: weightAt &+ 8, as: UInt.self))
                continue
            }
            row &+= 1
            if row >= rows { break }
            let ahead = row &+ JoinPairs.prefetchDistance
            if ahead < rows, let key = found[ahead] {
                tide_prefetch_read(
                    UnsafeRawPointer(bitPattern: key.load(fromByteOffset: firstAt, as: UInt.self)))
            }
            if let key = found[row] {
                entry = UnsafeMutableRawPointer(bitPattern: key.load(fromByteOffset: firstAt, as: UInt.self))
            }
        }
        self.row = row
        self.entry = entry
        count = n
        isPlain = odd == 0
    }

    /// Keeps the pairs whose bit is set.
    mutating func keep(_ bits: Bitmap) {
        var n = 0
        var odd: Int64 = 0
        for i in 0..<count where bits[i] {
            probe[n] = probe[i]
            entries[n] = entries[i]
            weights[n] = weights[i]
            odd |= weights[i] ^ 1
            n += 1
        }
        count = n
        isPlain = odd == 0
    }

    var weightColumn: Column? {
        if isPlain { return nil }
        return Column(
            type: .bigint, count: count,
            values: Buffer(copying: UnsafeRawBufferPointer(start: weights, count: count * 8)))
    }
}
