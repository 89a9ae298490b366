/// Nexmark's three streams.
public enum NexmarkStream: String, CaseIterable, Sendable {
    case person, auction, bid

    public var schema: Schema {
        switch self {
        case .person:
            Schema([
                Field("id", .bigint), Field("name", .string), Field("emailAddress", .string),
                Field("creditCard", .string), Field("city", .string), Field("state", .string),
                Field("dateTime", .timestamp), Field("extra", .string),
            ])
        case .auction:
            Schema([
                Field("id", .bigint), Field("itemName", .string), Field("description", .string),
                Field("initialBid", .bigint), Field("reserve", .bigint), Field("dateTime", .timestamp),
                Field("expires", .timestamp), Field("seller", .bigint), Field("category", .bigint),
                Field("extra", .string),
            ])
        case .bid:
            Schema([
                Field("auction", .bigint), Field("bidder", .bigint), Field("price", .bigint),
                Field("channel", .string), Field("url", .string), Field("dateTime", .timestamp),
                Field("extra", .string),
            ])
        }
    }

    /// The stream's events in each 50, as places among them.
    var places: Range<Int64> {
        switch self {
        case .person: 0..<1
        case .auction: 1..<4
        case .bid: 4..<50
        }
    }

    /// How many of the first `event` events are of this stream.
    public func rows(before event: Int64) -> Int64 {
        let (cycle, place) = event.quotientAndRemainder(dividingBy: 50)
        return cycle * Int64(places.count) + min(max(place - places.lowerBound, 0), Int64(places.count))
    }
}

/// The sequence of Nexmark's events (Tucker, Tufte, Papadimos, Maier: NEXMark, 2002; proportions and skew of the
/// generator in Apache Beam and github.com/nexmark): of 50 events the first is a person, the next three are auctions,
/// the others bids. What an event holds is hashed from its number, so any range can be made alone.
///
/// Ids begin with 1000. Half of the bids go to a hot auction, the newest that is a multiple of 100; the others to one
/// of the last 100 or the next 10, so some bids come before their auction. Three of four bidders (and sellers) are a
/// hot person, the newest multiple of 100 (+1 for bidders); the others one of the last 1000 or the next 10. Prices are
/// 100 · 10^u with u uniform in 0..<6. An auction lasts up to twice the time in which 100 auctions open.
public struct NexmarkEvents: Hashable, Sendable {
    /// The time of event 0: 2015-07-15T00:00:00Z.
    public var startMicros: Int64 = 1_436_918_400_000_000
    /// In the events' own time, which has whole milliseconds.
    public var perSecond: Int64 = 10_000
    public var seed: UInt64 = 0
    public init() {}

    static let firstID: Int64 = 1000
    static let hotEvery: Int64 = 100
    static let openAuctions: Int64 = 100
    static let activePersons: Int64 = 1000
    static let ahead: Int64 = 10

    /// Microseconds since 1970.
    @inline(__always) func time(_ event: Int64) -> Int64 {
        let (seconds, rest) = event.quotientAndRemainder(dividingBy: perSecond)
        return startMicros + seconds * 1_000_000 + rest * 1000 / perSecond * 1000
    }

    /// splitmix64's finalizer (Steele, Lea, Flood 2014) over the event's number and what is asked of it.
    @inline(__always) func draw(_ event: Int64, _ purpose: UInt64) -> UInt64 {
        var z = (UInt64(bitPattern: event) &* 16 &+ purpose) &* 0x9E37_79B9_7F4A_7C15 &+ seed
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0..<bound, from the upper half of a draw; bound < 2^32.
    @inline(__always) static func below(_ bound: Int64, _ draw: UInt64) -> Int64 {
        Int64(truncatingIfNeeded: ((draw >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
    }

    /// The number (from 0) of the newest auction when the event happens.
    @inline(__always) static func newestAuction(_ event: Int64) -> Int64 {
        let (cycle, place) = event.quotientAndRemainder(dividingBy: 50)
        return max(0, cycle * 3 + min(place, 3) - 1)
    }
    @inline(__always) static func newestPerson(_ event: Int64) -> Int64 { event / 50 }

    /// An auction that gets a bid. The low half of the draw decides whether a hot one.
    @inline(__always) static func bidAuction(_ event: Int64, _ draw: UInt64) -> Int64 {
        let newest = newestAuction(event)
        if draw & 1 == 0 { return firstID + newest / hotEvery * hotEvery }
        let oldest = max(0, newest - openAuctions)
        return firstID + oldest + below(newest - oldest + 1 + ahead, draw)
    }

    /// - Parameter offset: of the hot person from the multiple of 100.
    @inline(__always) static func person(_ event: Int64, _ draw: UInt64, hotOffset offset: Int64) -> Int64 {
        let newest = newestPerson(event)
        if draw & 3 != 0 { return firstID + newest / hotEvery * hotEvery + offset }
        let active = min(newest + 1, activePersons)
        return firstID + newest + 1 - active + below(active + ahead, draw)
    }

    /// Milliseconds from an auction's event to its end, in microseconds.
    @inline(__always) func duration(_ event: Int64, _ draw: UInt64) -> Int64 {
        let horizon = time(event + NexmarkEvents.openAuctions * 50 / 3) - time(event)
        return (1 + NexmarkEvents.below(max(1, horizon / 500), draw)) * 1000
    }
}
