/// One of Nexmark's streams as a source; positions are events of all three, so equal limits keep the streams together.
struct NexmarkGenerator: RowGenerator {
    let stream: NexmarkStream
    let events: NexmarkEvents
    /// nil: no end.
    let eventsMax: Int64?

    var schema: Schema { stream.schema }
    var description: String { "NexmarkSource[\(stream.rawValue)]" }
    var identity: String {
        "nexmark \(stream.rawValue) \(events.startMicros) \(events.perSecond) \(events.seed) \(eventsMax ?? -1)"
    }
    var unit: String { "events" }

    func end(started: Int64, now: Int64) -> Int64? { eventsMax }
    func open(_ ordinals: Range<Int64>, started: Int64, columns: [Int]) -> any SplitReader {
        NexmarkReader(stream, events, ordinals, columns: columns)
    }
}

/// The rows of one stream in a range of events.
public final class NexmarkReader: SplitReader {
    private let stream: NexmarkStream
    private let columns: [Int]
    private let kernels: NexmarkKernels
    private var rest: Range<Int64>
    public private(set) var report = SplitReport()

    private static let batchRows: Int64 = 8192

    /// - Parameter columns: indices into the stream's schema, ascending.
    public init(_ stream: NexmarkStream, _ events: NexmarkEvents, _ range: Range<Int64>, columns: [Int]) {
        self.stream = stream
        self.columns = columns
        kernels = NexmarkKernels(events)
        rest = stream.rows(before: range.lowerBound)..<stream.rows(before: range.upperBound)
    }

    public func next() -> Batch? {
        if rest.isEmpty { return nil }
        let rows = rest.lowerBound..<min(rest.lowerBound + NexmarkReader.batchRows, rest.upperBound)
        rest = rows.upperBound..<rest.upperBound
        let numbers = NexmarkKernels.eventNumbers(stream.places, rows)
        report.rows += rows.count
        let made = columns.map { column(stream.schema[$0], numbers, rows) }
        return Batch(columns: made, count: rows.count)
    }

    /// Each column has a number of its own in the draws of an event.
    private func column(_ field: Field, _ numbers: Buffer, _ rows: Range<Int64>) -> Column {
        let texts = NexmarkText.shared
        let count = rows.count
        switch (stream, field.name) {
        case (_, "dateTime"): return kernels.times(numbers, count)
        case (.person, "id"), (.auction, "id"): return NexmarkKernels.ids(rows)
        case (.person, "name"): return kernels.choice(of: texts.names, numbers, count, purpose: 1)
        case (.person, "emailAddress"): return kernels.emails(numbers, count, purpose: 2)
        case (.person, "creditCard"): return kernels.creditCards(numbers, count, purpose: 3)
        case (.person, "city"): return kernels.choice(of: texts.cities, numbers, count, purpose: 4)
        case (.person, "state"): return kernels.choice(of: texts.states, numbers, count, purpose: 5)
        case (.person, _): return kernels.letters(99..<149, numbers, count, purpose: 6)
        case (.auction, "itemName"): return kernels.letters(3..<20, numbers, count, purpose: 1)
        case (.auction, "description"): return kernels.letters(3..<100, numbers, count, purpose: 2)
        case (.auction, "initialBid"): return kernels.prices(numbers, count, purpose: 3)
        case (.auction, "reserve"): return kernels.sumOfPrices(numbers, count, purposes: (3, 4))
        case (.auction, "expires"): return kernels.expirations(numbers, count, purpose: 5)
        case (.auction, "seller"): return kernels.persons(numbers, count, hotOffset: 0, purpose: 6)
        case (.auction, "category"): return kernels.categories(numbers, count, purpose: 7)
        case (.auction, _): return kernels.letters(306..<459, numbers, count, purpose: 8)
        case (.bid, "auction"): return kernels.auctions(numbers, count, purpose: 1)
        case (.bid, "bidder"): return kernels.persons(numbers, count, hotOffset: 1, purpose: 2)
        case (.bid, "price"): return kernels.prices(numbers, count, purpose: 3)
        case (.bid, "channel"): return kernels.channels(texts.channels, numbers, count, purpose: 4)
        case (.bid, "url"): return kernels.channels(texts.urls, numbers, count, purpose: 4)
        case (.bid, _): return kernels.letters(55..<83, numbers, count, purpose: 5)
        }
    }
}
