import TideColumns

/// Writes batches as Spark's CSV writer does: fields are quoted only where they must be, NULL is nothing, an empty
/// string
/// is `""`, dates are ISO and timestamps `2024-01-01T00:00:00.000Z` (cut to milliseconds).
///
/// Each column becomes text first, then rows are stitched together from the texts.
public struct CSVWriter {
    private static let flushBytes = 256 << 10

    private let schema: Schema
    private let options: CSVWriteOptions
    private let sink: any File
    private let dates: DateTimePattern?
    private let timestamps: DateTimePattern?
    private let timestampsNTZ: DateTimePattern?
    private var pending: [UInt8] = []
    /// Bytes that make a field need quotes.
    private var special = [Bool](repeating: false, count: 256)
    /// Where in the file the next bytes go; the file's size after `finish`.
    public private(set) var offset: Int64

    /// Writes at `offset` of the file; the header, if wanted, goes there at once.
    public init(
        schema: Schema, options: CSVWriteOptions, sink: any File, offset: Int64 = 0
    ) throws(TidemillError) {
        for field in schema.fields where !Column.isTextTarget(field.type) {
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "csv cannot hold the column '\(field.name)' of type \(field.type.sql)")
        }
        func compiled(_ pattern: String?) throws(TidemillError) -> DateTimePattern? {
            guard let pattern else { return nil }
            return try DateTimePattern(pattern)
        }
        dates = try compiled(options.dateFormat)
        timestamps = try compiled(options.timestampFormat)
        timestampsNTZ = try compiled(options.timestampNTZFormat)
        self.schema = schema
        self.options = options
        self.sink = sink
        self.offset = offset
        for byte in [options.separator, 0x0A, 0x0D, options.quote ?? options.separator] { special[Int(byte)] = true }
        if options.header {
            for (index, field) in schema.fields.enumerated() {
                if index > 0 { pending.append(options.separator) }
                Array(field.name.utf8).withUnsafeBytes { put($0, isFirst: index == 0) }
            }
            pending.append(contentsOf: options.lineSeparator)
        }
    }

    /// Appends the rows of a batch without weights, whose columns have the schema's types.
    public mutating func append(_ batch: Batch) throws(TidemillError) {
        precondition(batch.weights == nil && batch.columns.count == schema.count)
        let texts = batch.columns.map { text(of: $0) }
        for row in 0..<batch.count {
            for (index, column) in texts.enumerated() {
                if index > 0 { pending.append(options.separator) }
                guard column.isValid(row) else {
                    put(null: ())
                    continue
                }
                put(stringBytes(column.views, row, column.heap.bases), isFirst: index == 0)
            }
            pending.append(contentsOf: options.lineSeparator)
            if pending.count >= CSVWriter.flushBytes { try flush() }
        }
    }

    /// Writes what is still in memory. The caller syncs and closes the file.
    public mutating func finish() throws(TidemillError) { try flush() }

    private mutating func flush() throws(TidemillError) {
        if pending.isEmpty { return }
        var failure: TidemillError?
        pending.withUnsafeBytes { bytes in
            do throws(TidemillError) { try sink.write(bytes, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        offset += Int64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func put(null: Void) {
        if options.quoteAll, let quote = options.quote, options.nullValue.isEmpty {
            pending.append(contentsOf: [quote, quote])
        } else {
            pending.append(contentsOf: options.nullValue)
        }
    }

    private mutating func put(_ text: UnsafeRawBufferPointer, isFirst: Bool) {
        var low = 0
        var high = text.count
        if options.ignoreLeadingWhiteSpace { while low < high, text[low] <= 0x20 { low += 1 } }
        if options.ignoreTrailingWhiteSpace { while high > low, text[high - 1] <= 0x20 { high -= 1 } }
        if low == high {
            pending.append(contentsOf: options.emptyValue)
            return
        }
        let body = UnsafeRawBufferPointer(rebasing: text[low..<high])
        guard let quote = options.quote else {
            pending.append(contentsOf: body)
            return
        }
        // univocity takes # at the start of a line for a comment even when no comment is set, and quotes it.
        var quotes = options.quoteAll || (isFirst && body[0] == UInt8(ascii: "#"))
        for byte in body where special[Int(byte)] { quotes = true }
        if !quotes {
            pending.append(contentsOf: body)
            return
        }
        pending.append(quote)
        for byte in body {
            if let escape = options.escape, byte == quote || byte == escape { pending.append(escape) }
            pending.append(byte)
        }
        pending.append(quote)
    }

    /// The column as text.
    private func text(of column: Column) -> Column {
        switch column.type {
        case .date where dates != nil:
            let days: UnsafePointer<Int32> = column.pointer()
            return patterned(column, dates!) { Int64(days[$0]) * 86_400_000_000 }
        case .timestamp, .timestampNTZ:
            let micros: UnsafePointer<Int64> = column.pointer()
            let zoned = column.type == .timestamp
            if let pattern = zoned ? timestamps : timestampsNTZ { return patterned(column, pattern) { micros[$0] } }
            var builder = StringColumnBuilder(type: .string, capacity: column.count)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FormatText.bytesMax) { scratch in
                let out = scratch.baseAddress!
                for row in 0..<column.count {
                    builder.append(UnsafeRawPointer(out), FormatText.timestampISO(micros[row], zone: zoned, out))
                }
            }
            return builder.finish(validity: column.validity)
        default: return column.formatted()
        }
    }

    private func patterned(_ column: Column, _ pattern: DateTimePattern, _ micros: (Int) -> Int64) -> Column {
        var builder = StringColumnBuilder(type: .string, capacity: column.count)
        var text: [UInt8] = []
        for row in 0..<column.count {
            text.removeAll(keepingCapacity: true)
            if column.isValid(row) { pattern.format(micros: micros(row), into: &text) }
            text.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: column.validity)
    }
}
