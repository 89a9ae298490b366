import Testing
import TideSimulation

@testable import TideOperators

/// `tidemill_in_order` over drawn rows: what goes out is, per key, what sorting gives.
@Suite struct OrderedRowsTests {
    @Test(arguments: 0..<20) func eachKeyIsInOrder(_ seed: Int) throws {
        struct Row: Hashable {
            var key: Int64
            var number: Int64
            var time: Int64
        }
        var generator = SeededGenerator(seed: UInt64(seed))
        let types: [DataType] = [.bigint, .bigint, .timestamp]
        func make() -> OrderedRows { OrderedRows(keys: [.bigint], input: types, timeColumn: 2, leadBits: 0) }
        var processor = make()
        var blocks: [[Batch]] = [[], []]
        var came: [Row] = []
        var given: [Row] = []
        var watermark: Int64 = 0
        func take(_ batch: Batch?) {
            guard let batch else { return }
            for row in 0..<batch.count {
                let values = batch.columns.map { $0.scalar(row).integer ?? -1 }
                given.append(Row(key: values[0], number: values[1], time: values[2]))
            }
        }
        for _ in 0..<40 {
            let moment = KeyedMoment(now: 0, watermark: watermark)
            let rows = (0..<Int.random(in: 1..<20, using: &generator)).map { _ in
                Row(
                    key: Int64.random(in: 0..<5, using: &generator),
                    number: Int64.random(in: 0..<1000, using: &generator),
                    time: watermark + Int64.random(in: 1..<30, using: &generator))
            }
            came += rows
            let batch = Batch(
                columns: [
                    Column(bigints: rows.map(\.key)), Column(bigints: rows.map(\.number)),
                    Column(bigints: rows.map(\.time)).retyped(.timestamp),
                ], count: rows.count)
            take(try processor.handle(KeyedBatch(batch: batch, keys: [batch.columns[0]], moment: moment)))
            watermark += Int64.random(in: 0..<12, using: &generator)
            let later = KeyedMoment(now: 0, watermark: watermark)
            if let due = processor.timers?.fire(through: watermark) { take(try processor.handle(due, later)) }
            for (part, variable) in processor.variables.enumerated() {
                blocks[part] += variable.stateChanges()
                variable.endEpoch()
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
                processor = make()
                for (part, variable) in processor.variables.enumerated() {
                    for block in blocks[part] { variable.restore(block) }
                }
            }
            for key in Int64(0)..<5 {
                // Sorted by time; of one time in the order of arrival.
                let expected = came.enumerated().filter { $0.element.key == key && $0.element.time <= watermark }
                    .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
                #expect(given.filter { $0.key == key } == expected, "seed \(seed)")
            }
        }
    }
}
