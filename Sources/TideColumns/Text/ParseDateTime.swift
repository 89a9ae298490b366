extension ParseText {
    /// Spark's lenient date: `[+-]yyyy[yyy]`, `-[m]m`, `-[d]d`; behind a whole day a space or T and anything may
    /// follow. Days since 1970-01-01.
    public static func date(_ text: UnsafeRawBufferPointer) -> Int32? {
        var i = 0
        let n = text.count
        guard n > 0 else { return nil }
        let negative = text[0] == UInt8(ascii: "-")
        if negative || text[0] == UInt8(ascii: "+") { i = 1 }
        var parts = (1, 1, 1)
        var part = 0
        var value = 0
        var digits = 0
        while i < n, text[i] != UInt8(ascii: " "), text[i] != UInt8(ascii: "T") {
            if text[i] == UInt8(ascii: "-") {
                guard part < 2, isWholeDatePart(part, digits: digits, yearDigitsMax: 7) else { return nil }
                if part == 0 { parts.0 = value } else { parts.1 = value }
                part += 1
                value = 0
                digits = 0
            } else {
                let digit = text[i] &- 0x30
                guard digit <= 9, digits < 7 else { return nil }
                value = value * 10 + Int(digit)
                digits += 1
            }
            i += 1
        }
        guard isWholeDatePart(part, digits: digits, yearDigitsMax: 7), part == 2 || i == n else { return nil }
        switch part {
        case 0: parts.0 = value
        case 1: parts.1 = value
        default: parts.2 = value
        }
        let day = CivilDate(year: negative ? -parts.0 : parts.0, month: parts.1, day: parts.2)
        guard day.isValid else { return nil }
        return Int32(exactly: day.daysSinceEpoch)
    }

    private static func isWholeDatePart(_ part: Int, digits: Int, yearDigitsMax: Int) -> Bool {
        part == 0 ? digits >= 4 && digits <= yearDigitsMax : digits >= 1 && digits <= 2
    }

    /// Spark's lenient timestamp: a date as above, then ` ` or `T` and `[h]h[:[m]m[:[s]s[.fraction][zone]]]`. The
    /// fraction is cut to microseconds. Zones: Z, UTC, GMT, UT, with or without an offset, or an offset of at most 18
    /// hours; text without one is taken in UTC. Microseconds since 1970-01-01T00:00:00Z.
    public static func timestamp(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let (local, zone) = localTimestamp(text) else { return nil }
        guard let zone else { return local }
        guard let offset = zoneOffset(zone) else { return nil }
        let (micros, overflow) = local.subtractingReportingOverflow(Int64(offset) * 1_000_000)
        return overflow ? nil : micros
    }

    /// The same on no particular clock. With `ignoringZone` a zone may stand there and means nothing (casts);
    /// without, it makes the text invalid (formats).
    public static func timestampNTZ(_ text: UnsafeRawBufferPointer, ignoringZone: Bool) -> Int64? {
        guard let (local, zone) = localTimestamp(text) else { return nil }
        guard let zone else { return local }
        return ignoringZone && zoneOffset(zone) != nil ? local : nil
    }

    /// Whether this would be a timestamp if its zone region (`Europe/Berlin`) were known; for the error's hint.
    public static func hasUnknownZone(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let (_, zone) = localTimestamp(text), let zone else { return false }
        return zoneOffset(zone) == nil
    }

    /// Fields of a timestamp without its zone, and the bytes of the zone.
    private static func localTimestamp(
        _ text: UnsafeRawBufferPointer
    ) -> (micros: Int64, zone: UnsafeRawBufferPointer?)? {
        let n = text.count
        var i = 0
        guard n > 0 else { return nil }
        let negative = text[0] == UInt8(ascii: "-")
        if negative || text[0] == UInt8(ascii: "+") { i = 1 }
        var year = 0
        var month = 1
        var day = 1
        var seconds = 0
        var micros = 0
        var zone: UnsafeRawBufferPointer?

        // A run of digits of allowed length; advances `i`.
        func number(_ lengths: ClosedRange<Int>) -> Int? {
            var value = 0
            let start = i
            while i < n, text[i] &- 0x30 <= 9, i - start <= lengths.upperBound {
                value = value * 10 + Int(text[i] &- 0x30)
                i += 1
            }
            return lengths.contains(i - start) ? value : nil
        }
        func takes(_ byte: UInt8) -> Bool {
            guard i < n, text[i] == byte else { return false }
            i += 1
            return true
        }

        guard let y = number(4...6) else { return nil }
        year = negative ? -y : y
        if i < n {
            guard takes(UInt8(ascii: "-")), let m = number(1...2) else { return nil }
            month = m
        }
        if i < n {
            guard takes(UInt8(ascii: "-")), let d = number(1...2) else { return nil }
            day = d
        }
        if i < n {
            guard takes(UInt8(ascii: " ")) || takes(UInt8(ascii: "T")) else { return nil }
            guard let hour = number(1...2), hour < 24 else { return nil }
            seconds = hour * 3600
        }
        if i < n {
            guard takes(UInt8(ascii: ":")), let minute = number(1...2), minute < 60 else { return nil }
            seconds += minute * 60
        }
        if i < n {
            guard takes(UInt8(ascii: ":")), let second = number(1...2), second < 60 else { return nil }
            seconds += second
        }
        if takes(UInt8(ascii: ".")) {
            var weight = 100_000
            while i < n, text[i] &- 0x30 <= 9 {
                micros += Int(text[i] &- 0x30) * weight
                weight /= 10
                i += 1
            }
        }
        if i < n { zone = trimmingWhitespace(UnsafeRawBufferPointer(rebasing: text[i...])) }
        let date = CivilDate(year: year, month: month, day: day)
        guard date.isValid, let local = microsSinceEpoch(date.daysSinceEpoch, seconds: seconds, micros: micros) else {
            return nil
        }
        return (local, zone)
    }

    /// nil where the sum leaves 64 bits.
    @usableFromInline static func microsSinceEpoch(_ days: Int, seconds: Int, micros: Int) -> Int64? {
        Int64(exactly: (Int128(days) * 86_400 + Int128(seconds)) * 1_000_000 + Int128(micros))
    }

    /// Seconds east of UTC that a fixed zone names; nil for regions and nonsense.
    public static func zoneOffset(_ zone: UnsafeRawBufferPointer) -> Int? {
        var rest = zone
        if zone.elementsEqual("Z".utf8) { return 0 }
        for prefix: StaticString in ["UTC", "GMT", "UT"] where starts(zone, prefix) {
            rest = UnsafeRawBufferPointer(rebasing: zone[prefix.utf8CodeUnitCount...])
            if rest.isEmpty { return 0 }
            break
        }
        for name in ["Etc/UTC", "Etc/GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"]
        where zone.elementsEqual(name.utf8) {
            return 0
        }
        guard let first = rest.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") else { return nil }
        // h, hh, hhmm, hhmmss, or the same with colons; a single digit may also stand in the minutes.
        var groups: [Int] = []
        var i = 1
        let n = rest.count
        let colons = rest.contains(UInt8(ascii: ":"))
        while i < n {
            var digits = 0
            var value = 0
            while i < n, rest[i] &- 0x30 <= 9, digits < 2 {
                value = value * 10 + Int(rest[i] &- 0x30)
                digits += 1
                i += 1
            }
            guard digits == 2 || (digits == 1 && (i == n || colons) && groups.count < 2) else { return nil }
            if digits == 1 && !colons && !groups.isEmpty { return nil }
            groups.append(value)
            if i < n, colons {
                guard rest[i] == UInt8(ascii: ":"), i + 1 < n else { return nil }
                i += 1
            }
        }
        guard groups.count >= 1, groups.count <= 3 else { return nil }
        while groups.count < 3 { groups.append(0) }
        guard groups[1] < 60, groups[2] < 60 else { return nil }
        let total = groups[0] * 3600 + groups[1] * 60 + groups[2]
        guard total <= 18 * 3600 else { return nil }
        return first == UInt8(ascii: "-") ? -total : total
    }

    static func starts(_ text: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        guard text.count >= prefix.utf8CodeUnitCount else { return false }
        for i in 0..<prefix.utf8CodeUnitCount where text[i] != prefix.utf8Start[i] { return false }
        return true
    }
}
