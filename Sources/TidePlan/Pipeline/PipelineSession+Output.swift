// What a streaming table's properties say about its output.

extension PipelineSession {
    /// `tidemill.outputMode`; its value was checked when the properties were.
    func outputMode(of table: Declarations.Table) -> OutputMode {
        property("tidemill.outputMode", of: table).flatMap { OutputMode(rawValue: $0.value.lowercased()) } ?? .append
    }

    func writeMode(of table: Declarations.Table, _ flows: [Flow]) throws(TidemillError) -> WriteMode {
        let mode = outputMode(of: table)
        guard let property = property("tidemill.write", of: table) else {
            // Rows that no aggregation can change are written once.
            let changes = flows.contains {
                $0.analyzed.count { if case .aggregate = $0 { $0.isStream } else { false } } > 0
            }
            if mode == .update, !changes, self.property("tidemill.key", of: table) == nil { return .append }
            return mode.write
        }
        guard let write = WriteMode(rawValue: property.value.lowercased()) else {
            throw AnalysisError.user(
                "TIDEMILL_INVALID_PROPERTY", "tidemill.write is unknown: \(property.value)",
                hint: "append, upsert or overwrite", property.span)
        }
        // Rows of a result that is written whole replace those before; nothing else does.
        guard (write == .overwrite) == (mode == .complete) else {
            throw AnalysisError.user(
                "TIDEMILL_INVALID_PROPERTY",
                "tidemill.write = \(write.rawValue) is not possible with output mode \(mode.rawValue)",
                hint: mode == .complete ? "use overwrite" : "use append or upsert", property.span)
        }
        return write
    }

    /// `tidemill.key`: columns of the table, by comma.
    func declaredKey(of table: Declarations.Table, _ schema: Schema) throws(TidemillError) -> [Int]? {
        guard let property = property("tidemill.key", of: table) else { return nil }
        var key: [Int] = []
        for part in property.value.split(separator: ",") {
            let name = part.trimmingBlanks
            guard let index = schema.index(of: name) else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_PROPERTY", "tidemill.key names a column that \(table.name.text) lacks: \(name)",
                    hint: "columns: \(schema.names.joined(separator: ", "))", property.span)
            }
            if !key.contains(index) { key.append(index) }
        }
        guard !key.isEmpty else {
            throw AnalysisError.user(
                "TIDEMILL_INVALID_PROPERTY", "tidemill.key names no column", hint: "for example 'a, b'", property.span)
        }
        return key.sorted()
    }

    // MARK: Late rows

    /// Tables that `tidemill.lateRows` names: nobody's query feeds them.
    func lateRowTables() throws(TidemillError) -> [Dataset] {
        var tables: [Dataset] = []
        for key in declarations.tableOrder {
            guard let table = declarations.tables[key], let property = property("tidemill.lateRows", of: table) else {
                continue
            }
            let name = property.value
            let freezes = try freezesAtWatermark(table)
            guard table.kind == .streamingTable || freezes else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_PROPERTY", "a materialized view has no late rows: \(table.name.text)",
                    hint: "leave tidemill.lateRows out, or set \(Dataset.freezeProperty)", property.span)
            }
            let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            let lower = name.lowercased()
            guard isName, declarations.tables[lower] == nil, declarations.externals[lower] == nil,
                declarations.views[lower] == nil
            else {
                throw AnalysisError.user(
                    "TIDEMILL_INVALID_PROPERTY", "tidemill.lateRows needs the name of a table of its own: \(name)",
                    hint: "for example '\(table.name.text)_late'", property.span)
            }
            if tables.contains(where: { $0.name.lowercased() == lower }) { continue }
            tables.append(
                Dataset(
                    name: name, kind: .streamingTable, schema: Dataset.lateRowSchema, format: "parquet",
                    properties: [:], partitionedBy: [], key: nil, flows: [], span: table.span))
        }
        return tables
    }

    /// A view equals its query over everything read so far: it has no later start.
    func checkStartingOffsets(_ table: Declarations.Table) throws(TidemillError) {
        guard table.kind == .materializedView, let property = property("tidemill.startingOffsets", of: table) else {
            return
        }
        throw AnalysisError.user(
            "TIDEMILL_INVALID_PROPERTY", "\(property.key) is a property of streaming tables",
            hint: "leave it out: a view equals its query over all its input", property.span)
    }

    /// Of a streaming table it would say nothing: its rows are final anyway.
    func freezesAtWatermark(_ table: Declarations.Table) throws(TidemillError) -> Bool {
        guard let property = property(Dataset.freezeProperty, of: table) else { return false }
        guard table.kind == .materializedView else {
            throw AnalysisError.user(
                "TIDEMILL_INVALID_PROPERTY", "\(property.key) is a property of materialized views",
                hint: "leave it out: rows of a streaming table are final", property.span)
        }
        return property.value.lowercased() == "true"
    }

    private func property(_ name: String, of table: Declarations.Table) -> Property? {
        table.clauses.properties.last { $0.key.lowercased() == name.lowercased() }
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        var text = self
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
