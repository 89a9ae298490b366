import Synchronization
import TideColumns

/// The state that one part of one owner keeps: what runs and blocks are told apart by.
public struct StateAddress: Hashable, Comparable, Sendable {
    public var owner: UInt32
    public var kind: BlockKind
    public var part: UInt16
    public init(owner: UInt32, kind: BlockKind, part: UInt16) {
        self.owner = owner
        self.kind = kind
        self.part = part
    }
    public static func < (a: StateAddress, b: StateAddress) -> Bool {
        (a.owner, a.kind, a.part) < (b.owner, b.kind, b.part)
    }
}

/// What tells rows of one address apart, and which of them are there no longer.
public struct MergeRule: Sendable, Hashable {
    /// Columns that, with the hash, make a row's key. Compared by their bits, NULL equal to NULL.
    public var keyColumns: [Int]
    /// A boolean column that is false in a tombstone; nil if rows are never deleted.
    public var liveColumn: Int?
    /// True when merging to the bottom: no older run can hold the key, so tombstones have done their work.
    public var dropTombstones: Bool

    public init(keyColumns: [Int], liveColumn: Int? = nil, dropTombstones: Bool = false) {
        self.keyColumns = keyColumns
        self.liveColumn = liveColumn
        self.dropTombstones = dropTombstones
    }
}

/// Raised by whoever wants background work to end early; the work looks at it once per block or so.
public final class CancelFlag: Sendable {
    private let raised = Atomic<Bool>(false)
    public init() {}
    public func raise() { raised.store(true, ordering: .relaxed) }
    public var isRaised: Bool { raised.load(ordering: .relaxed) }

    func check() throws(TidemillError) {
        if isRaised { throw TidemillError(.io, "TIDEMILL_CANCELLED", "background work was cancelled") }
    }
}
