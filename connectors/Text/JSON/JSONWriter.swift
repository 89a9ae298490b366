import CTideKernels
import TideColumns

/// Writes batches as JSON lines, as Spark's writer does: one object per line, fields that are NULL left out, timestamps
/// as `2024-01-01T00:00:00.000Z` (cut to milliseconds), numbers that JSON has not (NaN) as text, binary as Base64.
public struct JSONWriter {
    /// How the text of a column stands in an object.
    enum Form {
        /// As it is: numbers, booleans.
        case bare
        /// In quotes, nothing to escape: dates, timestamps.
        case quoted
        case escaped
        /// Bare, but for text that begins with N, I or -I.
        case floating
        /// The image of a nested value.
        case nested
    }

    private let options: JSONWriteOptions
    private let times: DateTimeText
    private var output: TextOutput
    /// `"name":` by column.
    private let names: [[UInt8]]
    private let forms: [Form]
    private let types: [DataType]
    private let nested: JSONNestedWriter
    /// Where in the file the next bytes go; the file's size after `finish`.
    public var offset: Int64 { output.offset }

    public init(
        schema: Schema, options: JSONWriteOptions = JSONWriteOptions(), sink: any File, offset: Int64 = 0
    ) throws(TidemillError) {
        for field in schema.fields where !Column.isTextTarget(field.type) && !field.type.isNested {
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "json cannot hold the column '\(field.name)' of type \(field.type.sql)")
        }
        self.options = options
        times = try DateTimeText(
            dates: options.dateFormat, timestamps: options.timestampFormat,
            timestampsNTZ: options.timestampNTZFormat)
        output = TextOutput(sink: sink, offset: offset)
        types = schema.types
        nested = JSONNestedWriter(ignoresNullFields: options.ignoreNullFields, times: times)
        forms = schema.types.map { [times] in JSONWriter.form(of: $0, times) }
        names = schema.names.map { name in
            var bytes: [UInt8] = [UInt8(ascii: "\"")]
            Array(name.utf8).withUnsafeBytes { JSONWriter.escape($0, into: &bytes) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
            return bytes
        }
    }

    /// The JSON text of an array, map or struct, with its NULL fields.
    public static func nestedText(_ type: DataType, _ image: UnsafeRawBufferPointer) -> String {
        var text: [UInt8] = []
        JSONNestedWriter(ignoresNullFields: false, times: DateTimeText()).append(type, image, into: &text)
        return String(decoding: text, as: UTF8.self)
    }

    static func form(of type: DataType, _ times: DateTimeText) -> Form {
        switch type {
        case .string: .escaped
        case .binary, .yearMonthInterval, .dayTimeInterval: .quoted
        case .date: times.dates == nil ? .quoted : .escaped
        case .timestamp: times.timestamps == nil ? .quoted : .escaped
        case .timestampNTZ: times.timestampsNTZ == nil ? .quoted : .escaped
        case .float, .double: .floating
        case .array, .map, .structure: .nested
        default: .bare
        }
    }

    /// Appends the rows of a batch without weights, whose columns have the schema's types.
    public mutating func append(_ batch: Batch) throws(TidemillError) {
        precondition(batch.weights == nil && batch.columns.count == names.count)
        let texts = batch.columns.map { JSONWriter.text(of: $0, times) }
        for row in 0..<batch.count {
            output.pending.append(UInt8(ascii: "{"))
            var isFirst = true
            for (index, column) in texts.enumerated() {
                let isValid = column.isValid(row)
                if !isValid && options.ignoreNullFields { continue }
                if !isFirst { output.pending.append(UInt8(ascii: ",")) }
                isFirst = false
                output.pending.append(contentsOf: names[index])
                guard isValid else {
                    output.pending.append(contentsOf: "null".utf8)
                    continue
                }
                let text = stringBytes(column.views, row, column.heap.bases)
                if forms[index] == .nested {
                    nested.append(types[index], text, into: &output.pending)
                } else {
                    JSONWriter.put(text, forms[index], into: &output.pending)
                }
            }
            output.pending.append(UInt8(ascii: "}"))
            output.pending.append(contentsOf: options.lineSeparator)
            try output.flushIfLarge()
        }
    }

    /// Writes what is still in memory. The caller syncs and closes the file.
    public mutating func finish() throws(TidemillError) { try output.flush() }

    static func put(_ text: UnsafeRawBufferPointer, _ form: Form, into out: inout [UInt8]) {
        let bare: Bool
        switch form {
        case .bare, .nested: bare = true
        case .floating:
            let first = text.first == UInt8(ascii: "-") && text.count > 1 ? text[1] : text.first ?? 0x30
            bare = first != UInt8(ascii: "N") && first != UInt8(ascii: "I")
        case .quoted, .escaped: bare = false
        }
        if bare {
            out.append(contentsOf: text)
            return
        }
        out.append(UInt8(ascii: "\""))
        if form == .escaped { escape(text, into: &out) } else { out.append(contentsOf: text) }
        out.append(UInt8(ascii: "\""))
    }

    /// Text as it stands between quotes: quote, backslash and control characters are escaped, all else stays.
    static func escape(_ text: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        var start = 0
        for i in 0..<text.count {
            let byte = text[i]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            out.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<i]))
            start = i + 1
            out.append(UInt8(ascii: "\\"))
            switch byte {
            case 0x08: out.append(UInt8(ascii: "b"))
            case 0x09: out.append(UInt8(ascii: "t"))
            case 0x0A: out.append(UInt8(ascii: "n"))
            case 0x0C: out.append(UInt8(ascii: "f"))
            case 0x0D: out.append(UInt8(ascii: "r"))
            case 0..<0x20:
                let digits = Array("0123456789ABCDEF".utf8)
                out.append(contentsOf: [
                    UInt8(ascii: "u"), 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)],
                ])
            default: out.append(byte)
            }
        }
        out.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start...]))
    }

    /// Text by row; images stay as they are.
    static func text(of column: Column, _ times: DateTimeText) -> Column {
        switch column.type {
        case .binary: base64(column)
        case .decimal(_, let scale) where scale > 6: scientific(column, scale: scale)
        case .array, .map, .structure: column
        default: times.text(of: column)
        }
    }

    /// As Java's BigDecimal prints: with an exponent where more than five zeros would stand behind the point.
    private static func scientific(_ column: Column, scale: Int) -> Column {
        let values: UnsafePointer<Int128> = column.pointer()
        var builder = StringColumnBuilder(type: .string, capacity: column.count)
        for row in 0..<column.count {
            let value = values[row]
            let digits = Array(String(value.magnitude).utf8)
            let exponent = digits.count - 1 - scale
            if !column.isValid(row) {
                builder.appendEmpty()
                continue
            }
            var text: [UInt8] = value < 0 ? [UInt8(ascii: "-")] : []
            if exponent < -6 {
                text.append(digits[0])
                if digits.count > 1 {
                    text.append(UInt8(ascii: "."))
                    text.append(contentsOf: digits[1...])
                }
                text.append(contentsOf: "E\(exponent)".utf8)
            } else {
                let padded = Array(repeating: UInt8(0x30), count: max(0, scale + 1 - digits.count)) + digits
                text.append(contentsOf: padded[..<(padded.count - scale)])
                text.append(UInt8(ascii: "."))
                text.append(contentsOf: padded[(padded.count - scale)...])
            }
            text.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: column.validity)
    }

    private static func base64(_ column: Column) -> Column {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var builder = StringColumnBuilder(type: .string, capacity: column.count)
        var text: [UInt8] = []
        for row in 0..<column.count {
            text.removeAll(keepingCapacity: true)
            if column.isValid(row) {
                let bytes = column.bytes(row)
                var i = 0
                while i < bytes.count {
                    let left = bytes.count - i
                    let word =
                        UInt32(bytes[i]) << 16 | (left > 1 ? UInt32(bytes[i + 1]) << 8 : 0)
                        | (left > 2 ? UInt32(bytes[i + 2]) : 0)
                    for k in 0..<4 {
                        let digit = digits[Int(word >> UInt32(18 - 6 * k)) & 63]
                        text.append(k <= left ? digit : UInt8(ascii: "="))
                    }
                    i += 3
                }
            }
            text.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: column.validity)
    }
}
