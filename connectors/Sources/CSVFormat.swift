import TideText

/// CSV files under Spark's options.
struct CSVFormat: FormatReader {
    let options: CSVReadOptions

    func open(
        _ path: String, schema: Schema, columns: [Int], environment: Environment
    ) throws(TidemillError) -> any SplitReader {
        let file = try environment.files.open(FilePath(path), .read)
        return CSVSplitReader(
            path: path, reader: try CSVReader(file: file, schema: schema, columns: columns, options: options))
    }

    func inferSchema(_ path: String, environment: Environment) throws(TidemillError) -> Schema {
        let file = try environment.files.open(FilePath(path), .read)
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

final class CSVSplitReader: SplitReader {
    private let path: String
    private let reader: CSVReader
    private var rowsGiven = 0

    init(path: String, reader: CSVReader) {
        self.path = path
        self.reader = reader
    }

    func next() throws(TidemillError) -> Batch? {
        guard let batch = try reader.next() else { return nil }
        rowsGiven += batch.count
        return batch
    }

    var report: SplitReport {
        var report = SplitReport()
        report.rows = reader.report.rows
        report.badRows = reader.report.badRows
        report.droppedRows = reader.report.rows - rowsGiven
        report.samples = reader.report.samples.map {
            SplitReport.BadRow(file: path, line: $0.line, reason: ($0.column.map { "\($0): " } ?? "") + $0.reason)
        }
        return report
    }
}
