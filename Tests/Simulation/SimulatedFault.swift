import Glibc
import TideCore

/// When and how a call fails that changes something or makes it durable.
public struct SimulatedFault: Sendable {
    /// The first word of the call in the trace: create, write, sync, truncate, rename, exchange, link, remove, mkdir,
    /// rmdir, syncdir; or one of open, stat and opendir. "" for any of those in the trace.
    public var call: String
    /// Only calls whose path ends so; "" for any.
    public var pathSuffix: String
    /// Which matching call fails, counted from 0; it and no other.
    public var index: Int
    public var errno: Int32
    /// The call does its work and then says that it failed. A write does half of it.
    public var isDone: Bool
    public init(
        call: String, pathSuffix: String = "", index: Int = 0, errno: Int32 = EIO, isDone: Bool = false
    ) {
        self.call = call
        self.pathSuffix = pathSuffix
        self.index = index
        self.errno = errno
        self.isDone = isDone
    }
}

/// A read that fails, or worse, that gives other bytes than were written.
public struct SimulatedReadFault: Sendable {
    public enum Kind: Sendable, Hashable, CaseIterable {
        case error
        /// One bit is wrong.
        case flip
        /// Bytes of another place in the file.
        case misdirected
        /// Fewer bytes than are there.
        case short
    }
    public var kind: Kind
    /// Only files whose path has this in it, and not `sparing`.
    public var pathPart: String
    public var sparing: String
    /// Which matching read, counted from 0.
    public var index: Int
    /// That read's file stays bad, whatever is read of it.
    public var isSticky: Bool
    /// Draws the bit and the place.
    public var seed: UInt64
    public init(
        _ kind: Kind, pathPart: String = "", sparing: String = "\u{0}", index: Int = 0, isSticky: Bool = false,
        seed: UInt64 = 0
    ) {
        self.kind = kind
        self.pathPart = pathPart
        self.sparing = sparing
        self.index = index
        self.isSticky = isSticky
        self.seed = seed
    }
}

/// A read fault and how far it has got.
struct ReadFaultProgress {
    let fault: SimulatedReadFault
    private var seen = 0
    private(set) var struck: FilePath?
    private var generator: SeededGenerator

    init(_ fault: SimulatedReadFault) {
        self.fault = fault
        generator = SeededGenerator(seed: fault.seed)
    }

    /// Whether the read of `path` that comes now is hit.
    mutating func strikes(_ path: FilePath) -> Bool {
        if let struck { return fault.isSticky && struck == path }
        let name = path.string
        guard name.contains(fault.pathPart), !name.contains(fault.sparing) else { return false }
        seen += 1
        if seen - 1 == fault.index { struck = path }
        return struck != nil
    }

    /// Damages what was read. Returns how many bytes the reader gets.
    mutating func damage(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int, of content: [UInt8]) -> Int {
        if bytes.isEmpty { return 0 }
        switch fault.kind {
        case .error: return bytes.count
        case .short: return Int.random(in: 0..<bytes.count, using: &generator)
        case .flip:
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            return bytes.count
        case .misdirected:
            let place = Int.random(in: 0...max(0, content.count - bytes.count), using: &generator)
            for i in 0..<min(bytes.count, content.count - place) { bytes[i] = content[place + i] }
            return bytes.count
        }
    }
}
