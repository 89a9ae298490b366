import Glibc
import TideColumns

/// Finds the slot of a field by its name, which as in Spark's reader must be written exactly as the column.
///
/// Records of a file tend to have the same names in the same order. So the names met are remembered in order, and a
/// name is first compared with the one that followed last time, by one or two word loads.
struct FieldNames {
    /// A name the file has, and where it goes.
    private struct Met {
        /// Its first eight bytes, the rest zero.
        var head: UInt64
        /// Which bytes of `head` count.
        var mask: UInt64
        var offset: Int32
        var length: Int32
        /// -1: nobody reads it.
        var slot: Int32
    }
    /// Further names are looked up every time: such a file has no order to learn.
    private static let metMax = 512
    /// Longer ones too, so that comparing never reads more than a buffer's padding behind the text.
    private static let lengthMax = 56
    /// How many remembered names a record may leave out between two of its fields.
    private static let lookahead = 4

    private let wanted: [[UInt8]]
    private var met: [Met] = []
    private var text = SideText()
    private var expected = 0

    /// - Parameter wanted: names by slot.
    init(_ wanted: [String]) { self.wanted = wanted.map { Array($0.utf8) } }

    mutating func startRecord() { expected = 0 }

    /// The slot (-1: none) and the length of the name at `p` if it is one that was met before and a quote ends it;
    /// length -1 if not. `p` points behind the opening quote, 64 bytes behind the text are readable.
    @inline(__always) mutating func next(_ p: UnsafePointer<UInt8>) -> (slot: Int, length: Int) {
        let head = UnsafeRawPointer(p).loadUnaligned(as: UInt64.self)
        let end = min(expected &+ FieldNames.lookahead, met.count)
        var k = expected
        while k < end {
            let known = met[k]
            let length = Int(known.length)
            if head & known.mask == known.head, p[length] == UInt8(ascii: "\""),
                length <= 8 || memcmp(p + 8, text.bytes + Int(known.offset) + 8, length &- 8) == 0
            {
                expected = k &+ 1
                return (Int(known.slot), length)
            }
            k &+= 1
        }
        return (-1, -1)
    }

    /// Looks a name up, and remembers it as the one that stands here.
    /// - Parameter learns: false for names that are not written as they are meant (escapes, other quotes).
    mutating func lookUp(_ name: UnsafeRawBufferPointer, learns: Bool) -> Int {
        let slot = wanted.firstIndex { $0.elementsEqual(name) } ?? -1
        guard learns, name.count <= FieldNames.lengthMax, met.count < FieldNames.metMax else { return slot }
        if let known = met.firstIndex(where: { equals($0, name) }) {
            expected = known + 1
            return slot
        }
        var head: UInt64 = 0
        for (index, byte) in name.prefix(8).enumerated() { head |= UInt64(byte) << UInt64(index * 8) }
        let mask = name.count >= 8 ? ~UInt64(0) : (UInt64(1) << UInt64(name.count * 8)) - 1
        let entry = Met(
            head: UInt64(littleEndian: head), mask: UInt64(littleEndian: mask), offset: Int32(text.append(name)),
            length: Int32(name.count), slot: Int32(slot))
        met.insert(entry, at: min(expected, met.count))
        expected = min(expected, met.count) + 1
        return slot
    }

    private func equals(_ known: Met, _ name: UnsafeRawBufferPointer) -> Bool {
        let length = Int(known.length)
        return length == name.count
            && UnsafeRawBufferPointer(start: text.bytes + Int(known.offset), count: length).elementsEqual(name)
    }
}
