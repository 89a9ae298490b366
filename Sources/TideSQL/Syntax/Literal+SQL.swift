extension Literal {
    /// As Spark names a column of this constant: numbers and strings bare, the rest as literals.
    public var sql: String {
        switch self {
        case .null: "NULL"
        case .boolean(let value): String(value)
        case .byte(let value): String(value)
        case .short(let value): String(value)
        case .integer(let value): String(value)
        case .long(let value): String(value)
        case .decimal(let value): value.text
        case .float(let value): javaText(value.description)
        case .double(let value): javaText(value.description)
        case .string(let value): value
        case .binary(let bytes): "X'" + bytes.map(hexadecimalText).joined() + "'"
        case .date(let text): "DATE '\(text)'"
        case .timestamp(let text), .timestampLTZ(let text): "TIMESTAMP '\(text)'"
        case .timestampNTZ(let text): "TIMESTAMP_NTZ '\(text)'"
        case .time(let text): "TIME '\(text)'"
        case .interval(let interval): interval.sql
        }
    }
}

extension DecimalLiteral {
    /// Plain digits with the point in its place: `-0.05`, `1.50`.
    public var text: String {
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
        let sign = isNegative ? "-" : ""
        guard scale > 0 else { return sign + padded }
        return "\(sign)\(padded.dropLast(scale)).\(padded.suffix(scale))"
    }
}

extension IntervalLiteral {
    /// `INTERVAL '1 02' DAY TO HOUR`: Spark's form for ANSI intervals; a calendar interval is a list of units.
    public var sql: String {
        let range = from == to ? from.text : "\(from.text) TO \(to.text)"
        switch family {
        case .yearMonth:
            let sign = months < 0 ? "-" : ""
            let total = Int64(months).magnitude
            let value =
                from == .month ? "\(total)" : to == .year ? "\(total / 12)" : "\(total / 12)-\(total % 12)"
            return "INTERVAL '\(sign)\(value)' \(range)"
        case .dayTime:
            guard let total = totalMicroseconds else { return "INTERVAL '\(days)' DAY" }
            return "INTERVAL '\(total < 0 ? "-" : "")\(dayTimeText(total.magnitude))' \(range)"
        case .calendar:
            return "\(months) months \(days) days \(microseconds) microseconds"
        }
    }

    private func dayTimeText(_ total: UInt64) -> String {
        let units: [(field: IntervalField, size: UInt64)] = [
            (.day, 86_400_000_000), (.hour, 3_600_000_000), (.minute, 60_000_000), (.second, 1_000_000),
        ]
        var rest = total
        var text = ""
        for (field, size) in units where field >= from && field <= to {
            let value = rest / size
            rest %= size
            if field != from { text += field == .hour ? " " : ":" }
            // All but days have two digits once there is a second field or a fraction; a lone field only for seconds.
            let isPadded = field != .day && (from != to || field == .second)
            text += isPadded && value < 10 ? "0\(value)" : "\(value)"
        }
        if to == .second, rest > 0 {
            var fraction = String(rest + 1_000_000).dropFirst()
            while fraction.last == "0" { fraction = fraction.dropLast() }
            text += "." + fraction
        }
        return text
    }
}

extension TypeName {
    /// The type in Spark's spelling: `INT`, `DECIMAL(10,0)`, `STRUCT<a: INT>`.
    public var sql: String {
        switch kind {
        case .named(let name, let parameters):
            var parameters = parameters
            let canonical: String
            switch name.name.lowercased() {
            case "integer": canonical = "INT"
            case "long": canonical = "BIGINT"
            case "short": canonical = "SMALLINT"
            case "byte": canonical = "TINYINT"
            case "real": canonical = "FLOAT"
            case "character": canonical = "CHAR"
            case "timestamp_ltz": canonical = "TIMESTAMP"
            case "dec", "numeric", "decimal":
                canonical = "DECIMAL"
                parameters = [parameters.first ?? 10, parameters.count > 1 ? parameters[1] : 0]
            case let other: canonical = other.uppercased()
            }
            return parameters.isEmpty
                ? canonical : "\(canonical)(\(parameters.map(String.init).joined(separator: ",")))"
        case .array(let element): return "ARRAY<\(element.sql)>"
        case .map(let key, let value): return "MAP<\(key.sql), \(value.sql)>"
        case .structure(let fields):
            let texts = fields.map { field in
                "\(field.name.name): \(field.type.sql)" + (field.isNotNull ? " NOT NULL" : "")
            }
            return "STRUCT<\(texts.joined(separator: ", "))>"
        case .interval(nil, _): return "INTERVAL"
        case .interval(let from?, let to):
            guard let to, to != from else { return "INTERVAL \(from.text)" }
            return "INTERVAL \(from.text) TO \(to.text)"
        }
    }
}

private func hexadecimalText(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0" + digits : digits
}

/// Swift's shortest decimal text in Java's form: plain from 0.001 up to 10,000,000, else `1.0E7`.
private func javaText(_ description: String) -> String {
    var text = description[...]
    let sign = text.hasPrefix("-") ? "-" : ""
    if !sign.isEmpty { text = text.dropFirst() }
    let parts = text.split(separator: "e", maxSplits: 1)
    guard let mantissa = parts.first, mantissa.first?.isNumber == true else { return description }
    let pieces = mantissa.split(separator: ".", maxSplits: 1)
    let whole = String(pieces[0])
    let fraction = pieces.count > 1 ? String(pieces[1]) : ""
    var digits = Array((whole + fraction).utf8)
    // The value is 0.digits times ten to the `point`.
    var point = whole.utf8.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.first == 0x30, digits.count > 1 {
        digits.removeFirst()
        point -= 1
    }
    while digits.last == 0x30, digits.count > 1 { digits.removeLast() }
    if digits == [0x30] { return sign + "0.0" }
    func string(_ slice: ArraySlice<UInt8>) -> String {
        slice.isEmpty ? "0" : String(decoding: slice, as: UTF8.self)
    }
    if point > 7 || point < -2 {
        return "\(sign)\(string(digits[..<1])).\(string(digits[1...]))E\(point - 1)"
    }
    if point <= 0 {
        return "\(sign)0.\(String(repeating: "0", count: -point))\(string(digits[...]))"
    }
    let padded = digits + Array(repeating: 0x30, count: max(0, point - digits.count))
    return "\(sign)\(string(padded[..<point])).\(string(padded[point...]))"
}
