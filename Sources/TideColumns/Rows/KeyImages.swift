import Glibc

/// The key images of a batch of rows (see `RowLayout`), beside their hashes: what a `RowTable` is probed with. Views in
/// the images point into the heaps of the key columns, which are kept alive.
public struct KeyImages: Sendable {
    public let layout: RowLayout
    public let count: Int
    public let hashes: Buffer
    let images: Buffer
    /// One joined list of heap bases; image views of column k have their buffer index raised by `heapStart[k]`.
    let heap: StringHeap

    /// - Parameter columns: the keys, of `layout.keyTypes`, each with `count` rows.
    public init(_ columns: [Column], count: Int, layout: RowLayout) {
        precondition(columns.count == layout.keyTypes.count)
        self.layout = layout
        self.count = count
        hashes = hashRows(columns, count: count)
        let stride = layout.imageBytes
        images = Buffer(byteCount: count * stride)
        let base = images.base
        // Zero mark and null bits, and the last words, which may hold padding; every other byte is written below.
        for offset in Swift.stride(from: 0, to: RowLayout.keyOffset, by: 8) { zeroWord(base + offset, stride, count) }
        for offset in Swift.stride(from: layout.fieldsEnd & ~7, to: stride, by: 8) {
            zeroWord(base + offset, stride, count)
        }
        var buffers: [Buffer] = []
        for (index, column) in columns.enumerated() {
            precondition(column.type.physical == layout.keyTypes[index].physical && column.count == count)
            let offset = layout.keyOffsets[index]
            switch column.type.physical {
            case .bit: scatterBits(column.bits.words, base + offset, stride, count)
            case .int32: scatter(column.pointer(UInt32.self), base + offset, stride, count)
            case .float32: scatterFloats(column.pointer(Float.self), base + offset, stride, count)
            case .int64: scatter(column.pointer(UInt64.self), base + offset, stride, count)
            case .float64: scatterDoubles(column.pointer(Double.self), base + offset, stride, count)
            case .int128: scatter(column.pointer(StringView.self), base + offset, stride, count)
            case .view:
                let start = UInt64(buffers.count)
                buffers += column.heap.buffers
                scatterViews(column.views, base + offset, stride, count, raisedBy: start)
            }
            if let validity = column.validity {
                clearNulls(
                    validity.words, base + offset, max(1, column.type.physical.width),
                    base + layout.nullByte(index), UInt8(1 << (index & 7)), stride, count)
            }
        }
        heap = buffers.isEmpty ? .empty : StringHeap(buffers)
    }
}

/// One word a pass: a loop over words inside the loop over rows becomes a call of memset for every row.
@inline(never)
private func zeroWord(_ base: UnsafeMutableRawPointer, _ stride: Int, _ count: Int) {
    var at = base
    for _ in 0..<count {
        at.storeBytes(of: 0, as: UInt64.self)
        at += stride
    }
}
@inline(never)
private func scatter<T: BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ out: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
) {
    var at = out
    for i in 0..<count {
        at.storeBytes(of: values[i], as: T.self)
        at += stride
    }
}
@inline(never)
private func scatterViews(
    _ values: UnsafePointer<StringView>, _ out: UnsafeMutableRawPointer, _ stride: Int, _ count: Int,
    raisedBy start: UInt64
) {
    var at = out
    for i in 0..<count {
        var view = values[i]
        if !view.isInline { view.high &+= start }
        at.storeBytes(of: view, as: StringView.self)
        at += stride
    }
}
@inline(never)
private func scatterDoubles(
    _ values: UnsafePointer<Double>, _ out: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
) {
    var at = out
    for i in 0..<count {
        at.storeBytes(of: canonicalBits(values[i]), as: UInt64.self)
        at += stride
    }
}
@inline(never)
private func scatterFloats(
    _ values: UnsafePointer<Float>, _ out: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
) {
    var at = out
    for i in 0..<count {
        let v = values[i]
        at.storeBytes(of: v == 0 ? 0 : (v.isNaN ? 0x7FC0_0000 : v.bitPattern), as: UInt32.self)
        at += stride
    }
}
@inline(never)
private func scatterBits(
    _ words: UnsafePointer<UInt64>, _ out: UnsafeMutableRawPointer, _ stride: Int, _ count: Int
) {
    var at = out
    for i in 0..<count {
        at.storeBytes(of: UInt8((words[i >> 6] >> UInt64(i & 63)) & 1), as: UInt8.self)
        at += stride
    }
}
/// Zeroes the field and sets the null bit where a value is missing.
@inline(never)
private func clearNulls(
    _ valid: UnsafePointer<UInt64>, _ field: UnsafeMutableRawPointer, _ width: Int, _ nullByte: UnsafeMutableRawPointer,
    _ bit: UInt8, _ stride: Int, _ count: Int
) {
    for i in 0..<count where (valid[i >> 6] >> UInt64(i & 63)) & 1 == 0 {
        memset(field + i * stride, 0, width)
        let byte = (nullByte + i * stride).assumingMemoryBound(to: UInt8.self)
        byte.pointee |= bit
    }
}
