import TideText

/// Text files: one STRING column, one row per line or file.
struct TextFormat: FormatReader {
    let options: LineReadOptions

    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader {
        guard schema.count <= 1, schema.fields.allSatisfy({ $0.type == .string }) else {
            throw TidemillError(
                .user, "TIDEMILL_TEXT_COLUMNS",
                "a text table has one column of type STRING, not \(schema.fields.map(\.type.sql))",
                hint: "declare (value STRING), and take it apart in the query")
        }
        let file = try environment.files.openText(path)
        let reader = try LineReader(file: file, columns: columns, options: options)
        return TextSplitReader(
            path: path, file: file, read: { () throws(TidemillError) in try reader.next() },
            report: { reader.report })
    }

    func inferSchema(_ paths: [String], environment: Environment) throws(TidemillError) -> Schema {
        Schema([Field("value", .string)])
    }
}
