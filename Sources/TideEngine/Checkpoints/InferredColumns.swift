/// Columns of external tables that are declared without any: taken from the table's first file when the pipeline first
/// ran, and the same from then on, whatever other files have. Travels in every epoch record.
///
///     version u8 (1) | count varint | per table: name string, identity string, schema
public struct InferredColumns: Sendable {
    private struct Entry: Sendable {
        /// What the columns were taken from. With another path, format or way of reading it is another table.
        var identity: String
        var schema: Schema
    }
    private var entries: [String: Entry] = [:]

    static let entryID = "@columns"

    public init() {}

    /// As a checkpoint has it. One that cannot be read, which the next start says, has none.
    public init(storage: FilePath, files: any FileSystem) {
        guard let recovered = try? RecoveredCheckpoint.read(storage, files: files),
            let bytes = recovered.latest?.statics.first(where: { $0.id == InferredColumns.entryID })?.bytes
        else { return }
        self = (try? InferredColumns(decoding: bytes)) ?? InferredColumns()
    }

    /// Nil if the table, as it is declared now, was not read yet.
    public func schema(of relation: ExternalRelation) -> Schema? {
        guard let entry = entries[relation.name.lowercased()], entry.identity == relation.inferredFrom else {
            return nil
        }
        return entry.schema
    }

    /// Of all relations of a pipeline that have inferred columns.
    init(of definition: PipelineDefinition) {
        for relation in definition.relations.values {
            guard let identity = relation.inferredFrom else { continue }
            entries[relation.name.lowercased()] = Entry(identity: identity, schema: relation.schema)
        }
    }

    var isEmpty: Bool { entries.isEmpty }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.varint(UInt64(entries.count))
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            writer.string(name)
            writer.string(entry.identity)
            entry.schema.encode(into: &writer)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(TidemillError) {
        var reader = ByteReader(bytes, file: "epoch record")
        guard try reader.u8() == 1 else { throw reader.corruption("inferred columns of no known version") }
        for _ in 0..<(try reader.count(elementBytesMin: 3)) {
            let name = try reader.string()
            let identity = try reader.string()
            entries[name] = Entry(identity: identity, schema: try Schema.decode(from: &reader))
        }
        try reader.expectEnd()
    }
}
