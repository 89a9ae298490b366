import TideEngineSimulation

// Windows of time in a view: fixed ones, sliding ones and sessions.
extension QueryGrammar {
    mutating func timeWindows(_ q: DrawnQuery) -> DrawnQuery {
        guard let at = column(q, .timestamp) else { return typed(q) }
        let group = below(2) == 0 ? columns(q, 1...1) : []
        let (size, slide): (Double, Double) = below(2) == 0 ? (3600e6, 3600e6) : (3600e6, 1200e6)
        let text = size == slide ? "'1 hour'" : "'1 hour', '20 minutes'"
        let key = group.map { "c\($0) AS g" }
        let given = group.map { _ in "g" }
        let shift = group.count
        let list =
            given.map { "\($0) AS c0" }
            + ["window.start AS c\(shift)", "window.end AS c\(shift + 1)"]
            + ["window_time(window) AS c\(shift + 2)", "n AS c\(shift + 3)"]
        let counted = (given + ["window", "count(*) AS n"]).joined(separator: ", ")
        let by = (given + ["window(z, \(text))"]).joined(separator: ", ")
        let start = "time_bucket(INTERVAL '1' HOUR, z, TIMESTAMP '1970-01-01')"
        let theirs =
            given.map { "\($0) AS c0" } + ["\(start) AS c\(shift)", "\(start) + INTERVAL '1' HOUR AS c\(shift + 1)"]
            + ["\(start) + to_microseconds(3599999999) AS c\(shift + 2)", "count(*) AS c\(shift + 3)"]
        let before = size == slide ? "SELECT \(theirs.joined(separator: ", ")) FROM (" : "NOT POSSIBLE"
        let after = "WHERE z IS NOT NULL) GROUP BY \((given + [start]).joined(separator: ", "))"
        return DrawnQuery(
            sql:
                "SELECT * FROM (/*1*/SELECT \(list.joined(separator: ", ")) FROM (SELECT \(counted) FROM (/*2\(before)*/"
                + "SELECT * FROM (SELECT \((key + ["c\(at) AS z"]).joined(separator: ", ")) FROM (\(q.sql))) "
                + "/*1*/) GROUP BY \(by))/*2\(after)*/)",
            columns: group.map { q.columns[$0] } + [.timestamp, .timestamp, .timestamp, .number],
            rows: { tables in
                let placed = q.rows(tables).rows.flatMap { row -> [[Value]] in
                    guard let time = row[at].number else { return [] }
                    var start = (time / slide).rounded(.down) * slide
                    var found: [[Value]] = []
                    while start + size > time {
                        found.append(
                            group.map { row[$0] } + [start, start + size, start + size - 1].map { .number($0) })
                        start -= slide
                    }
                    return found
                }
                return ReferenceRelation(placed).group(by: Array(0..<(shift + 3))) { [count($0)] }
            }, shape: "window(\(q.shape))")
    }

    /// Rows of a key that are not further apart than a gap.
    mutating func sessions(_ q: DrawnQuery) -> DrawnQuery {
        guard let at = column(q, .timestamp) else { return typed(q) }
        let group = below(3) > 0 ? columns(q, 1...1) : []
        let gap = 900e6
        let shift = group.count
        let key = group.map { "c\($0) AS g" }
        let given = group.map { _ in "g" }
        let list =
            given.map { "\($0) AS c0" }
            + ["session_window.start AS c\(shift)", "session_window.end AS c\(shift + 1)", "count(*) AS c\(shift + 2)"]
        return DrawnQuery(
            sql: "SELECT \(list.joined(separator: ", "))/*2NOT POSSIBLE*/ FROM (SELECT "
                + "\((key + ["c\(at) AS z"]).joined(separator: ", ")) FROM (\(q.sql))) "
                + "GROUP BY \((given + ["session_window(z, '15 minutes')"]).joined(separator: ", "))",
            columns: group.map { q.columns[$0] } + [.timestamp, .timestamp, .number],
            rows: { tables in
                var out: [[Value]] = []
                for rows in q.rows(tables).partitions(by: group) {
                    let times = rows.compactMap { $0[at].number }.sorted()
                    var open: (start: Double, end: Double, n: Double)?
                    func close() {
                        guard let open else { return }
                        out.append(group.map { rows[0][$0] } + [open.start, open.end, open.n].map { .number($0) })
                    }
                    for time in times {
                        if let last = open, time <= last.end {
                            open = (last.start, time + gap, last.n + 1)
                        } else {
                            close()
                            open = (time, time + gap, 1)
                        }
                    }
                    close()
                }
                return ReferenceRelation(out)
            }, shape: "sessions(\(q.shape))")
    }
}
