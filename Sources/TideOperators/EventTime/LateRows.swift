/// Rows that came too late, kept for a table of their own (`tidemill.lateRows`) with what made them late.
public final class LateRows: Sendable {
    private struct Part {
        let ordinal: Int
        let columns: [Column]
        let count: Int
    }
    private let parts = Locked<[Part]>([])

    public init() {}

    /// - Parameters:
    ///   - rows: the operator's input rows, under `names`.
    ///   - times: their event times; of a window its end.
    func add(
        _ rows: Batch, names: [String], times: Column, flow: String, operatorName: String, watermarkMicros: Int64,
        _ task: TaskContext
    ) {
        let n = rows.count
        let watermark = Scalar(.timestamp, .integer(watermarkMicros))
        let columns = [
            Column(repeating: .string(flow), count: n), Column(repeating: .string(operatorName), count: n),
            Column(repeating: .string("event time not above the watermark"), count: n),
            Column(repeating: watermark, count: n), LateRows.instants(times), LateRows.json(rows, names),
        ]
        parts.withLock { $0.append(Part(ordinal: task.ordinal, columns: columns, count: n)) }
    }

    /// The epoch's late rows, in the order of the tasks that met them.
    public func take(epoch: Epoch) -> [Batch] {
        let taken = parts.withLock { parts in
            defer { parts.removeAll() }
            return parts
        }
        return taken.enumerated().sorted { ($0.element.ordinal, $0.offset) < ($1.element.ordinal, $1.offset) }
            .map { _, part in
                Batch(
                    columns: [Column(repeating: .bigint(epoch.rawValue), count: part.count)] + part.columns,
                    count: part.count)
            }
    }

    private static func instants(_ times: Column) -> Column {
        times.type == .timeWindow ? bound(times) { $0.end } : times.retyped(.timestamp)
    }

    private static func bound(_ windows: Column, _ rule: (TimeWindow) -> Int64) -> Column {
        let buffer = Buffer(byteCount: windows.count * 8)
        let out = buffer.pointer(Int64.self)
        let values: UnsafePointer<Int128> = windows.pointer()
        for row in 0..<windows.count { out[row] = rule(TimeWindow(packed: values[row])) }
        return Column(type: .timestamp, count: windows.count, values: buffer)
    }

    /// Windows as JSON objects.
    private static func objects(_ windows: Column) -> Column {
        let starts = bound(windows) { $0.start }.formatted()
        let ends = bound(windows) { $0.end }.formatted()
        var builder = StringColumnBuilder(type: .string, capacity: windows.count)
        for row in 0..<windows.count {
            let object =
                Array("{\"start\":\"".utf8) + starts.bytes(row) + Array("\",\"end\":\"".utf8) + ends.bytes(row)
                + Array("\"}".utf8)
            object.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: windows.validity)
    }

    /// Rows as JSON objects; fields that are NULL are left out, as Spark's to_json leaves them. Windows are objects,
    /// other nested values the text of their cast to STRING.
    private static func json(_ rows: Batch, _ names: [String]) -> Column {
        let keys = names.map { Array(quoted(Array($0.utf8)[...])) + [UInt8(ascii: ":")] }
        let texts = rows.columns.map { column -> Column in
            if column.type == .timeWindow { return objects(column) }
            return Column.isTextTarget(column.type) || column.type.isNested ? column.formatted() : column
        }
        var builder = StringColumnBuilder(type: .string, capacity: rows.count)
        for row in 0..<rows.count {
            var object: [UInt8] = [UInt8(ascii: "{")]
            for (index, column) in rows.columns.enumerated() where column.isValid(row) {
                if object.count > 1 { object.append(UInt8(ascii: ",")) }
                object += keys[index]
                let isText = texts[index].type.physical == .view
                let text = isText ? Array(texts[index].bytes(row)) : Array("\(column.scalar(row).integer ?? 0)".utf8)
                let isPlain =
                    column.type.isNumeric && !text.contains { $0 == UInt8(ascii: "N") || $0 == UInt8(ascii: "I") }
                let isBare = isPlain || !isText || column.type == .boolean || column.type == .timeWindow
                object += isBare ? text : quoted(text[...])
            }
            object.append(UInt8(ascii: "}"))
            object.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish()
    }

    private static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                out += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        return out + [UInt8(ascii: "\"")]
    }
}
