import TideParquet

/// A run of rows of an output file.
private enum Piece: Sendable {
    /// A row group of a stored file, all of it.
    case stored(ParquetReader, rowGroup: Int)
    /// A row group encoded by a task of its own.
    case encoded(ParquetReader)
    /// Few rows, which share a row group with others.
    case rows(Batch)
}

/// What makes a piece, before it is made.
private enum PieceRecipe: Sendable {
    case whole(TableFile, rowGroup: Int)
    case filtered(TableFile, rowGroup: Int, removed: [UInt32])
    case additions(Range<Int>)

    var isWhole: Bool { if case .whole = self { true } else { false } }
}

private struct MadePiece: Sendable {
    var piece: Piece
    /// Of new rows only: bounds of their keys; other rows inherit the bounds of their file.
    var ranges: [KeyRange]?
    /// Key hashes for the filter; nil when no filter is wanted or the rows are not decoded.
    var hashes: Buffer?
    var hashCount = 0
}

extension ParquetKeyedTable {
    /// Writes the plan's outputs into `stage`. Row groups are made in parallel, then files are put together in
    /// parallel; neither the number of workers nor their timing shows in the result.
    func write(
        _ plan: RewritePlan, _ inputs: [RewriteInput], _ additions: Batch, _ changes: ChangeSet, _ epoch: Epoch,
        in stage: FilePath, _ report: inout PublishReport
    ) throws(TidemillError) -> [DataFile] {
        var recipes: [(output: Int, recipe: PieceRecipe)] = []
        for (index, output) in plan.outputs.enumerated() {
            for recipe in try self.recipes(output, inputs) { recipes.append((index, recipe)) }
        }
        let work = recipes
        let rowsPerOutput = plan.outputs.map { output in
            output.inputs.reduce(output.additions.count) { $0 + inputs[$1].remaining }
        }
        // A file that only lost rows keeps its filter, which is a superset.
        let inherits = plan.outputs.map {
            $0.inputs.count == 1 && !$0.takesAdditions && inputs[$0.inputs[0]].file.hasBloom
        }
        let made = TaskResults<MadePiece>(count: work.count)
        try directory.environment.executor.run(tasks: work.count) { [self] (task, _) throws(TidemillError) in
            let output = work[task].output
            let wantsHashes = rowsPerOutput[output] >= options.bloomRowsMin && !inherits[output]
            made[task] = try make(work[task].recipe, additions, changes, wantsHashes: wantsHashes)
        }
        var pieces: [[MadePiece]] = plan.outputs.map { _ in [] }
        for (task, item) in work.enumerated() { if let piece = made[task] { pieces[item.output].append(piece) } }

        var files: [(output: Int, pieces: [MadePiece])] = []
        for (output, all) in pieces.enumerated() {
            for part in try cut(all) { files.append((output, part)) }
        }
        let parts = files
        let names = parts.indices.map {
            plan.outputs[parts[$0].output].directory + directory.dataFileName(epoch, $0)
        }
        let written = TaskResults<(file: DataFile, copied: Int)>(count: parts.count)
        try directory.environment.executor.run(tasks: parts.count) { [self] (task, _) throws(TidemillError) in
            let output = plan.outputs[parts[task].output]
            var inherited: DataFile?
            if inherits[parts[task].output] { inherited = inputs[output.inputs[0]].file }
            var ranges: [KeyRange]?
            for index in output.inputs { ranges = union(ranges, inputs[index].file.ranges) }
            written[task] = try assemble(
                parts[task].pieces, name: names[task], in: stage, ranges: ranges, inherited: inherited)
        }
        var result: [DataFile] = []
        for task in parts.indices {
            guard let entry = written[task] else { continue }
            result.append(entry.file)
            report.filesWritten += 1
            report.bytesWritten += entry.file.bytes
            report.rowGroupsCopied += entry.copied
        }
        return result
    }

    private func union(_ a: [KeyRange]?, _ b: [KeyRange]) -> [KeyRange] {
        guard let a else { return b }
        return zip(a, b).map { $0.union($1) }
    }

    private func recipes(
        _ output: RewritePlan.Output, _ inputs: [RewriteInput]
    ) throws(TidemillError) -> [PieceRecipe] {
        var recipes: [PieceRecipe] = []
        for index in output.inputs {
            let input = inputs[index]
            let file: TableFile
            if let open = input.open {
                file = open
            } else {
                file = try directory.openTableFile(input.file.name, partitioning)
            }
            for group in file.reader.rowGroups.indices {
                if let removed = input.removed[group] {
                    if removed.count < file.reader.rowGroups[group].rowCount {
                        recipes.append(.filtered(file, rowGroup: group, removed: removed))
                    }
                } else {
                    recipes.append(.whole(file, rowGroup: group))
                }
            }
        }
        if output.takesAdditions {
            // Equal parts of at most one row group.
            let (start, count) = (output.additions.lowerBound, output.additions.count)
            let parts = (count + options.rowGroupRows - 1) / options.rowGroupRows
            for part in 0..<parts {
                recipes.append(.additions((start + count * part / parts)..<(start + count * (part + 1) / parts)))
            }
        }
        return recipes
    }

    private func make(
        _ recipe: PieceRecipe, _ rows: Batch, _ changes: ChangeSet, wantsHashes: Bool
    ) throws(TidemillError) -> MadePiece {
        var piece: MadePiece
        let keys: [Column]
        switch recipe {
        case .whole(let file, let group):
            piece = MadePiece(piece: .stored(file.reader, rowGroup: group))
            keys = wantsHashes ? try file.read(rowGroup: group, columns: changes.keyColumns).columns : []
            piece.hashCount = file.reader.rowGroups[group].rowCount
        case .filtered(let file, let group, let removed):
            let all = try file.read(rowGroup: group, columns: Array(0..<schema.count))
            let batch = all.gather(TableFile.complement(removed, all.count))
            piece = MadePiece(piece: try encode(batch))
            keys = changes.keyColumns.map { batch.columns[$0] }
            piece.hashCount = batch.count
        case .additions(let range):
            let batch = range.count == rows.count ? rows : rows.gather(range.map { UInt32(truncatingIfNeeded: $0) })
            piece = MadePiece(piece: try encode(batch))
            keys = changes.keyColumns.map { batch.columns[$0] }
            piece.ranges = keys.map { KeyRange(of: $0) }
            piece.hashCount = batch.count
        }
        if wantsHashes { piece.hashes = hashRows(keys, count: piece.hashCount) }
        return piece
    }

    private func encode(_ rows: Batch) throws(TidemillError) -> Piece {
        let batch = partitioning.fileColumns(rows)
        if batch.count < options.rowGroupRowsTiny { return .rows(batch) }
        let file = SpillingFile(path: directory.location.appending("row group in memory"))
        let writer = try DataFileWriter(
            name: "", file: file, schema: partitioning.fileSchema, options: options)
        try writer.append(batch)
        _ = try writer.finish()
        return .encoded(try ParquetReader(file: file))
    }

    /// An output's pieces as files of about the target size: full row groups first, so that the few loose rows gather
    /// in one row group at the end.
    private func cut(_ pieces: [MadePiece]) throws(TidemillError) -> [[MadePiece]] {
        var loose: [MadePiece] = []
        var files: [[MadePiece]] = []
        var current: [MadePiece] = []
        var bytes: Int64 = 0
        for piece in pieces {
            let size: Int64
            switch piece.piece {
            case .rows:
                loose.append(piece)
                continue
            case .stored(let reader, let group):
                if reader.rowGroups[group].rowCount < options.rowGroupRowsTiny {
                    loose.append(piece)
                    continue
                }
                size = Int64(reader.rowGroups[group].byteCount)
            case .encoded(let reader): size = reader.rowGroups.reduce(0) { $0 + Int64($1.byteCount) }
            }
            if !current.isEmpty && bytes + size > options.fileBytesTarget + options.fileBytesTarget / 4 {
                files.append(current)
                current = []
                bytes = 0
            }
            current.append(piece)
            bytes += size
        }
        current += loose
        if !current.isEmpty { files.append(current) }
        return files
    }

    private func assemble(
        _ pieces: [MadePiece], name: String, in stage: FilePath, ranges: [KeyRange]?, inherited: DataFile?
    ) throws(TidemillError) -> (file: DataFile, copied: Int) {
        var copied = 0
        var file = try directory.files.writeDataFile(
            name, in: stage, schema: partitioning.fileSchema, options: options
        ) { (writer) throws(TidemillError) in
            for piece in pieces {
                switch piece.piece {
                case .stored(let reader, let group): try writer.copy(rowGroup: group, of: reader)
                case .rows(let batch): try writer.append(batch)
                case .encoded: break
                }
            }
            copied = writer.rowGroupsCopied
            for piece in pieces {
                if case .encoded(let reader) = piece.piece { try writer.copyEncoded(reader) }
            }
        }
        // Bounds of the inputs hold for every file made of them.
        file.ranges = pieces.reduce(ranges) { bounds, piece in piece.ranges.map { union(bounds, $0) } ?? bounds } ?? []
        if let inherited {
            file.hasBloom = true
            try directory.files.link(
                directory.location.appending(inherited.bloomName), to: stage.appending(file.bloomName))
        } else if file.rows >= options.bloomRowsMin && pieces.allSatisfy({ $0.hashes != nil }) {
            var filter = BloomFilter(expectedKeys: file.rows)
            for piece in pieces {
                guard let hashes = piece.hashes else { continue }
                filter.insert(hashes.pointer(UInt64.self), count: piece.hashCount)
            }
            file.hasBloom = true
            try directory.files.createDurably(stage.appending(file.bloomName), filter.encoded())
        }
        return (file, copied)
    }
}
