import CAllocator
import Glibc
import Testing

@testable import TideOperators

/// `stateBytes` against what the kernel and the allocator count. Each case runs in a process of its own, where nothing
/// else allocates.
@Suite struct MemoryAccountingTests {
    /// Two million groups of `SELECT k, count(*), sum(v) GROUP BY k`, both nullable.
    @Test func integerGroups() async {
        await #expect(processExitsWith: .success) {
            let load = try Load(key: .bigint, aggregates: [(.sum, .bigint)])
            try load.run(rows: 2_000_000) { row in
                [Int64(row) &* 0x5851_F42D, row % 7 == 0 ? nil : Int64(row) - 1_000_000].map(integer)
            }
            let perKey = Double(load.subject.stateBytes) / 2_000_000
            // 40 bytes of row and 10.7 to 16 of slots.
            try load.expectTruth(perKey: 50...57, measured: perKey)
        }
    }

    /// Long strings as keys and as extremes, in arenas of their own.
    @Test func stringGroups() async {
        await #expect(processExitsWith: .success) {
            let load = try Load(key: .string, aggregates: [(.max, .string)])
            try load.run(rows: 400_000) { row in
                [.string("a key of thirty bytes \(10_000_000 + row)"), .string("a value of its own: \(row)")]
            }
            try load.expectTruth()
        }
    }

    /// After nine of ten groups went, their memory is given back, and what is kept is still counted.
    @Test func afterRemoval() async {
        await #expect(processExitsWith: .success) {
            let load = try Load(key: .bigint, aggregates: [(.sum, .bigint)])
            let rows = 500_000
            try load.run(rows: rows) { row in [integer(Int64(row)), integer(1)] }
            try load.run(rows: rows, weight: { row in row % 10 == 0 ? 1 : -1 }) { row in
                [integer(Int64(row)), integer(1)]
            }
            #expect(load.subject.stateRows == rows / 10)
            #expect(load.subject.stateBytes < rows / 10 * 80)
            // Pages that are in use in part count whole with the kernel: the allocator's own count is compared.
            try load.expectTruth(within: 0.04, kernelWithin: 1)
        }
    }

    /// Small partitions, of which there may be many, take little.
    @Test func manyPartitions() async {
        await #expect(processExitsWith: .success) {
            let load = try Load(key: .bigint, aggregates: [(.sum, .bigint)], partitionBits: 8)
            try load.run(rows: 100_000) { row in [integer(Int64(row)), integer(1)] }
            try load.expectTruth(within: 0.1)
        }
    }
}

@Sendable private func integer(_ value: Int64?) -> Scalar { value.map { .bigint($0) } ?? .null(.bigint) }

private struct Untruth: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// An aggregate that is fed epoch by epoch, and the process's memory before it existed.
private struct Load {
    let subject: AggregateOperator
    private let types: [DataType]
    private let before: Memory

    struct Memory {
        /// Anonymous pages that are resident.
        var kernel: Int
        /// Bytes in use by malloc, mappings included.
        var allocator: Int

        static func now() throws -> Memory {
            // Pages of freed memory would count as resident.
            allocator_trim()
            guard let file = fopen("/proc/self/smaps_rollup", "r") else { throw Untruth("no smaps_rollup") }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, 256, file) != nil {
                let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
                let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
                if words.first == "Anonymous:", let kilobytes = Int(words[1]) {
                    return Memory(kernel: kilobytes * 1024, allocator: allocator_bytes_in_use())
                }
            }
            throw Untruth("smaps_rollup has no anonymous pages")
        }
    }

    init(key: DataType, aggregates: [(AggregateKind, DataType)], partitionBits: Int = 3) throws {
        types = [key] + aggregates.map(\.1)
        before = try Memory.now()
        func call(_ kind: AggregateKind, _ arguments: [BoundExpression], _ type: DataType) -> NamedAggregate {
            NamedAggregate(
                "a",
                BoundAggregate(kind: kind, arguments: arguments, distinct: false, resultType: type, nullable: true))
        }
        let calls = aggregates.enumerated().map { index, one in
            call(one.0, [.column(index: index + 1, type: one.1, nullable: true)], one.1)
        }
        subject = try AggregateOperator(
            groups: [NamedExpression("k", .column(index: 0, type: key, nullable: true))],
            aggregates: [call(.countStar, [], .bigint)] + calls, partitionBits: partitionBits, emitsOldRows: false,
            outputs: Outputs([]))
    }

    func run(rows: Int, weight: ((Int) -> Int64)? = nil, _ row: (Int) -> [Scalar]) throws {
        let size = 8192
        let evaluation = EvaluationContext(currentTimestampMicros: 0, timeZone: "UTC")
        for start in stride(from: 0, to: rows, by: size) {
            let numbers = start..<min(start + size, rows)
            let scalars = numbers.map(row)
            let columns = types.indices.map { column in Column(types[column], scalars.map { $0[column] }) }
            let weights = weight.map { weight in Column(.bigint, numbers.map { .bigint(weight($0)) }) }
            let task = TaskContext(worker: 0, ordinal: 0, evaluation: evaluation)
            try subject.consume(Batch(columns: columns, count: numbers.count, weights: weights), task)
            for partition in 0..<subject.partitionCount {
                try subject.finish(partition: partition, task)
                subject.endEpoch(partition: partition)
            }
        }
    }

    /// The count is the kernel's, and not less than the allocator's part of it.
    func expectTruth(
        within tolerance: Double = 0.04, kernelWithin: Double? = nil, perKey: ClosedRange<Double>? = nil,
        measured: Double = 0
    ) throws {
        let now = try Memory.now()
        let said = Double(subject.stateBytes)
        let kernel = Double(now.kernel - before.kernel)
        let allocator = Double(now.allocator - before.allocator)
        let figures = "said \(Int(said)), kernel \(Int(kernel)), allocator \(Int(allocator)), per key \(measured)"
        #expect((kernel / said - 1).magnitude <= kernelWithin ?? tolerance, "\(figures)")
        #expect(allocator <= said * (1 + tolerance), "\(figures)")
        #expect(perKey.map { $0.contains(measured) } ?? true, "\(figures)")
        withExtendedLifetime(subject) {}
    }
}
