import TideParquet

extension TableDirectory {
    /// Loads the table's marker, or creates the table as `wanted` describes it.
    ///
    /// A table of another name is another pipeline's and refused. A table of another generation belongs to a checkpoint
    /// that is gone: it is refused too unless `options.adoptsOtherGeneration`, and then counts as never published, so
    /// that the first publish decides whether its rows stay.
    func open(_ wanted: TableMarker, options: TableOptions) throws(TidemillError) -> TableMarker {
        guard let found = try load() else {
            var marker = wanted
            guard options.format.keepsEmptyFile else {
                try create(marker) { _ in }
                return marker
            }
            let file = DataFile(
                name: dataFileName(TableDirectory.emptyLabel, 0), rows: 0, bytes: 0, rowGroups: 0,
                ranges: wanted.keyColumns.map { _ in .unknown }, hasBloom: false)
            marker.files = [file]
            try create(marker) { (stage) throws(TidemillError) in
                _ = try files.writeDataFile(file.name, in: stage, schema: wanted.schema, options: options) { _ in }
            }
            return marker
        }
        try refuseForeignDataFiles()
        return try accept(found, as: wanted, options)
    }

    /// What `open` refuses, found without changing anything.
    func check(_ wanted: TableMarker, options: TableOptions) throws(TidemillError) {
        guard let found = try load() else { return try files.requireWritable(parent, for: "the table") }
        try refuseForeignDataFiles()
        _ = try accept(found, as: wanted, options)
        try files.requireWritable(parent, for: "the table")
    }

    private func accept(
        _ found: TableMarker, as wanted: TableMarker, _ options: TableOptions
    ) throws(TidemillError) -> TableMarker {
        let isSameForm =
            found.kind == wanted.kind && found.key == wanted.key
            && found.partitionColumnCount == wanted.partitionColumnCount
        guard found.identity.table == wanted.identity.table, isSameForm || options.replacesOtherSchema else {
            throw TidemillError(
                .conflict, "TIDEMILL_TABLE_OF_ANOTHER_PIPELINE",
                "directory holds the table \(found.identity.table) of another kind or pipeline: \(location.string)",
                hint: "remove the directory, or choose another place with --warehouse or tidemill.location")
        }
        if !isSameForm {
            // Its rows are about to be replaced; only the names of its files still matter.
            var marker = wanted
            marker.files = found.files.map { file in
                var plain = file
                plain.ranges = wanted.keyColumns.map { _ in .unknown }
                return plain
            }
            if found.identity.generation == wanted.identity.generation { marker.epoch = found.epoch }
            return marker
        }
        guard found.identity.generation == wanted.identity.generation else {
            guard options.adoptsOtherGeneration else {
                throw TidemillError(
                    .conflict, "TIDEMILL_TABLE_OF_ANOTHER_CHECKPOINT",
                    "table was written under another checkpoint: \(location.string)",
                    hint: "use that checkpoint with --storage, rebuild the table with --full-refresh, or remove it")
            }
            var adopted = found
            adopted.identity = wanted.identity
            adopted.epoch = nil
            return adopted
        }
        // Columns that came to a query's end are NULL in the rows before.
        if found.kind == .append, options.format == .parquet, found.files(have: wanted) { return found }
        guard found.schema == wanted.schema || options.replacesOtherSchema else {
            throw TidemillError(
                .user, "TIDEMILL_TABLE_SCHEMA_CHANGED",
                "stored table has other columns than its query: \(location.string)",
                detail: "stored: \(describe(found.schema)); query: \(describe(wanted.schema))",
                hint: "rebuild the table with --full-refresh")
        }
        return found
    }

    private func describe(_ schema: Schema) -> String {
        schema.fields.map { "\($0.name) \($0.type.sql)\($0.nullable ? "" : " NOT NULL")" }.joined(separator: ", ")
    }

    /// A file without rows, so that tools can tell the columns of an empty table: most cannot read an empty directory.
    func writeEmptyFile(in stage: FilePath, schema: Schema, options: TableOptions) throws(TidemillError) -> DataFile {
        try files.writeDataFile(
            dataFileName(TableDirectory.emptyLabel, 0), in: stage, schema: schema, options: options
        ) { _ in }
    }
}

extension TableMarker {
    /// Whether the files of the table have the columns of this one's, but for nullable ones behind them.
    func files(have wanted: TableMarker) -> Bool {
        let stored = TablePartitioning(schema, columnCount: partitionColumnCount)
        let asked = TablePartitioning(wanted.schema, columnCount: partitionColumnCount)
        return stored.fileSchema.isPrefix(of: asked.fileSchema)
            && stored.schema.fields[stored.columns] == asked.schema.fields[asked.columns]
    }
}

extension Schema {
    /// Whether the other schema has these columns, and nullable ones behind them.
    fileprivate func isPrefix(of other: Schema) -> Bool {
        fields.count < other.count && Array(other.fields.prefix(count)) == fields
            && other.fields.dropFirst(count).allSatisfy(\.nullable)
    }
}

extension TableMarker {
    /// Positions of the columns that rows are told apart by.
    var keyColumns: [Int] {
        switch key {
        case nil: []
        case .bag: Array(0..<schema.count)
        case .columns(let columns): columns
        }
    }
}
