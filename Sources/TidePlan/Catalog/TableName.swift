/// The name of a table of the pipeline: `t`, or `db.t` in another database than the default one.
struct TableName: Hashable {
    /// As written, without the catalog and the default database.
    let text: String
    /// How tables are told apart.
    var key: String { text.lowercased() }
    /// For qualified columns.
    let parts: [String]

    /// - Parameter current: the database that a bare name means here.
    init(_ name: QualifiedName, current: String, default database: String) throws(TidemillError) {
        var names = name.names
        if names.count == 3 {
            guard names[0].lowercased() == "spark_catalog" else {
                throw AnalysisError.unsupported(
                    "other catalogs than spark_catalog are not supported: \(names[0])", name.span)
            }
            names.removeFirst()
        }
        guard names.count <= 2 else {
            throw AnalysisError.user(
                "REQUIRES_SINGLE_PART_NAMESPACE", "a table name has at most a database and a name: \(name.text)",
                name.span)
        }
        if names.count == 1 { names.insert(current, at: 0) }
        let isDefault = names[0].lowercased() == database.lowercased()
        text = isDefault ? names[1] : "\(names[0]).\(names[1])"
        parts = names
    }
}
