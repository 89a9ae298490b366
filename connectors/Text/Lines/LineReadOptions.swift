import TideColumns

/// Spark's options of the text reader.
public struct LineReadOptions: Sendable, Hashable {
    /// The file is one row.
    public var wholeText = false
    /// nil: LF, CR or both.
    public var lineSeparator: [UInt8]?
    /// A longer line is an error of kind limit.
    public var lineBytesMax = 64 << 20

    public init() {}

    /// Reads Spark's option names, in any case. Names it does not know come back, as written, in sorted order.
    public static func parse(
        _ options: [String: String]
    ) throws(TidemillError) -> (options: LineReadOptions, unknown: [String]) {
        var result = LineReadOptions()
        var unknown: [String] = []
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case "wholetext": result.wholeText = try OptionText.boolean(name, value)
            case "linesep":
                guard !value.isEmpty else { throw OptionText.invalid(name, value, "at least one character") }
                result.lineSeparator = Array(value.utf8)
            case "encoding", "charset": try OptionText.requireUTF8(name, value)
            default: unknown.append(name)
            }
        }
        return (result, unknown)
    }
}
