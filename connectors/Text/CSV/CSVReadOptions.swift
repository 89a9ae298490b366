import TideColumns

/// Spark's options of the CSV reader.
///
/// Records always may span lines inside quotes (Spark's `multiLine`); lines end with LF or CRLF, or with CR where the
/// first one does.
public struct CSVReadOptions: Sendable, Hashable {
    public var header = false
    public var separator = UInt8(ascii: ",")
    /// nil: quotes are ordinary characters.
    public var quote: UInt8? = UInt8(ascii: "\"")
    /// Stands before a quote that belongs to the value. Equal to `quote` for doubled quotes (RFC 4180); Spark's default
    /// is the backslash, and then a doubled quote ends the quoted part: Spark keeps such a field with all its quotes.
    public var escape: UInt8? = UInt8(ascii: "\\")
    /// Lines that begin with it are skipped.
    public var comment: UInt8?
    public var nullValue: [UInt8] = []
    /// What a quoted field without content means.
    public var emptyValue: [UInt8] = []
    public var ignoreLeadingWhiteSpace = false
    public var ignoreTrailingWhiteSpace = false
    public var nanValue = Array("NaN".utf8)
    public var positiveInf = Array("Inf".utf8)
    public var negativeInf = Array("-Inf".utf8)
    /// nil: the lenient forms of `CAST(… AS DATE)`.
    public var dateFormat: String?
    public var timestampFormat: String?
    public var timestampNTZFormat: String?
    public var mode = BadRecordMode.permissive
    public var corruptRecordColumn = "_corrupt_record"
    public var enforceSchema = true
    public var maxColumns = 20_480
    /// Bytes of one field; nil: only the record is bounded.
    public var maxCharsPerColumn: Int?
    /// A longer record is an error of kind limit, so that an unclosed quote cannot take all memory.
    public var recordBytesMax = 64 << 20
    public var inferSchema = false

    public init() {}

    /// Reads Spark's option names, in any case. Names it does not know come back, as written, in sorted order.
    public static func parse(
        _ options: [String: String]
    ) throws(TidemillError) -> (options: CSVReadOptions, unknown: [String]) {
        var result = CSVReadOptions()
        var unknown: [String] = []
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            switch name.lowercased() {
            case "header": result.header = try OptionText.boolean(name, value)
            case "sep", "delimiter": result.separator = try OptionText.separator(name, value)
            case "quote": result.quote = try OptionText.byte(name, value)
            case "escape": result.escape = try OptionText.byte(name, value)
            case "comment": result.comment = try OptionText.byte(name, value)
            case "nullvalue": result.nullValue = Array(value.utf8)
            case "emptyvalue": result.emptyValue = Array(value.utf8)
            case "ignoreleadingwhitespace": result.ignoreLeadingWhiteSpace = try OptionText.boolean(name, value)
            case "ignoretrailingwhitespace": result.ignoreTrailingWhiteSpace = try OptionText.boolean(name, value)
            case "nanvalue": result.nanValue = Array(value.utf8)
            case "positiveinf": result.positiveInf = Array(value.utf8)
            case "negativeinf": result.negativeInf = Array(value.utf8)
            case "dateformat": result.dateFormat = try OptionText.pattern(name, value)
            case "timestampformat": result.timestampFormat = try OptionText.pattern(name, value)
            case "timestampntzformat": result.timestampNTZFormat = try OptionText.pattern(name, value)
            case "mode": result.mode = try BadRecordMode.parse(name, value)
            case "columnnameofcorruptrecord": result.corruptRecordColumn = value
            case "multiline": _ = try OptionText.boolean(name, value)
            case "enforceschema": result.enforceSchema = try OptionText.boolean(name, value)
            case "inferschema": result.inferSchema = try OptionText.boolean(name, value)
            case "encoding", "charset": try OptionText.requireUTF8(name, value)
            case "locale": try OptionText.requireEnglish(name, value)
            case "linesep": try OptionText.requireLineEnd(name, value)
            case "maxcolumns": result.maxColumns = try OptionText.count(name, value)
            case "maxcharspercolumn":
                result.maxCharsPerColumn = value == "-1" ? nil : try OptionText.count(name, value)
            default: unknown.append(name)
            }
        }
        try result.validate()
        return (result, unknown)
    }

    func validate() throws(TidemillError) {
        for (name, byte) in [("quote", quote), ("comment", comment)] where byte == separator {
            throw TidemillError(
                .user, "INVALID_PARAMETER_VALUE", "options 'sep' and '\(name)' must differ",
                hint: "choose another separator")
        }
    }
}
