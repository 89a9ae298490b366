import Foundation
import Testing
import TideColumns

@testable import TideText

/// What `CAST(text AS type)` and back gives, as text; nil for NULL.
private func cast(_ text: String, _ type: DataType) -> String? {
    let (column, failures) = Column(.string, [.string(text)]).parsed(as: type)
    #expect((failures == nil) == column.isValid(0))
    return column.formatted().scalar(0).string
}

private func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    Array(text.utf8).withUnsafeBytes(body)
}

/// Every table here: Spark 4.3's `try_cast`.
@Test func integersAsSpark() {
    for (text, int, bigint) in [
        ("1", "1", "1"), (" 1 ", "1", "1"), ("+1", "1", "1"), ("-", nil, nil), ("1.5", nil, nil), ("1.", nil, nil),
        (".", nil, nil), ("1e2", nil, nil), ("2147483648", nil, "2147483648"),
        ("-2147483648", "-2147483648", "-2147483648"), ("00000000000000000001", "1", "1"), ("", nil, nil),
        ("9223372036854775808", nil, nil), ("-9223372036854775808", nil, "-9223372036854775808"),
    ] as [(String, String?, String?)] {
        #expect(cast(text, .int) == int, "\(text)")
        #expect(cast(text, .bigint) == bigint, "\(text)")
    }
}

@Test func floatingPointAsSpark() {
    for (text, expected) in [
        ("NaN", "NaN"), ("nan", "NaN"), ("Inf", "Infinity"), ("+Infinity", "Infinity"), ("-inf", "-Infinity"),
        ("1d", "1.0"), ("1D", "1.0"), ("1.f", "1.0"), ("1_000", nil), ("0x10", nil), ("0x1p3", "8.0"), (".5", "0.5"),
        ("5.", "5.0"), ("e5", nil), ("1e", nil), ("1e+5", "100000.0"), ("--1", nil), ("+.5", "0.5"), ("1L", nil),
        ("1df", nil), ("\t1\n", "1.0"), ("1.5e400", "Infinity"), ("-1e-400", "-0.0"), (".", nil),
        ("1e10", "1.0E10"), ("1e7", "1.0E7"), ("9999999", "9999999.0"), ("1e-3", "0.001"), ("0.0001", "1.0E-4"),
        ("123456789.125", "1.23456789125E8"), ("9007199254740993", "9.007199254740992E15"), ("4.9e-324", "4.9E-324"),
        ("5e-324", "4.9E-324"), ("1.7976931348623157E308", "1.7976931348623157E308"),
        ("2.2250738585072014E-308", "2.2250738585072014E-308"), ("-0.0", "-0.0"), ("100", "100.0"),
    ] as [(String, String?)] {
        #expect(cast(text, .double) == expected, "\(text)")
    }
    for (text, expected) in [
        ("1.1", "1.1"), ("3.4028235E38", "3.4028235E38"), ("1e-45", "1.4E-45"), ("16777216", "1.6777216E7"),
        ("0.1", "0.1"), ("1e10", "1.0E10"), ("9999999", "9999999.0"),
        ("3.5e38", "Infinity"),
    ] {
        #expect(cast(text, .float) == expected, "\(text)")
    }
}

/// Where JDK 19 and later print fewer or closer digits than JDK 17 (JDK-4511638), by their specification: the shortest
/// decimal, and if it has one digit, the closest one with two.
@Test func shortestDigits() {
    #expect(cast("1e-323", .double) == "9.9E-324")
    #expect(cast("2e23", .double) == "2.0E23")
    #expect(cast("8.41e21", .double) == "8.41E21")
    #expect(cast("1.17549435E-38", .float) == "1.1754944E-38")
}

@Test func doublesRoundAsStrtod() {
    var random = SeededRandom(state: 5)
    for _ in 0..<20_000 {
        let digits = String(UInt64.random(in: 0...UInt64.max, using: &random))
            .prefix(Int.random(in: 1...20, using: &random))
        let point = Int.random(in: 0...digits.count, using: &random)
        var text = "\(digits.prefix(point)).\(digits.dropFirst(point))"
        if Bool.random(using: &random) { text = "-" + text }
        if Bool.random(using: &random) { text += "e\(Int.random(in: -330...310, using: &random))" }
        #expect(bytes(text) { ParseText.double($0) }?.bitPattern == strtod(text, nil).bitPattern, "\(text)")
        #expect(bytes(text) { ParseText.float($0) }?.bitPattern == strtof(text, nil).bitPattern, "\(text)")
    }
    // Halfway cases need all their digits.
    let halfway = "9007199254740993." + String(repeating: "0", count: 800) + "1"
    #expect(bytes(halfway) { ParseText.double($0) } == 9007199254740994)
}

@Test func doublesPrintSoThatTheyReadBack() throws {
    var random = SeededRandom(state: 6)
    for _ in 0..<20_000 {
        let value = Double(bitPattern: random.next())
        guard value.isFinite else { continue }
        let text = try #require(Column(.double, [.double(value)]).formatted().scalar(0).string)
        #expect(Double(text) == value)
        // A digit on each side of the point, as in Java.
        #expect(text.contains("."))
    }
}

@Test func decimalsAsSpark() {
    let narrow = DataType.decimal(precision: 5, scale: 2)
    let wide = DataType.decimal(precision: 38, scale: 18)
    for (text, small, large) in [
        ("1.235", "1.24", "1.235000000000000000"), ("-1.235", "-1.24", "-1.235000000000000000"),
        ("1e2", "100.00", "100.000000000000000000"), ("1e-2", "0.01", "0.010000000000000000"),
        ("999.995", nil, "999.995000000000000000"), ("999.994", "999.99", "999.994000000000000000"),
        ("1e400", nil, nil), ("1e-400", "0.00", "0.000000000000000000"), ("  1.5 ", "1.50", "1.500000000000000000"),
        ("+.5", "0.50", "0.500000000000000000"), ("5.", "5.00", "5.000000000000000000"), ("abc", nil, nil),
        ("0x1", nil, nil), ("1.5d", nil, nil), ("00001.5", "1.50", "1.500000000000000000"), ("", nil, nil),
    ] as [(String, String?, String?)] {
        #expect(cast(text, narrow) == small, "\(text)")
        #expect(cast(text, wide) == large, "\(text)")
    }
    let nines = String(repeating: "9", count: 38)
    #expect(cast(nines, .decimal(precision: 38, scale: 0)) == nines)
    #expect(cast(nines + ".5", .decimal(precision: 38, scale: 0)) == nil)
    #expect(cast(nines + ".4", .decimal(precision: 38, scale: 0)) == nines)
    #expect(cast("-0.05", .decimal(precision: 10, scale: 2)) == "-0.05")
}

@Test func booleansAsSpark() {
    for text in ["t", "T", "true", "y", "yes", "1", " true ", "TRUE"] { #expect(cast(text, .boolean) == "true") }
    for text in ["f", "n", "no", "0", "FALSE"] { #expect(cast(text, .boolean) == "false") }
    for text in ["on", "off", "", "2", "tru"] { #expect(cast(text, .boolean) == nil) }
}

@Test func datesAsSpark() {
    for (text, expected) in [
        ("2024", "2024-01-01"), ("2024-1", "2024-01-01"), ("2024-1-2", "2024-01-02"), ("2024-01-02 ", "2024-01-02"),
        ("2024-01-02T", "2024-01-02"), ("2024-01-02Tabc", "2024-01-02"), ("2024-01-02 abc", "2024-01-02"),
        ("2024-01-02abc", nil), ("+2024-01-02", "2024-01-02"), ("202-1-1", nil), ("2024-13-01", nil),
        ("2024-02-30", nil), ("2024-001-01", nil), ("2024-", nil), ("2024-01-", nil), ("9999999-01-01", nil),
        ("5881580-07-11", "+5881580-07-11"), ("5881580-07-12", nil), ("-5877641-06-23", "-5877641-06-23"),
        ("-5877641-06-22", nil), ("0000-01-01", "0000-01-01"), ("-0001-01-01", "-0001-01-01"), ("2024T", nil),
        ("2024/01/02", nil), ("", nil), ("10000", "+10000-01-01"), ("-0044-03-15", "-0044-03-15"), ("--2024", nil),
    ] as [(String, String?)] {
        #expect(cast(text, .date) == expected, "\(text)")
    }
}

@Test func timestampsAsSpark() {
    for (text, expected) in [
        ("2024", "2024-01-01 00:00:00"), ("2024-1-2 3", "2024-01-02 03:00:00"),
        ("2024-1-2 3:4:5", "2024-01-02 03:04:05"),
        ("2024-1-2 03:04:05.", "2024-01-02 03:04:05"),
        ("2024-01-02 03:04:05.1234567890", "2024-01-02 03:04:05.123456"),
        ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05"),
        ("2024-01-02 03:04:05 UTC", "2024-01-02 03:04:05"), ("2024-01-02 03:04:05+1", "2024-01-02 02:04:05"),
        ("2024-01-02 03:04:05+01:30", "2024-01-02 01:34:05"), ("2024-01-02 03:04:05-0130", "2024-01-02 04:34:05"),
        ("2024-01-02 03:04:05+01:30:15", "2024-01-02 01:33:50"), ("2024-01-02 03:04:05UTC+1", "2024-01-02 02:04:05"),
        ("2024-01-02 03:04:05 GMT-3:30", "2024-01-02 06:34:05"), ("2024-01-02T", nil), ("2024-01-02 24:00:00", nil),
        ("2024-01-02Z", nil), ("2024-01-02 3:04:05.1 PM", nil), ("2024-01-02 03:04:05.1+19:00", nil),
        ("2024-01-02 03:04:05z", nil), ("294247-01-10T04:00:54.775807Z", "+294247-01-10 04:00:54.775807"),
        ("294247-01-10T04:00:54.775808Z", nil), ("-290308-12-21T19:59:05.224192Z", "-290308-12-21 19:59:05.224192"),
        ("2024-02-30 01:00:00", nil), ("2024-01-02 03:04:05+18:00", "2024-01-01 09:04:05"),
        ("2024-01-02 03:04:05+01:3", "2024-01-02 02:01:05"), ("2024-01-02 03:04Z", nil),
        ("2024-01-02  03:04:05", nil), ("2024-01-02 03:04:05 -1:2", "2024-01-02 04:06:05"),
        ("2024-01-02 03:04:05+010203", "2024-01-02 02:02:02"), ("2024-01-02 03:04:05 Etc/UTC", "2024-01-02 03:04:05"),
        ("2024-01-02 03:04:05 utc", nil), ("2024-01-02T03:04:05.Z", "2024-01-02 03:04:05"),
        ("2024-01-02 03:04:05.100", "2024-01-02 03:04:05.1"),
        ("0001-01-01 00:00:00.000001", "0001-01-01 00:00:00.000001"),
    ] as [(String, String?)] {
        #expect(cast(text, .timestamp) == expected, "\(text)")
    }
    #expect(cast("2024-01-02 03:04:05+01:30", .timestampNTZ) == "2024-01-02 03:04:05")
    #expect(bytes("2024-01-02 03:04:05 Europe/Berlin") { ParseText.hasUnknownZone($0) })
}

@Test func civilDatesAgreeWithTheCalendar() {
    var calendar = Calendar(identifier: .iso8601)
    calendar.timeZone = TimeZone(secondsFromGMT: 0)!
    // Every 97th day of 1900...2100, where Foundation's calendar is plain Gregorian.
    for days in stride(from: -25_567, to: 47_847, by: 97) {
        let parts = calendar.dateComponents(
            [.year, .month, .day, .weekday], from: Date(timeIntervalSince1970: Double(days) * 86_400))
        let date = CivilDate(daysSinceEpoch: days)
        #expect(date == CivilDate(year: parts.year!, month: parts.month!, day: parts.day!))
        #expect(date.daysSinceEpoch == days && date.isValid)
        #expect(CivilDate.isoWeekday(daysSinceEpoch: days) == (parts.weekday! + 5) % 7 + 1)
    }
    var day = -800_000
    while day < 3_000_000 {
        #expect(CivilDate(daysSinceEpoch: day).daysSinceEpoch == day)
        day += 1009
    }
    #expect((1...12).map { CivilDate.daysInMonth($0, year: 2023) } == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    #expect([1900, 2000, 2023, 2024].map { CivilDate.daysInMonth(2, year: $0) } == [28, 29, 28, 29])
}

/// The text changes at the ends of the range and nowhere in it.
@Test func patternsKeepTheirText() throws {
    for micros: Int64 in [1_709_611_506_123_456, 0, -1, -62_135_596_800_000_001, 1_709_596_800_000_000] {
        for (pattern, unit) in [
            ("yyyy-MM-dd", 86_400_000_000), ("'HH' d", 86_400_000_000), ("d HH", 3_600_000_000),
            ("d h a", 3_600_000_000),
            ("d HH:mm", 60_000_000), ("D HH:mm:ss", 1_000_000), ("dd HH mm ss SSSSSS", 1),
        ] as [(String, Int64)] {
            let compiled = try DateTimePattern(pattern)
            let same = compiled.sameText(as: micros)
            let text = compiled.string(micros: micros)
            #expect(same.contains(micros) && same.upperBound - same.lowerBound == unit, "\(pattern)")
            #expect(compiled.string(micros: same.lowerBound) == text)
            #expect(compiled.string(micros: same.upperBound - 1) == text)
            #expect(compiled.string(micros: same.lowerBound - 1) != text)
            #expect(compiled.string(micros: same.upperBound) != text)
        }
    }
    let compiled = try DateTimePattern("yyyy")
    #expect(compiled.sameText(as: .min).isEmpty)
    #expect(compiled.sameText(as: .max).contains(.max - 1))
}

/// date_format and try_to_timestamp of Spark 4.3.
@Test func patternsAsSpark() throws {
    let micros: Int64 = 1_709_611_506_123_456  // date -d '2024-03-05T04:05:06Z' +%s
    for (pattern, expected) in [
        ("yyyy-MM-dd", "2024-03-05"), ("yy", "24"), ("y", "2024"), ("yyyyy", "02024"), ("M", "3"), ("MMM", "Mar"),
        ("MMMM", "March"), ("d", "5"), ("D", "65"), ("DDD", "065"), ("E", "Tue"), ("EEEE", "Tuesday"),
        ("a h:mm", "AM 4:05"), ("HH k K", "04 4 4"), ("S", "1"), ("SSSSSSSSS", "123456000"), ("x X", "+00 Z"),
        ("xx XX xxx XXX", "+0000 Z +00:00 Z"), ("VV", "UTC"), ("z", "UTC"), ("zzzz", "Coordinated Universal Time"),
        ("O", "GMT"), ("QQQ", "Q1"), ("G", "AD"), ("''", "'"), ("'T'yyyy", "T2024"), ("[yyyy]", "2024"), ("F", "5"),
        ("ZZZ", "+0000"), ("ZZZZZ", "Z"), ("yyyyMMdd HHmmss", "20240305 040506"), ("ss.S", "06.1"),
    ] {
        #expect(try DateTimePattern(pattern).string(micros: micros) == expected, "\(pattern)")
    }
    for pattern in [
        "u", "w", "e", "A", "n", "YYYY", "MMMMM", "EEEEE", "SSSSSSSSSS", "yyyyyyy", "{", "#", "B", "c", "ddd", "HHH",
        "aa", "'open", "]",
    ] {
        let error = #expect(throws: TidemillError.self) { try DateTimePattern(pattern) }
        #expect(error?.kind == .user, "\(pattern)")
    }
    for (text, pattern, expected) in [
        ("2024-03-05", "yyyy-MM-dd", "2024-03-05 00:00:00"), ("2024-3-5", "yyyy-MM-dd", nil),
        ("2024-3-5", "y-M-d", "2024-03-05 00:00:00"), ("20240305", "yyyyMMdd", "2024-03-05 00:00:00"),
        ("05mar2024", "ddMMMyyyy", "2024-03-05 00:00:00"), ("March 5, 2024", "MMMM d, yyyy", "2024-03-05 00:00:00"),
        ("99-03-05", "yy-MM-dd", "2099-03-05 00:00:00"), ("2024-065", "yyyy-DDD", "2024-03-05 00:00:00"),
        ("2024-03-05x", "yyyy-MM-dd", nil), ("12:30 PM 2024-03-05", "hh:mm a yyyy-MM-dd", "2024-03-05 12:30:00"),
        ("12:30 am 2024-03-05", "hh:mm a yyyy-MM-dd", "2024-03-05 00:30:00"),
        ("2024-03-05 01:02:03.12", "yyyy-MM-dd HH:mm:ss.SSS", "2024-03-05 01:02:03.12"),
        ("2024-03-05 01:02:03+02:00", "yyyy-MM-dd HH:mm:ssXXX", "2024-03-04 23:02:03"),
        ("2024-03-05 01:02:03Z", "yyyy-MM-dd HH:mm:ssXXX", "2024-03-05 01:02:03"),
        ("2024-03-05 01:02:03+0200", "yyyy-MM-dd HH:mm:ssZ", "2024-03-04 23:02:03"),
        ("2024-03-05 01:02:03 UTC", "yyyy-MM-dd HH:mm:ss VV", "2024-03-05 01:02:03"), ("2024-02-30", "yyyy-MM-dd", nil),
        ("2024-03", "yyyy-MM", "2024-03-01 00:00:00"), ("03-05", "MM-dd", "1970-03-05 00:00:00"),
        ("10:11", "HH:mm", "1970-01-01 10:11:00"), ("12345-03-05", "yyyy-MM-dd", nil),
        ("2024-03-05T01", "yyyy-MM-dd'T'HH", "2024-03-05 01:00:00"),
        ("2024-03-05", "yyyy-MM-dd[ HH:mm]", "2024-03-05 00:00:00"),
        ("2024-03-05 01:02", "yyyy-MM-dd[ HH:mm]", "2024-03-05 01:02:00"), ("24", "k", "1970-01-01 00:00:00"),
        ("2024-03-05 24:00:00", "yyyy-MM-dd HH:mm:ss", nil), (" 2024-03-05", "yyyy-MM-dd", nil),
        ("20240305010203123", "yyyyMMddHHmmssSSS", nil),
    ] as [(String, String, String?)] {
        let value = try DateTimePattern(pattern)
        let found = bytes(text) { value.parseTimestamp($0) }
        let printed = found.map { Column(.timestamp, [Scalar(.timestamp, .integer($0))]).formatted().scalar(0).string }
        #expect((printed ?? nil) == expected, "\(text) \(pattern)")
    }
    #expect(throws: TidemillError.self) { try DateTimePattern("E yyyy").requireParsable() }
}

/// What Spark's CSV reader makes of values, other than its casts.
@Test func csvValuesAsSpark() throws {
    func read(_ text: String, _ types: DataType...) throws -> [[String?]] {
        try readAll(Array(text.utf8), Schema(types.enumerated().map { Field("c\($0)", $1) })).rows
    }
    #expect(try read("1, 2,3 \n", .int, .int, .double) == [["1", nil, "3.0"]])
    #expect(
        try read("1d,NaN,Inf\n-Inf,Infinity,-Infinity\n1f,inf,nan\n", .double, .double, .double)
            == [["1.0", "NaN", "Infinity"], ["-Infinity", "Infinity", "-Infinity"], ["1.0", nil, nil]])
    #expect(
        try read("true,TRUE,t\nfalse,1,yes\n", .boolean, .boolean, .boolean)
            == [["true", "true", nil], ["false", nil, nil]])
    let money = DataType.decimal(precision: 10, scale: 2)
    #expect(
        try read("\"1,234.5\",1e1,+1\n 1,1 ,1d\n", money, money, money)
            == [["1234.50", "10.00", "1.00"], [nil, nil, nil]])
    #expect(
        try read("2024-01-01 00:00:00,2024-01-01T00:00:00Z,2024-01-01\n", .timestampNTZ, .timestampNTZ, .timestampNTZ)
            == [["2024-01-01 00:00:00", nil, "2024-01-01 00:00:00"]])
    #expect(try read("127,128,-129\n", .tinyint, .tinyint, .smallint) == [["127", nil, "-129"]])
    var options = CSVReadOptions()
    options.timestampFormat = "dd/MM/yyyy HH:mm"
    options.dateFormat = "dd/MM/yyyy"
    let schema = Schema([Field("a", .timestamp), Field("b", .date), Field("c", .date)])
    #expect(
        try readAll(Array("05/03/2024 01:02,05/03/2024,5/3/2024\n".utf8), schema, options).rows
            == [["2024-03-05 01:02:00", "2024-03-05", nil]])
}

/// The word-at-a-time paths against the general ones, over every length.
@Test func fastPathsAgreeWithGeneralOnes() throws {
    var random = SeededRandom(state: 8)
    var lines: [String] = []
    for _ in 0..<5000 {
        let length = Int.random(in: 1...20, using: &random)
        let digits = (0..<length).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
        let sign = ["", "-", "+"].randomElement(using: &random)!
        let point = Int.random(in: 0...length, using: &random)
        let day = String(
            format: "%04d-%02d-%02d", Int.random(in: 0...2100, using: &random), Int.random(in: 0...13, using: &random),
            Int.random(in: 0...32, using: &random))
        let clock = String(
            format: "%02d:%02d:%02d", Int.random(in: 0...24, using: &random), Int.random(in: 0...60, using: &random),
            Int.random(in: 0...60, using: &random))
        lines.append(
            "\(sign)\(digits),\(sign)\(digits),\(sign)\(digits.prefix(point)).\(digits.dropFirst(point)),"
                + "\(day),\(day) \(clock)")
    }
    let schema = Schema([
        Field("i", .int), Field("l", .bigint), Field("d", .double), Field("day", .date), Field("t", .timestamp),
    ])
    let (rows, _) = try readAll(Array(lines.joined(separator: "\n").utf8), schema)
    try #require(rows.count == lines.count)
    for (row, line) in zip(rows, lines) {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        for (index, field) in schema.fields.enumerated() {
            #expect(row[index] == cast(fields[index], field.type), "\(fields[index]) as \(field.type.sql)")
        }
    }
}
