// What event time makes of a flow, computed by a loop over its epochs and rows: Spark's rules, written out.

/// What one epoch brought to the streams of events.
struct EventStep: Sendable {
    /// Rows by relation; a relation is missing if no file of it was taken.
    var rows: [String: [ReferenceRelation.Row]] = [:]
}

/// The watermark of one flow over its epochs, seconds.
private struct EventClock {
    let delays: [String: Double]
    private var greatest: [String: Double] = [:]
    /// By it rows are late, in the epoch at hand.
    private(set) var late = 0.0
    /// By it state goes, in the epoch at hand.
    private(set) var current = 0.0

    init(delays: [String: Double]) { self.delays = delays }

    /// Whether the flow takes part: it has files, or its watermark has moved since it last took part.
    func takesPart(_ step: EventStep) -> Bool {
        current > late || delays.keys.contains { step.rows[$0] != nil }
    }

    mutating func end(_ step: EventStep) {
        for (relation, delay) in delays {
            for row in step.rows[relation] ?? [] {
                guard let time = row[1].number else { continue }
                greatest[relation] = max(greatest[relation] ?? -.infinity, time - delay)
            }
        }
        late = current
        // One that has seen nothing holds the others back.
        current = max(current, delays.keys.map { greatest[$0] ?? 0 }.min() ?? 0)
    }
}

extension SimulatedView {
    /// Over e(id, ts, k, v) and h(id, ts, k).
    static let events: [SimulatedView] = [
        timed(
            "windows",
            """
            CREATE STREAMING TABLE windows AS
              SELECT CAST(window.start AS BIGINT) AS start, count(*) AS n, sum(v) AS s
              FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e GROUP BY window(ts, '10 seconds');
            """
        ) { steps in
            var closed: [ReferenceRelation.Row] = []
            windows(steps) { _, closing in closed += closing }
            return ReferenceRelation(closed)
        },
        timed(
            "windows_updated",
            """
            CREATE STREAMING TABLE windows_updated
                TBLPROPERTIES ('tidemill.outputMode' = 'update', 'tidemill.key' = 'start') AS
              SELECT CAST(window.start AS BIGINT) AS start, count(*) AS n, sum(v) AS s
              FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e GROUP BY window(ts, '10 seconds');
            """
        ) { steps in
            var latest: [Value: ReferenceRelation.Row] = [:]
            windows(steps) { updated, _ in for row in updated { latest[row[0]] = row } }
            return ReferenceRelation(Array(latest.values))
        },
        timed(
            "sliding",
            """
            CREATE STREAMING TABLE sliding AS
              SELECT k, CAST(window.start AS BIGINT) AS start, count(*) AS n, sum(v) AS s
              FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e
              GROUP BY k, window(ts, '10 seconds', '5 seconds');
            """
        ) { steps in
            var open: [ReferenceRelation.Row: [ReferenceRelation.Row]] = [:]
            var closed: [ReferenceRelation.Row] = []
            var clock = EventClock(delays: ["e": 10])
            for step in steps where clock.takesPart(step) {
                for row in step.rows["e"] ?? [] {
                    let last = (row[1].number! / 5).rounded(.down) * 5
                    for start in [last, last - 5] where start + 10 > clock.late {
                        open[[row[2], .number(start)], default: []].append(row)
                    }
                }
                for (key, rows) in open where key[1].number! + 10 <= clock.current {
                    closed.append(key + [count(rows), sum(rows, 3)])
                    open[key] = nil
                }
                clock.end(step)
            }
            return ReferenceRelation(closed)
        },
        timed(
            "visits",
            """
            CREATE STREAMING TABLE visits AS
              SELECT k, CAST(session_window.start AS BIGINT) AS start, CAST(session_window.end AS BIGINT) AS end,
                count(*) AS n, sum(v) AS s
              FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e GROUP BY k, session_window(ts, '10 seconds');
            """
        ) { steps in
            var open: [(key: Value, start: Double, end: Double, rows: [ReferenceRelation.Row])] = []
            var closed: [ReferenceRelation.Row] = []
            var clock = EventClock(delays: ["e": 10])
            for step in steps where clock.takesPart(step) {
                for row in step.rows["e"] ?? [] where row[1].number! + 10 > clock.late {
                    var session = (key: row[2], start: row[1].number!, end: row[1].number! + 10, rows: [row])
                    for other in open
                    where other.key == session.key && other.start <= session.end && other.end >= session.start {
                        session.start = min(session.start, other.start)
                        session.end = max(session.end, other.end)
                        session.rows += other.rows
                    }
                    open.removeAll {
                        $0.key == session.key && $0.start >= session.start && $0.end <= session.end
                    }
                    open.append(session)
                }
                closed += open.filter { $0.end <= clock.current }
                    .map { [$0.key, .number($0.start), .number($0.end), count($0.rows), sum($0.rows, 3)] }
                open.removeAll { $0.end <= clock.current }
                clock.end(step)
            }
            return ReferenceRelation(closed)
        },
        timed(
            "first_seen",
            """
            CREATE STREAMING TABLE first_seen AS SELECT k, CAST(ts AS BIGINT) AS t FROM drop_duplicates(
              TABLE(SELECT k, ts FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e), 'k', 'ts');
            """
        ) { steps in
            var seen: Set<ReferenceRelation.Row> = []
            var clock = EventClock(delays: ["e": 10])
            for step in steps where clock.takesPart(step) {
                // A row of a time that state has gone for is late, so nothing has to be forgotten.
                for row in step.rows["e"] ?? [] where row[1].number! > clock.late { seen.insert([row[2], row[1]]) }
                clock.end(step)
            }
            return ReferenceRelation(Array(seen))
        },
        timed(
            "in_order",
            """
            CREATE STREAMING TABLE in_order AS SELECT id, k FROM tidemill_in_order(
              TABLE(SELECT id, ts, k FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e), 'k');
            """
        ) { steps in
            var (held, given): ([ReferenceRelation.Row], [ReferenceRelation.Row]) = ([], [])
            var clock = EventClock(delays: ["e": 10])
            for step in steps where clock.takesPart(step) {
                held += (step.rows["e"] ?? []).filter { $0[1].number! > clock.late }
                given += held.filter { $0[1].number! <= clock.current }
                held.removeAll { $0[1].number! <= clock.current }
                clock.end(step)
            }
            return ReferenceRelation(given.map { [$0[0], $0[2]] })
        },
        timed(
            "silent",
            """
            CREATE STREAMING TABLE silent AS SELECT k, CAST(silent_at AS BIGINT) AS at FROM tidemill_silent(
              TABLE(SELECT k, ts FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e),
              'k', INTERVAL 20 SECONDS);
            """
        ) { steps in
            var newest: [Value: Double] = [:]
            var given: [ReferenceRelation.Row] = []
            var clock = EventClock(delays: ["e": 10])
            for step in steps where clock.takesPart(step) {
                for row in step.rows["e"] ?? [] where row[1].number! > clock.late {
                    newest[row[2]] = max(newest[row[2]] ?? -.infinity, row[1].number!)
                }
                for (key, time) in newest where time + 20 <= clock.current {
                    given.append([key, .number(time + 20)])
                    newest[key] = nil
                }
                clock.end(step)
            }
            return ReferenceRelation(given)
        },
        timed(
            "followed",
            """
            CREATE STREAMING TABLE followed AS SELECT e.id, h.id AS next
              FROM STREAM e WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e
              JOIN STREAM h WATERMARK ts DELAY OF INTERVAL 20 SECONDS AS h
              ON e.k = h.k AND h.ts BETWEEN e.ts AND e.ts + INTERVAL 10 SECONDS;
            """
        ) { steps in
            var sides: [String: [ReferenceRelation.Row]] = [:]
            var clock = EventClock(delays: ["e": 10, "h": 20])
            for step in steps where clock.takesPart(step) {
                // A row that can have no partner is filtered out before the watermark sees it.
                let joinable = EventStep(rows: step.rows.mapValues { rows in rows.filter { !$0[2].isNull } })
                for (relation, rows) in joinable.rows {
                    sides[relation, default: []] += rows.filter { $0[1].number! > clock.late }
                }
                clock.end(joinable)
            }
            return ReferenceRelation(sides["e"] ?? [])
                .join(ReferenceRelation(sides["h"] ?? [])) { e, h in
                    let (from, to) = (e[1].number!, h[1].number!)
                    return e[2].equals(h[2]) && to >= from && to <= from + 10
                }
                .map { [$0[0], $0[4]] }
        },
    ]

    private static func timed(
        _ name: String, _ sql: String, _ rows: @escaping @Sendable ([EventStep]) -> ReferenceRelation
    ) -> SimulatedView {
        SimulatedView(name: name, kind: .streaming, sql: sql, events: rows) { _, _ in ReferenceRelation([]) }
    }

    /// Windows of ten seconds over `e`: for each epoch those that were touched and those that end.
    private static func windows(
        _ steps: [EventStep], _ emit: (_ updated: [ReferenceRelation.Row], _ closing: [ReferenceRelation.Row]) -> Void
    ) {
        var open: [Double: [ReferenceRelation.Row]] = [:]
        var clock = EventClock(delays: ["e": 10])
        func result(_ start: Double) -> ReferenceRelation.Row {
            [.number(start), count(open[start] ?? []), sum(open[start] ?? [], 3)]
        }
        for step in steps where clock.takesPart(step) {
            var touched: Set<Double> = []
            for row in step.rows["e"] ?? [] {
                let start = (row[1].number! / 10).rounded(.down) * 10
                guard start + 10 > clock.late else { continue }
                open[start, default: []].append(row)
                touched.insert(start)
            }
            let ending = open.keys.filter { $0 + 10 <= clock.current }
            emit(touched.map(result), ending.map(result))
            for start in ending { open[start] = nil }
            clock.end(step)
        }
    }
}
