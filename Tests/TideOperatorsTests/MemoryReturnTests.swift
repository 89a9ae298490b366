import Testing
import TideSimulation

@testable import TideOperators

/// Memory goes back when rows go: most of it when most of them go, all of it when all do.
@Suite struct MemoryReturnTests {
    private func batch(_ rows: [Int], weight: Int64) -> Batch {
        Batch(
            columns: [
                Column(.string, rows.map { .string("key number \($0 % 700) of many") }),
                Column(.bigint, rows.map { .bigint(Int64($0)) }),
            ], count: rows.count, weights: Column(.bigint, rows.map { _ in .bigint(weight) }))
    }

    private func apply(_ rows: [Int], weight: Int64, to side: KeyedRows) {
        for start in stride(from: 0, to: rows.count, by: 4096) {
            let batch = batch(Array(rows[start..<min(start + 4096, rows.count)]), weight: weight)
            side.apply(batch, keys: KeyImages([batch.columns[0]], count: batch.count, layout: side.index.layout))
        }
        side.endEpoch()
    }

    /// The rows of every key, as the lists have them, and whether each list can be walked back.
    private func lists(_ side: KeyedRows) -> (rows: [Int: Set<Int64>], isSound: Bool) {
        var found: [Int: Set<Int64>] = [:]
        var isSound = true
        side.index.forEachRow { key in
            var previous: UnsafeMutableRawPointer?
            var entry = side.first(of: key)
            while let current = entry {
                let back = current.load(fromByteOffset: side.weightAt + 16, as: UInt.self)
                if back != previous.map({ UInt(bitPattern: $0) }) ?? 0 || side.keyRow(of: current) != key {
                    isSound = false
                }
                let columns = side.columns(of: [current])
                let number = columns[1].pointer(Int64.self)[0]
                if columns[0].scalar(0).string != "key number \(number % 700) of many" { isSound = false }
                found[Int(number % 700), default: []].insert(number)
                previous = current
                entry = side.next(after: current)
            }
        }
        return (found, isSound)
    }

    @Test func linkedRows() {
        let types: [DataType] = [.string, .bigint]
        func side() -> KeyedRows {
            KeyedRows(
                keyLayout: RowLayout(keys: [.string], valueBytes: KeyedRows.keyValueBytes), types: types,
                duties: KeyedRows.Duties(), leadBits: 0)
        }
        let fresh = side().byteCount
        let subject = side()
        var generator = SeededGenerator(seed: 5)
        for round in 0..<3 {
            var rows = Array(0..<30_000).shuffled(using: &generator)
            apply(rows, weight: 1, to: subject)
            let full = subject.byteCount
            // Whole keys too, so that keys move.
            let kept = rows.filter { $0 % 11 == round && $0 % 700 < 300 }
            rows = rows.filter { !($0 % 11 == round && $0 % 700 < 300) }
            apply(rows, weight: -1, to: subject)
            #expect(subject.entries.count == kept.count)
            #expect(subject.byteCount < full / 4, "\(subject.byteCount) of \(full)")
            let (found, isSound) = lists(subject)
            #expect(isSound)
            #expect(found == Dictionary(grouping: kept, by: { $0 % 700 }).mapValues { Set($0.map(Int64.init)) })
            apply(kept.shuffled(using: &generator), weight: -1, to: subject)
            #expect(subject.byteCount == fresh && subject.index.count == 0)
        }
    }

    /// Long keys, extremes that are strings, sums that outgrew their place, values of DISTINCT.
    @Test func groups() throws {
        func aggregate(_ kind: AggregateKind, _ type: DataType, _ column: Int, distinct: Bool = false) -> NamedAggregate
        {
            NamedAggregate(
                "a",
                BoundAggregate(
                    kind: kind, arguments: [.column(index: column, type: type, nullable: true)], distinct: distinct,
                    resultType: type, nullable: true))
        }
        let subject = try AggregateOperator(
            groups: [NamedExpression("k", .column(index: 0, type: .string, nullable: true))],
            aggregates: [
                aggregate(.max, .string, 1), aggregate(.sum, .double, 2), aggregate(.count, .string, 1, distinct: true),
            ], partitionBits: 2, emitsOldRows: true, outputs: Outputs([]))
        let fresh = subject.stateBytes
        let context = EvaluationContext(currentTimestampMicros: 0, timeZone: "UTC")
        for rows in [20_000, 5] {
            for weight: Int64 in [1, -1] {
                let numbers = Array(0..<rows)
                let batch = Batch(
                    columns: [
                        Column(.string, numbers.map { .string("group \($0 / 2) with a long key") }),
                        Column(.string, numbers.map { .string("a value of its own: \($0)") }),
                        Column(.double, numbers.map { .double($0 % 2 == 0 ? 1e300 : 1e-300) }),
                    ], count: rows, weights: Column(.bigint, numbers.map { _ in .bigint(weight) }))
                let task = TaskContext(worker: 0, ordinal: 0, evaluation: context)
                try subject.consume(batch, task)
                for partition in 0..<subject.partitionCount {
                    try subject.finish(partition: partition, task)
                    subject.endEpoch(partition: partition)
                }
                if weight > 0 { #expect(subject.stateBytes > fresh && subject.stateRows == (rows + 1) / 2) }
            }
            #expect(subject.stateRows == 0)
            #expect(subject.stateBytes == fresh)
        }
    }
}
