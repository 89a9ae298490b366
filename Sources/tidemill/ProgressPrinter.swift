import Tidemill

/// Shows a run: a line that is rewritten on a terminal, a line per publication elsewhere, or JSON lines.
final class ProgressPrinter {
    private let mode: RunCommand.Progress
    private let clock: any Clock
    private let start: UInt64
    private var epochs = 0
    private var rows = 0
    private var bytes: Int64 = 0
    private var badRows = 0
    private var droppedRows = 0
    private var barWidth = 0
    private var totals: [String: PublishReport] = [:]
    private var tables: [String] = []
    private let isTerminal = StandardStreams.errorIsTerminal
    /// A line for every epoch, for who stays.
    private let showsEpochs: Bool

    init(mode: RunCommand.Progress, clock: any Clock, showsEpochs: Bool = false) {
        self.mode = mode
        self.clock = clock
        self.showsEpochs = showsEpochs
        start = clock.elapsed()
    }

    private var showsBar: Bool { mode == .bar || (mode == .auto && isTerminal) }
    private var showsText: Bool { mode == .auto || mode == .bar }
    private var seconds: Double { Double(clock.elapsed() - start) / 1e9 }

    func show(_ event: EngineEvent) {
        switch event {
        case .recovered(let last, let unpublished, let tornTail):
            if let tornTail { note(tornTail + "; its input is read again") }
            if unpublished > 0, let last {
                note("epoch \(last) was committed but not published: publishing it now")
            }
        case .note(let text): note(text)
        case .epoch(let progress):
            epochs += 1
            rows += progress.inputRows
            bytes += progress.inputBytes
            badRows += progress.badRows
            droppedRows += progress.droppedRows
            for warning in progress.warnings { note("warning: \(warning)") }
            for sample in progress.badRowSamples.prefix(5) {
                note("bad row: \(sample.file):\(sample.line): \(sample.reason)")
            }
            if progress.badRowSamples.count > 5 { note("… and more bad rows in epoch \(progress.epoch)") }
            if mode == .jsonl { StandardStreams.out(ProgressJSON.lines(progress)) }
            if showsBar {
                bar("epoch \(progress.epoch)")
            } else if showsEpochs && showsText {
                let millis =
                    progress.durations.planMillis + progress.durations.executeMillis
                    + progress.durations.commitMillis
                let time = Quantity.seconds(millis / 1000)
                StandardStreams.error(
                    "epoch \(progress.epoch): \(Quantity.counted(progress.inputRows, "row"))"
                        + " (\(Quantity.bytes(progress.inputBytes))) in \(time)\n")
            }
        case .published(let publications):
            for publication in publications {
                if totals[publication.table] == nil { tables.append(publication.table) }
                totals[publication.table, default: PublishReport()] += publication.report
            }
            if showsBar { bar("published") }
        }
    }

    /// What a person should know before anything is read.
    func introduce(_ pipeline: Pipeline) { for text in pipeline.definition.notes { note("note: \(text)") } }

    func warn(_ text: String) { note("warning: \(text)") }

    private func note(_ text: String) {
        guard mode != .none else { return }
        clear()
        StandardStreams.error("tidemill: \(text.printable)\n")
    }

    private func bar(_ what: String) {
        let rate = seconds > 0 ? Double(rows) / seconds : 0
        let line =
            "\(what) · \(Quantity.counted(rows, "row")) · \(Quantity.bytes(bytes))"
            + " · \(Quantity.count(Int(rate))) rows/s · \(Quantity.seconds(seconds))"
        let fill = String(repeating: " ", count: max(0, barWidth - line.count))
        StandardStreams.error("\r\(line)\(fill)")
        barWidth = line.count
    }

    func clear() {
        if barWidth > 0 { StandardStreams.error("\r\(String(repeating: " ", count: barWidth))\r") }
        barWidth = 0
    }

    /// What the run did, table by table.
    func finish(_ pipeline: Pipeline) {
        clear()
        guard showsText else { return }
        if epochs == 0 {
            StandardStreams.error("nothing new: every table is up to date\n")
            return
        }
        StandardStreams.error(
            "\(Quantity.counted(epochs, "epoch")), \(Quantity.counted(rows, "row")) (\(Quantity.bytes(bytes)))"
                + " in \(Quantity.seconds(seconds))\n")
        let width = tables.map(\.count).max() ?? 0
        for table in tables {
            guard let report = totals[table] else { continue }
            let name = table + String(repeating: " ", count: width - table.count)
            var parts: [String] = []
            if report.rowsInserted > 0 { parts.append("\(Quantity.count(report.rowsInserted)) inserted") }
            if report.rowsUpdated > 0 { parts.append("\(Quantity.count(report.rowsUpdated)) updated") }
            if report.rowsDeleted > 0 { parts.append("\(Quantity.count(report.rowsDeleted)) deleted") }
            if parts.isEmpty { parts.append("unchanged") }
            var files = "\(counted(report.filesWritten, "file")) written"
            if report.filesRewritten > 0 { files += ", \(report.filesRewritten) rewritten" }
            if report.filesKept > 0 { files += ", \(report.filesKept) kept" }
            StandardStreams.error(
                "  \(name)  \(parts.joined(separator: ", "))  (\(files), \(Quantity.bytes(report.bytesWritten)))\n")
        }
        if badRows > 0 {
            StandardStreams.error("  \(counted(badRows, "bad row")), \(droppedRows) of them left out\n")
        }
    }
}
