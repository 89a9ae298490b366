import TideText

/// JSON lines under Spark's options.
struct JSONFormat: FormatReader {
    let options: JSONReadOptions

    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader {
        let file = try environment.files.openText(path)
        let reader = try JSONReader(file: file, schema: schema, columns: columns, options: options)
        return TextSplitReader(
            path: path, file: file, read: { () throws(TidemillError) in try reader.next() },
            report: { reader.report })
    }

    /// From all files, because a record leaves out what it has not.
    func inferSchema(_ paths: [String], environment: Environment) throws(TidemillError) -> Schema {
        var inference = try JSONSchemaInference(options)
        for path in paths {
            let file = try environment.files.openText(path)
            defer { file.close() }
            try inference.add(file)
        }
        let schema = try inference.schema()
        guard !schema.fields.isEmpty else {
            throw TidemillError(
                .user, "UNABLE_TO_INFER_SCHEMA", "no record to take columns from: \(paths[paths.count - 1])",
                hint: "write the columns in CREATE TABLE t (a INT, b STRING, …) USING json")
        }
        return schema
    }
}
