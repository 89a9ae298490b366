/// The columns that a file's directories name: `…/region=north/day=2024-01-02/part.json` has region and day.
///
/// Values are escaped as in URLs; Hive's name for NULL is NULL. A column declared by the table has its declared type;
/// others, of a table without declared columns, get theirs from all values that are there, as in Spark.
public enum PartitionDirectories {
    public struct Value: Hashable, Sendable {
        public var name: String
        /// nil: NULL.
        public var text: String?
    }
    private static let hiveNull = "__HIVE_DEFAULT_PARTITION__"

    static func isPartition(_ name: String) -> Bool {
        guard let equals = name.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
        return equals != name.startIndex
    }

    /// The values in the directory names of `path` below `base`.
    static func values(of path: String, below base: FilePath) throws(TidemillError) -> [Value] {
        let file = FilePath(path)
        var values: [Value] = []
        for component in file.components.dropLast().dropFirst(base.components.count) {
            let name = component.string
            guard isPartition(name), let equals = name.firstIndex(of: "=") else { continue }
            let text = String(name[name.index(after: equals)...])
            guard !text.isEmpty else {
                throw TidemillError(
                    .user, "EMPTY_PARTITION_COLUMN_VALUE", "a partition directory has no value: \(name)",
                    hint: "NULL is written \(hiveNull)", place: .file(path))
            }
            values.append(Value(name: unescaped(name[..<equals]), text: text == hiveNull ? nil : unescaped(text[...])))
        }
        return values
    }

    /// The directory of a value. Hive writes NULL and the empty text as one name.
    static func name(_ column: String, _ value: String?) -> String {
        guard let value, !value.isEmpty else { return "\(escaped(column))=\(hiveNull)" }
        return "\(escaped(column))=\(escaped(value))"
    }

    /// The characters that Hive and Spark escape in the names of directories.
    private static let special = Set("\"#%'*/:=?\\{[]^\u{7F}".utf8)

    private static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || special.contains($0) }) else { return text }
        var out: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if byte < 0x20 || special.contains(byte) {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `%41` is A.
    private static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[(i + 1)...(i + 2)], as: UTF8.self), radix: 16),
                bytes[i + 1] != UInt8(ascii: "+"), bytes[i + 1] != UInt8(ascii: "-")
            {
                out.append(value)
                i += 3
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The value as one of the column's type.
    static func scalar(_ value: Value, _ field: Field, path: String) throws(TidemillError) -> Scalar {
        guard let text = value.text else {
            guard field.nullable else {
                throw invalid("is NULL, but the column is NOT NULL", field, path)
            }
            return .null(field.type)
        }
        guard Column.isTextTarget(field.type) else { throw invalid("cannot be of this type", field, path) }
        let parsed = Column(.string, [.string(text)]).parsed(as: field.type)
        guard parsed.failures == nil else { throw invalid("is no \(field.type.sql): '\(text)'", field, path) }
        return parsed.column.scalar(0)
    }

    private static func invalid(_ reason: String, _ field: Field, _ path: String) -> TidemillError {
        TidemillError(
            .data, "INVALID_PARTITION_VALUE", "the value of partition column \(field.name) \(reason)",
            hint: "declare the column as STRING, or correct the directory's name", place: .file(path))
    }

    // MARK: Inference

    /// Columns of the partitions of all files, in the order of the directories.
    /// - Throws: CONFLICTING_PARTITION_COLUMN_NAMES unless all files have the same columns.
    static func infer(_ paths: [String], below base: FilePath) throws(TidemillError) -> [Field] {
        var first: (names: [String], path: String)?
        var types: [DataType?] = []
        for path in paths {
            let values = try values(of: path, below: base)
            let names = values.map(\.name)
            if let first, first.names != names {
                throw TidemillError(
                    .user, "CONFLICTING_PARTITION_COLUMN_NAMES",
                    "the files lie in directories of different columns: \(first.path) and \(path)",
                    hint: "every file needs the same key=value directories, in the same order; or set"
                        + " recursiveFileLookup 'true' to read them without these columns")
            }
            if first == nil {
                first = (names, path)
                types = names.map { _ in nil }
            }
            for (index, value) in values.enumerated() {
                guard let text = value.text else { continue }
                let found = type(of: text)
                types[index] = types[index].map { merged($0, found) } ?? found
            }
        }
        return zip(first?.names ?? [], types).map { Field($0, $1 ?? .string) }
    }

    private static func type(of text: String) -> DataType {
        let column = Column(.string, [.string(text)])
        func fits(_ type: DataType) -> Bool { column.parsed(as: type).failures == nil }
        if fits(.int) { return .int }
        if fits(.bigint) { return .bigint }
        let digits = text.utf8.filter { $0 &- 0x30 <= 9 }.count
        if digits <= 38, digits > 0, text.utf8.allSatisfy({ $0 &- 0x30 <= 9 || $0 == 0x2B || $0 == 0x2D }),
            fits(.decimal(precision: digits, scale: 0))
        {
            return .decimal(precision: digits, scale: 0)
        }
        let isSpecial = text.utf8.contains { $0 | 0x20 == UInt8(ascii: "n") }
        if !isSpecial, fits(.double) { return .double }
        // Only the full forms, so that 2024 and 10:30 are no days.
        let shape = text.utf8.map { $0 &- 0x30 <= 9 ? UInt8(ascii: "0") : $0 }
        if shape.elementsEqual("0000-00-00".utf8), fits(.date) { return .date }
        if shape.starts(with: "0000-00-00 00:00:00".utf8), fits(.timestamp) { return .timestamp }
        return .string
    }

    private static func merged(_ a: DataType, _ b: DataType) -> DataType {
        if a == b { return a }
        switch (a, b) {
        case (.int, .bigint), (.bigint, .int): return .bigint
        case (.int, .double), (.double, .int): return .double
        case (.date, .timestamp), (.timestamp, .date): return .timestamp
        case (.int, .decimal(let digits, _)), (.decimal(let digits, _), .int):
            return .decimal(precision: max(digits, 10), scale: 0)
        case (.bigint, .decimal(let digits, _)), (.decimal(let digits, _), .bigint):
            return .decimal(precision: max(digits, 20), scale: 0)
        case (.decimal(let x, _), .decimal(let y, _)): return .decimal(precision: max(x, y), scale: 0)
        default: return .string
        }
    }
}

/// A reader of a file's own columns, with those that its directories name put in their places.
final class PartitionedSplitReader: SplitReader {
    private let inner: any SplitReader
    /// For every column of the batches its value, or nil: the next column of `inner`.
    private let constants: [Scalar?]

    init(_ inner: any SplitReader, constants: [Scalar?]) {
        self.inner = inner
        self.constants = constants
    }

    var report: SplitReport { inner.report }

    func next() throws(TidemillError) -> Batch? {
        guard let batch = try inner.next() else { return nil }
        var own = batch.columns[...]
        var columns: [Column] = []
        for constant in constants {
            if let constant {
                columns.append(Column(repeating: constant, count: batch.count))
            } else if let next = own.popFirst() {
                columns.append(next)
            }
        }
        return Batch(columns: columns, count: batch.count, weights: batch.weights)
    }
}
