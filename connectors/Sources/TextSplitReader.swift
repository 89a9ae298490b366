import TideText

/// A record reader of `TideText` behind the contract of sources.
final class TextSplitReader: SplitReader {
    private let path: String
    private let read: () throws(TidemillError) -> Batch?
    private let reportNow: () -> ReadReport
    private let file: any File
    private var rowsGiven = 0
    private var isClosed = false

    init(
        path: String, file: any File, read: @escaping () throws(TidemillError) -> Batch?,
        report: @escaping () -> ReadReport
    ) {
        self.path = path
        self.file = file
        self.read = read
        reportNow = report
    }

    func next() throws(TidemillError) -> Batch? {
        guard let batch = try read() else {
            close()
            return nil
        }
        rowsGiven += batch.count
        return batch
    }

    /// Frees the descriptor at once: many finished readers of one plan live on for their reports.
    private func close() {
        if !isClosed { file.close() }
        isClosed = true
    }

    deinit { close() }

    var report: SplitReport {
        let found = reportNow()
        var report = SplitReport()
        report.rows = found.rows
        report.badRows = found.badRows
        report.droppedRows = found.rows - rowsGiven
        report.samples = found.samples.map {
            SplitReport.BadRow(file: path, line: $0.line, reason: ($0.column.map { "\($0): " } ?? "") + $0.reason)
        }
        if let warning = found.headerWarning {
            report.warning = "\(path): \(warning); columns go by position"
        }
        return report
    }
}

extension FileSystem {
    /// A text file, unpacked if its name says that it is packed.
    func openText(_ path: String) throws(TidemillError) -> any File {
        let file = try open(FilePath(path), .read)
        guard let compression = TextCompression(name: path) else { return file }
        return try DecompressedFile(file, compression)
    }
}
