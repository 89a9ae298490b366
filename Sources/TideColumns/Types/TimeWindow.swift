/// A value of `DataType.timeWindow`: the half-open interval [start, end) in microseconds since 1970, which SQL shows as
/// STRUCT<start: TIMESTAMP, end: TIMESTAMP>.
///
/// Packed into the 128 bits of `PhysicalType.int128`, start in the high half and end, with its sign bit turned, in the
/// low one: equality of the bits is equality of windows, and their signed order is that of (start, end). So a window is
/// one fixed-width grouping key, not a struct of two columns.
public struct TimeWindow: Hashable, Sendable {
    public var start: Int64
    public var end: Int64

    @inlinable public init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }

    @inlinable public init(packed bits: Int128) {
        start = Int64(truncatingIfNeeded: bits >> 64)
        end = Int64(truncatingIfNeeded: bits) ^ Int64.min
    }

    @inlinable public var packed: Int128 {
        Int128(start) << 64 | Int128(UInt64(bitPattern: end ^ Int64.min))
    }

    /// The start of the latest window of a series with this slide that begins at or before `time`: windows start at
    /// `offset` and every `slide` from there, before it too.
    @inlinable public static func lastStart(atOrBefore time: Int64, slide: Int64, offset: Int64) -> Int64 {
        let rest = (time &- offset) % slide
        return time &- (rest < 0 ? rest &+ slide : rest)
    }
}
