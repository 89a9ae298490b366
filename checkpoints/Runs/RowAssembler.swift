import Glibc
import TideColumns

/// Collects ranges of rows from many batches into new batches of the same types: how a run cuts its input into blocks
/// and how a merge interleaves runs. Copies ranges, so neighbours from one batch cost one copy per column.
struct RowAssembler {
    let types: [DataType]
    private(set) var rows = 0
    /// Bytes the rows take in the plain body of a block.
    private(set) var byteCount = 0
    private let rowBits: Int
    private var columns: [Pending]

    private struct Pending {
        var fixed = GrowableBuffer()
        var strings: StringColumnBuilder
        var bits: [UInt64] = []
        var validity: [UInt64] = []
        var hasNull = false
    }

    init(types: [DataType]) {
        self.types = types
        rowBits = types.reduce(0) { $0 + 1 + max(1, $1.physical.width * 8) }
        columns = types.map { Pending(strings: StringColumnBuilder(type: $0)) }
    }

    /// How many rows from `start` on fit until `target` bytes are reached; at least 1.
    func rowsThatFit(_ batch: Batch, from start: Int, target: Int) -> Int {
        let strings = batch.columns.filter { $0.type.physical == .view }
        let room = max(0, target - byteCount)
        if strings.isEmpty { return max(1, min(batch.count - start, room * 8 / rowBits)) }
        var used = 0
        var row = start
        while row < batch.count && used < room {
            used += rowBits / 8
            for column in strings where !column.views[row].isInline { used += column.views[row].length }
            row += 1
        }
        return max(1, row - start)
    }

    /// Columns must have the assembler's types.
    mutating func append(_ batch: Batch, _ range: Range<Int>) {
        for (index, column) in batch.columns.enumerated() {
            RowAssembler.appendValidity(column, range, at: rows, &columns[index])
            switch column.type.physical {
            case .bit: RowAssembler.appendBits(column.bits, range, at: rows, &columns[index].bits)
            case .view: byteCount += RowAssembler.appendViews(column, range, &columns[index].strings)
            default:
                let width = column.type.physical.width
                columns[index].fixed.append(
                    UnsafeRawBufferPointer(
                        start: column.values.base + range.lowerBound * width, count: range.count * width))
            }
        }
        rows += range.count
        byteCount += range.count * rowBits / 8
    }

    /// Validity is kept only from the first batch on that has a NULL.
    private static func appendValidity(_ column: Column, _ range: Range<Int>, at rows: Int, _ pending: inout Pending) {
        if let validity = column.validity {
            if !pending.hasNull { appendOnes(rows, at: 0, &pending.validity) }
            pending.hasNull = true
            appendBits(validity, range, at: rows, &pending.validity)
        } else if pending.hasNull {
            appendOnes(range.count, at: rows, &pending.validity)
        }
    }

    private static func appendBits(_ source: Bitmap, _ range: Range<Int>, at rows: Int, _ target: inout [UInt64]) {
        resize(&target, rows + range.count)
        var to = rows
        for from in range {
            if source[from] { target[to >> 6] |= 1 << UInt64(to & 63) }
            to += 1
        }
    }
    private static func appendOnes(_ count: Int, at rows: Int, _ target: inout [UInt64]) {
        resize(&target, rows + count)
        for row in rows..<(rows + count) { target[row >> 6] |= 1 << UInt64(row & 63) }
    }
    private static func resize(_ words: inout [UInt64], _ count: Int) {
        while words.count < Bitmap.wordCount(count) { words.append(0) }
    }

    /// Returns the bytes of the long values.
    private static func appendViews(_ column: Column, _ range: Range<Int>, _ strings: inout StringColumnBuilder)
        -> Int
    {
        let views = column.views
        var long = 0
        for row in range {
            if views[row].isInline {
                strings.append(view: views[row])
            } else if column.isValid(row) {
                let bytes = column.bytes(row)
                strings.append(bytes)
                long += bytes.count
            } else {
                strings.appendEmpty()
            }
        }
        return long
    }

    /// The rows so far; the assembler is empty again.
    mutating func finish() -> Batch {
        let count = rows
        var finished: [Column] = []
        for (index, type) in types.enumerated() {
            let pending = columns[index]
            let validity = pending.hasNull ? RowAssembler.bitmap(pending.validity, count) : nil
            switch type.physical {
            case .bit:
                let bits = RowAssembler.bitmap(pending.bits, count)
                finished.append(Column(type: type, count: count, values: bits.buffer, validity: validity))
            case .view: finished.append(pending.strings.finish(validity: validity))
            default: finished.append(Column(type: type, count: count, values: pending.fixed.seal(), validity: validity))
            }
        }
        self = RowAssembler(types: types)
        return Batch(columns: finished, count: count)
    }

    private static func bitmap(_ words: [UInt64], _ count: Int) -> Bitmap {
        words.withUnsafeBytes { Bitmap(buffer: Buffer(copying: $0), count: count) }
    }
}
