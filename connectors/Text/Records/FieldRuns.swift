import TideColumns

/// Where the fields of a slice of rows lie: per projected column, and per row in it, an offset and a word.
///
///     word: | bit 31 quoted | bit 30 in the side buffer | 30 bits length |
///
/// Unquoted text lies in the chunk; text that had to be changed (escapes, broken UTF-8) in the side buffer.
struct FieldRuns {
    static let quoted: UInt32 = 1 << 31
    static let side: UInt32 = 1 << 30
    static let lengthMask: UInt32 = side - 1
    /// The field is NULL.
    static let null: UInt32 = lengthMask
    /// The record has no such field.
    static let missing: UInt32 = lengthMask - 1

    let columns: Int
    let rowsMax: Int
    private(set) var count = 0
    private let starts: Buffer
    private let words: Buffer
    private let rows: Buffer
    private(set) var sideText = SideText()

    init(columns: Int, rowsMax: Int) {
        self.columns = columns
        self.rowsMax = rowsMax
        starts = Buffer(byteCount: columns * rowsMax * 4)
        words = Buffer(byteCount: columns * rowsMax * 4)
        rows = Buffer(byteCount: rowsMax * 8)
    }

    @inline(__always) func starts(_ column: Int) -> UnsafeMutablePointer<UInt32> {
        starts.pointer(UInt32.self) + column * rowsMax
    }
    @inline(__always) func words(_ column: Int) -> UnsafeMutablePointer<UInt32> {
        words.pointer(UInt32.self) + column * rowsMax
    }
    /// Start and end (without the line end) of each record.
    var bounds: UnsafeMutablePointer<(UInt32, UInt32)> {
        rows.base.assumingMemoryBound(to: (UInt32, UInt32).self)
    }

    mutating func clear() {
        count = 0
        sideText.clear()
    }
    mutating func add(rows: Int) { count += rows }

    /// Makes all fields of the next rows missing, until they are found.
    func markMissing(rows: Int) {
        for column in 0..<columns {
            let next = words(column) + count
            for row in 0..<min(rows, rowsMax - count) { next[row] = FieldRuns.missing }
        }
    }

    /// Appends text to the side buffer; returns its offset and a word.
    mutating func moved(_ text: UnsafeRawBufferPointer) -> (start: UInt32, word: UInt32) {
        (UInt32(sideText.append(text)), UInt32(text.count) | FieldRuns.side)
    }

    /// Keeps only the rows whose number `keeps` accepts.
    mutating func compact(_ keeps: (Int) -> Bool) {
        var kept = 0
        for row in 0..<count where keeps(row) {
            for column in 0..<columns {
                starts(column)[kept] = starts(column)[row]
                words(column)[kept] = words(column)[row]
            }
            bounds[kept] = bounds[row]
            kept += 1
        }
        count = kept
    }
}
