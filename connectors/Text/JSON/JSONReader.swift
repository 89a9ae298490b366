import CTideKernels
import TideColumns

/// Reads a file of JSON lines as batches of typed columns.
///
/// One window of the file is in memory at a time; long strings of a batch point into it. Values of columns outside
/// `columns` are checked and walked over, but never decoded. A column takes the field of exactly its name; a field that
/// is missing, `null` or wrong is NULL, and nested objects and arrays are read as their text into STRING columns.
///
/// Bad records: text that is no JSON object, a value that does not fit its column, NULL in a NOT NULL column. What
/// becomes of them is `JSONReadOptions.mode`; all are counted, the first are kept in `report`.
public final class JSONReader {
    /// Rows per batch at most.
    public static let batchRowsMax = 16_384

    public var report: ReadReport { assembler.report }

    private let schema: Schema
    private let decoded: [Int]
    private let dates: DateTimePattern?
    private let timestamps: DateTimePattern?
    private let timestampsNTZ: DateTimePattern?

    private var window: TextWindow
    private var tokenizer: JSONTokenizer
    private var runs: FieldRuns
    private var assembler: RecordAssembler
    /// Behind the last line end of the window, or the end of the file.
    private var wholeEnd = 0
    private var hasBadUTF8 = false

    /// - Parameters:
    ///   - schema: all columns, and the corrupt-record column if there is one.
    ///   - columns: schema indices of the batch's columns, in the batch's order.
    ///   - chunkBytes: size of the window; it grows for a longer record.
    public init(
        file: any File, schema: Schema, columns: [Int], options: JSONReadOptions, chunkBytes: Int = 1 << 20
    ) throws(TidemillError) {
        precondition(columns.allSatisfy { $0 >= 0 && $0 < schema.count })
        for field in schema.fields where !Column.isTextTarget(field.type) && !field.type.isNested {
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "json cannot hold the column '\(field.name)' of type \(field.type.sql)")
        }
        dates = try DateTimePattern.parsing(options.dateFormat)
        timestamps = try DateTimePattern.parsing(options.timestampFormat)
        timestampsNTZ = try DateTimePattern.parsing(options.timestampNTZFormat)
        self.schema = schema
        let corrupt = schema.fields.firstIndex { $0.name == options.corruptRecordColumn && $0.type == .string }
        var decoded: [Int] = []
        for column in columns where column != corrupt && !decoded.contains(column) { decoded.append(column) }
        self.decoded = decoded
        window = TextWindow(
            file: file, chunkBytes: chunkBytes, recordBytesMax: options.recordBytesMax,
            tooLongHint: "a record must stand on one line and end with a line end", format: "JSON")
        tokenizer = JSONTokenizer(fields: decoded.map { schema[$0] }, schemaIndex: decoded)
        runs = FieldRuns(columns: decoded.count, rowsMax: JSONReader.batchRowsMax)
        assembler = RecordAssembler(schema: schema, columns: columns, decoded: decoded, mode: options.mode)
    }

    /// The next rows, at least one; nil at the end of the file.
    public func next() throws(TidemillError) -> Batch? {
        while true {
            runs.clear()
            tokenizer.fill(&runs, from: &window, until: wholeEnd, checkUTF8: hasBadUTF8)
            if runs.count == 0 {
                guard try window.advance() else { return nil }
                wholeEnd = window.lastLineEnd()
                hasBadUTF8 =
                    tide_utf8_valid(window.bytes + window.position, max(0, wholeEnd - window.position)) == 0
                continue
            }
            let batch = try assembler.assemble(&runs, faults: tokenizer.faults, window: window) {
                [self] slot, runs in decodeColumn(slot, runs)
            }
            if let batch { return batch }
        }
    }

    private func decodeColumn(_ slot: Int, _ runs: FieldRuns) -> (column: Column, failures: [UInt32]) {
        let type = schema[decoded[slot]].type
        var decoder = FieldDecoder(runs, column: slot, chunk: window.bytes, emptyIsNull: false)
        let values: Buffer
        var heap = StringHeap.empty
        switch type {
        case .boolean: values = decoder.booleans()
        case .tinyint: values = decoder.javaBytes()
        case .smallint, .int: values = decoder.int32s(type.integerRange!)
        case .bigint: values = decoder.int64s()
        case .float: values = decoder.floats { FieldDecoder.jsonSpecial($0) }
        case .double: values = decoder.doubles { FieldDecoder.jsonSpecial($0) }
        case .decimal(let precision, let scale): values = decoder.decimals(precision: precision, scale: scale)
        case .date: values = dates == nil ? decoder.jsonDates() : decoder.dates(dates)
        case .timestamp: values = decoder.jsonTimestamps(timestamps)
        case .timestampNTZ: values = decoder.timestamps(zoned: false, timestampsNTZ)
        case .binary: return (decoder.binaries(), decoder.failures)
        case .array, .map, .structure:
            let reader = JSONImageReader(dates: dates, timestamps: timestamps, timestampsNTZ: timestampsNTZ)
            return (decoder.nested(type, reader), decoder.failures)
        case .yearMonthInterval, .dayTimeInterval:
            return decoder.intervals(type, runs, window.buffer)
        default:
            let views = decoder.views()
            values = views.buffer
            if views.long { heap = StringHeap([window.buffer, runs.sideText.buffer]) }
        }
        let column = Column(type: type, count: runs.count, values: values, validity: decoder.validity, heap: heap)
        return (column, decoder.failures)
    }
}
