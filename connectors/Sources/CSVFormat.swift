import TideText

/// CSV files under Spark's options.
struct CSVFormat: FormatReader {
    let options: CSVReadOptions

    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader {
        let file = try environment.files.openText(path)
        let reader = try CSVReader(file: file, schema: schema, columns: columns, options: options)
        return TextSplitReader(
            path: path, file: file, read: { () throws(TidemillError) in try reader.next() },
            report: { reader.report })
    }

    /// From the newest file, as it is most likely to have every column.
    func inferSchema(_ paths: [String], environment: Environment) throws(TidemillError) -> Schema {
        let path = paths[paths.count - 1]
        let file = try environment.files.openText(path)
        defer { file.close() }
        let schema = try CSVSchemaInference.infer(file, options)
        guard !schema.fields.isEmpty else {
            throw TidemillError(
                .user, "UNABLE_TO_INFER_SCHEMA", "csv file has no record to take columns from: \(path)",
                hint: "write the columns in CREATE TABLE t (a INT, b STRING, …) USING csv")
        }
        return schema
    }
}
