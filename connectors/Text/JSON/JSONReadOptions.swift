import TideColumns

/// Spark's options of the JSON reader.
///
/// One record per line: an object, or an array of objects that are rows each.
public struct JSONReadOptions: Sendable, Hashable {
    public var dateFormat: String?
    public var timestampFormat: String?
    public var timestampNTZFormat: String?
    public var mode = BadRecordMode.permissive
    public var corruptRecordColumn = "_corrupt_record"
    /// A longer record is an error of kind limit, so that a file without line ends cannot take all memory.
    public var recordBytesMax = 64 << 20
    /// Inferred columns are STRING, whatever is in them.
    public var primitivesAsString = false
    /// Numbers with a fraction are inferred as DECIMAL.
    public var prefersDecimal = false
    /// Text that reads as a timestamp is inferred as TIMESTAMP.
    public var inferTimestamp = false
    public var dropFieldIfAllNull = false

    public init() {}

    /// Reads Spark's option names, in any case. Names it does not know come back, as written, in sorted order.
    public static func parse(
        _ options: [String: String]
    ) throws(TidemillError) -> (options: JSONReadOptions, unknown: [String]) {
        var result = JSONReadOptions()
        var unknown: [String] = []
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case "dateformat": result.dateFormat = try OptionText.pattern(name, value)
            case "timestampformat": result.timestampFormat = try OptionText.pattern(name, value)
            case "timestampntzformat": result.timestampNTZFormat = try OptionText.pattern(name, value)
            case "mode": result.mode = try BadRecordMode.parse(name, value)
            case "columnnameofcorruptrecord": result.corruptRecordColumn = value
            case "multiline":
                if try OptionText.boolean(name, value) {
                    throw TidemillError.unsupported(
                        "option '\(name)' is supported only as false",
                        hint: "write one record per line, for example with jq -c '.[]' or jq -c .")
                }
            case "encoding", "charset": try OptionText.requireUTF8(name, value)
            case "locale": try OptionText.requireEnglish(name, value)
            case "linesep": try OptionText.requireLineEnd(name, value)
            case "primitivesasstring": result.primitivesAsString = try OptionText.boolean(name, value)
            case "prefersdecimal": result.prefersDecimal = try OptionText.boolean(name, value)
            case "infertimestamp": result.inferTimestamp = try OptionText.boolean(name, value)
            case "dropfieldifallnull": result.dropFieldIfAllNull = try OptionText.boolean(name, value)
            // The whole file is looked at, whatever part was asked for.
            case "samplingratio": break
            case "allowsinglequotes", "allownonnumericnumbers": try OptionText.require(name, value, true)
            case "allowcomments", "allowunquotedfieldnames", "allownumericleadingzeros",
                "allowbackslashescapinganycharacter", "allowunquotedcontrolchars":
                try OptionText.require(name, value, false)
            default: unknown.append(name)
            }
        }
        return (result, unknown)
    }
}
