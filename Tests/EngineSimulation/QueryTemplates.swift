import TideSimulation

/// A pipeline over l(id, k, g, v) and r(k, g, w), and what its tables must hold.
package struct QueryTemplate: Sendable {
    package var name: String
    /// `?` is a small number drawn from the seed.
    package var sql: String
    package var tables:
        @Sendable (_ l: ReferenceRelation, _ r: ReferenceRelation, _ n: Double) -> [String: ReferenceRelation]

    package static let all: [QueryTemplate] = stateless + aggregates + joins + compositions

    private static func one(
        _ name: String, _ query: String,
        _ result: @escaping @Sendable (ReferenceRelation, ReferenceRelation, Double) -> ReferenceRelation
    ) -> QueryTemplate {
        QueryTemplate(name: name, sql: "CREATE MATERIALIZED VIEW t AS \(query);") { ["t": result($0, $1, $2)] }
    }
    private static func sameKey(_ a: [Value], _ b: [Value]) -> Bool { a[1].equals(b[0]) }
    private static func exceeds(_ value: Value, _ n: Double) -> Bool { value.number.map { $0 > n } ?? false }
    private static func isAbove(_ a: Value, _ b: Value, _ n: Double) -> Bool {
        guard let x = a.number, let y = b.number else { return false }
        return x > y + n
    }
    private static func plus(_ a: Value, _ b: Value) -> Value {
        guard let x = a.number, let y = b.number else { return .null }
        return .number(x + y)
    }

    private static let stateless = [
        one("filter", "SELECT id, k, v FROM l WHERE v > ?") { l, _, n in
            l.filter { exceeds($0[3], n) }.map { [$0[0], $0[1], $0[3]] }
        },
        one("projection", "SELECT k, v + g AS s, coalesce(g, -1) AS c FROM l") { l, _, _ in
            l.map { [$0[1], plus($0[3], $0[2]), $0[2].isNull ? .number(-1) : $0[2]] }
        },
        QueryTemplate(name: "append", sql: "CREATE STREAMING TABLE t AS SELECT id, k FROM STREAM l WHERE g < ?;") {
            l, _, n in
            ["t": l.filter { $0[2].number.map { $0 < n } ?? false }.map { [$0[0], $0[1]] }]
        },
        one("union all", "SELECT k, g FROM l UNION ALL SELECT k, w FROM r") { l, r, _ in
            l.map { [$0[1], $0[2]] } + r.map { [$0[0], $0[2]] }
        },
    ]

    private static let aggregates = [
        one(
            "group by",
            "SELECT k, count(*) AS n, count(v) AS c, sum(v) AS s, min(v) AS lo, max(v) AS hi FROM l GROUP BY k"
        ) { l, _, _ in
            l.group(by: [1]) { [count($0), count($0, 3), sum($0, 3), least($0, 3), greatest($0, 3)] }
        },
        one("two keys", "SELECT g, k, sum(id) AS s FROM l GROUP BY g, k") { l, _, _ in
            l.group(by: [2, 1]) { [sum($0, 0)] }
        },
        one("global", "SELECT count(*) AS n, sum(v) AS s, avg(v) AS m FROM l WHERE g > ?") { l, _, n in
            l.filter { exceeds($0[2], n) }.group(by: []) { [count($0), sum($0, 3), average($0, 3)] }
        },
        one("having", "SELECT k, sum(v) AS s FROM l GROUP BY k HAVING sum(v) > ?") { l, _, n in
            l.group(by: [1]) { [sum($0, 3)] }.filter { exceeds($0[1], n) }
        },
        one("distinct", "SELECT DISTINCT k, g FROM l") { l, _, _ in l.map { [$0[1], $0[2]] }.distinct() },
        one("group by expression", "SELECT g % 2 AS odd, count(*) AS n FROM l GROUP BY g % 2") { l, _, _ in
            l.map { [$0[2].number.map { .number($0.truncatingRemainder(dividingBy: 2)) } ?? .null] }
                .group(by: [0]) { [count($0)] }
        },
        one(
            "aggregate of aggregate",
            "SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k, count(*) AS n, sum(v) AS s FROM l GROUP BY k) GROUP BY n"
        ) { l, _, _ in
            l.group(by: [1]) { [count($0), sum($0, 3)] }.group(by: [1]) { [count($0), sum($0, 2)] }
        },
        one("bag of sums", "SELECT s FROM (SELECT k, sum(g) AS s FROM l GROUP BY k)") { l, _, _ in
            l.group(by: [1]) { [sum($0, 2)] }.map { [$0[1]] }
        },
        one(
            "aggregate of having",
            "SELECT count(*) AS n, sum(s) AS s FROM (SELECT k, sum(v) AS s FROM l GROUP BY k HAVING count(*) < ?)"
        ) { l, _, n in
            l.group(by: [1]) { [sum($0, 3), count($0)] }.filter { $0[2].number! < n }.group(by: []) {
                [count($0), sum($0, 1)]
            }
        },
        one(
            "aggregate of union",
            "SELECT k, count(*) AS n, sum(x) AS s FROM (SELECT k, g AS x FROM l UNION ALL SELECT k, w FROM r) GROUP BY k"
        ) { l, r, _ in
            (l.map { [$0[1], $0[2]] } + r.map { [$0[0], $0[2]] }).group(by: [0]) { [count($0), sum($0, 1)] }
        },
        one("count of distinct", "SELECT k, count(*) AS n FROM (SELECT DISTINCT k, g FROM l) GROUP BY k") { l, _, _ in
            l.map { [$0[1], $0[2]] }.distinct().group(by: [0]) { [count($0)] }
        },
    ]

    private static let joins = [
        one("inner join", "SELECT l.id, l.k, r.w FROM l JOIN r ON l.k = r.k") { l, r, _ in
            l.join(r, sameKey).map { [$0[0], $0[1], $0[6]] }
        },
        one("two join keys", "SELECT l.id, r.w FROM l JOIN r ON l.k = r.k AND l.g = r.g") { l, r, _ in
            l.join(r) { sameKey($0, $1) && $0[2].equals($1[1]) }.map { [$0[0], $0[6]] }
        },
        one("null-safe join", "SELECT l.id, r.w FROM l JOIN r ON l.k <=> r.k") { l, r, _ in
            l.join(r) { $0[1] == $1[0] }.map { [$0[0], $0[6]] }
        },
        one("left join", "SELECT l.id, r.k AS rk, r.w FROM l LEFT JOIN r ON l.k = r.k") { l, r, _ in
            l.leftJoin(r, width: 3, sameKey).map { [$0[0], $0[4], $0[6]] }
        },
        one("anti join by hand", "SELECT l.id FROM l LEFT JOIN r ON l.k = r.k WHERE r.k IS NULL") { l, r, _ in
            l.filter { a in !r.rows.contains { sameKey(a, $0) } }.map { [$0[0]] }
        },
        one(
            "join of aggregates",
            "SELECT a.k, a.n, b.s FROM (SELECT k, count(*) AS n FROM l GROUP BY k HAVING count(*) > 1) AS a JOIN (SELECT k, sum(w) AS s FROM r GROUP BY k HAVING sum(w) > ?) AS b ON a.k = b.k"
        ) { l, r, n in
            l.group(by: [1]) { [count($0)] }.filter { exceeds($0[1], 1) }
                .join(r.group(by: [0]) { [sum($0, 2)] }.filter { exceeds($0[1], n) }) { $0[0].equals($1[0]) }
                .map { [$0[0], $0[1], $0[3]] }
        },
        one(
            "left join of aggregates",
            "SELECT a.k, a.n, b.s FROM (SELECT k, count(*) AS n FROM l GROUP BY k) AS a LEFT JOIN (SELECT k, sum(w) AS s FROM r GROUP BY k HAVING sum(w) > ?) AS b ON a.k = b.k"
        ) { l, r, n in
            l.group(by: [1]) { [count($0)] }
                .leftJoin(r.group(by: [0]) { [sum($0, 2)] }.filter { exceeds($0[1], n) }, width: 2) {
                    $0[0].equals($1[0])
                }
                .map { [$0[0], $0[1], $0[3]] }
        },
        one(
            "aggregate of join",
            "SELECT r.g, count(*) AS n, sum(l.v) AS s, sum(r.w) AS w FROM l JOIN r ON l.k = r.k GROUP BY r.g"
        ) { l, r, _ in
            l.join(r, sameKey).group(by: [5]) { [count($0), sum($0, 3), sum($0, 6)] }
        },
        one(
            "aggregate of left join",
            "SELECT l.g, count(*) AS n, count(r.w) AS c, sum(r.w) AS w FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.g"
        ) { l, r, _ in
            l.leftJoin(r, width: 3, sameKey).group(by: [2]) { [count($0), count($0, 6), sum($0, 6)] }
        },
        one(
            "cross join of single rows",
            "SELECT a.s AS a, b.s AS b FROM (SELECT sum(v) AS s FROM l) AS a CROSS JOIN (SELECT sum(w) AS s FROM r WHERE w > ?) AS b"
        ) { l, r, n in
            l.group(by: []) { [sum($0, 3)] }.join(r.filter { exceeds($0[2], n) }.group(by: []) { [sum($0, 2)] }) {
                _, _ in true
            }
        },
        one(
            "join with the whole",
            "SELECT a.k, a.s, b.s AS t FROM (SELECT k, sum(v) AS s FROM l GROUP BY k) AS a CROSS JOIN (SELECT sum(v) AS s FROM l) AS b"
        ) { l, _, _ in
            l.group(by: [1]) { [sum($0, 3)] }.join(l.group(by: []) { [sum($0, 3)] }) { _, _ in true }
        },
        one("full join", "SELECT l.id, l.k, r.k AS rk, r.w FROM l FULL JOIN r ON l.k = r.k") { l, r, _ in
            l.fullJoin(r, widths: (4, 3), sameKey).map { [$0[0], $0[1], $0[4], $0[6]] }
        },
        one("full join with a condition", "SELECT l.id, r.k, r.w FROM l FULL JOIN r ON l.k = r.k AND r.w > l.g + ?") {
            l, r, n in
            l.fullJoin(r, widths: (4, 3)) { sameKey($0, $1) && isAbove($1[2], $0[2], n) }
                .map { [$0[0], $0[4], $0[6]] }
        },
        one("left join with a condition", "SELECT l.id, r.w FROM l LEFT JOIN r ON l.k <=> r.k AND r.w > l.g") {
            l, r, _ in
            l.leftJoin(r, width: 3) { $0[1] == $1[0] && isAbove($1[2], $0[2], 0) }.map { [$0[0], $0[6]] }
        },
        one("right join with a condition", "SELECT l.id, r.w FROM l RIGHT JOIN r ON l.k = r.k AND r.w > l.g") {
            l, r, _ in
            r.leftJoin(l, width: 4) { sameKey($1, $0) && isAbove($0[2], $1[2], 0) }.map { [$0[3], $0[2]] }
        },
        one("range join", "SELECT l.id, r.w FROM l LEFT JOIN r ON r.w > l.g + ?") { l, r, n in
            l.leftJoin(r, width: 3) { isAbove($1[2], $0[2], n) }.map { [$0[0], $0[6]] }
        },
        one("semi join", "SELECT l.k, l.v FROM l LEFT SEMI JOIN r ON l.k = r.k") { l, r, _ in
            l.filter { a in r.rows.contains { sameKey(a, $0) } }.map { [$0[1], $0[3]] }
        },
        one("anti join", "SELECT l.k, l.v FROM l LEFT ANTI JOIN r ON l.k = r.k") { l, r, _ in
            l.filter { a in !r.rows.contains { sameKey(a, $0) } }.map { [$0[1], $0[3]] }
        },
        one("anti join with a condition", "SELECT l.id FROM l LEFT ANTI JOIN r ON l.k = r.k AND r.w > l.g") {
            l, r, _ in
            l.filter { a in !r.rows.contains { sameKey(a, $0) && isAbove($0[2], a[2], 0) } }.map { [$0[0]] }
        },
        one(
            "full join of aggregates",
            "SELECT a.k, a.n, b.k AS bk, b.s FROM (SELECT k, count(*) AS n FROM l GROUP BY k) AS a FULL JOIN (SELECT k, sum(w) AS s FROM r GROUP BY k HAVING sum(w) > ?) AS b ON a.k = b.k AND a.n < b.s"
        ) { l, r, n in
            l.group(by: [1]) { [count($0)] }
                .fullJoin(r.group(by: [0]) { [sum($0, 2)] }.filter { exceeds($0[1], n) }, widths: (2, 2)) {
                    $0[0].equals($1[0]) && isAbove($1[1], $0[1], 0)
                }
        },
        one(
            "semi join of aggregates",
            "SELECT a.k, a.n FROM (SELECT k, count(*) AS n FROM l GROUP BY k) AS a LEFT SEMI JOIN (SELECT g, sum(w) AS s FROM r GROUP BY g) AS b ON a.n = b.s"
        ) { l, r, _ in
            let sums = r.group(by: [1]) { [sum($0, 2)] }
            return l.group(by: [1]) { [count($0)] }.filter { a in sums.rows.contains { a[1].equals($0[1]) } }
        },
        one("self join", "SELECT a.id AS x, b.id AS y FROM l AS a JOIN l AS b ON a.k = b.k AND a.id < b.id") {
            l, _, _ in
            l.join(l) { a, b in a[1].equals(b[1]) && a[0] < b[0] }.map { [$0[0], $0[4]] }
        },
    ]

    private static let compositions = [
        QueryTemplate(
            name: "views over views",
            sql: """
                CREATE STREAMING TABLE clean AS SELECT k, g, v FROM STREAM l WHERE v IS NOT NULL;
                CREATE MATERIALIZED VIEW per_key AS SELECT k, count(*) AS n, sum(v) AS s FROM clean GROUP BY k;
                CREATE MATERIALIZED VIEW big AS SELECT k, s FROM per_key WHERE s > ?;
                CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS c, sum(s) AS s FROM per_key GROUP BY n;
                """
        ) { l, _, n in
            let clean = l.filter { !$0[3].isNull }.map { [$0[1], $0[2], $0[3]] }
            let perKey = clean.group(by: [0]) { [count($0), sum($0, 2)] }
            return [
                "clean": clean, "per_key": perKey, "big": perKey.filter { exceeds($0[2], n) }.map { [$0[0], $0[2]] },
                "sizes": perKey.group(by: [1]) { [count($0), sum($0, 2)] },
            ]
        },
        QueryTemplate(
            name: "view over a join of views",
            sql: """
                CREATE MATERIALIZED VIEW a AS SELECT k, count(*) AS n FROM l GROUP BY k HAVING count(*) < 4;
                CREATE MATERIALIZED VIEW b AS SELECT k, sum(w) AS s FROM r GROUP BY k HAVING sum(w) > ?;
                CREATE MATERIALIZED VIEW j AS SELECT a.k, a.n, b.s FROM a JOIN b ON a.k = b.k;
                CREATE MATERIALIZED VIEW f AS SELECT k, n, s FROM j WHERE n > 1;
                CREATE MATERIALIZED VIEW t AS SELECT n, count(*) AS c, sum(s) AS s FROM j GROUP BY n;
                """
        ) { l, r, n in
            let a = l.group(by: [1]) { [count($0)] }.filter { $0[1].number! < 4 }
            let b = r.group(by: [0]) { [sum($0, 2)] }.filter { exceeds($0[1], n) }
            let j = a.join(b) { $0[0].equals($1[0]) }.map { [$0[0], $0[1], $0[3]] }
            return [
                "a": a, "b": b, "j": j, "f": j.filter { exceeds($0[1], 1) },
                "t": j.group(by: [1]) { [count($0), sum($0, 2)] },
            ]
        },
        QueryTemplate(
            name: "several flows",
            sql: """
                CREATE STREAMING TABLE u (k STRING, n DOUBLE);
                CREATE FLOW f1 AS INSERT INTO u SELECT CAST(k AS STRING), v FROM STREAM l;
                CREATE FLOW f2 AS INSERT INTO u BY NAME SELECT CAST(w AS DOUBLE) AS n, CAST(k AS STRING) AS k FROM STREAM r WHERE w > ?;
                CREATE MATERIALIZED VIEW t AS SELECT count(*) AS rows, sum(n) AS n, count(k) AS ks FROM u;
                """
        ) { l, r, n in
            let u = l.map { [$0[1], $0[3]] } + r.filter { exceeds($0[2], n) }.map { [$0[0], $0[2]] }
            return ["t": u.group(by: []) { [count($0), sum($0, 1), count($0, 0)] }]
        },
        QueryTemplate(
            name: "three joins",
            sql: """
                CREATE MATERIALIZED VIEW t AS SELECT a.id AS x, b.w, c.n FROM l AS a JOIN r AS b ON a.k = b.k
                  LEFT JOIN (SELECT g, count(*) AS n FROM l GROUP BY g) AS c ON b.g = c.g;
                """
        ) { l, r, _ in
            let c = l.group(by: [2]) { [count($0)] }
            return [
                "t": l.join(r, sameKey).leftJoin(c, width: 2) { a, b in a[5].equals(b[0]) }
                    .map { [$0[0], $0[6], $0[8]] }
            ]
        },
    ]
}
