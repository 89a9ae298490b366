import Testing

@testable import TideOperators

/// Sessions of random rows, in random epochs, with state that goes through blocks now and then, against sessions that
/// are found by sorting all rows.
@Suite struct SessionOperatorTests {
    struct Row {
        var key: Int64
        var time: Int64
        var gap: Int64
        var value: Double
        var text: String
    }
    struct Session: Hashable {
        var key: Int64
        var start: Int64
        var end: Int64
        var count: Int64
        var sum: Double
        var least: String
    }

    /// By definition: rows of a key in order of time, a session ends where the next row starts behind it.
    static func reference(_ rows: [Row]) -> Set<Session> {
        var sessions = Set<Session>()
        for (key, rows) in Dictionary(grouping: rows, by: \.key) {
            var current: Session?
            var parts: [Double] = []
            for row in rows.sorted(by: { $0.time < $1.time }) {
                if var open = current, row.time <= open.end {
                    open.end = max(open.end, row.time + row.gap)
                    open.count += 1
                    parts.append(row.value)
                    open.sum = parts.reduce(0, +)
                    open.least = min(open.least, row.text)
                    current = open
                } else {
                    if let current { sessions.insert(current) }
                    parts = [row.value]
                    current = Session(
                        key: key, start: row.time, end: row.time + row.gap, count: 1, sum: row.value, least: row.text)
                }
            }
            if let current { sessions.insert(current) }
        }
        return sessions
    }

    private func aggregate() throws -> LogicalPlan.Aggregate {
        let schema = Schema([
            Field("k", .bigint, nullable: false), Field("w", .timeWindow, nullable: false),
            Field("v", .double, nullable: false), Field("s", .string, nullable: false),
        ])
        let registry = FunctionRegistry.builtin
        func column(_ index: Int) -> BoundExpression {
            .column(index: index, type: schema[index].type, nullable: false)
        }
        let input = LogicalPlan.values(LogicalPlan.Values(schema: schema, rows: []))
        return LogicalPlan.Aggregate(
            input: input, groups: [NamedExpression("k", column(0)), NamedExpression("w", column(1))],
            aggregates: [
                NamedAggregate("n", try registry.bindAggregate("count", arguments: [])),
                NamedAggregate("v", try registry.bindAggregate("sum", arguments: [column(2)])),
                NamedAggregate("s", try registry.bindAggregate("min", arguments: [column(3)])),
            ], session: 1)
    }

    /// Net rows that came out.
    final class Sink: BatchConsumer, @unchecked Sendable {
        // Sendable: the test runs one task at a time.
        var rows: [Session: Int64] = [:]
        func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
            for row in 0..<batch.count {
                let window = TimeWindow(packed: batch.columns[1].pointer(Int128.self)[row])
                let session = Session(
                    key: batch.columns[0].pointer(Int64.self)[row], start: window.start, end: window.end,
                    count: batch.columns[2].pointer(Int64.self)[row],
                    sum: batch.columns[3].pointer(Double.self)[row],
                    least: batch.columns[4].scalar(row).string ?? "")
                rows[session, default: 0] += batch.weights.map { $0.pointer(Int64.self)[row] } ?? 1
                if rows[session] == 0 { rows[session] = nil }
            }
        }
        func finishTask(_ task: TaskContext) throws(TidemillError) {}
    }

    private static func batch(_ rows: [Row]) -> Batch {
        let windows = rows.map {
            Scalar(.timeWindow, .decimal(TimeWindow(start: $0.time, end: $0.time + $0.gap).packed))
        }
        return Batch(
            columns: [
                Column(bigints: rows.map(\.key)), Column(.timeWindow, windows),
                Column(.double, rows.map { .double($0.value) }), Column(.string, rows.map { .string($0.text) }),
            ], count: rows.count)
    }

    @Test(arguments: [UInt64](1...40)) func sessionsOfRandomRows(seed: UInt64) throws {
        var generator = Splits(seed: seed)
        let task = TaskContext(worker: 0, ordinal: 0, evaluation: EvaluationContext(currentTimestampMicros: 0))
        let sink = Sink()
        let bits = Int(seed % 3)
        var node = try SessionOperator(
            aggregate(), session: 1, eventTime: nil, partitionBits: bits, outputs: Outputs([sink]))
        var all: [Row] = []
        var blocks: [Batch] = []
        for epoch in 0..<12 {
            for _ in 0..<generator.next(4) {
                var rows: [Row] = []
                for _ in 0..<(1 + generator.next(20)) {
                    rows.append(
                        Row(
                            key: Int64(generator.next(3)), time: Int64(generator.next(400)),
                            gap: Int64(1 + generator.next(12)), value: Double(generator.next(1000)) / 8,
                            text: generator.next(2) == 0
                                ? "s\(generator.next(9))" : "a long text, number \(generator.next(99))"))
                }
                all += rows
                try node.consume(SessionOperatorTests.batch(rows), task)
            }
            for partition in 0..<node.partitionCount { try node.finish(partition: partition, task) }
            #expect(Set(sink.rows.keys) == SessionOperatorTests.reference(all), "epoch \(epoch)")
            #expect(sink.rows.values.allSatisfy { $0 == 1 })
            blocks += (0..<node.partitionCount).flatMap { node.stateChanges(part: 0, partition: $0) }
            for partition in 0..<node.partitionCount { node.endEpoch(partition: partition) }
            #expect(node.stateRows == sink.rows.count)
            if generator.next(3) == 0 {
                // A restart: all that the epochs changed, in their order.
                let other = try SessionOperator(
                    aggregate(), session: 1, eventTime: nil, partitionBits: generator.next(3),
                    outputs: Outputs([sink]))
                for block in blocks { try other.restore(part: 0, block) }
                #expect(other.stateRows == sink.rows.count)
                node = other
            }
        }
    }

    /// A small generator with a seed.
    struct Splits {
        var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }
}
