/// Arrays, maps and structs to such of other parts: all parts of one kind are taken out as a column, converted as
/// columns are, and put back.
struct NestedCast {
    let from: DataType
    let to: DataType
    let isTry: Bool

    func run(_ operand: Datum, _ call: KernelCall) throws(TidemillError) -> Column {
        let source = operand.column
        let (fromParts, toParts) = (NestedCast.parts(from), NestedCast.parts(to))
        guard fromParts.count == toParts.count else { throw .internal("no cast from \(from.sql) to \(to.sql)") }
        var builders = fromParts.map { NestedColumnBuilder($0) }
        for row in 0..<source.count where source.isValid(row) {
            var cursor = NestedCursor(source.bytes(row))
            NestedCast.walk(from, &cursor) { part, cursor in
                if var inner = cursor {
                    builders[part].append(&inner)
                    cursor = inner
                } else {
                    builders[part].appendNull()
                }
            }
        }
        var converted: [Column] = []
        for (part, builder) in builders.enumerated() {
            converted.append(try convert(builder.finish(), to: toParts[part], call))
        }
        var result = StringColumnBuilder(type: to, capacity: source.count)
        var next = [Int](repeating: 0, count: converted.count)
        var image: [UInt8] = []
        for row in 0..<source.count {
            image.removeAll(keepingCapacity: true)
            if source.isValid(row) {
                var cursor = NestedCursor(source.bytes(row))
                NestedCast.walk(from, &cursor) { part, cursor in
                    if var inner = cursor {
                        inner.skip(fromParts[part])
                        cursor = inner
                    }
                    NestedImage.append(converted[part], next[part], into: &image)
                    next[part] += 1
                }
                if case .structure = from {} else { NestedImage.appendEnd(into: &image) }
            }
            image.withUnsafeBytes { result.append($0) }
        }
        return result.finish(validity: source.validity)
    }

    private func convert(_ column: Column, to type: DataType, _ call: KernelCall) throws(TidemillError) -> Column {
        if column.type == type { return column }
        let kernel = CastKernel(from: column.type, to: type, isTry: isTry)
        let inner = KernelCall(
            resultType: type, rowCount: column.count, validity: column.validity, context: call.context)
        let result = try kernel.run(Datum(column), inner)
        return result.with(validity: Bitmap.and(result.validity, column.validity))
    }

    private static func parts(_ type: DataType) -> [DataType] {
        switch type {
        case .array(let element): [element]
        case .map(let key, let value): [key, value]
        case .structure(let fields): fields.map(\.type)
        default: []
        }
    }

    /// Calls `visit` for each part with its number, and the cursor at its value or nil for NULL; `visit` moves it on.
    private static func walk(
        _ type: DataType, _ cursor: inout NestedCursor, _ visit: (Int, inout NestedCursor?) -> Void
    ) {
        func one(_ part: Int, _ next: NestedCursor.Next) {
            var inner: NestedCursor? = next == .value ? cursor : nil
            visit(part, &inner)
            if let inner { cursor = inner }
        }
        switch type {
        case .array:
            while true {
                let next = cursor.next()
                if next == .end { return }
                one(0, next)
            }
        case .map:
            while cursor.next() == .value {
                one(0, .value)
                one(1, cursor.next())
            }
        case .structure(let fields):
            for part in fields.indices { one(part, cursor.next()) }
        default: return
        }
    }
}
