import TideColumns

/// The end of a text file that is being written: bytes gather in memory and go out in large pieces.
struct TextOutput {
    private static let flushBytes = 256 << 10

    private let sink: any File
    var pending: [UInt8] = []
    /// Where in the file the next bytes go; the file's size after `flush`.
    private(set) var offset: Int64

    init(sink: any File, offset: Int64) {
        self.sink = sink
        self.offset = offset
    }

    mutating func flushIfLarge() throws(TidemillError) {
        if pending.count >= TextOutput.flushBytes { try flush() }
    }

    mutating func flush() throws(TidemillError) {
        if pending.isEmpty { return }
        try sink.write(pending, at: offset)
        offset += Int64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }
}

/// Dates and timestamps as Spark's text formats write them: by a pattern, or as ISO text cut to milliseconds.
struct DateTimeText {
    let dates: DateTimePattern?
    let timestamps: DateTimePattern?
    let timestampsNTZ: DateTimePattern?

    /// Without patterns.
    init() {
        dates = nil
        timestamps = nil
        timestampsNTZ = nil
    }

    init(dates: String?, timestamps: String?, timestampsNTZ: String?) throws(TidemillError) {
        self.dates = try DateTimePattern.writing(dates)
        self.timestamps = try DateTimePattern.writing(timestamps)
        self.timestampsNTZ = try DateTimePattern.writing(timestampsNTZ)
    }

    /// The column as text; other types as a cast to STRING prints them.
    func text(of column: Column) -> Column {
        switch column.type {
        case .date:
            guard let dates else { return column.formatted() }
            let days: UnsafePointer<Int32> = column.pointer()
            return patterned(column, dates) { Int64(days[$0]) * 86_400_000_000 }
        case .timestamp, .timestampNTZ:
            let micros: UnsafePointer<Int64> = column.pointer()
            let zoned = column.type == .timestamp
            if let pattern = zoned ? timestamps : timestampsNTZ { return patterned(column, pattern) { micros[$0] } }
            var builder = StringColumnBuilder(type: .string, capacity: column.count)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FormatText.bytesMax) { scratch in
                guard let out = scratch.baseAddress else { return }
                for row in 0..<column.count {
                    builder.append(UnsafeRawPointer(out), FormatText.timestampISO(micros[row], zone: zoned, out))
                }
            }
            return builder.finish(validity: column.validity)
        default: return column.formatted()
        }
    }

    private func patterned(_ column: Column, _ pattern: DateTimePattern, _ micros: (Int) -> Int64) -> Column {
        var builder = StringColumnBuilder(type: .string, capacity: column.count)
        var text: [UInt8] = []
        for row in 0..<column.count {
            text.removeAll(keepingCapacity: true)
            if column.isValid(row) { pattern.format(micros: micros(row), into: &text) }
            text.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: column.validity)
    }
}
