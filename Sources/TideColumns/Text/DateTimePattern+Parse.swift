extension DateTimePattern {
    /// Fields found so far; what no step sets keeps Spark's default (1970-01-01T00:00:00).
    private struct Fields {
        var year = 1970
        var isBeforeChrist = false
        var month = 1
        var day = 1
        var dayOfYear: Int?
        var hour: Int?
        var halfDayHour = 0
        var isAfternoon = false
        var minute = 0
        var second = 0
        var micros = 0
        var offset = 0
    }

    /// Throws if the pattern has letters that can be formatted but not parsed, as in Spark; readers and `to_date` check
    /// this once.
    public func requireParsable() throws(TidemillError) {
        guard let letter = unparsable else { return }
        throw TidemillError(
            .user, "INVALID_DATETIME_PATTERN",
            "'\(Character(UnicodeScalar(letter)))' cannot be parsed in the date-time pattern '\(pattern)'",
            hint: "leave the weekday or quarter out, for example with substring()")
    }

    /// Days since the epoch; nil if the text does not match all of the pattern or names no day.
    public func parseDate(_ text: UnsafeRawBufferPointer) -> Int32? {
        guard let fields = match(text), let day = civilDay(fields) else { return nil }
        return Int32(exactly: day)
    }

    /// Microseconds since the epoch. An offset in the text is applied, without one it is taken in UTC.
    public func parseTimestamp(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let fields = match(text), let day = civilDay(fields) else { return nil }
        var hour = fields.hour ?? fields.halfDayHour
        if fields.hour == nil && fields.isAfternoon { hour += 12 }
        let seconds = hour * 3600 + fields.minute * 60 + fields.second - fields.offset
        return ParseText.microsSinceEpoch(day, seconds: seconds, micros: fields.micros)
    }

    private func civilDay(_ fields: Fields) -> Int? {
        let year = fields.isBeforeChrist ? 1 - fields.year : fields.year
        if let dayOfYear = fields.dayOfYear {
            guard dayOfYear >= 1, dayOfYear <= (CivilDate.isLeap(year) ? 366 : 365) else { return nil }
            return CivilDate(year: year, month: 1, day: 1).daysSinceEpoch + dayOfYear - 1
        }
        let day = CivilDate(year: year, month: fields.month, day: fields.day)
        return day.isValid ? day.daysSinceEpoch : nil
    }

    private func match(_ text: UnsafeRawBufferPointer) -> Fields? {
        var fields = Fields()
        var i = 0
        return steps.withUnsafeBufferPointer { steps in
            match(text, steps, 0, steps.count, &i, &fields) && i == text.count ? fields : nil
        }
    }

    private func match(
        _ text: UnsafeRawBufferPointer, _ steps: UnsafeBufferPointer<Step>, _ from: Int, _ to: Int, _ i: inout Int,
        _ fields: inout Fields
    ) -> Bool {
        var index = from
        while index < to {
            let step = steps[index]
            switch step.kind {
            case .optionalStart:
                let end = Int(step.target)
                var j = i
                var tried = fields
                if match(text, steps, index + 1, end, &j, &tried) {
                    i = j
                    fields = tried
                }
                index = end
            case .optionalEnd: break
            case .literal:
                guard i < text.count, DateTimePattern.folded(text[i]) == DateTimePattern.folded(step.letter) else {
                    return false
                }
                i += 1
            case .number, .reducedYear:
                guard let value = number(step, text, &i), set(step, value, &fields) else { return false }
            case .fraction:
                var weight = 100_000
                let start = i
                while i < text.count, text[i] &- 0x30 <= 9, i - start < Int(step.count) {
                    fields.micros += Int(text[i] &- 0x30) * weight
                    weight /= 10
                    i += 1
                }
                if i == start { return false }
            case .text:
                guard word(step, text, &i, &fields) else { return false }
            case .zone:
                guard let offset = zone(step, text, &i) else { return false }
                fields.offset = offset
            }
            index += 1
        }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private func number(_ step: Step, _ text: UnsafeRawBufferPointer, _ i: inout Int) -> Int? {
        var signed = false
        if step.letter == UInt8(ascii: "y"), step.count > 2, i < text.count, text[i] == UInt8(ascii: "+") {
            signed = true
            i += 1
        }
        var run = 0
        while i + run < text.count, text[i + run] &- 0x30 <= 9, run < 32 { run += 1 }
        var width = Int(step.count)
        if !DateTimePattern.isFixed(step) {
            width = run - Int(step.reserved)
            guard width >= Int(step.count), width <= 9 else { return nil }
            // java.time: a year wider than its pattern must have a sign, and one with a sign must be wider.
            if step.letter == UInt8(ascii: "y"), step.count > 2, signed != (width > Int(step.count)) { return nil }
        }
        guard run >= width else { return nil }
        var value = 0
        for j in 0..<width { value = value * 10 + Int(text[i + j] &- 0x30) }
        i += width
        return step.kind == .reducedYear ? 2000 + value : value
    }

    private func set(_ step: Step, _ value: Int, _ fields: inout Fields) -> Bool {
        func bounded(_ range: ClosedRange<Int>, _ store: (Int) -> Void) -> Bool {
            guard range.contains(value) else { return false }
            store(value)
            return true
        }
        switch step.letter {
        case UInt8(ascii: "y"): return bounded(1...999_999_999) { fields.year = $0 }
        case UInt8(ascii: "M"), UInt8(ascii: "L"): return bounded(1...12) { fields.month = $0 }
        case UInt8(ascii: "d"): return bounded(1...31) { fields.day = $0 }
        case UInt8(ascii: "D"): return bounded(1...366) { fields.dayOfYear = $0 }
        case UInt8(ascii: "H"): return bounded(0...23) { fields.hour = $0 }
        case UInt8(ascii: "k"): return bounded(1...24) { fields.hour = $0 % 24 }
        case UInt8(ascii: "h"): return bounded(1...12) { fields.halfDayHour = $0 % 12 }
        case UInt8(ascii: "K"): return bounded(0...11) { fields.halfDayHour = $0 }
        case UInt8(ascii: "m"): return bounded(0...59) { fields.minute = $0 }
        case UInt8(ascii: "s"): return bounded(0...59) { fields.second = $0 }
        default: return false
        }
    }

    private func word(
        _ step: Step, _ text: UnsafeRawBufferPointer, _ i: inout Int, _ fields: inout Fields
    ) -> Bool {
        func takes(_ word: StaticString, length: Int) -> Bool {
            guard i + length <= text.count else { return false }
            for j in 0..<length
            where DateTimePattern.folded(text[i + j]) != DateTimePattern.folded(word.utf8Start[j]) {
                return false
            }
            i += length
            return true
        }
        switch step.letter {
        case UInt8(ascii: "M"), UInt8(ascii: "L"):
            for (index, name) in DateTimePattern.monthNames.enumerated()
            where takes(name, length: step.count == 3 ? 3 : name.utf8CodeUnitCount) {
                fields.month = index + 1
                return true
            }
            return false
        case UInt8(ascii: "a"):
            if takes("AM", length: 2) {
                fields.isAfternoon = false
                return true
            }
            fields.isAfternoon = takes("PM", length: 2)
            return fields.isAfternoon
        case UInt8(ascii: "G"):
            if step.count == 4 {
                if takes("Anno Domini", length: 11) { return true }
                fields.isBeforeChrist = takes("Before Christ", length: 13)
                return fields.isBeforeChrist
            }
            if takes("AD", length: 2) { return true }
            fields.isBeforeChrist = takes("BC", length: 2)
            return fields.isBeforeChrist
        default: return false
        }
    }

    private func zone(_ step: Step, _ text: UnsafeRawBufferPointer, _ i: inout Int) -> Int? {
        let start = i
        func slice() -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[start..<i]) }
        switch step.letter {
        case UInt8(ascii: "V"), UInt8(ascii: "z"), UInt8(ascii: "O"):
            while i < text.count, isZoneByte(text[i]) { i += 1 }
            return ParseText.zoneOffset(slice())
        default:
            let zeroIsZ = step.letter == UInt8(ascii: "X") || (step.letter == UInt8(ascii: "Z") && step.count == 5)
            if zeroIsZ, i < text.count, text[i] == UInt8(ascii: "Z") {
                i += 1
                return 0
            }
            if step.letter == UInt8(ascii: "Z") && step.count == 4 {
                while i < text.count, isZoneByte(text[i]) { i += 1 }
                return ParseText.zoneOffset(slice())
            }
            // Whether the form has colons, and how many two-digit groups it has at least and at most.
            let colons: Bool
            let groups: ClosedRange<Int>
            if step.letter == UInt8(ascii: "Z") {
                colons = step.count == 5
                groups = step.count == 5 ? 2...3 : 2...2
            } else {
                colons = step.count == 3 || step.count == 5
                groups = step.count == 1 ? 1...2 : step.count <= 3 ? 2...2 : 2...3
            }
            guard i < text.count, text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-") else { return nil }
            i += 1
            var found = 0
            while found < groups.upperBound {
                var j = i
                if found > 0 && colons {
                    guard j < text.count, text[j] == UInt8(ascii: ":") else { break }
                    j += 1
                }
                guard j + 1 < text.count, text[j] &- 0x30 <= 9, text[j + 1] &- 0x30 <= 9 else { break }
                i = j + 2
                found += 1
            }
            return found >= groups.lowerBound ? ParseText.zoneOffset(slice()) : nil
        }
    }

    private func isZoneByte(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return (letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")) || byte &- 0x30 <= 9
            || "+-:/_".utf8.contains(byte)
    }
}
