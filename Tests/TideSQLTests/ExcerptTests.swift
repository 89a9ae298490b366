import Testing
import TideCore

/// Excerpts and texts as a terminal shows them. Widths are those of East Asian Width (Unicode Standard
/// Annex 11), counted by hand.
@Suite struct ExcerptTests {
    private func excerpt(_ text: String, of part: String) -> [String] {
        let source = SourceText(name: "q", text: text)
        let bytes = Array(text.utf8)
        let wanted = Array(part.utf8)
        let start = (0...(bytes.count - wanted.count)).first { bytes[$0..<($0 + wanted.count)].elementsEqual(wanted) }!
        let span = SourceSpan(source: source, range: start..<(start + wanted.count))
        return span.excerpt().split(separator: "\n").map(String.init)
    }

    @Test func caretsStandUnderWideText() {
        #expect(excerpt("SELECT '日本', x", of: "x") == ["  1 | SELECT '日本', x", "    |                ^"])
        #expect(excerpt("a '日本' b", of: "'日本'") == ["  1 | a '日本' b", "    |   ^^^^^^"])
    }

    @Test func longLinesAreCutAroundTheCaret() {
        let text = "SELECT " + (0..<200).map { "column_\($0)" }.joined(separator: ", ") + " FROM t"
        let middle = excerpt(text, of: "column_100")
        #expect(middle[0].hasPrefix("  1 | …") && middle[0].hasSuffix("…"))
        #expect(middle[0].count <= 6 + 162)
        // The carets stand under the name.
        let column = middle[1].prefix { $0 != "^" }.count
        #expect(middle[0].dropFirst(column).hasPrefix("column_100"))
        #expect(middle[1].filter { $0 == "^" }.count == "column_100".count)
        let first = excerpt(text, of: "SELECT")
        #expect(first[0].hasPrefix("  1 | SELECT column_0") && first[0].hasSuffix("…"))
        #expect(first[1] == "    | ^^^^^^")
        let last = excerpt(text, of: "FROM")
        #expect(last[0].hasPrefix("  1 | …") && last[0].hasSuffix("column_199 FROM t"))
        // A span longer than what is shown has carets to the end of it, and not beyond.
        let all = excerpt(text, of: text)
        #expect(all[1].count <= all[0].count)
    }

    @Test func controlCharactersAreShown() {
        #expect("a\u{1B}[31mred\u{7}\u{202E}b\tc\nd".printable == "a\\u{1b}[31mred\\u{7}\\u{202e}b\\tc\\nd")
        #expect("größe, 日本, 👍🏽".printable == "größe, 日本, 👍🏽")
        let error = TidemillError(.user, "X", "bad value: \u{1B}]0;title\u{7}", detail: "one\ntwo\r")
        #expect(
            error.report() == "error: [X] bad value: \\u{1b}]0;title\\u{7}\n  detail: one\ntwo\\r\n")
    }

    @Test func widths() {
        #expect("abc".displayWidth == 3)
        #expect("日本".displayWidth == 4)
        #expect("e\u{301}".displayWidth == 1)
        #expect("👍🏽".displayWidth == 2)
        #expect("한글 ﾊﾝ".displayWidth == 7)
        #expect("日本語".prefix(displayWidth: 5) == "日本")
    }

    @Test func countsHaveTheirNouns() {
        #expect(counted(0, "row") == "0 rows")
        #expect(counted(1, "row") == "1 row")
        #expect(counted(2, "match", plural: "matches") == "2 matches")
    }
}
