/// Nested values as text.
extension Column {
    /// As Spark's cast to STRING prints them: `[1, null]`, `{a -> 1}`, `{1, x}`.
    func nestedText() -> Column {
        var builder = StringColumnBuilder(type: .string, capacity: count)
        var text: [UInt8] = []
        for row in 0..<count {
            text.removeAll(keepingCapacity: true)
            if isValid(row) {
                var cursor = NestedCursor(bytes(row))
                NestedText.append(type, &cursor, into: &text)
            }
            text.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: validity)
    }
}

public enum NestedText {
    /// The value at the cursor.
    static func append(_ type: DataType, _ cursor: inout NestedCursor, into out: inout [UInt8]) {
        switch type {
        case .array(let element):
            list("[", "]", into: &out) { out, isFirst in
                let next = cursor.next()
                if next == .end { return false }
                separate(isFirst, into: &out)
                field(element, next, &cursor, into: &out)
                return true
            }
        case .map(let key, let value):
            list("{", "}", into: &out) { out, isFirst in
                if cursor.next() != .value { return false }
                separate(isFirst, into: &out)
                append(key, &cursor, into: &out)
                out.append(contentsOf: " -> ".utf8)
                field(value, cursor.next(), &cursor, into: &out)
                return true
            }
        case .structure(let fields):
            var rest = fields[...]
            list("{", "}", into: &out) { out, isFirst in
                guard let next = rest.popFirst() else { return false }
                separate(isFirst, into: &out)
                field(next.type, cursor.next(), &cursor, into: &out)
                return true
            }
        default: appendScalar(type, &cursor, into: &out)
        }
    }

    private static func list(
        _ open: StaticString, _ close: StaticString, into out: inout [UInt8],
        _ next: (inout [UInt8], Bool) -> Bool
    ) {
        out.append(open.utf8Start[0])
        var isFirst = true
        while next(&out, isFirst) { isFirst = false }
        out.append(close.utf8Start[0])
    }

    private static func separate(_ isFirst: Bool, into out: inout [UInt8]) {
        if !isFirst { out.append(contentsOf: ", ".utf8) }
    }

    private static func field(
        _ type: DataType, _ next: NestedCursor.Next, _ cursor: inout NestedCursor, into out: inout [UInt8]
    ) {
        if next == .value {
            append(type, &cursor, into: &out)
        } else {
            out.append(contentsOf: "null".utf8)
        }
    }

    /// The value at the cursor, of a type that is not nested, as a cast to STRING prints it.
    public static func appendScalar(_ type: DataType, _ cursor: inout NestedCursor, into out: inout [UInt8]) {
        if type == .string || type == .binary {
            var text: [UInt8] = []
            cursor.text(into: &text)
            out.append(contentsOf: text)
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FormatText.bytesMax) { scratch in
            guard let target = scratch.baseAddress else { return }
            let length =
                switch type {
                case .boolean: FormatText.boolean(cursor.bool(), target)
                case .tinyint, .smallint, .int:
                    FormatText.int64(Int64(cursor.integer(Int32.self)), target)
                case .float: FormatText.float(cursor.float(), target)
                case .double: FormatText.double(cursor.double(), target)
                case .decimal(_, let scale): FormatText.decimal(cursor.integer(Int128.self), scale: scale, target)
                case .date: FormatText.date(cursor.integer(Int32.self), target)
                case .timestamp, .timestampNTZ: FormatText.timestamp(cursor.integer(Int64.self), target)
                case .bigint: FormatText.int64(cursor.integer(Int64.self), target)
                case .yearMonthInterval(let range):
                    FormatText.interval(Int64(cursor.integer(Int32.self)), range, target)
                case .dayTimeInterval(let range): FormatText.interval(cursor.integer(Int64.self), range, target)
                default: 0
                }
            out.append(contentsOf: UnsafeBufferPointer(start: target, count: length))
        }
    }
}
