extension DateTimePattern {
    /// Digits of a number that is not negative; none for 0.
    private static func digitCount(_ value: Int) -> Int {
        var (rest, count) = (value, 0)
        while rest > 0 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// The times around `micros` that have the same text, as far as the pattern's letters tell: a day for a pattern
    /// without a time.
    public func sameText(as micros: Int64) -> Range<Int64> {
        let past = ((micros % unitMicros) + unitMicros) % unitMicros
        let (down, overflow) = micros.subtractingReportingOverflow(past)
        if overflow { return micros..<micros }
        let (up, isTooLate) = down.addingReportingOverflow(unitMicros)
        return down..<(isTooLate ? .max : up)
    }

    static func unitMicros(of steps: [Step]) -> Int64 {
        var unit: Int64 = 86_400_000_000
        for step in steps where step.kind != .literal {
            switch step.letter {
            case UInt8(ascii: "H"), UInt8(ascii: "k"), UInt8(ascii: "h"), UInt8(ascii: "K"), UInt8(ascii: "a"):
                unit = min(unit, 3_600_000_000)
            case UInt8(ascii: "m"): unit = min(unit, 60_000_000)
            case UInt8(ascii: "s"): unit = min(unit, 1_000_000)
            case UInt8(ascii: "S"): unit = 1
            default: break
            }
        }
        return unit
    }

    /// Appends the text of a timestamp in UTC; for a date pass its midnight.
    public func format(micros: Int64, into out: inout [UInt8]) {
        let (days, microsOfDay) = splitMicros(micros)
        let date = CivilDate(daysSinceEpoch: days)
        let second = Int(microsOfDay / 1_000_000)
        let fraction = Int(microsOfDay % 1_000_000)
        let hour = second / 3600
        func put(_ text: StaticString, _ length: Int? = nil) {
            out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: length ?? text.utf8CodeUnitCount))
        }
        func put(_ value: Int, width: Int) {
            let length = max(width, 1, DateTimePattern.digitCount(value))
            out.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: length))
            var at = out.count
            var rest = value
            while rest > 0 {
                at -= 1
                out[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
        for step in steps {
            let count = Int(step.count)
            switch step.letter {
            case _ where step.kind == .literal: out.append(step.letter)
            case _ where step.kind == .optionalStart || step.kind == .optionalEnd: break
            case UInt8(ascii: "y"):
                let yearOfEra = date.year > 0 ? date.year : 1 - date.year
                if count == 2 {
                    put(yearOfEra % 100, width: 2)
                } else {
                    if count > 3, DateTimePattern.digitCount(yearOfEra) > count { out.append(UInt8(ascii: "+")) }
                    put(yearOfEra, width: count)
                }
            case UInt8(ascii: "G"):
                if count == 4 {
                    date.year > 0 ? put("Anno Domini") : put("Before Christ")
                } else {
                    date.year > 0 ? put("AD") : put("BC")
                }
            case UInt8(ascii: "M"), UInt8(ascii: "L"):
                if count <= 2 {
                    put(date.month, width: count)
                } else {
                    put(DateTimePattern.monthNames[date.month - 1], count == 3 ? 3 : nil)
                }
            case UInt8(ascii: "E"):
                let weekday = CivilDate.isoWeekday(daysSinceEpoch: days)
                put(DateTimePattern.weekdayNames[weekday - 1], count <= 3 ? 3 : nil)
            case UInt8(ascii: "Q"), UInt8(ascii: "q"):
                let quarter = (date.month + 2) / 3
                switch count {
                case 1, 2: put(quarter, width: count)
                case 3:
                    put("Q")
                    put(quarter, width: 1)
                default:
                    put(quarter, width: 1)
                    switch quarter {
                    case 1: put("st quarter")
                    case 2: put("nd quarter")
                    case 3: put("rd quarter")
                    default: put("th quarter")
                    }
                }
            case UInt8(ascii: "d"): put(date.day, width: count)
            case UInt8(ascii: "D"): put(date.dayOfYear, width: count)
            // java.time's aligned-day-of-week-in-month: 1...7, counted from the first of the month.
            case UInt8(ascii: "F"): put((date.day - 1) % 7 + 1, width: count)
            case UInt8(ascii: "H"): put(hour, width: count)
            case UInt8(ascii: "k"): put(hour == 0 ? 24 : hour, width: count)
            case UInt8(ascii: "h"): put(hour % 12 == 0 ? 12 : hour % 12, width: count)
            case UInt8(ascii: "K"): put(hour % 12, width: count)
            case UInt8(ascii: "m"): put(second / 60 % 60, width: count)
            case UInt8(ascii: "s"): put(second % 60, width: count)
            case UInt8(ascii: "a"): hour < 12 ? put("AM") : put("PM")
            case UInt8(ascii: "S"):
                var digits = fraction * 1000
                for _ in count..<9 { digits /= 10 }
                put(digits, width: count)
            case UInt8(ascii: "V"): put("UTC")
            case UInt8(ascii: "z"): count == 4 ? put("Coordinated Universal Time") : put("UTC")
            case UInt8(ascii: "O"): put("GMT")
            case UInt8(ascii: "X"): put("Z")
            case UInt8(ascii: "x"):
                switch count {
                case 1: put("+00")
                case 2, 4: put("+0000")
                default: put("+00:00")
                }
            case UInt8(ascii: "Z"):
                switch count {
                case 4: put("GMT")
                case 5: put("Z")
                default: put("+0000")
                }
            default: break
            }
        }
    }

    public func string(micros: Int64) -> String {
        var bytes: [UInt8] = []
        format(micros: micros, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
