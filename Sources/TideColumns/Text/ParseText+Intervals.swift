/// Text to intervals, as Spark's casts read them: the fields alone, `-1 02:03:04.5`, or a whole literal,
/// `INTERVAL '1-2' YEAR TO MONTH`. Both must have exactly the fields of the type.
extension ParseText {
    /// - Returns: months, or microseconds; nil if the text has another form, a field behind the first is out of its
    ///   range, or the sum does not fit the type.
    static func interval(_ text: UnsafeRawBufferPointer, _ range: IntervalRange) -> Int64? {
        var cursor = IntervalCursor(text: text)
        var isNegative = false
        let isLiteral = cursor.take("INTERVAL")
        if isLiteral {
            guard cursor.takeBlanks() else { return nil }
            isNegative = cursor.takeSign()
            guard cursor.take("'") else { return nil }
        }
        if cursor.takeSign() { isNegative.toggle() }
        guard let magnitude = cursor.fields(range) else { return nil }
        if isLiteral {
            guard cursor.take("'"), cursor.takeBlanks(), cursor.take(range.first) else { return nil }
            if range.first != range.last {
                guard cursor.takeBlanks(), cursor.take("TO"), cursor.takeBlanks(), cursor.take(range.last) else {
                    return nil
                }
            }
        }
        guard cursor.atEnd else { return nil }
        let value = isNegative ? -magnitude : magnitude
        return range.first.isMonths ? Int32(exactly: value).map(Int64.init) : Int64(exactly: value)
    }
}

/// A place in the text of an interval.
private struct IntervalCursor {
    let text: UnsafeRawBufferPointer
    var position = 0

    init(text: UnsafeRawBufferPointer) { self.text = text }

    var atEnd: Bool { position == text.count }
    private var next: UInt8 { atEnd ? 0 : text[position] }

    /// A word in upper case, found in either case.
    mutating func take(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard position + length <= text.count else { return false }
        for index in 0..<length {
            let byte = text[position + index]
            let upper = byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte
            if upper != word.utf8Start[index] { return false }
        }
        position += length
        return true
    }

    mutating func take(_ unit: IntervalRange.Unit) -> Bool {
        switch unit {
        case .year: take("YEAR")
        case .month: take("MONTH")
        case .day: take("DAY")
        case .hour: take("HOUR")
        case .minute: take("MINUTE")
        case .second: take("SECOND")
        }
    }

    /// True for a minus.
    mutating func takeSign() -> Bool {
        if take("-") { return true }
        _ = take("+")
        return false
    }

    /// One or more.
    mutating func takeBlanks() -> Bool {
        let start = position
        while next == 0x20 || (next >= 0x09 && next <= 0x0D) { position += 1 }
        return position > start
    }

    /// The sum of the range's fields. 13 digits of days stay far below 128 bits.
    mutating func fields(_ range: IntervalRange) -> Int128? {
        var sum: Int128 = 0
        for unit in IntervalRange.Unit.allCases where range.contains(unit) {
            if unit != range.first {
                guard unit == .month ? take("-") : unit == .hour ? take(" ") : take(":") else { return nil }
            }
            guard let (value, digits) = number(digitsMax: IntervalCursor.digitsMax(unit, in: range)) else { return nil }
            if unit != range.first {
                let limit: Int64 = unit == .month ? 11 : unit == .hour ? 23 : 59
                guard value <= limit, digits <= 2 || unit == .month else { return nil }
            }
            sum += Int128(value) * Int128(unit.size)
        }
        guard range.last == .second, take(".") else { return sum }
        guard let (fraction, digits) = number(digitsMax: 9) else { return nil }
        var micros = fraction
        if digits < 6 { for _ in digits..<6 { micros *= 10 } }
        if digits > 6 { for _ in 6..<digits { micros /= 10 } }
        return sum + Int128(micros)
    }

    /// As many digits as Spark's patterns take.
    private static func digitsMax(_ unit: IntervalRange.Unit, in range: IntervalRange) -> Int {
        guard unit == range.first || unit == .month else { return 2 }
        switch unit {
        case .year, .month: return 18
        case .day: return 9
        case .hour: return 10
        case .minute: return 12
        case .second: return 13
        }
    }

    private mutating func number(digitsMax: Int) -> (value: Int64, digits: Int)? {
        let start = position
        var value: Int64 = 0
        while next >= 0x30, next <= 0x39 {
            if position - start == digitsMax { return nil }
            value = value * 10 + Int64(next - 0x30)
            position += 1
        }
        return position == start ? nil : (value, position - start)
    }
}
