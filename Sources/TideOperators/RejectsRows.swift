/// Rows an operator took no notice of, since the last time somebody asked.
public struct RejectedRows: Sendable, Hashable {
    /// Rows that say nothing: an event without a sequence number.
    public var bad = 0
    /// Events older than what they would have changed.
    public var outdated = 0
    public init(bad: Int = 0, outdated: Int = 0) {
        self.bad = bad
        self.outdated = outdated
    }
}

/// An operator that leaves rows out and counts them.
public protocol RejectsRows: AnyObject, Sendable {
    func takeRejectedRows() -> RejectedRows
}
