/// Spark's source `rate`: so many rows per second of the clock since it began, each with a moment and a number from 0.
/// Positions are seconds; a second's rows are there when it is over, spread evenly over it.
struct RateGenerator: RowGenerator {
    /// > 0
    let rowsPerSecond: Int64
    /// Seconds in which the speed grows linearly; ≥ 0.
    let rampUpSeconds: Int64

    static let schema = Schema([Field("timestamp", .timestamp), Field("value", .bigint)])
    /// So many rows that their numbers stay far from overflow.
    static let secondsMax: Int64 = 1 << 32
    static let rowsPerSecondMax: Int64 = 1 << 30
    static let rampUpSecondsMax: Int64 = 1 << 31

    var schema: Schema { RateGenerator.schema }
    var description: String { "RateStreamSource[rowsPerSecond=\(rowsPerSecond), rampUpTimeSeconds=\(rampUpSeconds)]" }
    var identity: String { description }
    var unit: String { "seconds" }
    var followsClock: Bool { true }

    func end(started: Int64, now: Int64) -> Int64? {
        min(max(0, now - started) / 1_000_000, RateGenerator.secondsMax)
    }

    /// Rows of the first `seconds` seconds, as Spark counts them: while the speed grows, second s brings
    /// s · ⌊rowsPerSecond / (rampUpSeconds + 1)⌋ rows.
    func ordinal(at seconds: Int64) -> Int64 {
        let growth = rowsPerSecond / (rampUpSeconds + 1)
        func ramp(_ s: Int64) -> Int64 { s % 2 == 1 ? growth * s * ((s + 1) / 2) : growth * (s / 2) * (s + 1) }
        if seconds <= rampUpSeconds { return ramp(seconds) }
        return ramp(rampUpSeconds) + (seconds - rampUpSeconds) * rowsPerSecond
    }

    func open(_ ordinals: Range<Int64>, started: Int64, columns: [Int]) -> any SplitReader {
        RateReader(self, ordinals, started: started, columns: columns)
    }
}

private final class RateReader: SplitReader {
    private let generator: RateGenerator
    private var rest: Range<Int64>
    private let started: Int64
    private let columns: [Int]
    private(set) var report = SplitReport()

    /// The second that `rest` starts in.
    private var second: Int64

    init(_ generator: RateGenerator, _ ordinals: Range<Int64>, started: Int64, columns: [Int]) {
        self.generator = generator
        rest = ordinals
        self.started = started
        self.columns = columns
        var (low, high) = (Int64(0), RateGenerator.secondsMax)
        while low < high {
            let middle = (low + high + 1) / 2
            if generator.ordinal(at: middle) <= ordinals.lowerBound { low = middle } else { high = middle - 1 }
        }
        second = low
    }

    func next() -> Batch? {
        if rest.isEmpty { return nil }
        let count = Int(min(Int64(rest.count), 8192))
        let times = Buffer(byteCount: count * 8)
        let values = Buffer(byteCount: count * 8)
        fill(count, times.pointer(Int64.self), values.pointer(Int64.self))
        rest = (rest.lowerBound + Int64(count))..<rest.upperBound
        report.rows += count
        let all = [
            Column(type: .timestamp, count: count, values: times), Column(type: .bigint, count: count, values: values),
        ]
        return Batch(columns: columns.map { all[$0] }, count: count)
    }

    /// A second's rows stand at whole milliseconds, rounded as Java rounds: halves up.
    private func fill(_ count: Int, _ times: UnsafeMutablePointer<Int64>, _ values: UnsafeMutablePointer<Int64>) {
        var done = 0
        while done < count {
            let (first, next) = (generator.ordinal(at: second), generator.ordinal(at: second + 1))
            let value = rest.lowerBound + Int64(done)
            if value >= next {
                second += 1
                continue
            }
            let here = Int(min(next - value, Int64(count - done)))
            let (rows, base) = (next - first, started + second * 1_000_000)
            for i in 0..<here {
                let number = value + Int64(i)
                values[done + i] = number
                times[done + i] = base + ((number - first) * 2000 + rows) / (2 * rows) * 1000
            }
            done += here
        }
    }
}
