import TideColumns

/// Reads nested JSON values into images of arrays, maps and structs.
///
/// The text was walked before, so it is well formed; what can be wrong is the kind of a value. As in Spark's reader a
/// wrong element makes the whole array or map NULL, a wrong field of a struct only that field; both make the record
/// bad.
struct JSONImageReader {
    let dates: DateTimePattern?
    let timestamps: DateTimePattern?
    let timestampsNTZ: DateTimePattern?
    /// Whether a part of the last value did not fit.
    private(set) var isBad = false
    private var plain: [UInt8] = []

    init(dates: DateTimePattern?, timestamps: DateTimePattern?, timestampsNTZ: DateTimePattern?) {
        self.dates = dates
        self.timestamps = timestamps
        self.timestampsNTZ = timestampsNTZ
    }

    /// Appends the value at `start`. False: it is none of the type, and `image` holds a part of it.
    mutating func read(
        _ p: UnsafePointer<UInt8>, _ start: Int, _ type: DataType, into image: inout [UInt8]
    ) -> Bool {
        isBad = false
        var i = start
        return value(p, &i, type, into: &image)
    }

    /// The value at `i`; leaves `i` behind it in every case.
    private mutating func value(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ type: DataType, into image: inout [UInt8]
    ) -> Bool {
        switch type {
        case .array(let element) where p[i] == UInt8(ascii: "["): return array(p, &i, element, into: &image)
        case .map(let key, let value) where p[i] == UInt8(ascii: "{"): return map(p, &i, key, value, into: &image)
        case .structure(let fields) where p[i] == UInt8(ascii: "{"): return structure(p, &i, fields, into: &image)
        default: return scalar(p, &i, type, into: &image)
        }
    }

    /// A value with its marker; JSON's null is NULL.
    private mutating func part(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ type: DataType, into image: inout [UInt8]
    ) -> Bool {
        if p[i] == UInt8(ascii: "n") {
            i += 4
            NestedImage.appendNull(into: &image)
            return true
        }
        NestedImage.appendMarker(into: &image)
        return value(p, &i, type, into: &image)
    }

    private mutating func array(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ element: DataType, into image: inout [UInt8]
    ) -> Bool {
        var fits = true
        i = JSONScanner.skippingBlanks(p, i + 1)
        while p[i] != UInt8(ascii: "]") {
            if !part(p, &i, element, into: &image) { fits = false }
            i = JSONScanner.skippingBlanks(p, i)
            if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        }
        i += 1
        NestedImage.appendEnd(into: &image)
        return fits
    }

    /// The name at `i`, without its escapes, in `plain`; leaves `i` at the value.
    private mutating func name(_ p: UnsafePointer<UInt8>, _ i: inout Int) {
        var escaped = false
        let start = i + 1
        i = JSONScanner.string(p, start, quote: p[i], escaped: &escaped)
        JSONScanner.unescape(UnsafeRawBufferPointer(start: p + start, count: i - start - 1), into: &plain)
        i = JSONScanner.skippingBlanks(p, JSONScanner.skippingBlanks(p, i) + 1)
    }

    /// Keys that stand twice stay, as in Spark's reader.
    private mutating func map(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ key: DataType, _ value: DataType, into image: inout [UInt8]
    ) -> Bool {
        var fits = true
        i = JSONScanner.skippingBlanks(p, i + 1)
        while p[i] != UInt8(ascii: "}") {
            name(p, &i)
            // Names of fields are text.
            if key != .string { fits = false }
            NestedImage.appendMarker(into: &image)
            plain.withUnsafeBytes { NestedImage.append(text: $0, into: &image) }
            if !part(p, &i, value, into: &image) { fits = false }
            i = JSONScanner.skippingBlanks(p, i)
            if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        }
        i += 1
        NestedImage.appendEnd(into: &image)
        return fits
    }

    private mutating func structure(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ fields: [Field], into image: inout [UInt8]
    ) -> Bool {
        var parts: [[UInt8]?] = Array(repeating: nil, count: fields.count)
        i = JSONScanner.skippingBlanks(p, i + 1)
        while p[i] != UInt8(ascii: "}") {
            name(p, &i)
            if let index = fields.firstIndex(where: { $0.name.utf8.elementsEqual(plain) }) {
                var found: [UInt8] = []
                if part(p, &i, fields[index].type, into: &found) { parts[index] = found } else { isBad = true }
            } else {
                var kind = JSONKinds.null
                var escaped = false
                i = JSONScanner.value(p, i, kind: &kind, escaped: &escaped)
            }
            i = JSONScanner.skippingBlanks(p, i)
            if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        }
        i += 1
        for part in parts {
            if let part { image += part } else { NestedImage.appendNull(into: &image) }
        }
        return true
    }

    private mutating func scalar(
        _ p: UnsafePointer<UInt8>, _ i: inout Int, _ type: DataType, into image: inout [UInt8]
    ) -> Bool {
        var kind = JSONKinds.null
        var escaped = false
        let start = i
        i = JSONScanner.value(p, i, kind: &kind, escaped: &escaped)
        var text = UnsafeRawBufferPointer(start: p + start, count: i - start)
        guard kind == .string else { return append(text, kind, type, into: &image) }
        text = UnsafeRawBufferPointer(rebasing: text[1..<(text.count - 1)])
        if !escaped { return append(text, kind, type, into: &image) }
        JSONScanner.unescape(text, into: &plain)
        let unescaped = plain
        return unescaped.withUnsafeBytes { append($0, kind, type, into: &image) }
    }

    private func append(
        _ text: UnsafeRawBufferPointer, _ kind: JSONKinds, _ type: DataType, into image: inout [UInt8]
    ) -> Bool {
        switch type {
        case .boolean:
            guard kind == .boolean else { return false }
            NestedImage.append(text[0] == UInt8(ascii: "t"), into: &image)
        case .tinyint:
            guard kind == .integer, let value = ParseText.integer(text, -128...255) else { return false }
            NestedImage.append(Int32(Int8(truncatingIfNeeded: value)), into: &image)
        case .smallint, .int:
            guard kind == .integer, let range = type.integerRange, let value = ParseText.integer(text, range) else {
                return false
            }
            NestedImage.append(Int32(truncatingIfNeeded: value), into: &image)
        case .bigint:
            guard kind == .integer, let value = ParseText.int64(text) else { return false }
            NestedImage.append(value, into: &image)
        case .float, .double:
            guard let value = number(text, kind) else { return false }
            if type == .double {
                NestedImage.append(value, into: &image)
            } else {
                NestedImage.append(
                    kind == .special ? Float(value) : ParseText.float(text) ?? Float(value), into: &image)
            }
        case .decimal(let precision, let scale):
            let digits = kind == .string ? text.filter { $0 != UInt8(ascii: ",") } : Array(text)
            guard kind == .integer || kind == .fraction || kind == .string,
                let value = digits.withUnsafeBytes({ ParseText.decimal($0, precision: precision, scale: scale) })
            else { return false }
            NestedImage.append(value, into: &image)
        case .string: NestedImage.append(text: text, into: &image)
        case .binary:
            var bytes: [UInt8] = []
            guard kind == .string, FieldDecoder.base64(text, into: &bytes) else { return false }
            bytes.withUnsafeBytes { NestedImage.append(text: $0, into: &image) }
        case .date:
            guard kind == .string else { return false }
            let value =
                dates.map { $0.parseDate(text) } ?? ParseText.date(trimmingWhitespace(text))
            guard let value else { return false }
            NestedImage.append(value, into: &image)
        case .timestamp, .timestampNTZ:
            guard let value = time(text, kind, type) else { return false }
            NestedImage.append(value, into: &image)
        default: return false
        }
        return true
    }

    private func number(_ text: UnsafeRawBufferPointer, _ kind: JSONKinds) -> Double? {
        switch kind {
        case .integer, .fraction: return ParseText.double(text)
        case .special: return FieldDecoder.jsonSpecial(text)
        case .string: return JSONTokenizer.isSpecialNumber(text) ? FieldDecoder.jsonSpecial(text) : nil
        default: return nil
        }
    }

    private func time(_ text: UnsafeRawBufferPointer, _ kind: JSONKinds, _ type: DataType) -> Int64? {
        if kind == .integer && type == .timestamp {
            let (micros, overflow) = (ParseText.int64(text) ?? .max).multipliedReportingOverflow(by: 1_000_000)
            return overflow ? nil : micros
        }
        guard kind == .string else { return nil }
        if let pattern = type == .timestamp ? timestamps : timestampsNTZ { return pattern.parseTimestamp(text) }
        let trimmed = trimmingWhitespace(text)
        return type == .timestamp
            ? ParseText.timestamp(trimmed) : ParseText.timestampNTZ(trimmed, ignoringZone: false)
    }
}

extension FieldDecoder {
    /// Arrays, maps and structs.
    @inline(never) mutating func nested(_ type: DataType, _ reader: JSONImageReader) -> Column {
        var reader = reader
        var builder = StringColumnBuilder(type: type, capacity: count)
        var image: [UInt8] = []
        for row in 0..<count {
            guard bytesOrNull(row) != nil else {
                builder.appendEmpty()
                continue
            }
            image.removeAll(keepingCapacity: true)
            let (p, _) = text(row)
            if reader.read(p, 0, type, into: &image) {
                if reader.isBad { blame(row) }
                image.withUnsafeBytes { builder.append($0) }
            } else {
                fail(row)
                builder.appendEmpty()
            }
        }
        return builder.finish(validity: validity)
    }
}
