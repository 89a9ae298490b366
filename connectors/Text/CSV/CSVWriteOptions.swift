import TideColumns

/// Spark's options of the CSV writer.
public struct CSVWriteOptions: Sendable, Hashable {
    public var header = false
    public var separator = UInt8(ascii: ",")
    /// nil: nothing is quoted or escaped.
    public var quote: UInt8? = UInt8(ascii: "\"")
    /// Stands before quotes, and before itself, inside a quoted field.
    public var escape: UInt8? = UInt8(ascii: "\\")
    public var quoteAll = false
    public var nullValue: [UInt8] = []
    /// Written as it is for an empty string.
    public var emptyValue = Array("\"\"".utf8)
    /// Spark's writer trims by default, its reader does not.
    public var ignoreLeadingWhiteSpace = true
    public var ignoreTrailingWhiteSpace = true
    public var dateFormat: String?
    public var timestampFormat: String?
    public var timestampNTZFormat: String?
    public var lineSeparator = Array("\n".utf8)

    public init() {}

    /// Reads Spark's option names, in any case. Names it does not know come back in sorted order.
    public static func parse(
        _ options: [String: String]
    ) throws(TidemillError) -> (options: CSVWriteOptions, unknown: [String]) {
        var result = CSVWriteOptions()
        var unknown: [String] = []
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case "header": result.header = try OptionText.boolean(name, value)
            case "sep", "delimiter": result.separator = try OptionText.separator(name, value)
            case "quote": result.quote = try OptionText.byte(name, value)
            case "escape": result.escape = try OptionText.byte(name, value)
            case "quoteall": result.quoteAll = try OptionText.boolean(name, value)
            case "nullvalue": result.nullValue = Array(value.utf8)
            case "emptyvalue": result.emptyValue = Array(value.utf8)
            case "ignoreleadingwhitespace": result.ignoreLeadingWhiteSpace = try OptionText.boolean(name, value)
            case "ignoretrailingwhitespace": result.ignoreTrailingWhiteSpace = try OptionText.boolean(name, value)
            case "dateformat": result.dateFormat = try OptionText.pattern(name, value)
            case "timestampformat": result.timestampFormat = try OptionText.pattern(name, value)
            case "timestampntzformat": result.timestampNTZFormat = try OptionText.pattern(name, value)
            case "linesep":
                guard value == "\n" || value == "\r\n" else {
                    throw TidemillError.unsupported("option '\(name)' supports only \\n and \\r\\n")
                }
                result.lineSeparator = Array(value.utf8)
            case "encoding", "charset":
                guard ["utf-8", "utf8"].contains(value.lowercased()) else {
                    throw TidemillError.unsupported("option '\(name)' supports only UTF-8, not '\(value)'")
                }
            default: unknown.append(name)
            }
        }
        return (result, unknown)
    }
}
