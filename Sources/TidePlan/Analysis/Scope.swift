/// The columns an expression can name, with the table names they can be qualified by.
///
/// `columns` stand in the order of `*`; `index` is the position in the output of the plan below, so a scope can reorder
/// and hide columns (USING joins) without a projection.
struct Scope {
    struct Column {
        let name: String
        /// Parts of the table's name or alias, outermost first; empty for computed columns.
        let qualifier: [String]
        let index: Int
        let type: DataType
        let nullable: Bool
        /// The other side of a USING column: found by its qualified name, not by `*` or the bare name.
        let isHidden: Bool
        /// The window of a call in the select list: found by its name, not by `*`.
        let isGenerated: Bool
        let nameKey: String
        let qualifierKey: [String]

        init(
            name: String, qualifier: [String], index: Int, type: DataType, nullable: Bool, isHidden: Bool = false,
            isGenerated: Bool = false
        ) {
            self.name = name
            self.qualifier = qualifier
            self.index = index
            self.type = type
            self.nullable = nullable
            self.isHidden = isHidden
            self.isGenerated = isGenerated
            nameKey = name.lowercased()
            qualifierKey = qualifier.map { $0.lowercased() }
        }

        var bound: BoundExpression { .column(index: index, type: type, nullable: nullable) }
        /// As error messages show it.
        var text: String { (qualifier.suffix(1) + [name]).map { "`\($0)`" }.joined(separator: ".") }

        func with(index: Int? = nil, nullable: Bool? = nil, isHidden: Bool? = nil) -> Column {
            Column(
                name: name, qualifier: qualifier, index: index ?? self.index, type: type,
                nullable: nullable ?? self.nullable, isHidden: isHidden ?? self.isHidden, isGenerated: isGenerated)
        }
    }
    var columns: [Column]
    /// What `window(…)` or `session_window(…)` means to expressions over this scope.
    var timeWindow: TimeWindowColumn?

    init(_ columns: [Column]) { self.columns = columns }

    /// All columns of a plan's output under one table name.
    init(schema: Schema, qualifier: [String]) {
        columns = schema.fields.enumerated().map { index, field in
            Column(
                name: field.name, qualifier: qualifier, index: index, type: field.type, nullable: field.nullable)
        }
    }

    var visible: [Column] { columns.filter { !$0.isHidden && !$0.isGenerated } }

    /// Columns that `parts` (table parts, then the column) can mean. Several columns at the same position count once.
    func matches(_ parts: [String]) -> [Column] {
        let name = parts[parts.count - 1].lowercased()
        let table = parts.dropLast().map { $0.lowercased() }
        var found: [Column] = []
        for column in columns where column.nameKey == name {
            if table.isEmpty {
                if column.isHidden { continue }
            } else if !column.belongs(to: table) {
                continue
            }
            if !found.contains(where: { $0.index == column.index }) { found.append(column) }
        }
        return found
    }

    /// Columns of `t.*`.
    func columns(of table: [String]) -> [Column] {
        let keys = table.map { $0.lowercased() }
        return columns.filter { $0.belongs(to: keys) }
    }
}

extension Scope.Column {
    /// `t` and `db.t` both name the table `db.t`; so does `spark_catalog.db.t`.
    func belongs(to table: [String]) -> Bool {
        var wanted = table[...]
        if wanted.first == "spark_catalog", wanted.count > 1, qualifierKey.first != "spark_catalog" {
            wanted = wanted.dropFirst()
        }
        guard !wanted.isEmpty, wanted.count <= qualifierKey.count else { return false }
        return Array(qualifierKey.suffix(wanted.count)) == Array(wanted)
    }
}
