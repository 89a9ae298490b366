import Testing
import TideSimulation

@testable import TideOperators

private let evaluation = EvaluationContext(currentTimestampMicros: 0, timeZone: "UTC")

private func ints(_ values: [Int64], weights: [Int64]? = nil) -> Batch {
    Batch(
        columns: [Column(.bigint, values.map { .bigint($0) })], count: values.count,
        weights: weights.map { Column(.bigint, $0.map { .bigint($0) }) })
}

/// Batches of tasks that run in any order come out in task order.
@Suite struct OrderedCollectorTests {
    @Test func anyInterleaving() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            let received = Locked([Int64]())
            let collector = OrderedCollector { batch in
                received.withLock { all in all += (0..<batch.count).map { batch.columns[0].scalar($0).integer! } }
            }
            for _ in 0..<2 {
                collector.beginStage()
                received.withLock { $0 = [] }
                let tasks = Int.random(in: 1...6, using: &generator)
                var rest = (0..<tasks).map { _ in Int.random(in: 0...3, using: &generator) }
                var next = [Int64](repeating: 0, count: tasks)
                var open = Set(0..<tasks)
                while !open.isEmpty {
                    let task = open.sorted().randomElement(using: &generator)!
                    let context = TaskContext(worker: 0, ordinal: task, evaluation: evaluation)
                    if rest[task] > 0 {
                        try collector.consume(ints([Int64(task) * 10 + next[task]]), context)
                        next[task] += 1
                        rest[task] -= 1
                    } else {
                        try collector.finishTask(context)
                        // Several paths lead from a scan to one table: a task may end more than once.
                        if Bool.random(using: &generator) { try collector.finishTask(context) }
                        open.remove(task)
                    }
                }
                let wanted = (0..<tasks).flatMap { task in (0..<next[task]).map { Int64(task) * 10 + $0 } }
                #expect(received.withLock { $0 } == wanted)
            }
        }
    }
}

/// Rows of a task that another path had ended already come late, and are not lost.
@Suite struct LateRowsTests {
    @Test func rowsBehindTheEndOfTheirTask() throws {
        let received = Locked([Int64]())
        let collector = OrderedCollector { batch in
            received.withLock { all in all += (0..<batch.count).map { batch.columns[0].scalar($0).integer! } }
        }
        let first = TaskContext(worker: 0, ordinal: 0, evaluation: evaluation)
        let second = TaskContext(worker: 0, ordinal: 1, evaluation: evaluation)
        try collector.consume(ints([1]), first)
        try collector.finishTask(first)
        try collector.consume(ints([2]), second)
        try collector.consume(ints([3]), first)
        #expect(received.withLock { $0 } == [1, 2, 3])
    }
}

/// Weights of a batch query's operators as rows.
@Suite struct CopiesTests {
    @Test func weightsBecomeRows() throws {
        let received = Locked([Int64]())
        let collector = OrderedCollector { batch in
            #expect(batch.weights == nil)
            received.withLock { all in all += (0..<batch.count).map { batch.columns[0].scalar($0).integer! } }
        }
        let copies = CopiesOperator(outputs: Outputs([collector]))
        let task = TaskContext(worker: 0, ordinal: 0, evaluation: evaluation)
        try copies.consume(ints([7]), task)
        try copies.consume(ints([8, 9, 10], weights: [2, 1, 3]), task)
        #expect(received.withLock { $0 } == [7, 8, 8, 9, 10, 10, 10])
        #expect(throws: TidemillError.self) { try copies.consume(ints([8], weights: [-1]), task) }
    }
}

/// What a keyed table is told, against a table that applies every change one by one.
@Suite struct ChangeSetCollectorTests {
    private struct Row: Hashable {
        var key: Int64?
        var value: Int64
    }

    private func batch(_ changes: [(row: Row, weight: Int64)]) -> Batch {
        Batch(
            columns: [
                Column(.bigint, changes.map { $0.row.key.map { .bigint($0) } ?? .null(.bigint) }),
                Column(.bigint, changes.map { .bigint($0.row.value) }),
            ], count: changes.count,
            weights: changes.allSatisfy { $0.weight == 1 } ? nil : Column(.bigint, changes.map { .bigint($0.weight) }))
    }
    private func rows(_ batch: Batch) -> [(row: Row, weight: Int64)] {
        (0..<batch.count).map { row in
            (
                Row(key: batch.columns[0].scalar(row).integer, value: batch.columns[1].scalar(row).integer!),
                batch.weights?.scalar(row).integer ?? 1
            )
        }
    }

    /// A keyed result that changes several times in an epoch, in any order that a join may give.
    @Test(arguments: [true, false]) func keyed(_ nets: Bool) throws {
        var generator = SeededGenerator(seed: nets ? 1 : 2)
        for _ in 0..<400 {
            var before: [Int64?: Int64] = [:]
            for key: Int64 in 0..<4 where Bool.random(using: &generator) {
                before[key] = .random(in: 0...2, using: &generator)
            }
            if Bool.random(using: &generator) { before[nil] = 1 }
            var now = before
            var changes: [(row: Row, weight: Int64)] = []
            // With netting several versions of a key, otherwise one; old rows before new ones.
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let key: Int64? = [nil, 0, 1, 2, 3, 4].randomElement(using: &generator)!
                if !nets && changes.contains(where: { $0.row.key == key }) { continue }
                if let old = now.removeValue(forKey: key) { changes.append((Row(key: key, value: old), -1)) }
                if Bool.random(using: &generator) {
                    let value = Int64.random(in: 0...2, using: &generator)
                    now[key] = value
                    changes.append((Row(key: key, value: value), 1))
                }
            }
            if nets { changes.shuffle(using: &generator) }
            let collector = ChangeSetCollector(key: .columns([0]), types: [.bigint, .bigint], needsNetting: nets)
            let cut = changes.isEmpty ? 0 : Int.random(in: 0...changes.count, using: &generator)
            for part in [changes[..<cut], changes[cut...]] where !part.isEmpty {
                try collector.consume(batch(Array(part)), TaskContext(worker: 0, ordinal: 3, evaluation: evaluation))
            }
            var table = before
            var seen = Set<Int64?>()
            for set in collector.take() {
                for (row, weight) in rows(set) {
                    #expect(seen.insert(row.key).inserted, "a key stands once")
                    table[row.key] = weight > 0 ? row.value : nil
                }
            }
            #expect(table == now)
            #expect(collector.take().isEmpty)
        }
    }

    @Test func bag() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<300 {
            var net: [Row: Int64] = [:]
            let collector = ChangeSetCollector(key: .bag, types: [.bigint, .bigint], needsNetting: false)
            for ordinal in 0..<Int.random(in: 0...4, using: &generator) {
                let changes = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                    (
                        row: Row(
                            key: [nil, 1, 2].randomElement(using: &generator)!,
                            value: .random(in: 0...1, using: &generator)),
                        weight: [Int64](arrayLiteral: -2, -1, 1, 1, 3).randomElement(using: &generator)!
                    )
                }
                for (row, weight) in changes { net[row, default: 0] += weight }
                try collector.consume(batch(changes), TaskContext(worker: 0, ordinal: ordinal, evaluation: evaluation))
            }
            var found: [Row: Int64] = [:]
            for set in collector.take() {
                for (row, weight) in rows(set) {
                    #expect(weight != 0)
                    #expect(found.updateValue(weight, forKey: row) == nil)
                }
            }
            #expect(found == net.filter { $0.value != 0 })
        }
    }
}
