import TideColumns

/// Spark's options of the JSON writer.
public struct JSONWriteOptions: Sendable, Hashable {
    public var dateFormat: String?
    public var timestampFormat: String?
    public var timestampNTZFormat: String?
    /// Fields that are NULL are left out.
    public var ignoreNullFields = true
    public var lineSeparator = Array("\n".utf8)

    public init() {}

    /// Reads Spark's option names, in any case. Names it does not know come back in sorted order.
    public static func parse(
        _ options: [String: String]
    ) throws(TidemillError) -> (options: JSONWriteOptions, unknown: [String]) {
        var result = JSONWriteOptions()
        var unknown: [String] = []
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case "dateformat": result.dateFormat = try OptionText.pattern(name, value)
            case "timestampformat": result.timestampFormat = try OptionText.pattern(name, value)
            case "timestampntzformat": result.timestampNTZFormat = try OptionText.pattern(name, value)
            case "ignorenullfields": result.ignoreNullFields = try OptionText.boolean(name, value)
            case "linesep":
                try OptionText.requireLineEnd(name, value)
                result.lineSeparator = Array(value.utf8)
            case "encoding", "charset": try OptionText.requireUTF8(name, value)
            default: unknown.append(name)
            }
        }
        return (result, unknown)
    }
}
