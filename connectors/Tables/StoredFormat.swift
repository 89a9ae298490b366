import TideParquet
import TideText

/// The file format of a stored table.
public enum StoredFormat: Sendable, Hashable {
    case parquet
    case csv(CSVWriteOptions)
    case json(JSONWriteOptions)

    /// Spark's name of the format.
    public var name: String {
        switch self {
        case .parquet: "parquet"
        case .csv: "csv"
        case .json: "json"
        }
    }
    private var isJSON: Bool { if case .json = self { true } else { false } }
    /// What data files end with.
    var suffix: String { ".\(name)" }
    static let suffixes = [".parquet", ".csv", ".json"]

    /// A table whose every file says what the columns are has one file without rows while it is empty; most tools
    /// cannot tell the columns of an empty directory.
    var keepsEmptyFile: Bool { self == .parquet }

    /// - Throws: UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE unless the columns can be written.
    public func check(_ schema: Schema) throws(TidemillError) {
        for field in schema.fields {
            if self == .parquet || (field.type.isNested ? isJSON : Column.isTextTarget(field.type)) { continue }
            throw TidemillError(
                .unsupported, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                "\(name) cannot hold the column '\(field.name)' of type \(field.type.sql)",
                hint: field.type.isNested
                    ? "store the table USING parquet or json, or take the column apart"
                    : "store the table USING parquet, or cast the column to STRING")
        }
    }
}

/// Writes one data file of a table.
protocol DataFileWriting: AnyObject {
    var name: String { get }
    /// Bytes written so far; rows that wait in memory need not be in it.
    func byteCount() throws(TidemillError) -> Int64
    /// Rows without weights, of the table's columns.
    func append(_ batch: Batch) throws(TidemillError)
    /// All rows of another file of the table.
    func append(contentsOf file: any File) throws(TidemillError)
    /// Ends the file and makes its bytes durable. Its name is durable after its directory is synced.
    func finish() throws(TidemillError) -> DataFile
}

extension StoredFormat {
    func writer(
        name: String, file: any File, schema: Schema, options: TableOptions
    ) throws(TidemillError) -> any DataFileWriting {
        switch self {
        case .parquet: return try DataFileWriter(name: name, file: file, schema: schema, options: options)
        case .csv(let format):
            return TextFileWriter(name: name, file: file, try CSVWriter(schema: schema, options: format, sink: file))
        case .json(let format):
            return TextFileWriter(name: name, file: file, try JSONWriter(schema: schema, options: format, sink: file))
        }
    }
}
