import TideColumns

/// Writes batches as Spark's CSV writer does: fields are quoted only where they must be, NULL is nothing, an empty
/// string
/// is `""`, dates are ISO and timestamps `2024-01-01T00:00:00.000Z` (cut to milliseconds).
///
/// Each column becomes text first, then rows are stitched together from the texts.
public struct CSVWriter {
    private let schema: Schema
    private let options: CSVWriteOptions
    private let times: DateTimeText
    private var output: TextOutput
    /// Bytes that make a field need quotes.
    private var special = [Bool](repeating: false, count: 256)
    /// Where in the file the next bytes go; the file's size after `finish`.
    public var offset: Int64 { output.offset }

    /// Writes at `offset` of the file; the header, if wanted, goes there at once.
    public init(
        schema: Schema, options: CSVWriteOptions, sink: any File, offset: Int64 = 0
    ) throws(TidemillError) {
        for field in schema.fields where !Column.isTextTarget(field.type) {
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "csv cannot hold the column '\(field.name)' of type \(field.type.sql)")
        }
        times = try DateTimeText(
            dates: options.dateFormat, timestamps: options.timestampFormat,
            timestampsNTZ: options.timestampNTZFormat)
        self.schema = schema
        self.options = options
        output = TextOutput(sink: sink, offset: offset)
        for byte in [options.separator, 0x0A, 0x0D, options.quote ?? options.separator] { special[Int(byte)] = true }
        if options.header {
            for (index, field) in schema.fields.enumerated() {
                if index > 0 { output.pending.append(options.separator) }
                Array(field.name.utf8).withUnsafeBytes { put($0, isFirst: index == 0) }
            }
            output.pending.append(contentsOf: options.lineSeparator)
        }
    }

    /// Appends the rows of a batch without weights, whose columns have the schema's types.
    public mutating func append(_ batch: Batch) throws(TidemillError) {
        precondition(batch.weights == nil && batch.columns.count == schema.count)
        let texts = batch.columns.map { times.text(of: $0) }
        for row in 0..<batch.count {
            for (index, column) in texts.enumerated() {
                if index > 0 { output.pending.append(options.separator) }
                guard column.isValid(row) else {
                    put(null: ())
                    continue
                }
                put(stringBytes(column.views, row, column.heap.bases), isFirst: index == 0)
            }
            output.pending.append(contentsOf: options.lineSeparator)
            try output.flushIfLarge()
        }
    }

    /// Writes what is still in memory. The caller syncs and closes the file.
    public mutating func finish() throws(TidemillError) { try output.flush() }

    private mutating func put(null: Void) {
        if options.quoteAll, let quote = options.quote, options.nullValue.isEmpty {
            output.pending.append(contentsOf: [quote, quote])
        } else {
            output.pending.append(contentsOf: options.nullValue)
        }
    }

    private mutating func put(_ text: UnsafeRawBufferPointer, isFirst: Bool) {
        var low = 0
        var high = text.count
        if options.ignoreLeadingWhiteSpace { while low < high, text[low] <= 0x20 { low += 1 } }
        if options.ignoreTrailingWhiteSpace { while high > low, text[high - 1] <= 0x20 { high -= 1 } }
        if low == high {
            output.pending.append(contentsOf: options.emptyValue)
            return
        }
        let body = UnsafeRawBufferPointer(rebasing: text[low..<high])
        guard let quote = options.quote else {
            output.pending.append(contentsOf: body)
            return
        }
        // univocity takes # at the start of a line for a comment even when no comment is set, and quotes it.
        var quotes = options.quoteAll || (isFirst && body[0] == UInt8(ascii: "#"))
        for byte in body where special[Int(byte)] { quotes = true }
        if !quotes {
            output.pending.append(contentsOf: body)
            return
        }
        output.pending.append(quote)
        for byte in body {
            if let escape = options.escape, byte == quote || byte == escape { output.pending.append(escape) }
            output.pending.append(byte)
        }
        output.pending.append(quote)
    }
}
