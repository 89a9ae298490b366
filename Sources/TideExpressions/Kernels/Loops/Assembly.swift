/// Puts a column together from parts that cover disjoint sets of rows: how CASE and coalesce merge their branches.
///
/// Invariant: when `finish` is called every row was covered by exactly one part. Long strings keep pointing into the
/// heaps of the parts, which the result shares.
struct ColumnAssembly {
    let type: DataType
    let count: Int
    private let values: Buffer
    private let validity: Bitmap
    private var hasNull = false
    private var heapBuffers: [Buffer] = []

    init(_ type: DataType, count: Int) {
        self.type = type
        self.count = count
        values = Buffer.zeroed(
            byteCount: type.physical == .bit ? Bitmap.wordCount(count) * 8 : count * type.physical.width)
        validity = Bitmap(repeating: true, count: count)
    }

    /// Rows of `mask` take the row of the same number.
    mutating func place(_ part: Datum, aligned mask: Bitmap) {
        precondition(mask.count == count)
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(count, 1)) { rows in
            let n = mask.indices(into: rows.baseAddress!)
            let from: UnsafePointer<UInt32>? = UnsafePointer(rows.baseAddress!)
            place(part, rows: UnsafePointer(rows.baseAddress!), n, from: from)
        }
    }

    /// Row `rows[i]` takes row i of the part.
    mutating func place(_ part: Datum, at rows: [UInt32]) {
        rows.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            place(part, rows: base, buffer.count, from: nil)
        }
    }

    private mutating func place(
        _ part: Datum, rows: UnsafePointer<UInt32>, _ n: Int, from: UnsafePointer<UInt32>?
    ) {
        if n == 0 { return }
        let column = part.column
        placeValidity(part, rows, n, from)
        switch type.physical {
        case .bit: placeBits(part, rows, n, from)
        case .int32, .float32: scatter(part, UInt32.self, rows, n, from)
        case .int64, .float64: scatter(part, UInt64.self, rows, n, from)
        case .int128: scatter(part, Int128.self, rows, n, from)
        case .view:
            let shift = UInt64(heapBuffers.count)
            heapBuffers += column.heap.buffers
            let out = values.pointer(StringView.self)
            let source = column.views
            let step = part.step
            for i in 0..<n {
                var view = source[(from.map { Int($0[i]) } ?? i) &* step]
                // The buffer index is the low half of `high`.
                if !view.isInline { view.high &+= shift }
                out[Int(rows[i])] = view
            }
        }
    }

    private func scatter<T: BitwiseCopyable>(
        _ part: Datum, _: T.Type, _ rows: UnsafePointer<UInt32>, _ n: Int, _ from: UnsafePointer<UInt32>?
    ) {
        let out = values.pointer(T.self)
        let source = part.column.pointer(T.self)
        if part.isConstant {
            let value = source[0]
            for i in 0..<n { out[Int(rows[i])] = value }
        } else if let from {
            for i in 0..<n { out[Int(rows[i])] = source[Int(from[i])] }
        } else {
            for i in 0..<n { out[Int(rows[i])] = source[i] }
        }
    }

    private func placeBits(
        _ part: Datum, _ rows: UnsafePointer<UInt32>, _ n: Int, _ from: UnsafePointer<UInt32>?
    ) {
        let out = values.pointer(UInt64.self)
        let source = part.column.bits
        let step = part.step
        for i in 0..<n where source[(from.map { Int($0[i]) } ?? i) &* step] {
            let row = Int(rows[i])
            out[row >> 6] |= 1 << UInt64(row & 63)
        }
    }

    private mutating func placeValidity(
        _ part: Datum, _ rows: UnsafePointer<UInt32>, _ n: Int, _ from: UnsafePointer<UInt32>?
    ) {
        guard let valid = part.column.validity else { return }
        hasNull = true
        let out = validity.words
        let step = part.step
        for i in 0..<n where !valid[(from.map { Int($0[i]) } ?? i) &* step] {
            let row = Int(rows[i])
            out[row >> 6] &= ~(1 << UInt64(row & 63))
        }
    }

    func finish() -> Column {
        Column(
            type: type, count: count, values: values, validity: hasNull || type == .null ? validity : nil,
            heap: heapBuffers.isEmpty ? .empty : StringHeap(heapBuffers))
    }
}
