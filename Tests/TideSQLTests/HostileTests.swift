import Testing
import TideCore
import TideSQL

/// Text made to break a parser: it ends in an error or a tree, never in a crash or in exponential time.
@Suite struct HostileTests {
    private func error(_ text: String) -> TidemillError? {
        do {
            _ = try parseScript(SourceText(name: "q", text: text))
            return nil
        } catch {
            return error
        }
    }

    private func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test func deepNestingIsRefused() {
        let n = 100_000
        let texts = [
            "SELECT " + times("(", n), "SELECT " + times("(", n) + "1" + times(")", n),
            "SELECT " + times("- ", n) + "a", "SELECT " + times("NOT ", n) + "a",
            "SELECT " + times("!", n) + "a", "SELECT 1" + times(" + 1", n),
            "SELECT a" + times("[0]", n), "SELECT f(a)" + times(".b", n), "SELECT a" + times("::int", n),
            "SELECT " + times("f(", n), "SELECT " + times("a[", n), "SELECT " + times("CASE WHEN ", n),
            "SELECT " + times("CAST(", n), "SELECT " + times("trim(", n), "SELECT " + times("x -> ", n) + "1",
            "SELECT CAST(a AS " + times("array<", n) + "int", "SELECT CAST(a AS " + times("struct<a:", n) + "int",
            times("SELECT * FROM (", n), times("(", n) + "SELECT 1", "SELECT * FROM " + times("(", n) + "t",
            "SELECT 1" + times(" UNION SELECT 1", n), "SELECT * FROM t" + times(" JOIN t", n),
            times("WITH a AS (", n), "SELECT 1 GROUP BY " + times("GROUPING SETS (", n) + "a",
            "SELECT a IN (" + times("SELECT a IN (", n), "SELECT EXISTS(" + times("SELECT EXISTS(", n),
            times("EXPLAIN ", n) + "SELECT 1",
        ]
        for text in texts { #expect(error(text) != nil, "\(text.prefix(40))") }
        #expect(error(texts[1])?.code == "TIDEMILL_SQL_TOO_DEEP")
        #expect(error(texts[5])?.code == "TIDEMILL_SQL_TOO_DEEP")
    }

    @Test func twoHundredLevelsAreFine() {
        #expect(error("SELECT " + times("(", 200) + "1" + times(")", 200)) == nil)
        #expect(error("SELECT 1" + times(" + 1", 400)) == nil)
        #expect(error("SELECT " + times("NOT ", 200) + "a") == nil)
        #expect(error("SELECT " + times("trim(", 200) + "a" + times(")", 200)) == nil)
        #expect(error("SELECT " + times("((", 100) + "a" + times(", 1), 2)", 100)) == nil)
        #expect(error("SELECT " + times("substring(", 200) + "a" + times(", 1)", 200)) == nil)
        #expect(error(times("SELECT * FROM (", 100) + "t" + times(")", 100)) == nil)
    }

    @Test func longFlatTextsAreFine() {
        #expect(error("SELECT " + times("a, ", 20_000) + "a FROM t") == nil)
        #expect(error("SELECT a IN (" + times("1, ", 20_000) + "1)") == nil)
        #expect(error("SELECT a" + times(" AND a", 20_000)) == nil)
        #expect(error("SELECT CASE" + times(" WHEN a THEN 1", 10_000) + " END") == nil)
        #expect(error(times("SELECT 1;", 20_000)) == nil)
        #expect(error(times("/* ", 50_000) + times(" */", 50_000)) == nil)
    }

    @Test func openEndsAreErrors() {
        let texts = [
            "'", "\"", "`", "r'", "r\"", "/*", "/* /* */", "SELECT /*+", "SELECT /*+ x(", "'\\", "`a``", "\"\\\"", "``",
        ]
        for text in texts {
            #expect(error(text) != nil, "\(text)")
        }
    }

    @Test func everyPrefixEndsInATreeOrAnError() {
        for text in HostileTests.seeds {
            let bytes = Array(text.utf8)
            for end in bytes.indices { _ = error(String(decoding: bytes[..<end], as: UTF8.self)) }
        }
    }

    /// Mutations of valid statements by a fixed sequence of numbers (xorshift64*).
    @Test func mutationsEndInATreeOrAnError() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % bound
        }
        let words = HostileTests.seeds.flatMap { $0.split(separator: " ").map { Array($0.utf8) } }
        var refused = 0
        for _ in 0..<6_000 {
            var bytes = Array(HostileTests.seeds[next(HostileTests.seeds.count)].utf8)
            for _ in 0...next(4) {
                let place = next(bytes.count)
                switch next(5) {
                case 0: bytes[place] = UInt8(next(256))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: words[next(words.count)] + [0x20], at: place)
                case 3: bytes.removeSubrange(place..<min(bytes.count, place + next(20)))
                default: bytes.insert(Array("()[]<>'\"`,;.*-/|:".utf8)[next(17)], at: place)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            guard let error = error(String(decoding: bytes, as: UTF8.self)) else { continue }
            refused += 1
            // The report reads the source at the error's place.
            #expect(error.report().hasPrefix("error: ["))
        }
        #expect(refused > 3_000)
    }

    static let seeds = [
        "CREATE TABLE s (a STRING NOT NULL, b DECIMAL(10, 2) COMMENT 'x', c STRUCT<d: ARRAY<INT>>) USING csv "
            + "OPTIONS (path 'in', header true, k.l = 1.5) PARTITIONED BY (a) TBLPROPERTIES ('x' = 'y')",
        "CREATE STREAMING TABLE c AS SELECT window(ts, '1 minute') w, count(*) FROM STREAM s WITH (n = 10) "
            + "WATERMARK ts DELAY OF INTERVAL 10 MINUTES AS q GROUP BY window(ts, '1 minute')",
        "CREATE FLOW f AS AUTO CDC INTO c FROM STREAM(ch) KEYS (id) APPLY AS DELETE WHEN op = 'D' SEQUENCE BY u "
            + "COLUMNS * EXCEPT (op) STORED AS SCD TYPE 1",
        "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT /*+ BROADCAST(a) */ DISTINCT t.*, "
            + "CASE WHEN x IS NOT NULL THEN y::int ELSE arr[0].f END FROM a t LEFT JOIN (VALUES (1, 'z')) v(p, q) "
            + "ON t.n <=> v.p WHERE n BETWEEN 1 AND 2 OR s NOT LIKE ANY ('a', 'b') GROUP BY ROLLUP (a, (b, c)) "
            + "HAVING count(DISTINCT a) FILTER (WHERE b) > 1 ORDER BY a DESC NULLS LAST LIMIT 10 OFFSET 2",
        "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), "
            + "transform(x, (e, i) -> e + i), EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM s), "
            + "INTERVAL '1-2' YEAR TO MONTH FROM f(TABLE(SELECT 1), 'k', n => 2) PIVOT (max(a) FOR b IN (1, 2)), "
            + "LATERAL explode(y) LATERAL VIEW g(z) w",
        "FROM t |> WHERE a |> AGGREGATE sum(x) AS s GROUP BY b |> EXTEND 1 AS c |> SET c = 2 |> DROP b |> AS q "
            + "|> JOIN u USING (a) |> ORDER BY s |> LIMIT 3 |> UNION ALL TABLE v",
        "SET a.b = c; USE SCHEMA d; EXPLAIN SELECT X'1F', r'\\x', 1.5BD, -1L, DATE '2024-01-01' -- end",
    ]
}
