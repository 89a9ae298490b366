import Testing

@testable import TideOperators

/// Sessions of random rows that come and go, in random epochs, with state that goes through blocks now and then,
/// against sessions that are found by sorting the rows that are left.
@Suite struct SessionAssignmentTests {
    /// What `GraphBuilder` puts together for a view over rows that are taken back.
    private struct Nodes {
        let sessions: SessionAssignment
        let groups: AggregateOperator

        init(bits: Int, sink: SessionOperatorTests.Sink) throws {
            let aggregate = try SessionOperatorTests.aggregate()
            groups = try AggregateOperator(
                groups: SessionAssignment.aggregate(over: aggregate, session: 1), aggregates: aggregate.aggregates,
                input: aggregate.input.schema, inputAppends: false, partitionBits: bits, emitsOldRows: true,
                outputs: Outputs([sink]))
            sessions = SessionAssignment(aggregate, session: 1, partitionBits: bits, outputs: Outputs([groups]))
        }
        var all: [any StatefulOperator] { [sessions, groups] }
    }

    @Test(arguments: [UInt64](1...40)) func sessionsOfRowsThatGo(seed: UInt64) throws {
        var generator = SessionOperatorTests.Splits(seed: seed)
        let task = TaskContext(worker: 0, ordinal: 0, evaluation: EvaluationContext(currentTimestampMicros: 0))
        let sink = SessionOperatorTests.Sink()
        var nodes = try Nodes(bits: Int(seed % 3), sink: sink)
        var rows: [SessionOperatorTests.Row] = []
        // By operator and part, in the order of epochs.
        var blocks: [Int: [Int: [Batch]]] = [:]
        for epoch in 0..<12 {
            var (come, go): ([SessionOperatorTests.Row], [SessionOperatorTests.Row]) = ([], [])
            for _ in 0..<generator.next(20) {
                come.append(
                    SessionOperatorTests.Row(
                        key: Int64(generator.next(3)), time: Int64(generator.next(200)),
                        gap: Int64(1 + generator.next(12)), value: Double(generator.next(8)),
                        text: generator.next(2) == 0 ? "s" : "a long text, number \(generator.next(9))"))
            }
            for _ in 0..<generator.next(15) where !rows.isEmpty {
                go.append(rows.remove(at: generator.next(rows.count)))
            }
            rows += come
            if !come.isEmpty { try nodes.sessions.consume(SessionOperatorTests.batch(come), task) }
            if !go.isEmpty {
                let batch = SessionOperatorTests.batch(go)
                let weights = Column(repeating: .bigint(-1), count: go.count)
                try nodes.sessions.consume(Batch(columns: batch.columns, count: go.count, weights: weights), task)
            }
            for node in nodes.all {
                for partition in 0..<node.partitionCount { try node.finish(partition: partition, task) }
            }
            #expect(Set(sink.rows.keys) == SessionOperatorTests.reference(rows), "epoch \(epoch)")
            #expect(sink.rows.values.allSatisfy { $0 == 1 })
            for (index, node) in nodes.all.enumerated() {
                for part in node.stateParts.indices {
                    for partition in 0..<node.partitionCount {
                        blocks[index, default: [:]][part, default: []] += node.stateChanges(
                            part: part, partition: partition)
                    }
                }
                for partition in 0..<node.partitionCount { node.endEpoch(partition: partition) }
            }
            guard generator.next(3) == 0 else { continue }
            // A restart with other parallelism.
            nodes = try Nodes(bits: generator.next(3), sink: sink)
            for (index, node) in nodes.all.enumerated() {
                for part in node.stateParts.indices {
                    for block in blocks[index]?[part] ?? [] { try node.restore(part: part, block) }
                }
            }
        }
    }
}
