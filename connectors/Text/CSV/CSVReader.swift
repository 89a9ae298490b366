import TideColumns

/// Reads a CSV file as batches of typed columns.
///
/// One window of the file is in memory at a time. A batch's long strings point into that window, so nothing is copied
/// that need not change. Columns outside `columns` are never decoded; their text is not looked at.
///
/// Bad records: a field that does not convert, too few or too many fields, a quote that does not end, NULL in a NOT
/// NULL
/// column. What becomes of them is `CSVReadOptions.mode`; all are counted, the first are kept in `report`.
public final class CSVReader {
    /// Rows per batch at most.
    public static let batchRowsMax = 16_384

    public var report: ReadReport { assembler.report }

    private let file: any File
    private let schema: Schema
    private let options: CSVReadOptions
    private var assembler: RecordAssembler
    /// Schema columns that the file has: all but the one for corrupt records.
    private let fileFields: [Int]
    /// Schema columns that are decoded; position = slot of `runs`.
    private let decoded: [Int]
    private let dates: DateTimePattern?
    private let timestamps: DateTimePattern?
    private let timestampsNTZ: DateTimePattern?
    private let marksNulls: Bool
    private let readsText: Bool

    private var chunk: CSVChunk
    private var tokenizer: CSVTokenizer
    private var runs: FieldRuns
    private var faults: [(row: Int, fault: CSVTokenizer.Fault)] = []
    private var needsHeader: Bool
    private var atEnd = false

    /// - Parameters:
    ///   - schema: all columns of the file in file order, and the corrupt-record column if there is one.
    ///   - columns: schema indices of the batch's columns, in the batch's order.
    ///   - chunkBytes: size of the window; it grows for a longer record.
    public init(
        file: any File, schema: Schema, columns: [Int], options: CSVReadOptions, chunkBytes: Int = 1 << 20
    ) throws(TidemillError) {
        precondition(columns.allSatisfy { $0 >= 0 && $0 < schema.count })
        try options.validate()
        for field in schema.fields where !Column.isTextTarget(field.type) {
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "csv cannot hold the column '\(field.name)' of type \(field.type.sql)")
        }
        dates = try DateTimePattern.parsing(options.dateFormat)
        timestamps = try DateTimePattern.parsing(options.timestampFormat)
        timestampsNTZ = try DateTimePattern.parsing(options.timestampNTZFormat)
        self.file = file
        self.schema = schema
        self.options = options
        let corrupt = schema.fields.firstIndex {
            $0.name.lowercased() == options.corruptRecordColumn.lowercased() && $0.type == .string
        }
        let fileFields = schema.fields.indices.filter { $0 != corrupt }
        self.fileFields = fileFields
        guard !fileFields.isEmpty else {
            throw TidemillError(.user, "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE", "csv needs at least one column")
        }
        var decoded: [Int] = []
        for column in columns where column != corrupt && !decoded.contains(column) { decoded.append(column) }
        self.decoded = decoded
        assembler = RecordAssembler(schema: schema, columns: columns, decoded: decoded, mode: options.mode)
        readsText = decoded.contains { schema[$0].type == .string } || corrupt.map { columns.contains($0) } ?? false
        marksNulls =
            !options.nullValue.isEmpty || !options.emptyValue.isEmpty || options.ignoreLeadingWhiteSpace
            || options.ignoreTrailingWhiteSpace
        chunk = CSVChunk(
            file: file, chunkBytes: chunkBytes, separator: options.separator, recordBytesMax: options.recordBytesMax)
        tokenizer = CSVTokenizer(
            options: options, fields: fileFields.count, wanted: decoded.map { fileFields.firstIndex(of: $0)! })
        runs = FieldRuns(columns: decoded.count, rowsMax: CSVReader.batchRowsMax)
        needsHeader = options.header
    }

    /// The next rows, at least one; nil at the end of the file.
    public func next() throws(TidemillError) -> Batch? {
        while !atEnd {
            if needsHeader {
                guard try readHeader() else { break }
            }
            runs.clear()
            faults.removeAll(keepingCapacity: true)
            try tokenizer.fill(&runs, from: &chunk, faults: &faults)
            if runs.count == 0 {
                if !(try more()) { break }
                continue
            }
            if let batch = try decode() { return batch }
        }
        atEnd = true
        return nil
    }

    private func more() throws(TidemillError) -> Bool {
        try chunk.advance(quote: options.quote, checkUTF8: readsText)
    }

    /// False if the file ends before a header.
    private func readHeader() throws(TidemillError) -> Bool {
        while true {
            switch try tokenizer.walkRow(&chunk, side: &runs) {
            case .needsMore:
                if !(try more()) { return false }
            case .skipped: continue
            case .row:
                needsHeader = false
                try compareHeader(rowText())
                return true
            }
        }
    }

    /// The fields of the row the tokenizer walked last.
    private func rowText() -> [String] {
        let side = runs.sideText.bytes
        return zip(tokenizer.rowStarts, tokenizer.rowWords).map { start, word in
            let base = word & FieldRuns.side == 0 ? chunk.bytes : side
            let text = UnsafeBufferPointer(start: base + Int(start), count: Int(word & FieldRuns.lengthMask))
            return String(decoding: text, as: UTF8.self)
        }
    }

    private func compareHeader(_ names: [String]) throws(TidemillError) {
        var mismatch: [String] = []
        var warning: String?
        if names.count != fileFields.count {
            mismatch.append(
                "the header has \(counted(names.count, "name")), the schema \(counted(fileFields.count, "column"))")
            warning = mismatch[0]
        }
        let known = Set(fileFields.map { schema[$0].name.lowercased() })
        for (name, field) in zip(names, fileFields) where name.lowercased() != schema[field].name.lowercased() {
            mismatch.append("the header says '\(name)' where the schema has '\(schema[field].name)'")
            if warning == nil && known.contains(name.lowercased()) { warning = mismatch.last }
        }
        assembler.setHeader(mismatch: mismatch, warning: warning)
        if !options.enforceSchema, let first = mismatch.first {
            throw TidemillError(
                .data, "TIDEMILL_CSV_HEADER", first,
                hint: "option enforceSchema 'true' takes the schema's names, by position",
                place: .file(file.path.string, line: 1))
        }
    }

    // MARK: - Columns

    private func decode() throws(TidemillError) -> Batch? {
        for slot in decoded.indices { markNulls(slot) }
        let bad = faults.map { BadRecord(row: $0.row, column: nil, fault: .record($0.fault.reason)) }
        return try assembler.assemble(&runs, faults: bad, window: chunk.window) { [self] slot, runs in
            decodeColumn(slot, runs)
        }
    }

    private func decodeColumn(_ slot: Int, _ runs: FieldRuns) -> (column: Column, failures: [UInt32]) {
        let type = schema[decoded[slot]].type
        let repaired = !chunk.isValidUTF8 && type == .string
        var decoder = FieldDecoder(
            runs, column: slot, chunk: chunk.bytes, emptyIsNull: !(marksNulls || repaired))
        let values: Buffer
        var heap = StringHeap.empty
        switch type {
        case .boolean: values = decoder.booleans()
        case .tinyint, .smallint, .int: values = decoder.int32s(type.integerRange!)
        case .bigint: values = decoder.int64s()
        case .float: values = decoder.floats { self.specialDouble($0) }
        case .double: values = decoder.doubles { self.specialDouble($0) }
        case .decimal(let precision, let scale): values = decoder.decimals(precision: precision, scale: scale)
        case .date: values = decoder.dates(dates)
        case .timestamp: values = decoder.timestamps(zoned: true, timestamps)
        case .timestampNTZ: values = decoder.timestamps(zoned: false, timestampsNTZ)
        case .yearMonthInterval, .dayTimeInterval:
            return decoder.intervals(type, runs, chunk.buffer)
        default:
            let views = decoder.views()
            values = views.buffer
            if views.long { heap = StringHeap([chunk.buffer, runs.sideText.buffer]) }
        }
        let column = Column(
            type: type, count: runs.count, values: values, validity: decoder.validity, heap: heap)
        return (column, decoder.failures)
    }

    private func specialDouble(_ text: UnsafeRawBufferPointer) -> Double? {
        if text.elementsEqual(options.nanValue) { return .nan }
        if text.elementsEqual(options.positiveInf) { return .infinity }
        return text.elementsEqual(options.negativeInf) ? -.infinity : nil
    }

    /// Applies the options that are not the default to the fields' texts: trims, marks NULLs, repairs UTF-8.
    private func markNulls(_ slot: Int) {
        let isText = schema[decoded[slot]].type == .string
        let repairs = isText && !chunk.isValidUTF8
        guard marksNulls || repairs else { return }
        let starts = runs.starts(slot)
        let words = runs.words(slot)
        let emptyIsNull = options.emptyValue == options.nullValue
        for row in 0..<runs.count {
            var word = words[row]
            if word == FieldRuns.missing || word == FieldRuns.null { continue }
            let base =
                word & FieldRuns.side == 0
                ? UnsafeRawPointer(chunk.bytes) : UnsafeRawPointer(runs.sideText.bytes)
            var start = Int(starts[row])
            var length = Int(word & FieldRuns.lengthMask)
            if word & FieldRuns.quoted == 0 {
                if options.ignoreLeadingWhiteSpace {
                    while length > 0, base.load(fromByteOffset: start, as: UInt8.self) <= 0x20 {
                        start += 1
                        length -= 1
                    }
                }
                if options.ignoreTrailingWhiteSpace {
                    while length > 0, base.load(fromByteOffset: start + length - 1, as: UInt8.self) <= 0x20 {
                        length -= 1
                    }
                }
                starts[row] = UInt32(start)
                word = (word & ~FieldRuns.lengthMask) | UInt32(length)
                words[row] = length == 0 ? FieldRuns.null : word
            } else if length == 0 {
                if emptyIsNull {
                    words[row] = FieldRuns.null
                } else if !options.emptyValue.isEmpty {
                    let moved = options.emptyValue.withUnsafeBytes { runs.moved($0) }
                    starts[row] = moved.start
                    words[row] = moved.word | FieldRuns.quoted
                }
            }
            if length == 0 { continue }
            let text = UnsafeRawBufferPointer(start: base + start, count: length)
            if text.elementsEqual(options.nullValue) {
                words[row] = FieldRuns.null
            } else if repairs, let repaired = repairingUTF8(text) {
                let moved = repaired.withUnsafeBytes { runs.moved($0) }
                starts[row] = moved.start
                words[row] = moved.word | (word & FieldRuns.quoted)
            }
        }
    }
}
