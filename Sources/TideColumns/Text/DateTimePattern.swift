/// A compiled date-time pattern of Spark's `to_date(s, fmt)`, `date_format` and the readers' `dateFormat`: the
/// letters of
/// java.time's DateTimeFormatter that Spark keeps, without week-based ones. Everything is in UTC and English.
///
/// | letters | meaning                            | letters | meaning                            |
/// | ------- | ---------------------------------- | ------- | ---------------------------------- |
/// | G       | era                                | H k h K | hour 0-23, 1-24, 1-12, 0-11        |
/// | y       | year of era; yy is 2000...2099     | m s     | minute, second                     |
/// | M L     | month: M MM MMM MMMM               | S       | fraction of a second, 1...9 digits |
/// | d D     | day of month, day of year          | a       | AM, PM                             |
/// | Q q E F | quarter, weekday, week (no parsing) | V z O X x Z | zone                          |
///
/// `'text'` is literal, `''` a quote, `[...]` optional when parsing.
public struct DateTimePattern: Sendable {
    /// One step of the pattern; trivial, so that walking the steps costs no reference counting.
    struct Step: BitwiseCopyable {
        enum Kind: UInt8, BitwiseCopyable {
            case literal, number, reducedYear, fraction, text, zone, optionalStart, optionalEnd
        }
        var kind: Kind
        /// The pattern letter, or the literal byte.
        var letter: UInt8
        /// How often the letter stands there.
        var count: UInt8
        /// Number: digits that fixed-width numbers directly behind this one will need.
        var reserved: UInt8 = 0
        /// optionalStart: index of its end.
        var target: UInt16 = 0
    }

    public let pattern: String
    let steps: [Step]
    /// What a parse fails on at once: Spark formats these letters but does not parse them.
    let unparsable: UInt8?
    /// Times of one such unit have one text: a day for a pattern without a time.
    let unitMicros: Int64

    /// Throws a user error for letters and lengths that Spark refuses.
    public init(_ pattern: String) throws(TidemillError) {
        self.pattern = pattern
        let bytes = Array(pattern.utf8)
        var steps: [Step] = []
        var open: [Int] = []
        var unparsable: UInt8?
        var i = 0
        func invalid(_ reason: String) -> TidemillError {
            TidemillError(
                .user, "INVALID_DATETIME_PATTERN", "\(reason) in the date-time pattern '\(pattern)'",
                hint: "letters are y M d H h m s S a E D Q and zones X x Z VV; text stands in single quotes")
        }
        guard bytes.count <= 512 else { throw invalid("more than 512 characters") }
        while i < bytes.count {
            let byte = bytes[i]
            let isLetter = (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
            if isLetter {
                var count = 1
                while i + count < bytes.count, bytes[i + count] == byte { count += 1 }
                guard let kind = DateTimePattern.kind(byte, count) else {
                    throw invalid("unsupported '\(String(repeating: Character(UnicodeScalar(byte)), count: count))'")
                }
                if "EFQq".utf8.contains(byte) { unparsable = byte }
                steps.append(Step(kind: kind, letter: byte, count: UInt8(count)))
                i += count
                continue
            }
            switch byte {
            case UInt8(ascii: "'"):
                i += 1
                var empty = true
                while true {
                    guard i < bytes.count else { throw invalid("a quote that does not end") }
                    if bytes[i] == UInt8(ascii: "'") {
                        guard i + 1 < bytes.count, bytes[i + 1] == UInt8(ascii: "'"), !empty else { break }
                        i += 1
                    }
                    steps.append(Step(kind: .literal, letter: bytes[i], count: 1))
                    empty = false
                    i += 1
                }
                if empty { steps.append(Step(kind: .literal, letter: UInt8(ascii: "'"), count: 1)) }
            case UInt8(ascii: "["):
                open.append(steps.count)
                steps.append(Step(kind: .optionalStart, letter: 0, count: 0))
            case UInt8(ascii: "]"):
                guard let start = open.popLast() else { throw invalid("a ']' without '['") }
                steps[start].target = UInt16(steps.count)
                steps.append(Step(kind: .optionalEnd, letter: 0, count: 0))
            case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "#"):
                throw invalid("the reserved character '\(Character(UnicodeScalar(byte)))'")
            default:
                steps.append(Step(kind: .literal, letter: byte, count: 1))
            }
            i += 1
        }
        for start in open { steps[start].target = UInt16(steps.count) }
        if !open.isEmpty {
            for _ in open { steps.append(Step(kind: .optionalEnd, letter: 0, count: 0)) }
        }
        // java.time's adjacent value parsing: a variable number leaves the digits that fixed ones behind it need.
        for index in steps.indices where steps[index].kind == .number && !DateTimePattern.isFixed(steps[index]) {
            var next = index + 1
            while next < steps.count, DateTimePattern.isFixed(steps[next]) {
                steps[index].reserved += steps[next].count
                next += 1
            }
        }
        self.steps = steps
        self.unparsable = unparsable
        unitMicros = DateTimePattern.unitMicros(of: steps)
    }

    /// A number of exactly `count` digits.
    static func isFixed(_ step: Step) -> Bool {
        switch step.kind {
        case .number: step.count >= 2 && step.letter != UInt8(ascii: "y")
        case .reducedYear: true
        default: false
        }
    }

    private static func kind(_ letter: UInt8, _ count: Int) -> Step.Kind? {
        switch (letter, count) {
        case (UInt8(ascii: "y"), 2): .reducedYear
        case (UInt8(ascii: "y"), 1...6): .number
        case (UInt8(ascii: "M"), 1...2), (UInt8(ascii: "L"), 1...2): .number
        case (UInt8(ascii: "M"), 3...4), (UInt8(ascii: "L"), 3...4): .text
        case (UInt8(ascii: "G"), 1...4), (UInt8(ascii: "E"), 1...4): .text
        case (UInt8(ascii: "d"), 1...2), (UInt8(ascii: "H"), 1...2), (UInt8(ascii: "k"), 1...2): .number
        case (UInt8(ascii: "h"), 1...2), (UInt8(ascii: "K"), 1...2): .number
        case (UInt8(ascii: "m"), 1...2), (UInt8(ascii: "s"), 1...2): .number
        case (UInt8(ascii: "D"), 1...3), (UInt8(ascii: "F"), 1): .number
        case (UInt8(ascii: "Q"), 1...2), (UInt8(ascii: "q"), 1...2): .number
        case (UInt8(ascii: "Q"), 3...4), (UInt8(ascii: "q"), 3...4): .text
        case (UInt8(ascii: "S"), 1...9): .fraction
        case (UInt8(ascii: "a"), 1): .text
        case (UInt8(ascii: "V"), 2), (UInt8(ascii: "z"), 1...4), (UInt8(ascii: "O"), 1), (UInt8(ascii: "O"), 4): .zone
        case (UInt8(ascii: "X"), 1...5), (UInt8(ascii: "x"), 1...5), (UInt8(ascii: "Z"), 1...5): .zone
        default: nil
        }
    }

    static let monthNames: [StaticString] = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    /// Monday first, as ISO counts.
    static let weekdayNames: [StaticString] = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]
}
