import Glibc

// Concatenation of columns of one type. Views are rebased onto the joined list of heap buffers; bytes are not copied.

extension Column {
    /// All rows of `parts` in order; each has type `type`.
    public static func concat(_ type: DataType, _ parts: [Column]) -> Column {
        if parts.count == 1 { return parts[0] }
        let count = parts.reduce(0) { $0 + $1.count }
        let anyNull = parts.contains { $0.validity != nil }
        let validity = anyNull ? joinedBits(parts.map { ($0.validity, $0.count) }, count) : nil
        let width = type.physical.width
        if width == 0 {
            let bits = joinedBits(parts.map { ($0.bits, $0.count) }, count)
            return Column(type: type, count: count, values: bits.buffer, validity: validity)
        }
        let buffer = Buffer(byteCount: count * width)
        var at = 0
        for part in parts {
            memcpy(buffer.base + at, part.values.base, part.count * width)
            at += part.count * width
        }
        guard type.physical == .view else {
            return Column(type: type, count: count, values: buffer, validity: validity)
        }
        var buffers: [Buffer] = []
        var seen: [ObjectIdentifier: Int] = [:]
        let views = buffer.pointer(StringView.self)
        var row = 0
        for part in parts {
            if part.heap.buffers.isEmpty {
                row += part.count
                continue
            }
            // Parts often share one heap; it is listed once.
            let base: Int
            if let known = seen[ObjectIdentifier(part.heap)] {
                base = known
            } else {
                base = buffers.count
                seen[ObjectIdentifier(part.heap)] = base
                buffers += part.heap.buffers
            }
            if base > 0 { rebaseViews(views + row, part.count, by: UInt64(base)) }
            row += part.count
        }
        let heap = buffers.isEmpty ? StringHeap.empty : StringHeap(buffers)
        return Column(type: type, count: count, values: buffer, validity: validity, heap: heap)
    }

    /// The same values with long strings copied into a heap of their own, so that nothing else is kept alive.
    public func compacted() -> Column {
        guard type.physical == .view, !heap.buffers.isEmpty else { return self }
        var writer = HeapWriter()
        let buffer = Buffer(byteCount: count * 16)
        let out = buffer.pointer(StringView.self)
        let source = views
        let bases = heap.bases
        for i in 0..<count {
            let view = source[i]
            out[i] =
                view.isInline ? view : writer.append(bases[view.bufferIndex] + view.offset, view.length)
        }
        return Column(type: type, count: count, values: buffer, validity: validity, heap: writer.finish())
    }
}

@inline(never)
private func rebaseViews(_ views: UnsafeMutablePointer<StringView>, _ count: Int, by base: UInt64) {
    for i in 0..<count where !views[i].isInline { views[i].high &+= base }
}

/// nil stands for all ones.
private func joinedBits(_ parts: [(Bitmap?, Int)], _ count: Int) -> Bitmap {
    let buffer = Buffer.zeroed(byteCount: Bitmap.wordCount(count) * 8)
    let out = buffer.pointer(UInt64.self)
    var at = 0
    for (bits, length) in parts {
        let words = bits?.words
        var done = 0
        while done < length {
            let n = min(64, length - done)
            var word = words.map { $0[done >> 6] } ?? ~0
            if n < 64 { word &= (1 << UInt64(n)) - 1 }
            let shift = UInt64(at & 63)
            out[at >> 6] |= word << shift
            if shift != 0 && Int(shift) + n > 64 { out[(at >> 6) + 1] |= word >> (64 - shift) }
            done += n
            at += n
        }
    }
    return Bitmap(buffer: buffer, count: count)
}

extension Batch {
    /// All rows in order. The parts have the same column types; weights appear if any part has them.
    public static func concat(_ parts: [Batch], types: [DataType]) -> Batch {
        if parts.count == 1 { return parts[0] }
        let count = parts.reduce(0) { $0 + $1.count }
        let columns = types.indices.map { index in
            Column.concat(types[index], parts.map { $0.columns[index] })
        }
        var weights: Column?
        if parts.contains(where: { $0.weights != nil }) {
            let one = Scalar.bigint(1)
            weights = Column.concat(.bigint, parts.map { $0.weights ?? Column(repeating: one, count: $0.count) })
        }
        return Batch(columns: columns, count: count, weights: weights)
    }
}
