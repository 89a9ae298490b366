import Glibc
import TideColumns

/// Dictionary-encodes dense values with an open-addressing table, and gives up as soon as a dictionary does not pay:
/// when its PLAIN bytes pass 1 MiB, when more than 2/3 of the first 4096 values differ, or more than 2/3 of all.
///
/// The table holds entry numbers + 1 (0 is empty) and stays at most half full. String views are compared as two words
/// when they are short (StringView's invariant), by content when long.
///
/// Unsafe: raw loops over the dense values; entries are indexes of first occurrences.
struct DictionaryEncoding {
    /// One per value.
    let indexes: Buffer
    /// The distinct values in order of appearance, in the values' own form.
    let entries: Buffer
    let entryCount: Int

    static let bytesMax = 1 << 20
    static let probeRows = 4096

    /// nil: not worth it.
    static func build(_ dense: DenseColumn, _ leaf: LeafType) -> DictionaryEncoding? {
        let count = dense.presentCount
        guard count > 0 else { return nil }
        switch leaf.kind {
        case .boolean: return nil
        case .int32, .float:
            return build32(dense.values.assumingMemoryBound(to: UInt32.self), count)
        case .int64, .double:
            return build64(dense.values.assumingMemoryBound(to: UInt64.self), count)
        case .byteArray, .fixedLengthByteArray, .int96:
            // Decimals of 16 bytes are compared as two words too; no view is long then.
            return buildViews(
                dense.values.assumingMemoryBound(to: StringView.self), dense.bases, count,
                areViews: leaf.kind == .byteArray, entryBytes: leaf.typeLength)
        }
    }

    @inline(never)
    private static func build32(_ values: UnsafePointer<UInt32>, _ count: Int) -> DictionaryEncoding? {
        buildFixed(values, count) { UInt64($0) }
    }
    @inline(never)
    private static func build64(_ values: UnsafePointer<UInt64>, _ count: Int) -> DictionaryEncoding? {
        buildFixed(values, count) { $0 }
    }

    @inline(__always)
    private static func buildFixed<T: FixedWidthInteger & BitwiseCopyable>(
        _ values: UnsafePointer<T>, _ count: Int, _ key: (T) -> UInt64
    ) -> DictionaryEncoding? {
        var table = DictionaryTable(entryBytes: MemoryLayout<T>.size, valueCount: count)
        let indexes = Buffer(byteCount: count * 4)
        let out = indexes.pointer(UInt32.self)
        let entries = table.entries.pointer(T.self)
        for i in 0..<count {
            let value = values[i]
            let hash = DictionaryTable.mix(key(value))
            var slot = table.slot(hash)
            while true {
                let entry = table.slots[slot]
                if entry == 0 {
                    entries[table.count] = value
                    guard table.insert(at: slot, plainBytes: MemoryLayout<T>.size, seen: i) else { return nil }
                    out[i] = UInt32(truncatingIfNeeded: table.count &- 1)
                    if table.isHalfFull { table.grow { DictionaryTable.mix(key(entries[$0])) } }
                    break
                }
                if entries[Int(entry &- 1)] == value {
                    out[i] = entry &- 1
                    break
                }
                slot = table.next(slot)
            }
        }
        return table.finish(indexes, count)
    }

    @inline(never)
    private static func buildViews(
        _ values: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>, _ count: Int, areViews: Bool,
        entryBytes: Int
    ) -> DictionaryEncoding? {
        var table = DictionaryTable(entryBytes: 16, valueCount: count)
        let indexes = Buffer(byteCount: count * 4)
        let out = indexes.pointer(UInt32.self)
        let entries = table.entries.pointer(StringView.self)
        for i in 0..<count {
            let value = values[i]
            let isLong = areViews && !value.isInline
            let hash = isLong ? DictionaryTable.mix(longHash(value, bases)) : DictionaryTable.mix(value.low, value.high)
            var slot = table.slot(hash)
            while true {
                let entry = table.slots[slot]
                if entry == 0 {
                    entries[table.count] = value
                    let bytes = areViews ? value.length + 4 : entryBytes
                    guard table.insert(at: slot, plainBytes: bytes, seen: i) else { return nil }
                    out[i] = UInt32(truncatingIfNeeded: table.count &- 1)
                    if table.isHalfFull {
                        table.grow { index in
                            let view = entries[index]
                            return areViews && !view.isInline
                                ? DictionaryTable.mix(longHash(view, bases)) : DictionaryTable.mix(view.low, view.high)
                        }
                    }
                    break
                }
                let other = entries[Int(entry &- 1)]
                let equal =
                    other.low == value.low
                    && (other.high == value.high || (isLong && sameLong(other, value, bases)))
                if equal {
                    out[i] = entry &- 1
                    break
                }
                slot = table.next(slot)
            }
        }
        return table.finish(indexes, count)
    }

    @inline(never)
    private static func sameLong(
        _ a: StringView, _ b: StringView, _ bases: UnsafePointer<UnsafeRawPointer>
    ) -> Bool {
        memcmp(bases[a.bufferIndex] + a.offset, bases[b.bufferIndex] + b.offset, a.length) == 0
    }

    /// Hash of a long string: 8 bytes at a time, the last word overlapping. Length > 12.
    private static func longHash(_ view: StringView, _ bases: UnsafePointer<UnsafeRawPointer>) -> UInt64 {
        let base = bases[view.bufferIndex] + view.offset
        let length = view.length
        var hash = UInt64(length) &* 0x9E37_79B9_7F4A_7C15
        var position = 0
        while position &+ 8 <= length {
            hash = (hash ^ (base + position).loadUnaligned(as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            position &+= 8
        }
        let last = (base + (length - 8)).loadUnaligned(as: UInt64.self)
        return (hash ^ last) &* 0xC4CE_B9FE_1A85_EC53
    }
}

/// The table of `DictionaryEncoding`: slots and bookkeeping, without knowledge of what an entry is.
private struct DictionaryTable {
    private(set) var slots: UnsafeMutablePointer<UInt32>
    private var slotBuffer: Buffer
    private var slotBits: UInt64 = 11
    private(set) var count = 0
    private var plainBytes = 0
    let entries: Buffer

    init(entryBytes: Int, valueCount: Int) {
        slotBuffer = .zeroed(byteCount: 4 << 11)
        slots = slotBuffer.pointer(UInt32.self)
        // No more entries can come about than the limit on plain bytes allows (a byte array takes at least 4).
        let entriesMax = min(valueCount, DictionaryEncoding.bytesMax / 4 + 1)
        entries = Buffer(byteCount: entriesMax * entryBytes)
    }

    @inline(__always) static func mix(_ key: UInt64) -> UInt64 { (key ^ (key >> 32)) &* 0x9E37_79B9_7F4A_7C15 }
    @inline(__always) static func mix(_ low: UInt64, _ high: UInt64) -> UInt64 {
        let a = (low ^ (low >> 29)) &* 0x9E37_79B9_7F4A_7C15
        let b = (a ^ (a >> 32) ^ high) &* 0xC2B2_AE3D_27D4_EB4F
        return (b ^ (b >> 29)) &* 0x1656_67B1_9E37_79F9
    }
    @inline(__always) func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> (64 &- slotBits)) }
    @inline(__always) func next(_ slot: Int) -> Int { (slot &+ 1) & ((1 &<< Int(slotBits)) &- 1) }
    var isHalfFull: Bool { count &* 2 > (1 &<< Int(slotBits)) }

    /// Declares the entry just stored; false when the dictionary stops paying.
    @inline(__always) mutating func insert(at slot: Int, plainBytes bytes: Int, seen: Int) -> Bool {
        plainBytes &+= bytes
        guard plainBytes <= DictionaryEncoding.bytesMax else { return false }
        count &+= 1
        slots[slot] = UInt32(truncatingIfNeeded: count)
        return !(seen >= DictionaryEncoding.probeRows && count &* 3 > (seen &+ 1) &* 2)
    }

    @inline(never) mutating func grow(_ hash: (Int) -> UInt64) {
        slotBits += 2
        slotBuffer = .zeroed(byteCount: 4 << Int(slotBits))
        slots = slotBuffer.pointer(UInt32.self)
        for entry in 0..<count {
            var place = slot(hash(entry))
            while slots[place] != 0 { place = next(place) }
            slots[place] = UInt32(entry + 1)
        }
    }

    func finish(_ indexes: Buffer, _ valueCount: Int) -> DictionaryEncoding? {
        // A handful of values costs nothing either way; there a dictionary is kept.
        if count * 3 > valueCount * 2 && valueCount > 64 { return nil }
        return DictionaryEncoding(indexes: indexes, entries: entries, entryCount: count)
    }
}
