/// The time of day and elapsed time.
public protocol Clock: Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    func now() -> Int64
    /// Nanoseconds from an arbitrary start; never goes backwards.
    func elapsed() -> UInt64
}

/// Unpredictable bits, for ids and file names.
public protocol Random: Sendable {
    func next() -> UInt64
}
