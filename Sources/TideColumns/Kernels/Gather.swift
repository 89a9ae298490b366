// Gather: rows of a column by index. The loop is written once per element type and instantiated in this module.

@inline(never)
func gatherLoop<T: BitwiseCopyable>(
    _ source: UnsafePointer<T>, _ indices: UnsafePointer<UInt32>, _ count: Int, _ out: UnsafeMutablePointer<T>
) {
    for i in 0..<count { out[i] = source[Int(indices[i])] }
}

@inline(never)
func gatherBits(_ source: Bitmap, _ indices: UnsafePointer<UInt32>, _ count: Int) -> Bitmap {
    let buffer = Buffer(byteCount: Bitmap.wordCount(count) * 8)
    let out = buffer.pointer(UInt64.self)
    let words = source.words
    var i = 0
    while i < count {
        var word: UInt64 = 0
        let end = min(64, count - i)
        for j in 0..<end {
            let row = Int(indices[i + j])
            word |= ((words[row >> 6] >> UInt64(row & 63)) & 1) << UInt64(j)
        }
        out[i >> 6] = word
        i += 64
    }
    return Bitmap(buffer: buffer, count: count)
}

extension Column {
    /// Rows `indices[0..<count]`, each below this column's count. String heaps are shared, not copied.
    public func gather(_ indices: UnsafePointer<UInt32>, count: Int) -> Column {
        let validity = self.validity.map { gatherBits($0, indices, count) }
        func typed<T: BitwiseCopyable>(_: T.Type) -> Column {
            let buffer = Buffer(byteCount: count * MemoryLayout<T>.stride)
            gatherLoop(pointer(T.self), indices, count, buffer.pointer(T.self))
            return Column(type: type, count: count, values: buffer, validity: validity, heap: heap)
        }
        switch type.physical {
        case .bit:
            return Column(
                type: type, count: count, values: gatherBits(bits, indices, count).buffer, validity: validity)
        case .int32, .float32: return typed(UInt32.self)
        case .int64, .float64: return typed(UInt64.self)
        case .int128, .view: return typed(StringView.self)
        }
    }

    public func gather(_ indices: [UInt32]) -> Column {
        indices.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return Column.empty(type) }
            return gather(base, count: buffer.count)
        }
    }

    public static func empty(_ type: DataType) -> Column {
        Column(type: type, count: 0, values: Buffer(byteCount: 0))
    }
}

extension Batch {
    /// Rows by index, weights included.
    public func gather(_ indices: UnsafePointer<UInt32>, count: Int) -> Batch {
        Batch(
            columns: columns.map { $0.gather(indices, count: count) }, count: count,
            weights: weights?.gather(indices, count: count))
    }

    public func gather(_ indices: [UInt32]) -> Batch {
        indices.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else {
                return Batch(columns: columns.map { .empty($0.type) }, count: 0)
            }
            return gather(base, count: buffer.count)
        }
    }

    /// The rows whose bit is set; this batch itself when all are.
    public func filter(_ keep: Bitmap) -> Batch {
        precondition(keep.count == count)
        let kept = keep.onesCount
        if kept == count { return self }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(count, 1)) { indices in
            let n = keep.indices(into: indices.baseAddress!)
            return gather(indices.baseAddress!, count: n)
        }
    }
}
