@_exported import TideConnectorAPI

/// A file format as sources read it. One value holds the options of one table; files are opened from many threads.
public protocol FormatReader: Sendable {
    /// Reads one file.
    /// - Parameters:
    ///   - path: names the file in errors and bad-row samples.
    ///   - columns: indices into `schema`, ascending; batches hold these columns only.
    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader

    /// Column names and types as the files tell them, for a table declared without columns.
    /// - Parameter paths: at least one, in (mtime, path) order.
    func inferSchema(_ paths: [String], environment: Environment) throws(TidemillError) -> Schema
}

/// The options of one table, looked up without regard to case as Spark does. What nobody asked for is left over and
/// shown by `dry-run`.
public struct OptionSet: Sendable {
    private var values: [String: (name: String, value: String)] = [:]
    private var used: Set<String> = []

    public init(_ options: [String: String]) {
        for (name, value) in options { values[name.lowercased()] = (name, value) }
    }

    public mutating func string(_ name: String) -> String? {
        used.insert(name.lowercased())
        return values[name.lowercased()]?.value
    }

    public mutating func bool(_ name: String) throws(TidemillError) -> Bool? {
        guard let text = string(name) else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw bad(name, "is neither true nor false", text)
        }
    }

    /// A positive whole number.
    public mutating func count(_ name: String) throws(TidemillError) -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), value > 0 else { throw bad(name, "is not a positive number", text) }
        return value
    }

    /// A positive number of bytes, with Spark's suffixes (`10m`, `1gb`).
    public mutating func byteCount(_ name: String) throws(TidemillError) -> Int64? {
        guard let text = string(name) else { return nil }
        let lower = text.lowercased()
        let digits = lower.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = [
            "": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30,
            "t": 1 << 40, "tb": 1 << 40,
        ]
        guard let number = Int64(digits), number > 0, let unit = units[String(lower.dropFirst(digits.count))] else {
            throw bad(name, "is not a number of bytes", text)
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { throw bad(name, "is too large", text) }
        return bytes
    }

    /// A time as Spark writes it in options of files: `7d`, `90min`, milliseconds without a unit. Only looked at.
    public mutating func checkTime(_ name: String) throws(TidemillError) {
        guard let text = string(name) else { return }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units = ["", "us", "ms", "s", "m", "min", "h", "d"]
        guard !digits.isEmpty, units.contains(text.dropFirst(digits.count).lowercased()) else {
            throw bad(name, "is no time such as 7d, 12h, 30min or 45s", text)
        }
    }

    public func bad(_ name: String, _ reason: String, _ value: String) -> TidemillError {
        TidemillError(.user, "TIDEMILL_BAD_OPTION", "option \(name) \(reason): \(value)")
    }

    /// Options as given, by lower-case name, for the format that reads the rest of them.
    public var all: [String: String] { values.mapValues(\.value) }

    public mutating func markUsed(_ names: some Sequence<String>) {
        for name in names { used.insert(name.lowercased()) }
    }

    /// Names nobody asked for, as they were written, sorted.
    public var unused: [String] { values.filter { !used.contains($0.key) }.map(\.value.name).sorted() }
}
