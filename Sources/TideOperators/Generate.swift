/// Gives a row for each element of an array or entry of a map. Weights pass through.
///
/// Elements are taken out of the images row by row into columns; the carried columns follow by one gather. Output keeps
/// the order of rows and elements and leaves in chunks, so that a large array takes no memory of its own.
public final class GenerateOperator: BatchConsumer {
    let source: ExpressionProgram
    let carried: [Int]
    let generator: BoundGenerator
    let outputs: Outputs
    private static let chunkRows = 4096

    public init(_ generate: LogicalPlan.Generate, outputs: Outputs) {
        source = ExpressionProgram([generate.generator.source])
        carried = generate.carried
        generator = generate.generator
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let images = try source.evaluate(batch, task.evaluation)[0]
        var chunk = GeneratedRows(generator)
        for row in 0..<batch.count {
            var position: Int32 = 0
            if images.isValid(row) {
                var cursor = NestedCursor(images.bytes(row))
                while chunk.append(&cursor, UInt32(row), position) {
                    position += 1
                    if chunk.count >= GenerateOperator.chunkRows { try emit(&chunk, batch, task) }
                }
            }
            if position == 0 && generator.isOuter { chunk.appendNulls(UInt32(row)) }
        }
        try emit(&chunk, batch, task)
    }

    private func emit(_ chunk: inout GeneratedRows, _ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        if chunk.count == 0 { return }
        let rows = chunk.rows
        let made = chunk.finish()
        let kept = Batch(columns: carried.map { batch.columns[$0] }, count: batch.count, weights: batch.weights)
        let gathered = kept.gather(rows)
        try outputs.emit(gathered.with(columns: gathered.columns + made), task)
        chunk = GeneratedRows(generator)
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}

/// The columns that a generator makes, while they grow.
private struct GeneratedRows {
    private enum Form {
        case elements
        /// The element's fields.
        case fields([Field])
        case entries
    }
    /// The input row of each.
    private(set) var rows: [UInt32] = []
    private let form: Form
    private let hasPosition: Bool
    /// -1: NULL.
    private var positions: [Int32] = []
    private var builders: [NestedColumnBuilder]

    init(_ generator: BoundGenerator) {
        hasPosition = generator.hasPosition
        builders = generator.fields.dropFirst(generator.hasPosition ? 1 : 0).map { NestedColumnBuilder($0.type) }
        switch generator.source.type {
        case .map: form = .entries
        case .array(.structure(let fields)) where generator.unpacks: form = .fields(fields)
        default: form = .elements
        }
    }

    var count: Int { rows.count }

    /// Takes the element at the cursor.
    /// - Returns: false if there is none.
    mutating func append(_ cursor: inout NestedCursor, _ row: UInt32, _ position: Int32) -> Bool {
        let next = cursor.next()
        if next == .end { return false }
        rows.append(row)
        if hasPosition { positions.append(position) }
        switch form {
        case .elements:
            if next == .value { builders[0].append(&cursor) } else { builders[0].appendNull() }
        case .fields(let fields):
            for index in fields.indices {
                if next == .value && cursor.next() == .value {
                    builders[index].append(&cursor)
                } else {
                    builders[index].appendNull()
                }
            }
        case .entries:
            builders[0].append(&cursor)
            if cursor.next() == .value { builders[1].append(&cursor) } else { builders[1].appendNull() }
        }
        return true
    }

    mutating func appendNulls(_ row: UInt32) {
        rows.append(row)
        if hasPosition { positions.append(-1) }
        for index in builders.indices { builders[index].appendNull() }
    }

    consuming func finish() -> [Column] {
        var columns: [Column] = []
        if hasPosition {
            let values = Buffer(byteCount: positions.count * 4)
            for (index, position) in positions.enumerated() { values.pointer(Int32.self)[index] = position }
            let validity = positions.contains(-1) ? Bitmap(count: count) { [positions] in positions[$0] >= 0 } : nil
            columns.append(Column(type: .int, count: count, values: values, validity: validity))
        }
        for builder in builders { columns.append(builder.finish()) }
        return columns
    }
}
