import TideConnectors

/// Where the columns of tables that are declared without any come from: the checkpoint, once there is one, and before
/// that the table's first file. So they depend neither on how many files had come when the pipeline first ran, nor on
/// which are still there.
final class ColumnInference: Sendable {
    private let connectors: StandardConnectors
    private let storage: FilePath?
    private let files: any FileSystem
    private let known = Locked<InferredColumns?>(nil)
    private let told = Locked<[String]>([])

    /// - Parameter storage: the checkpoint's folder; nil: what it knows does not count.
    init(connectors: StandardConnectors, storage: FilePath?, files: any FileSystem) {
        self.connectors = connectors
        self.storage = storage
        self.files = files
    }

    /// What a person should know of columns that were taken from files.
    var notes: [String] { told.withLock { $0 } }

    func schema(of relation: ExternalRelation) throws(TidemillError) -> Schema {
        guard relation.inferredFrom != nil else { return try connectors.inferSchema(relation) }
        if let schema = pinned().schema(of: relation) { return schema }
        let schema = try connectors.inferSchema(relation, from: .first)
        if let others = try? connectors.inferSchema(relation), others != schema { tell(relation, schema, others) }
        return schema
    }

    private func pinned() -> InferredColumns {
        known.withLock { known in
            let columns = known ?? storage.map { InferredColumns(storage: $0, files: files) } ?? InferredColumns()
            known = columns
            return columns
        }
    }

    private func tell(_ relation: ExternalRelation, _ schema: Schema, _ others: Schema) {
        let differing = others.fields.filter { other in
            !schema.fields.contains { $0.name == other.name && $0.type == other.type }
        }
        if differing.isEmpty { return }
        let shown = differing.prefix(4).map { "\($0.name) \($0.type)" }.joined(separator: ", ")
        let more = differing.count > 4 ? " and \(differing.count - 4) more" : ""
        told.withLock {
            $0.append(
                "the columns of \(relation.name) are those of its first file; later files also have \(shown)\(more): "
                    + "declare the columns to read them")
        }
    }
}
