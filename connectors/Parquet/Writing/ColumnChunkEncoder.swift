import TideColumns

/// Encodes one leaf of a row group: a dictionary page if a dictionary pays, then data pages (version 1). A page begins
/// with a row.
struct ColumnChunkEncoder {
    let field: Field
    let path: [String]
    let leaf: LeafType
    let options: ParquetWriterOptions
    let compressor: PageCompressor
    /// The page being built and its compressed form; reused from page to page.
    let page: OutputBytes
    let packed: OutputBytes

    /// Appends the chunk to `out`, which starts at `fileOffset` of the file.
    func encode(
        _ segments: [ColumnSegment], to out: OutputBytes, fileOffset: Int64
    ) throws(TidemillError) -> (chunk: ColumnChunk, statistics: ParquetColumnStatistics) {
        let dense = try DenseColumn(segments, leaf)
        guard field.nullable || dense.validity == nil else { throw ColumnChunkEncoder.missing(field) }
        return try encode(dense, levels: nil, to: out, fileOffset: fileOffset)
    }

    static func missing(_ field: Field) -> TidemillError {
        TidemillError(.data, "NOT_NULL_ASSERT_VIOLATION", "NULL in a column declared NOT NULL: \(field.name)")
    }

    /// - Parameter levels: of a leaf of a nested column, whose values are all there.
    func encode(
        _ dense: DenseColumn, levels: NestedLevels?, to out: OutputBytes, fileOffset: Int64
    ) throws(TidemillError) -> (chunk: ColumnChunk, statistics: ParquetColumnStatistics) {
        let entryCount = levels?.count ?? dense.rowCount
        let start = out.count
        var metadata = ColumnMetadata(kind: leaf.kind.rawValue)
        metadata.path = path
        metadata.codec = options.compression.codec.rawValue
        metadata.valueCount = Int64(entryCount)

        let dictionary = options.dictionary ? DictionaryEncoding.build(dense, leaf) : nil
        // Raw pointers into both are used below.
        defer { withExtendedLifetime((dense, dictionary)) {} }
        let bounds: ColumnBounds
        var uncompressed: Int64 = 0
        var pages: Int32 = 0
        if let dictionary {
            bounds = ColumnBounds(
                leaf, UnsafeRawPointer(dictionary.entries.base), dense.bases, count: dictionary.entryCount)
            page.removeAll()
            appendPlain(UnsafeRawPointer(dictionary.entries.base), dense.bases, 0, dictionary.entryCount)
            metadata.dictionaryPageOffset = fileOffset + Int64(out.count)
            uncompressed += try flushPage(.dictionary, .plain, valueCount: dictionary.entryCount, to: out)
        } else {
            bounds = ColumnBounds(leaf, dense.values, dense.bases, count: dense.presentCount)
        }
        metadata.dataPageOffset = fileOffset + Int64(out.count)
        let encoding: PageEncoding = dictionary == nil ? .plain : .rleDictionary
        let bitWidth = dictionary.map { max(1, Int.bitWidth - ($0.entryCount - 1).leadingZeroBitCount) } ?? 0
        var row = 0
        var value = 0
        repeat {
            let width = dictionary == nil ? nil : bitWidth
            let (rows, values) =
                levels.map { nextPage($0, dense, entry: row, value: value, bitWidth: width) }
                ?? nextPage(dense, row: row, value: value, bitWidth: width)
            page.removeAll()
            if let levels {
                encodeLevels(levels.repetitions, max: levels.repetitionMax, row, rows, to: page)
                encodeLevels(levels.definitions, max: levels.definitionMax, row, rows, to: page)
            } else if field.nullable {
                encodeLevels(dense.validity, start: row, count: rows, present: values, to: page)
            }
            if let dictionary {
                page.append(littleEndian: UInt8(bitWidth))
                encodeHybrid(
                    UnsafePointer(dictionary.indexes.pointer(UInt32.self) + value), count: values, bitWidth: bitWidth,
                    to: page)
            } else {
                appendPlain(dense.values, dense.bases, value, values)
            }
            uncompressed += try flushPage(.data, encoding, valueCount: rows, to: out)
            pages += 1
            row += rows
            value += values
        } while row < entryCount

        metadata.encodings = [PageEncoding.plain.rawValue, PageEncoding.rle.rawValue]
        if dictionary != nil { metadata.encodings.append(encoding.rawValue) }
        if dictionary != nil {
            metadata.encodingStats.append(
                EncodingStats(page: PageKind.dictionary.rawValue, encoding: PageEncoding.plain.rawValue, count: 1))
        }
        metadata.encodingStats.append(
            EncodingStats(page: PageKind.data.rawValue, encoding: encoding.rawValue, count: pages))
        metadata.compressedBytes = Int64(out.count - start)
        metadata.uncompressedBytes = uncompressed
        let nulls = entryCount - dense.presentCount
        metadata.statistics = Statistics(
            nullCount: Int64(nulls), max: bounds.max?.bytes, min: bounds.min?.bytes,
            isMaxExact: bounds.max?.isExact, isMinExact: bounds.min?.isExact)
        let statistics = ParquetColumnStatistics(
            min: bounds.min?.scalar, max: bounds.max?.scalar, nullCount: nulls, byteCount: metadata.compressedBytes)
        return (ColumnChunk(metadata: metadata), statistics)
    }

    /// How many entries, and values among them, the next page of a nested leaf takes.
    private func nextPage(
        _ levels: NestedLevels, _ dense: DenseColumn, entry: Int, value: Int, bitWidth: Int?
    ) -> (rows: Int, values: Int) {
        let views =
            leaf.kind == .byteArray && bitWidth == nil ? dense.values.assumingMemoryBound(to: StringView.self) : nil
        let valueBits = bitWidth ?? (leaf.storedWidth.map { $0 * 8 } ?? 1)
        let bitsMax = options.pageBytesTarget * 8
        var bits = 0
        var end = entry
        var values = 0
        repeat {
            // Two bytes of levels at the most, mostly less.
            bits += 2
            if Int(levels.definitions[end]) == levels.definitionMax {
                bits += views.map { ($0[value + values].length + 4) * 8 } ?? valueBits
                values += 1
            }
            end += 1
        } while end < levels.count && (bits < bitsMax || levels.repetitions[end] != 0)
        return (end - entry, values)
    }

    /// How many rows, and present values among them, the next page takes.
    private func nextPage(
        _ dense: DenseColumn, row: Int, value: Int, bitWidth: Int?
    ) -> (rows: Int, values: Int) {
        let left = dense.rowCount - row
        let rows: Int
        if let bitWidth {
            rows = min(left, max(8, options.pageBytesTarget / bitWidth * 8))
        } else if leaf.kind == .byteArray {
            return nextPageOfBytes(dense, row: row, value: value)
        } else {
            let perRow = leaf.storedWidth ?? 1
            rows = min(left, max(8, options.pageBytesTarget / perRow))
        }
        return (rows, presentCount(dense, row, rows))
    }

    private func presentCount(_ dense: DenseColumn, _ row: Int, _ rows: Int) -> Int {
        guard let validity = dense.validity else { return rows }
        if row == 0 && rows == dense.rowCount { return dense.presentCount }
        var total = 0
        var done = 0
        while done < rows {
            let taken = min(64, rows - done)
            total += validity.bits(at: row + done, count: taken).nonzeroBitCount
            done += taken
        }
        return total
    }

    private func nextPageOfBytes(_ dense: DenseColumn, row: Int, value: Int) -> (rows: Int, values: Int) {
        let views = dense.values.assumingMemoryBound(to: StringView.self)
        var bytes = 0
        var rows = 0
        var values = 0
        while row + rows < dense.rowCount && bytes < options.pageBytesTarget {
            if dense.validity?[row + rows] ?? true {
                bytes += views[value + values].length + 4
                values += 1
            }
            rows += 1
        }
        return (rows, values)
    }

    /// PLAIN values `start..<start + count` of a dense run, into the page.
    private func appendPlain(
        _ values: UnsafeRawPointer, _ bases: UnsafePointer<UnsafeRawPointer>, _ start: Int, _ count: Int
    ) {
        switch leaf.kind {
        case .boolean:
            let byteCount = (count + 7) / 8
            let target = page.reserve(byteCount + 8)
            let bits = Bitmap.bits(of: values, at: start, count: count)
            target.copyMemory(from: bits.buffer.base, byteCount: byteCount)
            page.advance(byteCount)
        case .byteArray:
            encodePlain(values.assumingMemoryBound(to: StringView.self) + start, bases, count: count, to: page)
        case .fixedLengthByteArray:
            encodePlain(
                values.assumingMemoryBound(to: Int128.self) + start, count: count, width: leaf.typeLength, to: page)
        case .int32, .int64, .float, .double, .int96:
            let width = leaf.storedWidth ?? 0
            page.append(UnsafeRawBufferPointer(start: values + start * width, count: count * width))
        }
    }

    /// Compresses the page, and appends its header and bytes. Returns header plus uncompressed bytes.
    private func flushPage(
        _ kind: PageKind, _ encoding: PageEncoding, valueCount: Int, to out: OutputBytes
    ) throws(TidemillError) -> Int64 {
        let stored: OutputBytes
        if options.compression == .uncompressed {
            stored = page
        } else {
            packed.removeAll()
            try compressor.compress(page.bytes, to: packed)
            stored = packed
        }
        guard let uncompressedBytes = Int32(exactly: page.count), let compressedBytes = Int32(exactly: stored.count)
        else {
            throw TidemillError(
                .limit, "TIDEMILL_VALUE_TOO_LARGE", "a page of column \(field.name) passes 2 GiB: \(page.count) bytes")
        }
        var header = PageHeader(kind: kind)
        header.uncompressedBytes = uncompressedBytes
        header.compressedBytes = compressedBytes
        header.crc = options.pageChecksums ? Int32(bitPattern: pageChecksum(stored.bytes)) : nil
        header.valueCount = Int32(valueCount)
        header.encoding = encoding.rawValue
        let headerBytes = header.encode()
        out.append(headerBytes)
        out.append(stored.bytes)
        return Int64(headerBytes.count + page.count)
    }
}

extension Bitmap {
    /// `count` bits from `start` on, of bits packed in words.
    fileprivate static func bits(of words: UnsafeRawPointer, at start: Int, count: Int) -> Bitmap {
        let result = Bitmap(repeating: false, count: count)
        let source = words.assumingMemoryBound(to: UInt64.self)
        let last = (start + count - 1) >> 6
        for word in 0..<result.wordCount {
            let position = start + word * 64
            let shift = UInt64(position & 63)
            var value = source[position >> 6] >> shift
            if shift != 0, position >> 6 < last { value |= source[(position >> 6) + 1] << (64 - shift) }
            let left = count - word * 64
            result.words[word] = left >= 64 ? value : value & ((1 << UInt64(left)) &- 1)
        }
        return result
    }
}
