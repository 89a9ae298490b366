import TideColumns

/// Finds the columns of JSON lines by Spark's rules: every field of every record is a column, in the order of names;
/// whole numbers are BIGINT, other numbers DOUBLE, and kinds that do not go together STRING; objects are structs.
public struct JSONSchemaInference {
    private indirect enum Found: Hashable {
        case null, boolean, bigint, double, timestamp, string
        case decimal(digits: Int, scale: Int)
        case array(Found)
        case structure([String: Found])
    }
    private let options: JSONReadOptions
    private let timestamps: DateTimePattern?
    private var types: [String: Found] = [:]
    /// Names in lower case, and how they are written.
    private var spellings: [String: String] = [:]
    private var hasMalformed = false

    public init(_ options: JSONReadOptions) throws(TidemillError) {
        self.options = options
        timestamps = try DateTimePattern.parsing(options.timestampFormat)
    }

    /// Takes all records of a file into account.
    public mutating func add(_ file: any File, chunkBytes: Int = 1 << 20) throws(TidemillError) {
        var window = TextWindow(
            file: file, chunkBytes: chunkBytes, recordBytesMax: options.recordBytesMax,
            tooLongHint: "a record must stand on one line and end with a line end", format: "JSON")
        while try window.advance() {
            let end = window.lastLineEnd()
            let p = window.bytes
            var i = window.position
            while i < end {
                if p[i] <= 0x20 && (p[i] == 0x0A || p[i] == 0x0D || p[i] == 0x20 || p[i] == 0x09) {
                    if p[i] == 0x0A { window.linesPassed += 1 }
                    i += 1
                    continue
                }
                if p[i] == 0xEF && p[i + 1] == 0xBB && p[i + 2] == 0xBF { i += 3 }
                let start = i
                i = record(p, i)
                if i < 0 {
                    if options.mode == .failFast {
                        throw TidemillError(
                            .data, "MALFORMED_RECORD_IN_SCHEMA_INFERENCE", "the record is no JSON object",
                            hint: "mode 'PERMISSIVE' or 'DROPMALFORMED' infers the columns from the other records",
                            place: .file(window.path, line: window.line(at: start)))
                    }
                    hasMalformed = true
                    i = start
                }
                while p[i] != 0x0A && p[i] != 0x0D { i += 1 }
            }
            window.position = min(i, end)
        }
    }

    /// The columns so far; none if there was no record with a field.
    public func schema() throws(TidemillError) -> Schema {
        var fields: [Field] = []
        for (name, found) in types {
            if let other = spellings[name.lowercased()], other != name {
                throw TidemillError(
                    .user, "COLUMN_ALREADY_EXISTS", "the records have fields whose names differ only in case: \(name)",
                    hint: "declare the columns, with one of the spellings")
            }
            if let type = type(found) { fields.append(Field(name, type)) }
        }
        if hasMalformed, options.mode == .permissive, types[options.corruptRecordColumn] == nil, !fields.isEmpty {
            fields.append(Field(options.corruptRecordColumn, .string))
        }
        return Schema(JSONSchemaInference.sorted(fields))
    }

    /// nil: no column, because nothing is in it.
    private func type(_ found: Found) -> DataType? {
        switch found {
        case .null: return options.dropFieldIfAllNull ? nil : .string
        case .array(let element): return type(element).map { .array($0) }
        case .structure(let parts):
            let fields = parts.compactMap { name, part in type(part).map { Field(name, $0) } }
            return fields.isEmpty ? nil : .structure(JSONSchemaInference.sorted(fields))
        case _ where options.primitivesAsString: return .string
        case .string: return .string
        case .boolean: return .boolean
        case .bigint: return .bigint
        case .double: return .double
        case .timestamp: return .timestamp
        case .decimal(let digits, let scale): return .decimal(precision: digits, scale: scale)
        }
    }

    private static func sorted(_ fields: [Field]) -> [Field] {
        fields.sorted { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) }
    }

    // MARK: Records

    /// Index behind the object, or the array of objects, at `start`; -1 if it is malformed. Types change only then.
    private mutating func record(_ p: UnsafePointer<UInt8>, _ start: Int) -> Int {
        var kind = JSONKinds.null
        var escaped = false
        let end = JSONScanner.value(p, start, kind: &kind, escaped: &escaped)
        if end < 0 { return -1 }
        if kind == .object {
            object(p, start)
            return end
        }
        guard kind == .array else { return -1 }
        var starts: [Int] = []
        var i = JSONScanner.skippingBlanks(p, start + 1)
        while p[i] != UInt8(ascii: "]") {
            guard p[i] == UInt8(ascii: "{") else { return -1 }
            starts.append(i)
            i = JSONScanner.skippingBlanks(p, JSONScanner.value(p, i, kind: &kind, escaped: &escaped))
            if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        }
        for element in starts { object(p, element) }
        return end
    }

    private mutating func object(_ p: UnsafePointer<UInt8>, _ start: Int) {
        var i = start
        for (name, found) in fields(p, &i) {
            types[name] = types[name].map { merged($0, found) } ?? found
            if spellings[name.lowercased()] == nil { spellings[name.lowercased()] = name }
        }
    }

    /// The fields of the object at `i`, which was walked before and is well formed; leaves `i` behind it.
    private func fields(_ p: UnsafePointer<UInt8>, _ i: inout Int) -> [String: Found] {
        var fields: [String: Found] = [:]
        i = JSONScanner.skippingBlanks(p, i + 1)
        while p[i] != UInt8(ascii: "}") {
            let name = text(p, &i)
            i = JSONScanner.skippingBlanks(p, JSONScanner.skippingBlanks(p, i) + 1)
            let found = value(p, &i)
            fields[name] = fields[name].map { merged($0, found) } ?? found
            i = JSONScanner.skippingBlanks(p, i)
            if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
        }
        i += 1
        return fields
    }

    private func value(_ p: UnsafePointer<UInt8>, _ i: inout Int) -> Found {
        if p[i] == UInt8(ascii: "{") { return .structure(fields(p, &i)) }
        if p[i] == UInt8(ascii: "[") {
            var element = Found.null
            i = JSONScanner.skippingBlanks(p, i + 1)
            while p[i] != UInt8(ascii: "]") {
                element = merged(element, value(p, &i))
                i = JSONScanner.skippingBlanks(p, i)
                if p[i] == UInt8(ascii: ",") { i = JSONScanner.skippingBlanks(p, i + 1) }
            }
            i += 1
            return .array(element)
        }
        let start = i
        var kind = JSONKinds.null
        var escaped = false
        i = JSONScanner.value(p, i, kind: &kind, escaped: &escaped)
        return found(kind, UnsafeRawBufferPointer(start: p + start, count: i - start))
    }

    /// The name at `i`; leaves `i` behind it.
    private func text(_ p: UnsafePointer<UInt8>, _ i: inout Int) -> String {
        var escaped = false
        let start = i + 1
        i = JSONScanner.string(p, start, quote: p[i], escaped: &escaped)
        let bytes = UnsafeRawBufferPointer(start: p + start, count: i - start - 1)
        if !escaped { return String(decoding: bytes, as: UTF8.self) }
        var plain: [UInt8] = []
        JSONScanner.unescape(bytes, into: &plain)
        return String(decoding: plain, as: UTF8.self)
    }

    private func found(_ kind: JSONKinds, _ bytes: UnsafeRawBufferPointer) -> Found {
        switch kind {
        case .null: return .null
        case .boolean: return .boolean
        case .integer:
            if ParseText.int64(bytes) != nil { return .bigint }
            return decimal(bytes) ?? .double
        case .fraction: return options.prefersDecimal ? decimal(bytes) ?? .double : .double
        case .special: return .double
        case .string:
            // Writers that know no NULL write empty text.
            if bytes.count == 2 { return .null }
            let inner = UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])
            if options.prefersDecimal, let found = decimal(inner) { return found }
            if options.inferTimestamp {
                let value =
                    timestamps.map { $0.parseTimestamp(inner) } ?? ParseText.timestamp(trimmingWhitespace(inner))
                if value != nil { return .timestamp }
            }
            return .string
        default: return .string
        }
    }

    /// Digits and scale of a number as Java's BigDecimal counts them; nil if a decimal cannot hold it.
    private func decimal(_ text: UnsafeRawBufferPointer) -> Found? {
        guard ParseText.decimal(text, precision: 38, scale: 0) != nil || ParseText.double(text) != nil else {
            return nil
        }
        var digits = 0
        var scale = 0
        var sawPoint = false
        var at = 0
        while at < text.count, text[at] | 0x20 != UInt8(ascii: "e") {
            let byte = text[at]
            if byte == UInt8(ascii: ".") { sawPoint = true }
            if byte &- 0x30 <= 9 {
                if digits > 0 || byte != 0x30 { digits += 1 }
                if sawPoint { scale += 1 }
            }
            at += 1
        }
        if at < text.count {
            guard let exponent = Int(String(decoding: text[(at + 1)...], as: UTF8.self)) else { return nil }
            scale -= min(max(exponent, -1000), 1000)
        }
        if scale < 0 {
            digits -= scale
            scale = 0
        }
        digits = max(digits, scale, 1)
        return digits <= 38 ? .decimal(digits: digits, scale: scale) : nil
    }

    private func merged(_ a: Found, _ b: Found) -> Found {
        switch (a, b) {
        case (.null, let other), (let other, .null): return other
        case (.bigint, .double), (.double, .bigint), (.decimal, .double), (.double, .decimal): return .double
        case (.bigint, .decimal(let digits, let scale)), (.decimal(let digits, let scale), .bigint):
            return wider(20, 0, digits, scale)
        case (.decimal(let digitsA, let scaleA), .decimal(let digitsB, let scaleB)):
            return wider(digitsA, scaleA, digitsB, scaleB)
        case (.array(let x), .array(let y)): return .array(merged(x, y))
        case (.structure(let x), .structure(let y)): return .structure(x.merging(y) { merged($0, $1) })
        default: return a == b ? a : .string
        }
    }

    private func wider(_ digitsA: Int, _ scaleA: Int, _ digitsB: Int, _ scaleB: Int) -> Found {
        let scale = max(scaleA, scaleB)
        let digits = max(digitsA - scaleA, digitsB - scaleB) + scale
        return digits > 38 ? .double : .decimal(digits: digits, scale: scale)
    }
}
