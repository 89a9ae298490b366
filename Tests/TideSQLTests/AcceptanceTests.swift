import Testing
import TideCore
import TideSQL

/// The grammar against Spark 4.3's parser: each text was given to `sessionState.sqlParser.parsePlan`.
@Suite struct AcceptanceTests {
    private func parses(_ sql: String) -> Bool {
        (try? parseScript(SourceText(name: "q", text: sql))) != nil
    }

    @Test func takesWhatSparkTakes() {
        for sql in SparkGrammar.accepted { #expect(parses(sql), "\(sql)") }
    }

    @Test func refusesWhatSparkRefuses() {
        for sql in SparkGrammar.refused { #expect(!parses(sql), "\(sql)") }
    }

    /// Spark reads these, but they are mistakes (`SELECT a, FROM t` is a column called from with the alias t), or
    /// things that Tidemill does not do.
    @Test func refusesKnowingly() {
        for sql in SparkGrammar.refusedHereOnly { #expect(!parses(sql), "\(sql)") }
    }

    /// Types and units are checked by the analyzer; sinks, scripts of several statements and USE CATALOG are ours.
    @Test func takesMoreThanSpark() {
        for sql in SparkGrammar.acceptedHereOnly { #expect(parses(sql), "\(sql)") }
    }
}
