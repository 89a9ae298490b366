import TideColumns

/// Decodes the pages of one column chunk into one column.
///
/// Values land at their final place: a page's present values are decoded densely at the page's first row, then spread
/// apart over the NULLs from the back. Dictionary entries are converted once and gathered by index. The bytes of long
/// strings are never copied: each decompressed page becomes a buffer of the column's heap.
///
/// Unsafe: raw loops over pages. Every page lies in a `Buffer` of its own, whose padding covers the word loads; every
/// length taken from the file is checked against the bytes that are there before it is used.
///
/// Leaves of nested columns have levels instead of NULLs: their present values stay dense, and rows are entries.
struct ColumnChunkDecoder {
    let leaf: LeafType
    let optional: Bool
    let codec: Codec
    let rowCount: Int
    let file: String

    private let out: Buffer
    private let valid: Buffer?
    private var heap: [Buffer] = []
    /// Of a leaf of a nested column.
    private var levels: LeafLevels?
    private var row = 0
    private var nullCount = 0
    private var dictionary: Buffer?
    private var dictionaryCount = 0
    /// Offset in the file of the page being decoded.
    private var pageOffset: Int64 = 0

    init(leaf: LeafType, optional: Bool, codec: Codec, rowCount: Int, file: String) {
        self.leaf = leaf
        self.optional = optional
        self.codec = codec
        self.rowCount = rowCount
        self.file = file
        let width = leaf.type.physical.width
        let bitBytes = Bitmap.wordCount(rowCount) * 8
        out = width == 0 ? .zeroed(byteCount: bitBytes) : Buffer(byteCount: rowCount * width)
        valid = optional ? .zeroed(byteCount: bitBytes) : nil
    }

    /// For a leaf of a nested column; `entryCount` is what the headers of its pages claim.
    init(leaf: ColumnShape.Leaf, codec: Codec, entryCount: Int, file: String) {
        self.init(leaf: leaf.type, optional: false, codec: codec, rowCount: entryCount, file: file)
        levels = LeafLevels(leaf, capacity: entryCount)
    }

    private func corrupt(_ message: String) -> TidemillError {
        .corruptParquet(message, file: file, offset: pageOffset)
    }

    consuming func finish() throws(TidemillError) -> Column {
        guard row == rowCount else { throw corrupt("\(row) values where the row group has \(rowCount) rows") }
        let validity = nullCount > 0 ? valid.map { Bitmap(buffer: $0, count: rowCount) } : nil
        return Column(
            type: leaf.type, count: rowCount, values: out, validity: validity,
            heap: heap.isEmpty ? .empty : StringHeap(heap))
    }

    consuming func finishLeaf() throws(TidemillError) -> DecodedLeaf {
        guard let levels, levels.count == rowCount else { throw corrupt("fewer entries than \(rowCount)") }
        let values = Column(
            type: leaf.type, count: row, values: out, heap: heap.isEmpty ? .empty : StringHeap(heap))
        return DecodedLeaf(levels: levels, values: values)
    }

    /// Decodes one page whose stored bytes are `body`.
    /// - Parameter isChecked: the chunk was compared with a checksum of its own.
    mutating func decode(
        _ header: PageHeader, _ body: UnsafeRawBufferPointer, at offset: Int64, isChecked: Bool
    ) throws(TidemillError) {
        pageOffset = offset
        if !isChecked, let crc = header.crc, UInt32(bitPattern: crc) != pageChecksum(body) {
            throw corrupt("page checksum does not match")
        }
        switch header.kind {
        case .index: return
        case .dictionary: try decodeDictionary(header, body)
        case .data, .dataV2: try decodeData(header, body)
        }
    }

    // MARK: Page bytes

    private func decompressed(
        _ body: UnsafeRawBufferPointer, count: Int, isCompressed: Bool
    ) throws(TidemillError) -> Buffer {
        let codec = isCompressed ? codec : .uncompressed
        guard count <= PageDecompressor.bytesMax(codec, compressed: body.count) else {
            throw corrupt("page of \(body.count) bytes claims to hold \(count)")
        }
        let buffer = Buffer(byteCount: count)
        guard PageDecompressor.decompress(codec, body, into: buffer.base, count: count) else {
            throw corrupt("page does not decompress to \(count) bytes")
        }
        return buffer
    }

    private mutating func decodeDictionary(
        _ header: PageHeader, _ body: UnsafeRawBufferPointer
    ) throws(TidemillError) {
        guard dictionary == nil, row == 0 else { throw corrupt("second or late dictionary page") }
        let encoding = PageEncoding(rawValue: header.encoding)
        guard encoding == .plain || encoding == .plainDictionary, leaf.kind != .boolean else {
            throw corrupt("dictionary page with encoding \(header.encoding)")
        }
        let page = try decompressed(body, count: Int(header.uncompressedBytes), isCompressed: true)
        let count = Int(header.valueCount)
        // An entry takes at least 4 bytes, but a fixed-length one may be shorter.
        guard count <= page.byteCount else { throw corrupt("\(count) entries in \(page.byteCount) bytes") }
        let target = Buffer(byteCount: count * leaf.type.physical.width)
        try decodeValues(.plain, page, start: 0, into: target.base, count: count)
        dictionary = target
        dictionaryCount = count
    }

    // MARK: Data pages

    private mutating func decodeData(
        _ header: PageHeader, _ body: UnsafeRawBufferPointer
    ) throws(TidemillError) {
        let count = Int(header.valueCount)
        guard count <= rowCount - (levels?.count ?? row) else {
            throw corrupt("more values than the row group has rows: \(rowCount)")
        }
        guard let encoding = PageEncoding(rawValue: header.encoding) else {
            throw corrupt("unknown encoding \(header.encoding)")
        }
        var present = count
        let page: Buffer
        var start = 0
        if header.kind == .data {
            page = try decompressed(body, count: Int(header.uncompressedBytes), isCompressed: true)
            if optional { present = try decodeLevels(header, page, count: count, end: &start) }
            if levels != nil { present = try decodeNestedLevels(header, page, count: count, end: &start) }
        } else {
            let repetition = Int(header.repetitionBytes)
            let definition = Int(header.definitionBytes)
            let levelBytes = repetition + definition
            guard repetition >= 0, definition >= 0, levelBytes <= body.count,
                levelBytes <= Int(header.uncompressedBytes)
            else { throw corrupt("levels longer than the page") }
            if let valid {
                // A copy, because word loads need padding behind the levels.
                let bytes = Buffer(
                    copying: UnsafeRawBufferPointer(rebasing: body[repetition..<levelBytes]))
                guard
                    let ones = decodeHybridBits(
                        bytes.base, definition, into: valid.pointer(UInt64.self), at: row, count: count)
                else { throw corrupt("definition levels do not hold \(count) values") }
                present = ones
            }
            if levels != nil {
                let bytes = Buffer(copying: UnsafeRawBufferPointer(rebasing: body[..<levelBytes]))
                guard
                    let full = levels?.append(
                        repetition: (UnsafeRawPointer(bytes.base), repetition),
                        definition: (UnsafeRawPointer(bytes.base + repetition), definition), count: count)
                else { throw corrupt("levels do not hold \(count) entries") }
                present = full
            }
            let values = UnsafeRawBufferPointer(rebasing: body[levelBytes...])
            // A page of NULLs may have no value bytes at all, compressed or not.
            page =
                values.isEmpty
                ? Buffer(byteCount: 0)
                : try decompressed(
                    values, count: Int(header.uncompressedBytes) - levelBytes, isCompressed: header.isCompressed)
        }
        if levels != nil {
            try decodePresent(encoding, page, start: start, count: present, present: present)
            row += present
            return
        }
        try decodePresent(encoding, page, start: start, count: count, present: present)
        nullCount += count - present
        row += count
    }

    /// Definition levels of a version 1 page; `end` is where they end. Returns how many values are present.
    private func decodeLevels(
        _ header: PageHeader, _ page: Buffer, count: Int, end: inout Int
    ) throws(TidemillError) -> Int {
        guard let valid else { return count }
        let words = valid.pointer(UInt64.self)
        let ones: Int?
        if header.levelEncoding == PageEncoding.bitPacked.rawValue {
            ones = decodeLegacyBits(page.base, page.byteCount, into: words, at: row, count: count)
            end = (count + 7) / 8
        } else {
            guard header.levelEncoding == PageEncoding.rle.rawValue else {
                throw corrupt("definition levels with encoding \(header.levelEncoding)")
            }
            guard page.byteCount >= 4 else { throw corrupt("page ends inside its levels") }
            let length = Int(UInt32(littleEndian: page.base.loadUnaligned(as: UInt32.self)))
            guard length <= page.byteCount - 4 else { throw corrupt("levels longer than the page") }
            ones = decodeHybridBits(page.base + 4, length, into: words, at: row, count: count)
            end = 4 + length
        }
        guard let ones else { throw corrupt("definition levels do not hold \(count) values") }
        return ones
    }

    /// Repetition, then definition levels of a version 1 page; `end` is where they end.
    private mutating func decodeNestedLevels(
        _ header: PageHeader, _ page: Buffer, count: Int, end: inout Int
    ) throws(TidemillError) -> Int {
        func section(_ max: Int, _ encoding: Int32) throws(TidemillError) -> (
            at: (base: UnsafeRawPointer, byteCount: Int), isLegacy: Bool
        ) {
            let isLegacy = encoding == PageEncoding.bitPacked.rawValue
            if max == 0 { return ((UnsafeRawPointer(page.base), 0), isLegacy) }
            if isLegacy {
                let length = LeafLevels.legacyBytes(max, count: count)
                guard length <= page.byteCount - end else { throw corrupt("levels longer than the page") }
                defer { end += length }
                return ((UnsafeRawPointer(page.base + end), length), true)
            }
            guard encoding == PageEncoding.rle.rawValue else { throw corrupt("levels with encoding \(encoding)") }
            guard page.byteCount - end >= 4 else { throw corrupt("page ends inside its levels") }
            let length = Int(UInt32(littleEndian: (page.base + end).loadUnaligned(as: UInt32.self)))
            guard length <= page.byteCount - end - 4 else { throw corrupt("levels longer than the page") }
            defer { end += 4 + length }
            return ((UnsafeRawPointer(page.base + end + 4), length), false)
        }
        guard let levels else { return count }
        let repetition = try section(levels.repetitionMax, header.repetitionEncoding)
        let definition = try section(levels.definitionMax, header.levelEncoding)
        let present = self.levels?.append(
            repetition: repetition.at, definition: definition.at,
            isLegacy: (repetition.isLegacy, definition.isLegacy), count: count)
        guard let present else { throw corrupt("levels do not hold \(count) entries") }
        return present
    }

    /// Decodes the present values of a page and spreads them over its `count` rows.
    private mutating func decodePresent(
        _ encoding: PageEncoding, _ page: Buffer, start: Int, count: Int, present: Int
    ) throws(TidemillError) {
        if leaf.kind == .boolean {
            return try decodeBooleans(encoding, page, start: start, count: count, present: present)
        }
        let width = leaf.type.physical.width
        let target = out.base + row * width
        if present > 0 {
            if encoding == .rleDictionary || encoding == .plainDictionary {
                try gather(page, start: start, into: target, count: present)
            } else {
                try decodeValues(encoding, page, start: start, into: target, count: present)
            }
        }
        guard present < count, let valid else { return }
        let words = UnsafePointer(valid.pointer(UInt64.self))
        switch width {
        case 4: spread(target.assumingMemoryBound(to: UInt32.self), words, row, present: present, count: count, 0)
        case 8: spread(target.assumingMemoryBound(to: UInt64.self), words, row, present: present, count: count, 0)
        default:
            spread(
                target.assumingMemoryBound(to: StringView.self), words, row, present: present, count: count, .empty)
        }
    }

    private func gather(
        _ page: Buffer, start: Int, into target: UnsafeMutableRawPointer, count: Int
    ) throws(TidemillError) {
        guard let dictionary else { throw corrupt("dictionary indexes without a dictionary") }
        guard start < page.byteCount else { throw corrupt("page ends before its values") }
        let bitWidth = Int(page.base.load(fromByteOffset: start, as: UInt8.self))
        guard bitWidth <= 32 else { throw corrupt("dictionary indexes of \(bitWidth) bits") }
        let scratch = Buffer(byteCount: count * 4)
        let indexes = scratch.pointer(UInt32.self)
        guard
            decodeHybrid(
                page.base + start + 1, page.byteCount - start - 1, bitWidth: bitWidth, into: indexes, count: count)
        else { throw corrupt("page does not hold \(count) dictionary indexes") }
        var largest: UInt32 = 0
        for i in 0..<count { largest = max(largest, indexes[i]) }
        guard Int(largest) < dictionaryCount else {
            throw corrupt("dictionary index \(largest) of \(dictionaryCount) entries")
        }
        switch leaf.type.physical.width {
        case 4: gatherLoop(dictionary.pointer(UInt32.self), indexes, target, count)
        case 8: gatherLoop(dictionary.pointer(UInt64.self), indexes, target, count)
        default: gatherLoop(dictionary.pointer(StringView.self), indexes, target, count)
        }
    }

    /// Decodes and converts `count` values into dense values of the column's type at `target`.
    private mutating func decodeValues(
        _ encoding: PageEncoding, _ page: Buffer, start: Int, into target: UnsafeMutableRawPointer, count: Int
    ) throws(TidemillError) {
        if count == 0 { return }
        let byteCount = page.byteCount - start
        guard byteCount >= 0 else { throw corrupt("page ends before its values") }
        switch (encoding, leaf.storedWidth) {
        case (.plain, let width?):
            guard count <= byteCount / width else { throw corrupt("page does not hold \(count) values") }
            try store(page, offset: start, width: width, into: target, count: count)
        case (.byteStreamSplit, let width?):
            guard count <= byteCount / width else { throw corrupt("page does not hold \(count) values") }
            let scratch = Buffer(byteCount: count * width)
            decodeByteStreamSplit(page.base + start, width: width, into: scratch.base, count: count)
            try store(scratch, offset: 0, width: width, into: target, count: count)
        case (.deltaBinaryPacked, _) where leaf.kind == .int32 || leaf.kind == .int64:
            let scratch = Buffer(byteCount: count * 8)
            guard decodeDelta(page.base + start, byteCount, into: scratch.pointer(Int64.self), count: count) != nil
            else { throw corrupt("page does not hold \(count) deltas") }
            if leaf.kind == .int32 {
                // In place: value i is written at or before where it was read.
                let values = scratch.base
                for i in 0..<count {
                    let value = values.load(fromByteOffset: i &* 8, as: Int64.self)
                    values.storeBytes(of: Int32(truncatingIfNeeded: value), toByteOffset: i &* 4, as: Int32.self)
                }
            }
            try store(scratch, offset: 0, width: leaf.kind == .int32 ? 4 : 8, into: target, count: count)
        case (.plain, nil):
            try storeViews(page, into: target, count: count) { views, index in
                decodePlainByteArrays(
                    page.base, start: start, end: page.byteCount, bufferIndex: index, into: views, count: count
                ).map { (page, $0) }
            }
        case (.deltaLengthByteArray, nil):
            try storeViews(page, into: target, count: count) { views, index in
                let lengths = Buffer(byteCount: count * 8)
                return decodeDeltaLengthByteArrays(
                    page.base, start: start, end: page.byteCount, bufferIndex: index,
                    lengths: lengths.pointer(Int64.self), into: views, count: count
                ).map { (page, $0) }
            }
        case (.deltaByteArray, _) where leaf.kind == .byteArray || leaf.kind == .fixedLengthByteArray:
            try storeViews(page, into: target, count: count) { views, index in
                decodeDeltaByteArrays(
                    page.base, start: start, end: page.byteCount, bufferIndex: index, bytesMax: 1 << 30,
                    into: views, count: count
                ).map { ($0.buffer, $0.hasLong) }
            }
        default:
            throw corrupt("encoding \(encoding) does not fit type \(leaf.kind)")
        }
    }

    /// Converts fixed-width values at `offset` of `source`.
    private mutating func store(
        _ source: Buffer, offset: Int, width: Int, into target: UnsafeMutableRawPointer, count: Int
    ) throws(TidemillError) {
        let base = UnsafeRawPointer(source.base)
        if leaf.conversion == .bytesToView {
            let views = target.assumingMemoryBound(to: StringView.self)
            for i in 0..<count {
                views[i] = viewOfBytes(base, offset: offset + i * width, length: width, bufferIndex: heap.count)
            }
            if width > StringView.inlineBytesMax { heap.append(source) }
            return
        }
        let failure = convertValues(
            leaf.conversion, .fixed(base + offset, width: width), into: target, count: count)
        if let failure { throw corrupt(failure.rawValue) }
    }

    /// Decodes byte arrays as views: into `target` if the column keeps views, else through them to what it keeps.
    private mutating func storeViews(
        _ page: Buffer, into target: UnsafeMutableRawPointer, count: Int,
        _ decode: (UnsafeMutablePointer<StringView>, Int) -> (Buffer, hasLong: Bool)?
    ) throws(TidemillError) {
        let keepsViews = leaf.conversion == .bytesToView
        let scratch = keepsViews ? nil : Buffer(byteCount: count * 16)
        let views = (scratch?.base ?? target).assumingMemoryBound(to: StringView.self)
        guard let (bytes, hasLong) = decode(views, keepsViews ? heap.count : 0) else {
            throw corrupt("page does not hold \(count) byte arrays")
        }
        if keepsViews {
            if leaf.kind == .fixedLengthByteArray {
                for i in 0..<count where views[i].length != leaf.typeLength {
                    throw corrupt(ConversionFailure.length.rawValue)
                }
            }
            if hasLong { heap.append(bytes) }
            return
        }
        let bases = StringHeap([bytes])
        let failure = convertValues(
            leaf.conversion, .views(UnsafePointer(views), bases: bases.bases), into: target, count: count)
        withExtendedLifetime(bases) {}
        if let failure { throw corrupt(failure.rawValue) }
    }

    private func decodeBooleans(
        _ encoding: PageEncoding, _ page: Buffer, start: Int, count: Int, present: Int
    ) throws(TidemillError) {
        if present == 0 { return }
        let byteCount = page.byteCount - start
        guard byteCount >= 0 else { throw corrupt("page ends before its values") }
        let dense = Buffer.zeroed(byteCount: Bitmap.wordCount(present) * 8)
        let words = dense.pointer(UInt64.self)
        switch encoding {
        case .plain:
            guard present <= byteCount * 8 else { throw corrupt("page does not hold \(present) values") }
            orBits(page.base + start, into: words, at: 0, count: present)
        case .rle:
            guard byteCount >= 4 else { throw corrupt("page ends before its values") }
            let length = Int(UInt32(littleEndian: (page.base + start).loadUnaligned(as: UInt32.self)))
            guard length <= byteCount - 4,
                decodeHybridBits(page.base + start + 4, length, into: words, at: 0, count: present) != nil
            else { throw corrupt("page does not hold \(present) booleans") }
        default: throw corrupt("encoding \(encoding) does not fit type \(leaf.kind)")
        }
        let target = out.pointer(UInt64.self)
        guard present < count, let valid else {
            orBits(dense.base, into: target, at: row, count: count)
            return
        }
        let validWords = valid.pointer(UInt64.self)
        var source = 0
        for i in row..<(row + count) where validWords[i >> 6] >> UInt64(i & 63) & 1 != 0 {
            let bit = words[source >> 6] >> UInt64(source & 63) & 1
            target[i >> 6] |= bit << UInt64(i & 63)
            source += 1
        }
    }
}

/// Moves `present` dense values at the front apart, so that value k stands at the k-th set bit of `words` from
/// `firstBit`; the other places become `empty`. From the back, so nothing is overwritten before it moved.
@inline(__always)
private func spread<T: BitwiseCopyable>(
    _ values: UnsafeMutablePointer<T>, _ words: UnsafePointer<UInt64>, _ firstBit: Int, present: Int, count: Int,
    _ empty: T
) {
    var source = present - 1
    var i = count - 1
    while i > source {
        let bit = firstBit &+ i
        if words[bit >> 6] &>> UInt64(truncatingIfNeeded: bit & 63) & 1 != 0 {
            values[i] = values[source]
            source &-= 1
        } else {
            values[i] = empty
        }
        i &-= 1
    }
}

@inline(__always)
private func gatherLoop<T: BitwiseCopyable>(
    _ entries: UnsafePointer<T>, _ indexes: UnsafePointer<UInt32>, _ target: UnsafeMutableRawPointer, _ count: Int
) {
    let out = target.assumingMemoryBound(to: T.self)
    for i in 0..<count { out[i] = entries[Int(truncatingIfNeeded: indexes[i])] }
}
