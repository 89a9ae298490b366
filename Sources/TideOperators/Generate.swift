/// Gives each input row once for every element of its array or map, what the element holds behind the row's columns.
/// Weights pass through.
///
/// Rows come out in batches of at most about `rowsMax`, whatever the arrays' lengths: one long array is cut too.
public final class GenerateOperator: BatchConsumer {
    let collection: ExpressionProgram
    let generator: BoundGenerator
    let elements: [Field]
    let isMap: Bool
    let outputs: Outputs

    static let rowsMax = 8192

    public init(_ generate: LogicalPlan.Generate, outputs: Outputs) {
        generator = generate.generator
        collection = ExpressionProgram([generator.source])
        elements = generator.elementFields
        if case .map = generator.source.type { isMap = true } else { isMap = false }
        self.outputs = outputs
    }

    public func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        let images = try collection.evaluate(batch, task.evaluation)[0]
        var rows = GeneratedRows(elements, hasPosition: generator.hasPosition)
        for row in 0..<batch.count {
            var position: Int32 = 0
            if images.isValid(row) {
                var cursor = NestedCursor(images.bytes(row))
                while true {
                    let next = cursor.next()
                    if next == .end { break }
                    append(next, &cursor, &rows)
                    rows.finish(row, position)
                    position += 1
                    if rows.count >= GenerateOperator.rowsMax { try emit(&rows, of: batch, task) }
                }
            }
            if position == 0 && generator.isOuter { rows.appendNothing(row) }
            if rows.count >= GenerateOperator.rowsMax { try emit(&rows, of: batch, task) }
        }
        try emit(&rows, of: batch, task)
    }

    /// The values of the element behind the marker `next`.
    private func append(_ next: NestedCursor.Next, _ cursor: inout NestedCursor, _ rows: inout GeneratedRows) {
        if isMap {
            rows.columns[0].append(&cursor)
            append(cursor.next(), &cursor, &rows.columns[1])
        } else if !generator.unpacks {
            append(next, &cursor, &rows.columns[0])
        } else if next == .value {
            for index in elements.indices { append(cursor.next(), &cursor, &rows.columns[index]) }
        } else {
            for index in elements.indices { rows.columns[index].appendNull() }
        }
    }

    private func append(
        _ next: NestedCursor.Next, _ cursor: inout NestedCursor, _ column: inout NestedColumnBuilder
    ) {
        if next == .value { column.append(&cursor) } else { column.appendNull() }
    }

    private func emit(_ rows: inout GeneratedRows, of batch: Batch, _ task: TaskContext) throws(TidemillError) {
        if rows.count == 0 { return }
        let sources = rows.sources
        let picked = batch.gather(sources)
        let made = rows.takeColumns()
        rows = GeneratedRows(elements, hasPosition: generator.hasPosition)
        try outputs.emit(
            Batch(columns: picked.columns + made, count: picked.count, weights: picked.weights), task
        ) { Int(sources[$0]) }
    }

    public func finishTask(_ task: TaskContext) throws(TidemillError) { try outputs.finishTask(task) }
}

/// Generated columns in the making, and the input rows they stand behind.
private struct GeneratedRows {
    var sources: [UInt32] = []
    var columns: [NestedColumnBuilder]
    private var positions: [Int32] = []
    /// Rows of `positions` that are NULL.
    private var nothing: [Int] = []
    private let hasPosition: Bool

    init(_ fields: [Field], hasPosition: Bool) {
        columns = fields.map { NestedColumnBuilder($0.type) }
        self.hasPosition = hasPosition
    }

    var count: Int { sources.count }

    mutating func finish(_ row: Int, _ position: Int32) {
        sources.append(UInt32(truncatingIfNeeded: row))
        if hasPosition { positions.append(position) }
    }

    mutating func appendNothing(_ row: Int) {
        for index in columns.indices { columns[index].appendNull() }
        if hasPosition { nothing.append(positions.count) }
        finish(row, 0)
    }

    mutating func takeColumns() -> [Column] {
        let made = columns.map { $0.finish() }
        guard hasPosition else { return made }
        var validity: Bitmap?
        if !nothing.isEmpty {
            let absent = Set(nothing)
            validity = Bitmap(count: positions.count) { !absent.contains($0) }
        }
        let values = positions.withUnsafeBytes { Buffer(copying: $0) }
        return [Column(type: .int, count: positions.count, values: values, validity: validity)] + made
    }
}
