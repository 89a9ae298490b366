import TideColumns

/// Finds names and types of a CSV file's columns by Spark's rules: each value moves its column's type up a ladder
/// (int, bigint, decimal, double, date, timestamp, boolean, string) until all values fit.
public enum CSVSchemaInference {
    /// Reads the whole file. Names come from the header, or are `_c0`, `_c1`, …; types are STRING unless
    /// `options.inferSchema` is set. A file without records has no columns.
    public static func infer(
        _ file: any File, _ options: CSVReadOptions, chunkBytes: Int = 1 << 20
    ) throws(TidemillError) -> Schema {
        try options.validate()
        let rules = try TypeLadder(options)
        var chunk = CSVChunk(
            file: file, chunkBytes: chunkBytes, separator: options.separator,
            recordBytesMax: options.recordBytesMax)
        var tokenizer = CSVTokenizer(options: options, fields: 1, wanted: [])
        var side = FieldRuns(columns: 0, rowsMax: 1)
        var names: [String] = []
        var types: [DataType] = []
        var isFirst = true
        while true {
            switch try tokenizer.walkRow(&chunk, side: &side) {
            case .needsMore:
                guard try chunk.advance(quote: options.quote, checkUTF8: false) else {
                    return schema(names, types)
                }
                continue
            case .skipped: continue
            case .row: break
            }
            if isFirst {
                types = Array(repeating: .null, count: tokenizer.rowStarts.count)
                if options.header {
                    names = headerNames(tokenizer, chunk, side, options)
                } else {
                    names = types.indices.map { "_c\($0)" }
                }
            }
            if !(isFirst && options.header) {
                guard options.inferSchema else { return schema(names, types) }
                for column in 0..<min(types.count, tokenizer.rowStarts.count) where types[column] != .string {
                    let text = bytes(tokenizer, column, chunk, side)
                    if text.isEmpty || text.elementsEqual(options.nullValue) { continue }
                    types[column] = rules.merged(types[column], text)
                }
            }
            isFirst = false
            side.clear()
        }
    }

    private static func schema(_ names: [String], _ types: [DataType]) -> Schema {
        Schema(zip(names, types).map { Field($0, $1 == .null ? .string : $1) })
    }

    /// Empty names become `_c` and the position; names that occur twice, in any case, get their position behind them.
    private static func headerNames(
        _ tokenizer: CSVTokenizer, _ chunk: CSVChunk, _ side: FieldRuns, _ options: CSVReadOptions
    ) -> [String] {
        let raw = tokenizer.rowStarts.indices.map { (column: Int) -> String in
            let text = bytes(tokenizer, column, chunk, side)
            return text.elementsEqual(options.nullValue) ? "" : String(decoding: text, as: UTF8.self)
        }
        var occurrences: [String: Int] = [:]
        for name in raw { occurrences[name.lowercased(), default: 0] += 1 }
        return raw.enumerated().map { index, name in
            if name.isEmpty { return "_c\(index)" }
            return occurrences[name.lowercased()]! > 1 ? "\(name)\(index)" : name
        }
    }

    private static func bytes(
        _ tokenizer: CSVTokenizer, _ column: Int, _ chunk: CSVChunk, _ side: FieldRuns
    ) -> UnsafeRawBufferPointer {
        let word = tokenizer.rowWords[column]
        let base = word & FieldRuns.side == 0 ? chunk.bytes : side.sideText.bytes
        return UnsafeRawBufferPointer(
            start: base + Int(tokenizer.rowStarts[column]), count: Int(word & FieldRuns.lengthMask))
    }
}

/// The rungs, from the type found so far upward.
private struct TypeLadder {
    private let options: CSVReadOptions
    private let dates: DateTimePattern
    private let timestamps: DateTimePattern?

    init(_ options: CSVReadOptions) throws(TidemillError) {
        self.options = options
        dates = try DateTimePattern(options.dateFormat ?? "yyyy-MM-dd")
        try dates.requireParsable()
        var compiled: DateTimePattern?
        if let pattern = options.timestampFormat {
            compiled = try DateTimePattern(pattern)
            try compiled?.requireParsable()
        }
        timestamps = compiled
    }

    func merged(_ soFar: DataType, _ text: UnsafeRawBufferPointer) -> DataType {
        let found = climb(from: soFar, text)
        switch (soFar, found) {
        case (.null, _): return found
        case _ where soFar == found: return found
        case (.int, .bigint), (.int, .double), (.bigint, .double), (.decimal, .double), (.date, .timestamp):
            return found
        case (.int, .decimal(let digits, _)): return .decimal(precision: max(10, digits), scale: 0)
        case (.bigint, .decimal(let digits, _)): return .decimal(precision: max(20, digits), scale: 0)
        case (.decimal(let a, _), .decimal(let b, _)): return .decimal(precision: max(a, b), scale: 0)
        default: return .string
        }
    }

    /// The first type at or above `soFar` that the text fits.
    private func climb(from soFar: DataType, _ text: UnsafeRawBufferPointer) -> DataType {
        var rung: Int
        switch soFar {
        case .null, .int: rung = 0
        case .bigint: rung = 1
        case .decimal: rung = 2
        case .double: rung = 3
        case .date: rung = 4
        case .timestamp: rung = 5
        case .boolean: rung = 6
        default: return .string
        }
        while rung < 7 {
            switch rung {
            case 0:
                if ParseText.integer(text, DataType.int.integerRange!) != nil { return .int }
            case 1:
                if ParseText.int64(text) != nil { return .bigint }
            case 2:
                if let digits = wholeDigits(text) { return .decimal(precision: digits, scale: 0) }
            case 3:
                if ParseText.double(trimmingBlanks(text)) != nil || text.elementsEqual(options.nanValue)
                    || text.elementsEqual(options.positiveInf) || text.elementsEqual(options.negativeInf)
                {
                    return .double
                }
            case 4:
                if dates.parseDate(text) != nil { return .date }
            case 5:
                let value =
                    timestamps.map { $0.parseTimestamp(text) }
                    ?? ParseText.timestamp(trimmingWhitespace(text))
                if value != nil { return .timestamp }
            default:
                if ParseText.booleanWord(text) != nil { return .boolean }
            }
            rung += 1
        }
        return .string
    }

    /// Digits of a number without fraction and exponent, if a decimal holds it.
    private func wholeDigits(_ text: UnsafeRawBufferPointer) -> Int? {
        var bytes = text[...]
        if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") { bytes.removeFirst() }
        if bytes.count > 1, bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 &- 0x30 <= 9 }) else { return nil }
        let digits = max(1, bytes.drop { $0 == 0x30 }.count)
        return digits <= 38 ? digits : nil
    }
}
