import TideText

/// A source as a table's USING and OPTIONS ask for it.
public struct ConnectedSource: Sendable {
    public var source: any Source
    /// From maxFilesPerTrigger and maxBytesPerTrigger.
    public var limit: RateLimit
    /// Options that nothing understood, for `dry-run`.
    public var unknownOptions: [String]
}

/// Formats that lie in directories.
public let directoryFormats = ["csv", "json", "parquet", "text"]

/// Makes the source of an external table.
/// - Parameters:
///   - path: resolved against the project's folder already.
///   - schema: nil if the table was declared without columns.
///   - partitionedBy: columns that are in the names of directories, never in the files.
public func makeSource(
    format: String, path: FilePath, options: [String: String], schema: Schema?,
    inferringFrom files: InferenceFiles = .all,
    partitionedBy: [String] = [], environment: Environment
) throws(TidemillError) -> ConnectedSource {
    var set = OptionSet(options)
    // How long a source may be silent is the engine's affair.
    set.markUsed(["path", "tidemill.idleTimeout"])
    let reader: any FormatReader
    switch format.lowercased() {
    case "csv":
        let (parsed, unknown) = try CSVReadOptions.parse(set.all)
        set.markUsed(set.all.keys.filter { !unknown.contains($0) })
        reader = CSVFormat(options: parsed)
    case "json":
        let (parsed, unknown) = try JSONReadOptions.parse(set.all)
        set.markUsed(set.all.keys.filter { !unknown.contains($0) })
        reader = JSONFormat(options: parsed)
    case "parquet": reader = ParquetFormat()
    case "text":
        let (parsed, unknown) = try LineReadOptions.parse(set.all)
        set.markUsed(set.all.keys.filter { !unknown.contains($0) })
        reader = TextFormat(options: parsed)
    default:
        throw TidemillError(
            .user, "DATA_SOURCE_NOT_FOUND", "unknown data source: \(format)",
            hint: closestName(to: format, among: directoryFormats).map { "did you mean \($0)?" }
                ?? "known are \(directoryFormats.joined(separator: ", "))")
    }
    let limit = RateLimit(
        filesMax: try set.count("maxFilesPerTrigger"), bytesMax: try set.byteCount("maxBytesPerTrigger"))
    try refuseUnsupported(&set)
    let changedFiles = try ChangedFiles(&set)
    let latestFirst = try set.bool("latestFirst") ?? false
    var filter: GlobPattern?
    if let text = set.string("pathGlobFilter") { filter = try GlobPattern(text) }
    let listing = try FileListing(
        path: path, nameFilter: filter, recursive: try set.bool("recursiveFileLookup") ?? false)
    var columns: Schema
    if let schema {
        columns = schema
    } else {
        columns = try inferSchema(reader, listing, format, files, environment)
    }
    if columns.fields.isEmpty { columns = try inferSchema(reader, listing, format, files, environment) }
    let source = try DirectorySource(
        listing: listing, format: reader, schema: columns,
        partitionColumns: partitionedBy.compactMap { columns.index(of: $0) }, environment: environment,
        changedFiles: changedFiles, latestFirst: latestFirst)
    return ConnectedSource(source: source, limit: limit, unknownOptions: set.unused)
}

/// Which files say what the columns of a table without any are.
public enum InferenceFiles: Sendable {
    /// The first in source order, by time of modification and path: the same however many have come since.
    case first
    /// What the format finds best: all of JSON, the newest of CSV and Parquet.
    case all
}

private func inferSchema(
    _ reader: any FormatReader, _ listing: FileListing, _ format: String, _ wanted: InferenceFiles,
    _ environment: Environment
) throws(TidemillError) -> Schema {
    var files: [(path: String, modified: Int64)] = []
    for found in try listing.files(in: environment.files) {
        guard let status = try environment.files.status(of: FilePath(found.path)) else { continue }
        files.append((found.path, status.modified))
    }
    guard !files.isEmpty else {
        throw TidemillError(
            .user, "UNABLE_TO_INFER_SCHEMA", "no \(format) file to take the columns from: \(listing.path.string)",
            hint: "declare the columns, or start when there is a file")
    }
    files.sort { ($0.modified, $0.path) < ($1.modified, $1.path) }
    let paths = files.map(\.path)
    let own = try reader.inferSchema(wanted == .first ? Array(paths.prefix(1)) : paths, environment: environment)
    if listing.recursive { return own }
    let partitions = try PartitionDirectories.infer(paths, below: listing.base)
    let names = Set(partitions.map { $0.name.lowercased() })
    return Schema(own.fields.filter { !names.contains($0.name.lowercased()) } + partitions)
}

/// Options of Spark whose effect would be silently missing.
private func refuseUnsupported(_ set: inout OptionSet) throws(TidemillError) {
    if try set.bool("fileNameOnly") == true {
        throw TidemillError.unsupported("option fileNameOnly is not supported", hint: "leave it out")
    }
    // Spark refuses them for streams as well.
    for name in ["modifiedBefore", "modifiedAfter"] where set.string(name) != nil {
        throw TidemillError.unsupported(
            "option \(name) is not supported", hint: "leave it out: which files there are must not depend on the moment"
        )
    }
    if let clean = set.string("cleanSource"), clean.lowercased() != "off" {
        throw TidemillError.unsupported("option cleanSource is not supported: \(clean)", hint: "leave it out")
    }
    // Without meaning here: every file is remembered for good.
    try set.checkTime("maxFileAge")
    set.markUsed(["maxCachedFiles", "discardCachedInputRatio"])
}
