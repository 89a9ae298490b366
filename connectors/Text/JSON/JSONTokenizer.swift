import CTideKernels
import Glibc
import TideColumns

/// Splits the records of a window into fields: where the values of the wanted columns lie, as text.
///
/// Every record is checked whole, whatever is wanted of it. Fields nobody reads are walked over and forgotten. A record
/// that is no JSON has no field at all; a value of the wrong kind is NULL. Both are listed as faults.
struct JSONTokenizer {
    /// The kinds of JSON values that a column takes, by slot.
    private let accepted: [JSONKinds]
    /// Slots whose strings may only name special numbers.
    private let isFloating: [Bool]
    private var names: FieldNames
    private(set) var faults: [BadRecord] = []
    private let schemaIndex: [Int]
    private var scratch: [UInt8] = []
    private var checksUTF8 = false
    /// Inside an array at the top of a record, whose elements are rows. It was checked before.
    private var isInArray = false
    private var arrayBounds: (UInt32, UInt32) = (0, 0)

    /// - Parameters:
    ///   - fields: the wanted columns, by slot.
    ///   - schemaIndex: their numbers in the schema, for faults.
    init(fields: [Field], schemaIndex: [Int]) {
        names = FieldNames(fields.map(\.name))
        accepted = fields.map { JSONTokenizer.kinds(for: $0.type) }
        isFloating = fields.map { $0.type.isFractional }
        self.schemaIndex = schemaIndex
    }

    private static func kinds(for type: DataType) -> JSONKinds {
        switch type {
        case .boolean: [.boolean, .null]
        case .tinyint, .smallint, .int, .bigint: [.integer, .null]
        case .float, .double: [.integer, .fraction, .special, .null]
        case .decimal: [.integer, .fraction, .string, .null]
        case .timestamp: [.string, .integer, .null]
        case .date, .timestampNTZ, .binary: [.string, .null]
        case .array: [.array, .null]
        case .map, .structure: [.object, .null]
        default: .any
        }
    }

    /// Takes rows until `runs` is full or no whole record is left before `end`.
    /// - Parameter end: behind a line end, or the end of the file.
    mutating func fill(
        _ runs: inout FieldRuns, from window: inout TextWindow, until end: Int, checkUTF8: Bool
    ) {
        faults.removeAll(keepingCapacity: true)
        guard isInArray || window.position < end else { return }
        checksUTF8 = checkUTF8
        // A record takes two bytes at least.
        runs.markMissing(rows: max(0, end - window.position) / 2 + 1)
        let p = window.bytes
        var i = window.position
        var lines = 0
        while runs.count < runs.rowsMax {
            if isInArray {
                i = nextElement(p, i, &runs, &lines)
                continue
            }
            // Lines of nothing but blanks are no records.
            while i < end, p[i] <= 0x20 {
                if p[i] == 0x0A { lines &+= 1 } else if p[i] != 0x20 && p[i] != 0x09 && p[i] != 0x0D { break }
                i &+= 1
            }
            if i >= end { break }
            if p[i] == 0xEF && p[i &+ 1] == 0xBB && p[i &+ 2] == 0xBF { i = JSONScanner.skippingBlanks(p, i &+ 3) }
            let start = i
            if p[i] == UInt8(ascii: "{") {
                i = object(p, i, &runs)
            } else if p[i] == UInt8(ascii: "[") {
                let close = rowArray(p, i)
                if close > 0 {
                    isInArray = true
                    arrayBounds = (UInt32(start), UInt32(recordEnd(p, close)))
                    i = JSONScanner.skippingBlanks(p, i &+ 1)
                    continue
                }
                i = -1
            } else {
                i = -1
            }
            if i < 0 { fail(&runs, row: runs.count) }
            let textEnd = recordEnd(p, i < 0 ? start : i)
            runs.bounds[runs.count] = (UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: textEnd))
            runs.add(rows: 1)
            i = textEnd
        }
        window.position = min(i, end)
        window.linesPassed += lines
    }

    /// The first line end at or behind `i`. What stands between a value's end and there is not looked at, as in Spark.
    @inline(__always) private func recordEnd(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        var i = start
        while p[i] != 0x0A && p[i] != 0x0D { i &+= 1 }
        return i
    }

    @inline(never) private mutating func fail(_ runs: inout FieldRuns, row: Int) {
        for slot in 0..<accepted.count { runs.words(slot)[row] = FieldRuns.missing }
        // What was found in the record before does not count any more.
        while let last = faults.last, last.row == row { faults.removeLast() }
        faults.append(BadRecord(row: row, column: nil, fault: .record("is no JSON object")))
    }

    // MARK: Objects

    /// The object at `start` becomes the next row of `runs`; the caller counts it. Index behind it, or -1.
    @inline(__always) private mutating func object(
        _ p: UnsafePointer<UInt8>, _ start: Int, _ runs: inout FieldRuns
    ) -> Int {
        let row = runs.count
        names.startRecord()
        var i = JSONScanner.skippingBlanks(p, start &+ 1)
        if p[i] == UInt8(ascii: "}") { return i &+ 1 }
        while true {
            var slot = -1
            if p[i] == UInt8(ascii: "\"") {
                let known = names.next(p + (i &+ 1))
                if known.length >= 0 {
                    slot = known.slot
                    i = i &+ 2 &+ known.length
                } else {
                    i = newName(p, i, &slot)
                }
            } else {
                i = newName(p, i, &slot)
            }
            if i < 0 { return -1 }
            i = JSONScanner.skippingBlanks(p, i)
            guard p[i] == UInt8(ascii: ":") else { return -1 }
            i = JSONScanner.skippingBlanks(p, i &+ 1)
            i = value(p, i, slot: slot, row: row, &runs)
            if i < 0 { return -1 }
            i = JSONScanner.skippingBlanks(p, i)
            if p[i] == UInt8(ascii: ",") {
                i = JSONScanner.skippingBlanks(p, i &+ 1)
                continue
            }
            guard p[i] == UInt8(ascii: "}") else { return -1 }
            i &+= 1
            if checksUTF8, tide_utf8_valid(p + start, i - start) == 0 { return -1 }
            return i
        }
    }

    @inline(never) private mutating func newName(_ p: UnsafePointer<UInt8>, _ start: Int, _ slot: inout Int) -> Int {
        guard JSONScanner.isQuote(p[start]) else { return -1 }
        var escaped = false
        let end = JSONScanner.string(p, start + 1, quote: p[start], escaped: &escaped)
        if end < 0 { return -1 }
        let text = UnsafeRawBufferPointer(start: p + start + 1, count: end - start - 2)
        if escaped {
            JSONScanner.unescape(text, into: &scratch)
            slot = scratch.withUnsafeBytes { names.lookUp($0, learns: false) }
        } else {
            slot = names.lookUp(text, learns: p[start] == UInt8(ascii: "\""))
        }
        return end
    }

    @inline(__always) private mutating func value(
        _ p: UnsafePointer<UInt8>, _ start: Int, slot: Int, row: Int, _ runs: inout FieldRuns
    ) -> Int {
        var kind = JSONKinds.string
        var escaped = false
        let quote = p[start]
        let end: Int
        if JSONScanner.isQuote(quote) {
            end = JSONScanner.string(p, start &+ 1, quote: quote, escaped: &escaped)
            if slot < 0 || end < 0 { return end }
            if !escaped && accepted[slot].contains(.string) {
                runs.starts(slot)[row] = UInt32(truncatingIfNeeded: start &+ 1)
                runs.words(slot)[row] = UInt32(truncatingIfNeeded: end &- start &- 2) | FieldRuns.quoted
                return end
            }
            unusualString(p, start, end, escaped: escaped, slot: slot, row: row, &runs)
            return end
        }
        end = JSONScanner.scalarOrContainer(p, start, kind: &kind)
        if slot < 0 || end < 0 { return end }
        if kind == .null {
            runs.words(slot)[row] = FieldRuns.null
        } else if accepted[slot].contains(kind) {
            runs.starts(slot)[row] = UInt32(truncatingIfNeeded: start)
            runs.words(slot)[row] = UInt32(truncatingIfNeeded: end &- start)
        } else {
            wrongKind(start, end, slot: slot, row: row)
        }
        return end
    }

    @inline(never) private mutating func unusualString(
        _ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, escaped: Bool, slot: Int, row: Int,
        _ runs: inout FieldRuns
    ) {
        let text = UnsafeRawBufferPointer(start: p + start + 1, count: end - start - 2)
        if isFloating[slot] {
            if JSONTokenizer.isSpecialNumber(text) {
                runs.starts(slot)[row] = UInt32(truncatingIfNeeded: start + 1)
                runs.words(slot)[row] = UInt32(truncatingIfNeeded: text.count)
                return
            }
        }
        guard accepted[slot].contains(.string) else {
            wrongKind(start, end, slot: slot, row: row)
            return
        }
        JSONScanner.unescape(text, into: &scratch)
        let moved = scratch.withUnsafeBytes { runs.moved($0) }
        runs.starts(slot)[row] = moved.start
        runs.words(slot)[row] = moved.word | FieldRuns.quoted
    }

    /// Spelled as the special numbers are, but for INF, which must have a sign.
    static func isSpecialNumber(_ text: UnsafeRawBufferPointer) -> Bool {
        let words: [StaticString] = ["NaN", "Infinity", "+Infinity", "-Infinity", "+INF", "-INF"]
        return words.contains { word in
            UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount).elementsEqual(text)
        }
    }

    /// A field that was right earlier in the record keeps its value, as in Spark.
    @inline(never) private mutating func wrongKind(_ start: Int, _ end: Int, slot: Int, row: Int) {
        faults.append(
            BadRecord(
                row: row, column: schemaIndex[slot],
                fault: .field(start: UInt32(start), word: UInt32(end - start))))
    }

    // MARK: Arrays of rows

    /// Index behind the array at `start` if it is well formed and holds nothing but objects, else -1.
    private func rowArray(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        var i = JSONScanner.skippingBlanks(p, start + 1)
        var kind = JSONKinds.null
        var escaped = false
        if p[i] != UInt8(ascii: "]") {
            while true {
                guard p[i] == UInt8(ascii: "{") else { return -1 }
                i = JSONScanner.value(p, i, kind: &kind, escaped: &escaped)
                if i < 0 { return -1 }
                i = JSONScanner.skippingBlanks(p, i)
                if p[i] == UInt8(ascii: "]") { break }
                guard p[i] == UInt8(ascii: ",") else { return -1 }
                i = JSONScanner.skippingBlanks(p, i + 1)
            }
        }
        if checksUTF8, tide_utf8_valid(p + start, i - start) == 0 { return -1 }
        return i + 1
    }

    /// The element at `start`, or the end of the array.
    private mutating func nextElement(
        _ p: UnsafePointer<UInt8>, _ start: Int, _ runs: inout FieldRuns, _ lines: inout Int
    ) -> Int {
        var i = start
        if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        guard p[i] == UInt8(ascii: "{") else {
            isInArray = false
            return Int(arrayBounds.1)
        }
        let row = runs.count
        i = object(p, i, &runs)
        runs.bounds[row] = arrayBounds
        runs.add(rows: 1)
        return i < 0 ? Int(arrayBounds.1) : JSONScanner.skippingBlanks(p, i)
    }
}
