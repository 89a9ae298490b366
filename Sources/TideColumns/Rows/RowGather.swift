import Glibc

// From packed rows back to columns.

extension RowTable {
    /// Key column `index` of the given rows. Long strings are shared with the table's arena, whose chunks are
    /// immutable once written.
    public func keyColumn(
        _ index: Int, of rows: UnsafePointer<UnsafeMutableRawPointer>, count n: Int, as type: DataType,
        heap: StringHeap
    ) -> Column {
        layout.column(index, of: rows, count: n, as: type, heap: heap)
    }
}

extension RowLayout {
    /// Column `index` of the images at the given places.
    /// - Parameter heap: of the arena in which the images' long strings lie.
    public func column(
        _ index: Int, of rows: UnsafePointer<UnsafeMutableRawPointer>, count n: Int, as type: DataType,
        heap: StringHeap
    ) -> Column {
        let offset = keyOffsets[index]
        let validity = validity(index, rows, n)
        func typed<T: BitwiseCopyable>(_: T.Type) -> Column {
            Column(
                type: type, count: n, values: collectField(rows, n, offset, T.self), validity: validity, heap: heap)
        }
        switch type.physical {
        case .bit:
            let bits = Bitmap(count: n) { rows[$0].load(fromByteOffset: offset, as: UInt8.self) != 0 }
            return Column(type: type, count: n, values: bits.buffer, validity: validity)
        case .int32, .float32: return typed(UInt32.self)
        case .int64, .float64: return typed(UInt64.self)
        case .int128, .view: return typed(StringView.self)
        }
    }

    private func validity(_ index: Int, _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ n: Int) -> Bitmap? {
        let offset = nullByte(index)
        let bit = UInt8(1 << (index & 7))
        var any: UInt8 = 0
        for i in 0..<n { any |= rows[i].load(fromByteOffset: offset, as: UInt8.self) & bit }
        if any == 0 { return nil }
        return Bitmap(count: n) { rows[$0].load(fromByteOffset: offset, as: UInt8.self) & bit == 0 }
    }
}

@inline(never)
private func collectField<T: BitwiseCopyable>(
    _ rows: UnsafePointer<UnsafeMutableRawPointer>, _ n: Int, _ offset: Int, _: T.Type
) -> Buffer {
    let buffer = Buffer(byteCount: n * MemoryLayout<T>.stride)
    let out = buffer.pointer(T.self)
    for i in 0..<n { out[i] = rows[i].loadUnaligned(fromByteOffset: offset, as: T.self) }
    return buffer
}
