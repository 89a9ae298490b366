/// The rows of one epoch: encoded as they come, in memory while they are few.
final class AppendTableEpoch: AppendEpoch, @unchecked Sendable {
    // Sendable: one thread at a time, by contract.
    private let epoch: Epoch
    private let directory: TableDirectory
    private let partitioning: TablePartitioning
    private let options: TableOptions
    private let replacesAll: Bool
    /// Rows of a partitioned table that are not in a file yet.
    private var waiting: [Batch] = []
    private var waitingBytes = 0
    private var current: (writer: any DataFileWriting, file: SpillingFile)?
    private var prepared: [AppendManifest.Prepared] = []
    private var inlineBytes = 0
    private var number = 0

    init(
        _ epoch: Epoch, directory: TableDirectory, partitioning: TablePartitioning, options: TableOptions,
        replacesAll: Bool
    ) {
        self.epoch = epoch
        self.directory = directory
        self.partitioning = partitioning
        self.options = options
        self.replacesAll = replacesAll
    }

    func append(_ batch: Batch) throws(TidemillError) {
        if batch.count == 0 { return }
        guard partitioning.isPartitioned else { return try append(batch, in: "") }
        waiting.append(batch)
        waitingBytes += batch.byteCount
        if waitingBytes >= options.partitionBytesMax { try writePartitions() }
    }

    /// Writes what waits, directory by directory.
    private func writePartitions() throws(TidemillError) {
        if waiting.isEmpty { return }
        let all = Batch.concat(waiting, types: partitioning.schema.types)
        waiting = []
        waitingBytes = 0
        for (folder, rows) in try partitioning.split(all) {
            for start in stride(from: 0, to: rows.count, by: AppendTableEpoch.rowsMax) {
                let part = Array(rows[start..<min(rows.count, start + AppendTableEpoch.rowsMax)])
                try append(partitioning.fileColumns(all).gather(part), in: folder)
            }
            try finishFile()
        }
    }

    /// Rows that are gathered at once.
    private static let rowsMax = 64 << 10

    private func append(_ batch: Batch, in folder: String) throws(TidemillError) {
        let (writer, _) = try writing(in: folder)
        try writer.append(batch)
        if try writer.byteCount() >= options.fileBytesTarget { try finishFile() }
    }

    private func writing(
        in folder: String
    ) throws(TidemillError) -> (writer: any DataFileWriting, file: SpillingFile) {
        if let current { return current }
        let base = directory.dataFileName(epoch, number)
        let name = folder.isEmpty ? base : "\(folder)/\(base)"
        number += 1
        let file = SpillingFile(
            path: directory.staging.appending(base), limit: options.inlineBytesMax - inlineBytes,
            files: directory.files)
        let writer = try options.format.writer(
            name: name, file: file, schema: partitioning.fileSchema, options: options)
        let opened = (writer: writer, file: file)
        current = opened
        return opened
    }

    private func finishFile() throws(TidemillError) {
        guard let (writer, file) = current else { return }
        current = nil
        defer { file.close() }
        let summary = try writer.finish()
        let bytes = file.bytes
        inlineBytes += bytes?.count ?? 0
        prepared.append(AppendManifest.Prepared(file: summary, bytes: bytes))
    }

    func prepare() throws(TidemillError) -> [UInt8] {
        try writePartitions()
        try finishFile()
        if prepared.contains(where: { $0.bytes == nil }) { try directory.files.syncDirectory(directory.staging) }
        return AppendManifest(replacesAll: replacesAll, files: prepared).encoded()
    }

    /// What cannot be removed now is removed by the next `recover`.
    func abandon() {
        let open = current
        current = nil
        open?.file.close()
        var names = prepared.filter { $0.bytes == nil }.map(\.file.name)
        if let open, open.file.isSpilled { names.append(open.writer.name) }
        prepared = []
        waiting = []
        for name in names {
            try? directory.files.remove(directory.staging.appending(String(TableDirectory.baseName(name))))
        }
    }
}
