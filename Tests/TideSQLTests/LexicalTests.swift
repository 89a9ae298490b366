import Testing
import TideCore
import TideSQL

private func literal(_ sql: String) throws -> Literal? {
    let expression = try parseExpression(SourceText(name: "q", text: sql))
    guard case .literal(let value) = expression.kind else { return nil }
    return value
}

/// Constants. Strings and numbers by Spark's documentation of literals.
@Suite struct LexicalTests {
    @Test(arguments: [
        (#"'a'"#, "a"), (#""a""#, "a"), (#"'it''s'"#, "it's"), (#"'it\'s'"#, "it's"), (#""say ""x""""#, #"say "x""#),
        (#"'a' 'b' "c""#, "abc"), (#"'\n\t\r\b\0\Z\\'"#, "\n\t\r\u{8}\0\u{1A}\\"), (#"'\%\_'"#, #"\%\_"#),
        (#"'\u0041\u00e9'"#, "Aé"), (#"'\U0001F600'"#, "😀"), (#"'\uD83D\uDE00'"#, "😀"), (#"'\uD83D'"#, "\u{FFFD}"),
        (#"'\101\060'"#, "A0"), (#"'\q'"#, "q"), (#"r'\n'"#, #"\n"#), (#"R"a\""#, #"a\"#), (#"'\u00'"#, "u00"),
        ("'zwei\nZeilen'", "zwei\nZeilen"), ("'ünï'", "ünï"), ("''", ""),
    ]) func strings(sql: String, value: String) throws {
        #expect(try literal(sql) == .string(value))
    }

    @Test func numbers() throws {
        #expect(try literal("2147483647") == .integer(.max))
        #expect(try literal("-2147483648") == .integer(.min))
        #expect(try literal("2147483648") == .long(2_147_483_648))
        #expect(try literal("-9223372036854775808") == .long(.min))
        #expect(try literal("-128Y") == .byte(-128))
        #expect(try literal("32767s") == .short(32_767))
        #expect(try literal("7L") == .long(7))
        #expect(try literal("1e3") == .double(1_000))
        #expect(try literal("1.5E-1") == .double(0.15))
        #expect(try literal("2.5F") == .float(2.5))
        #expect(try literal("1d") == .double(1))
        #expect(
            try literal("9223372036854775808")
                == .decimal(DecimalLiteral(isNegative: false, digits: "9223372036854775808", scale: 0)))
        #expect(try literal("-0.050") == .decimal(DecimalLiteral(isNegative: true, digits: "50", scale: 3)))
        #expect(try literal("1e2BD") == .decimal(DecimalLiteral(isNegative: false, digits: "100", scale: 0)))
        #expect(try literal(".5") == .decimal(DecimalLiteral(isNegative: false, digits: "5", scale: 1)))
        #expect(try literal("0.00") == .decimal(DecimalLiteral(isNegative: false, digits: "0", scale: 2)))
        #expect(DecimalLiteral(isNegative: false, digits: "5", scale: 2).precision == 2)
    }

    @Test func typedLiterals() throws {
        #expect(try literal("DATE '2024-01-02'") == .date("2024-01-02"))
        #expect(try literal("timestamp '2024-01-02 03:04'") == .timestamp("2024-01-02 03:04"))
        #expect(try literal("TIMESTAMP_NTZ'x'") == .timestampNTZ("x"))
        #expect(try literal("TIMESTAMP_LTZ'x'") == .timestampLTZ("x"))
        #expect(try literal("X'0aF'") == .binary([0x00, 0xAF]))
        #expect(try literal("NULL") == .null)
        #expect(try literal("True") == .boolean(true))
    }

    @Test(arguments: [
        ("INTERVAL 10 MINUTES", 0, 0, 600_000_000), ("INTERVAL '10' MINUTE", 0, 0, 600_000_000),
        ("INTERVAL '1 day 2 hours'", 0, 1, 7_200_000_000), ("INTERVAL '1-2' YEAR TO MONTH", 14, 0, 0),
        ("INTERVAL -'1-2' YEAR TO MONTH", -14, 0, 0), ("INTERVAL '-1' DAY", 0, -1, 0), ("INTERVAL -1 DAY", 0, -1, 0),
        ("INTERVAL 2 WEEKS 1 DAY", 0, 15, 0), ("INTERVAL 1.5 SECONDS", 0, 0, 1_500_000),
        ("INTERVAL '1 02:03:04.000005' DAY TO SECOND", 0, 1, 7_384_000_005),
        ("INTERVAL '-2:3' HOUR TO MINUTE", 0, 0, -7_380_000_000), ("INTERVAL 3 MILLISECONDS", 0, 0, 3_000),
        ("INTERVAL '1' DAY '2' HOUR", 0, 1, 7_200_000_000), ("INTERVAL 1 YEAR 2 MONTHS", 14, 0, 0),
    ]) func intervals(sql: String, months: Int, days: Int, microseconds: Int) throws {
        guard case .interval(let interval)? = try literal(sql) else {
            Issue.record("no interval: \(sql)")
            return
        }
        #expect(Int(interval.months) == months)
        #expect(Int(interval.days) == days)
        #expect(Int(interval.microseconds) == microseconds)
    }

    @Test func intervalStrings() {
        #expect(parseIntervalString("10 minutes")?.totalMicroseconds == 600_000_000)
        #expect(parseIntervalString("interval 1 month - 2 days")?.family == .calendar)
        #expect(parseIntervalString(" 1 Hour\t30 SECONDS ")?.microseconds == 3_630_000_000)
        #expect(parseIntervalString("10") == nil)
        #expect(parseIntervalString("") == nil)
        #expect(parseIntervalString("ten minutes") == nil)
        #expect(parseIntervalString("9223372036854775807 hours") == nil)
        #expect(parseIntervalString("99999999999 days") == nil)
    }

    @Test func commentsAndBlanksSeparate() throws {
        let text = "SELECT/* a /* b */ c */1--x\n+\u{FEFF}2\u{A0}-- y \\\n still a comment\n+ 3"
        let query = try parseQuery(SourceText(name: "q", text: text))
        guard case .select(let select) = query.body.kind else { return }
        #expect(select.items.map(\.columnName) == ["((1 + 2) + 3)"])
    }

    @Test(arguments: ["2024_sales", "1a", "a.1b.c", "`my table`.`a``b`", "order", "t.select", "`1`"])
    func names(sql: String) throws {
        guard case .column(let name) = try parseExpression(SourceText(name: "q", text: sql)).kind else {
            Issue.record("no column: \(sql)")
            return
        }
        #expect(name.text == sql.replacing("``", with: "\u{1}").replacing("`", with: "").replacing("\u{1}", with: "`"))
    }
}
