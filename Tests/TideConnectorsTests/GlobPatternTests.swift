import Testing

@testable import TideConnectors

/// Expected results by the rules of Hadoop's FileSystem.globStatus documentation.
@Suite struct GlobPatternTests {
    @Test(arguments: [
        ("*.csv", "a.csv", true), ("*.csv", "a.csv.gz", false), ("*.csv", ".csv", true), ("*", "", true),
        ("a?c", "abc", true), ("a?c", "ac", false), ("a?c", "aéc", true), ("a[bc]d", "abd", true),
        ("a[bc]d", "aed", false), ("a[^bc]d", "aed", true), ("a[!b]d", "abd", false), ("x[0-9]", "x7", true),
        ("x[0-9]", "xa", false), ("{a,b}*.csv", "b1.csv", true), ("{a,b}*.csv", "c1.csv", false),
        ("a{b{c,d},e}f", "abdf", true), ("a{b{c,d},e}f", "aef", true), ("a{b{c,d},e}f", "abf", false),
        ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
        ("part-*-[0-9]*.parquet", "part-x-12.parquet", true), ("[]]x", "]x", true), ("α*ω", "αβγω", true),
        ("[α-γ]", "β", true), ("[α-γ]", "ω", false), ("plain", "plain", true), ("plain", "plainer", false),
    ])
    func matching(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try GlobPattern(pattern).matches(name) == expected)
    }

    @Test(arguments: ["a{b", "a[b", "a\\", "[z-a]"])
    func malformed(_ pattern: String) {
        #expect { try GlobPattern(pattern) } throws: { ($0 as? TidemillError)?.code == "TIDEMILL_BAD_GLOB" }
    }
}
