import TideColumns

/// Writes arrays, maps and structs as JSON, as Spark's writer does: fields of structs that are NULL are left out, keys
/// of maps are texts.
struct JSONNestedWriter {
    let ignoresNullFields: Bool
    let times: DateTimeText

    /// The value of the image.
    func append(_ type: DataType, _ image: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        var cursor = NestedCursor(image)
        value(type, &cursor, into: &out)
    }

    private func value(_ type: DataType, _ cursor: inout NestedCursor, into out: inout [UInt8]) {
        var isFirst = true
        func separate() {
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
        }
        switch type {
        case .array(let element):
            out.append(UInt8(ascii: "["))
            while true {
                let next = cursor.next()
                if next == .end { break }
                separate()
                part(element, next, &cursor, into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .map(let key, let value):
            out.append(UInt8(ascii: "{"))
            while cursor.next() == .value {
                separate()
                var text: [UInt8] = []
                if key.isNested {
                    let start = cursor.at
                    cursor.skip(key)
                    text += Column(key, [Scalar(key, .bytes(Array(cursor.image(from: start))))]).formatted().bytes(0)
                } else {
                    // Dates and times are the numbers they are stored as.
                    let stored: DataType = key.physical == .int32 ? .int : (key.physical == .int64 ? .bigint : key)
                    NestedText.appendScalar(stored, &cursor, into: &text)
                }
                quoted(text, into: &out)
                out.append(UInt8(ascii: ":"))
                part(value, cursor.next(), &cursor, into: &out)
            }
            out.append(UInt8(ascii: "}"))
        case .structure(let fields):
            out.append(UInt8(ascii: "{"))
            for field in fields {
                let next = cursor.next()
                if next != .value && ignoresNullFields { continue }
                separate()
                quoted(Array(field.name.utf8), into: &out)
                out.append(UInt8(ascii: ":"))
                part(field.type, next, &cursor, into: &out)
            }
            out.append(UInt8(ascii: "}"))
        default: scalar(type, &cursor, into: &out)
        }
    }

    private func part(
        _ type: DataType, _ next: NestedCursor.Next, _ cursor: inout NestedCursor, into out: inout [UInt8]
    ) {
        if next == .value { value(type, &cursor, into: &out) } else { out.append(contentsOf: "null".utf8) }
    }

    private func quoted(_ text: [UInt8], into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        text.withUnsafeBytes { JSONWriter.escape($0, into: &out) }
        out.append(UInt8(ascii: "\""))
    }

    private func scalar(_ type: DataType, _ cursor: inout NestedCursor, into out: inout [UInt8]) {
        switch type {
        case .boolean, .tinyint, .smallint, .int, .bigint: NestedText.appendScalar(type, &cursor, into: &out)
        default:
            // One value as a column of one row goes the way of columns.
            var builder = NestedColumnBuilder(type)
            builder.append(&cursor)
            let column = builder.finish()
            let text = JSONWriter.text(of: column, times)
            JSONWriter.put(text.bytes(0), JSONWriter.form(of: type, times), into: &out)
        }
    }
}
