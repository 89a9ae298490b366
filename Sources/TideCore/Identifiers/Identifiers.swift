/// One micro-batch of the whole pipeline. Numbers start at 0.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ number: Int64) { rawValue = number }

    public static let zero = Epoch(0)
    public var next: Epoch { Epoch(rawValue + 1) }
    public static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// The top eight bits of a key's 64-bit hash. Parallelism maps ranges of key groups to partitions.
public struct KeyGroup: Hashable, Comparable, Sendable {
    public static let count = 256
    public let rawValue: UInt8
    public init(hash: UInt64) { rawValue = UInt8(truncatingIfNeeded: hash >> 56) }
    public init(_ number: UInt8) { rawValue = number }
    public static func < (a: KeyGroup, b: KeyGroup) -> Bool { a.rawValue < b.rawValue }
}

/// A stateful operator of the pipeline, stable over restarts as long as its query is unchanged.
public struct OperatorID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (a: OperatorID, b: OperatorID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}
