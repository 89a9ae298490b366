import Glibc
import TideColumns

/// A part of a column that a row group takes.
struct ColumnSegment {
    let column: Column
    let start: Int
    let count: Int
}

/// One column of a row group as the encoder wants it: the values that are not NULL, one after the other, in stored form
/// (narrow decimals are integers already), and which rows they belong to.
struct DenseColumn {
    let rowCount: Int
    let presentCount: Int
    /// nil: no NULL.
    let validity: Bitmap?
    let values: UnsafeRawPointer
    /// What long views point into.
    let bases: UnsafePointer<UnsafeRawPointer>
    /// Keep `values` and `bases` alive.
    private let owner: Buffer
    private let heap: StringHeap

    init(_ segments: [ColumnSegment], _ leaf: LeafType) throws(TidemillError) {
        let rows = segments.reduce(0) { $0 + $1.count }
        rowCount = rows
        validity = DenseColumn.joinValidity(segments, rows: rows)
        presentCount = validity?.onesCount ?? rows
        let physical = leaf.type.physical
        let isStoredForm = physical != .bit && (physical != .int128 || leaf.kind == .fixedLengthByteArray)
        if segments.count == 1, validity == nil, isStoredForm {
            let only = segments[0]
            owner = only.column.values
            heap = only.column.heap
            values = UnsafeRawPointer(owner.base + only.start * physical.width)
            bases = heap.bases
            return
        }
        var heaps: [Buffer] = []
        switch physical {
        case .bit: owner = DenseColumn.joinBits(segments, present: presentCount)
        case .int32, .float32: owner = DenseColumn.join(segments, UInt32.self, present: presentCount)
        case .int64, .float64: owner = DenseColumn.join(segments, UInt64.self, present: presentCount)
        case .view: owner = DenseColumn.joinViews(segments, present: presentCount, &heaps)
        case .int128:
            let wide = DenseColumn.join(segments, Int128.self, present: presentCount)
            owner = try DenseColumn.narrow(wide, count: presentCount, leaf)
        }
        heap = heaps.isEmpty ? .empty : StringHeap(heaps)
        values = UnsafeRawPointer(owner.base)
        bases = heap.bases
    }

    private static func joinValidity(_ segments: [ColumnSegment], rows: Int) -> Bitmap? {
        guard segments.contains(where: { $0.column.validity != nil }) else { return nil }
        let result = Bitmap(repeating: false, count: rows)
        var row = 0
        for segment in segments {
            if let validity = segment.column.validity {
                copyBits(validity, segment, into: result.words, at: row)
            } else {
                setBits(result.words, from: row, count: segment.count)
            }
            row += segment.count
        }
        return result.onesCount == rows ? nil : result
    }

    private static func copyBits(
        _ source: Bitmap, _ segment: ColumnSegment, into words: UnsafeMutablePointer<UInt64>, at row: Int
    ) {
        var done = 0
        while done < segment.count {
            let taken = min(64, segment.count - done)
            let bits = source.bits(at: segment.start + done, count: taken).littleEndian
            // orBits loads a whole word.
            withUnsafeBytes(of: bits) { _ = orBits($0.baseAddress!, into: words, at: row + done, count: taken) }
            done += taken
        }
    }

    private static func joinBits(_ segments: [ColumnSegment], present: Int) -> Buffer {
        let out = Buffer.zeroed(byteCount: Bitmap.wordCount(present) * 8)
        let words = out.pointer(UInt64.self)
        var target = 0
        for segment in segments {
            let bits = segment.column.bits
            guard let validity = segment.column.validity else {
                copyBits(bits, segment, into: words, at: target)
                target += segment.count
                continue
            }
            for row in segment.start..<(segment.start + segment.count) where validity[row] {
                words[target >> 6] |= (bits[row] ? 1 : 0) << UInt64(target & 63)
                target += 1
            }
        }
        return out
    }

    private static func join<T: BitwiseCopyable>(_ segments: [ColumnSegment], _: T.Type, present: Int) -> Buffer {
        let out = Buffer(byteCount: present * MemoryLayout<T>.stride)
        var target = out.pointer(T.self)
        for segment in segments { target = append(segment, to: target) }
        return out
    }

    /// Appends the values of a segment that are not NULL; returns where the next ones go.
    @inline(__always)
    private static func append<T: BitwiseCopyable>(
        _ segment: ColumnSegment, to target: UnsafeMutablePointer<T>
    ) -> UnsafeMutablePointer<T> {
        let source = segment.column.pointer(T.self) + segment.start
        guard let validity = segment.column.validity else {
            memcpy(target, source, segment.count * MemoryLayout<T>.stride)
            return target + segment.count
        }
        var next = target
        var row = 0
        while row < segment.count {
            let taken = min(64, segment.count - row)
            var bits = validity.bits(at: segment.start + row, count: taken)
            while bits != 0 {
                next.pointee = source[row &+ bits.trailingZeroBitCount]
                next += 1
                bits &= bits &- 1
            }
            row += taken
        }
        return next
    }

    /// Views of several heaps: the heaps are lined up and long views renumbered.
    private static func joinViews(_ segments: [ColumnSegment], present: Int, _ heaps: inout [Buffer]) -> Buffer {
        let out = Buffer(byteCount: present * 16)
        var target = out.pointer(StringView.self)
        for segment in segments {
            let end = append(segment, to: target)
            let shift = UInt64(heaps.count)
            if shift > 0 && !segment.column.heap.buffers.isEmpty {
                var view = target
                while view < end {
                    if !view.pointee.isInline { view.pointee.high &+= shift }
                    view += 1
                }
            }
            heaps.append(contentsOf: segment.column.heap.buffers)
            target = end
        }
        return out
    }

    /// Decimals of at most 18 digits are stored as integers.
    private static func narrow(_ wide: Buffer, count: Int, _ leaf: LeafType) throws(TidemillError) -> Buffer {
        let source = wide.pointer(Int128.self)
        var lost = false
        let out: Buffer
        switch leaf.conversion {
        case .int32ToDecimal:
            out = Buffer(byteCount: count * 4)
            let target = out.pointer(Int32.self)
            for i in 0..<count {
                target[i] = Int32(truncatingIfNeeded: source[i])
                lost = lost || Int128(target[i]) != source[i]
            }
        case .int64ToDecimal:
            out = Buffer(byteCount: count * 8)
            let target = out.pointer(Int64.self)
            for i in 0..<count {
                target[i] = Int64(truncatingIfNeeded: source[i])
                lost = lost || Int128(target[i]) != source[i]
            }
        default: return wide
        }
        if lost { throw .internal("a decimal has more digits than its type \(leaf.type.sql)") }
        return out
    }
}
