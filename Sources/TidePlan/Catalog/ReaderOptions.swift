/// Names of options and properties that somebody reads; others are accepted, as in Spark, and listed by `dry-run`.
package enum ReaderOptions {
    /// The option that says what happens to a file that changes or vanishes after it was read.
    package static let changedFiles = "tidemill.changedfiles"

    private static let files: Set<String> = [
        "path", "pathglobfilter", "recursivefilelookup", "modifiedbefore", "modifiedafter", "maxfilespertrigger",
        "maxbytespertrigger", "latestfirst", "maxfileage", "filenameonly", "cleansource", "sourcearchivedir",
        "maxcachedfiles", "discardcachedinputratio", "ignorecorruptfiles", "ignoremissingfiles", "skipchangecommits",
        "filechanges", "basepath", "tidemill.changedfiles", "tidemill.idletimeout",
    ]
    private static let text: Set<String> = [
        "mode", "columnnameofcorruptrecord", "dateformat", "timestampformat", "timestampntzformat", "multiline",
        "encoding", "charset", "linesep", "samplingratio", "locale", "compression", "timezone", "inferschema",
    ]
    private static let csv: Set<String> = [
        "header", "sep", "delimiter", "quote", "escape", "comment", "nullvalue", "emptyvalue", "nanvalue",
        "positiveinf", "negativeinf", "ignoreleadingwhitespace", "ignoretrailingwhitespace", "maxcolumns",
        "maxcharspercolumn", "unescapedquotehandling", "enforceschema", "preferdate", "chartoescapequoteescaping",
    ]
    private static let json: Set<String> = [
        "primitivesasstring", "prefersdecimal", "allowcomments", "allowunquotedfieldnames", "allowsinglequotes",
        "allownumericleadingzeros", "allowbackslashescapinganycharacter", "allowunquotedcontrolchars",
        "dropfieldifallnull", "allownonnumericnumbers", "ignorenullfields",
    ]
    /// Formats that CREATE TABLE can read.
    static let formats = ["csv", "json", "nexmark", "parquet", "rate", "socket", "text"]
    /// Real formats of Spark that are not read yet.
    static let plannedFormats: Set<String> = ["delta", "orc", "avro", "kafka", "xml", "binaryfile", "jdbc"]

    static func known(_ format: String) -> Set<String> {
        switch format {
        case "csv": files.union(text).union(csv)
        case "json": files.union(text).union(json)
        case "parquet", "delta": files.union(["mergeschema", "datetimerebasemode", "int96rebasemode", "compression"])
        case "text": files.union(["wholetext", "linesep", "encoding", "compression"])
        case "socket": text.union(csv).union(json).union(["host", "port", "format", "includetimestamp"])
        case "rate": ["rowspersecond", "rampuptime", "numpartitions"]
        case "nexmark": ["stream", "events", "eventspertrigger", "eventspersecond", "starttime", "seed"]
        default: []
        }
    }

    /// Options that say how much or when to read, not what the rows are.
    static let pacing: Set<String> = [
        "maxfilespertrigger", "maxbytespertrigger", "latestfirst", "maxfileage", "cleansource", "sourcearchivedir",
        "maxcachedfiles", "discardcachedinputratio", "eventspertrigger", "tidemill.idletimeout",
    ]

    /// - Throws: if both limits of an epoch are given, as Spark refuses them.
    static func checkLimits(_ options: [String: String], _ span: SourceSpan) throws(TidemillError) {
        guard options["maxfilespertrigger"] != nil, options["maxbytespertrigger"] != nil else { return }
        throw AnalysisError.user(
            "CANNOT_SPECIFY_BOTH_FILE_LIMITS", "maxFilesPerTrigger and maxBytesPerTrigger cannot both be set",
            hint: "leave one of them out", span)
    }

    /// A note for an option that nobody reads; nil if it is known.
    static func note(_ option: Property, format: String, in owner: String) -> String? {
        let names = known(format)
        if names.isEmpty || names.contains(option.key.lowercased()) { return nil }
        return unknown("option", option.key, owner, names.sorted())
    }

    static func unknown(_ what: String, _ key: String, _ owner: String, _ candidates: [String]) -> String {
        let near = closestName(to: key, among: candidates)
        return "unknown \(what) \(key) of \(owner) has no effect" + (near.map { "; did you mean \($0)?" } ?? "")
    }
}

/// Keys that begin with `tidemill.`: table properties and configuration.
enum TidemillKeys {
    static let properties = [
        "tidemill.outputMode", "tidemill.write", "tidemill.key", "tidemill.lateRows",
        "tidemill.freezeAtWatermark", "tidemill.location", "tidemill.readerGrace", "tidemill.startingOffsets",
    ]
    static let configuration = [
        "tidemill.now", "tidemill.stabilityWindow", "tidemill.flushBytes", "tidemill.memory.limit",
        "tidemill.publishInterval",
        "tidemill.retain.epochs", "tidemill.retain.bytes", "tidemill.idleTimeout", "tidemill.readerGrace",
        "tidemill.workers",
    ]
    static func check(_ property: Property, of table: String) throws(TidemillError) -> String? {
        let key = property.key.lowercased()
        guard key.hasPrefix("tidemill.") else { return nil }
        switch key {
        case "tidemill.startingoffsets":
            guard ["earliest", "latest"].contains(property.value.lowercased()) else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_PROPERTY", "\(property.key) of \(table) is unknown: \(property.value)",
                    hint: "earliest or latest", property.span)
            }
        case "tidemill.outputmode":
            let mode = property.value.lowercased()
            guard ["append", "update", "complete"].contains(mode) else {
                throw AnalysisError.user(
                    "STREAMING_OUTPUT_MODE.INVALID", "invalid streaming output mode: \(property.value)",
                    hint: "append, update or complete", property.span)
            }
        case "tidemill.freezeatwatermark":
            guard ["true", "false"].contains(property.value.lowercased()) else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_PROPERTY", "\(property.key) is true or false: \(property.value)", property.span)
            }
        case _ where key.hasPrefix("tidemill.expect."):
            throw AnalysisError.unsupported("the property \(property.key) is not supported yet", property.span)
        default:
            if !properties.contains(where: { $0.lowercased() == key }) {
                return ReaderOptions.unknown("property", property.key, table, properties)
            }
        }
        return nil
    }
}
