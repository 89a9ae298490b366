/// What `tidemill checkpoint list` and `show` print.
public struct CheckpointText {
    let contents: CheckpointContents
    public init(_ contents: CheckpointContents) { self.contents = contents }

    // MARK: For people

    /// The epochs that can be gone back to.
    public func list() -> String {
        var rows = [["epoch", "time", "", "held for it alone"]]
        if let last = contents.lastCommitted, last > contents.publishedThrough ?? Epoch(-1) {
            rows.append([
                "\(last)", time(contents.clockMicros), "committed, not published: the next run publishes it", "",
            ])
        }
        for entry in contents.retained {
            var what = entry.epoch == contents.publishedThrough ? ["published last"] : ["published"]
            if let name = entry.savepoint { what = ["savepoint \(name)"] }
            if entry.isFromBeforeRollback { what.append("from before a rollback") }
            if !entry.missing.isEmpty {
                what.append("not whole: files of \(entry.missing.joined(separator: ", ")) are gone")
            }
            rows.append([
                "\(entry.epoch)", time(entry.clockMicros), what.joined(separator: ", "), Quantity.bytes(entry.bytes),
            ])
        }
        if rows.count == 1 { return "no epoch was published yet\n" }
        return TextTable.lines(rows, indent: "") + warnings()
    }

    /// Everything but the data.
    public func show() -> String {
        var text = "checkpoint of \(contents.pipeline)\n"
        var facts = [
            ["generation", hex(contents.generation)], ["fencing token", "\(contents.token)"],
            ["committed", epoch(contents.lastCommitted)], ["published", epoch(contents.publishedThrough)],
            ["in runs", epoch(contents.snapshotEpoch)], ["time", time(contents.clockMicros)],
        ]
        for (key, value) in contents.settings.sorted(by: { $0.key < $1.key }) { facts.append([key, value]) }
        text += TextTable.lines(facts, indent: "  ")
        let own = contents.segments.filter { !$0.isPinned }
        text += "\nlog  \(count(own.count, "segment")), \(bytes(own.map(\.bytes)))\n"
        text += TextTable.lines(own.map { [segment($0.number), Quantity.bytes($0.bytes)] }, indent: "  ")
        let pinned = contents.segments.filter(\.isPinned)
        if !pinned.isEmpty || !contents.pinnedRuns.isEmpty {
            text += "\nfor retained epochs alone  \(count(pinned.count, "segment")), \(bytes(pinned.map(\.bytes))); "
            text += "\(count(contents.pinnedRuns.count, "run")), \(bytes(contents.pinnedRuns.map(\.bytes)))\n"
        }
        text += section("state", .state)
        text += section("files taken", .sourceFiles)
        text += section("changes of tables", .sinkChanges)
        if !contents.sources.isEmpty {
            text += "\noffsets\n" + TextTable.lines(contents.sources.map { [$0.name, $0.offset] }, indent: "  ")
        }
        if !contents.watermarks.isEmpty {
            text +=
                "\nwatermarks\n"
                + TextTable.lines(contents.watermarks.map { [$0.flow, time($0.micros)] }, indent: "  ")
        }
        if !contents.counters.isEmpty {
            text += "\ncounters\n" + TextTable.lines(contents.counters.map { [$0.name, "\($0.value)"] }, indent: "  ")
        }
        return text + warnings()
    }

    private func section(_ title: String, _ kind: BlockKind) -> String {
        let holdings = contents.holdings.filter { $0.kind == kind }
        if holdings.isEmpty { return "" }
        let runs = holdings.reduce(0) { $0 + $1.runs }
        var text = "\n\(title)  \(count(runs, "run")), \(bytes(holdings.map(\.runBytes)))\n"
        var rows = [["", "runs", "rows", "bytes", "in the log"]]
        for holding in holdings {
            rows.append([
                holding.name, "\(holding.runs)", Quantity.count(Int(holding.runRows)), Quantity.bytes(holding.runBytes),
                "\(Quantity.counted(Int(holding.logRows), "row")), \(Quantity.bytes(holding.logBytes))",
            ])
        }
        text += TextTable.lines(rows, indent: "  ")
        return text
    }

    private func warnings() -> String {
        var text = ""
        if let torn = contents.tornTail { text += "\nnote: \(torn); the next run reads its input again\n" }
        if let epoch = contents.pendingRollback {
            text += "\nnote: a rollback to epoch \(epoch) is under way; the next command that writes finishes it\n"
        }
        return text
    }

    private func epoch(_ epoch: Epoch?) -> String { epoch.map { "epoch \($0)" } ?? "nothing" }
    private func time(_ micros: Int64?) -> String { micros.map { CheckpointHolder.utcText($0) } ?? "unknown" }
    private func bytes(_ all: [Int64]) -> String { Quantity.bytes(all.reduce(0, +)) }
    private func count(_ n: Int, _ what: String) -> String { counted(n, what) }
    private func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
    private func segment(_ number: UInt64) -> String {
        let digits = String(number)
        return "log/" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ".log"
    }

    // MARK: For programs

    /// One JSON object with all of it.
    public func json() -> String {
        var out = JSONText()
        out.object { out in
            out.key("pipeline")
            out.string(contents.pipeline)
            out.key("generation")
            out.string(hex(contents.generation))
            out.key("fencingToken")
            out.integer(contents.token)
            out.key("committed")
            epochJSON(contents.lastCommitted, &out)
            out.key("published")
            epochJSON(contents.publishedThrough, &out)
            out.key("inRuns")
            epochJSON(contents.snapshotEpoch, &out)
            out.key("bytes")
            out.integer(contents.bytes)
            out.key("retained")
            out.array { out in for entry in contents.retained { retainedJSON(entry, &out) } }
            out.key("segments")
            out.array { out in
                for segment in contents.segments {
                    out.object { out in
                        out.key("file")
                        out.string(self.segment(segment.number))
                        out.key("bytes")
                        out.integer(segment.bytes)
                        out.key("pinned")
                        out.boolean(segment.isPinned)
                    }
                }
            }
            out.key("holdings")
            out.array { out in for holding in contents.holdings { holdingJSON(holding, &out) } }
            out.key("offsets")
            out.object { out in
                for source in contents.sources {
                    out.key(source.name)
                    out.raw(source.offset.isEmpty ? "null" : source.offset)
                }
            }
            out.key("watermarks")
            out.object { out in
                for watermark in contents.watermarks {
                    out.key(watermark.flow)
                    out.string(time(watermark.micros))
                }
            }
            out.key("settings")
            out.object { out in
                for (key, value) in contents.settings.sorted(by: { $0.key < $1.key }) {
                    out.key(key)
                    out.string(value)
                }
            }
        }
        return out.text + "\n"
    }

    private func epochJSON(_ epoch: Epoch?, _ out: inout JSONText) {
        if let epoch { out.integer(epoch.rawValue) } else { out.null() }
    }
    private func retainedJSON(_ entry: CheckpointContents.Retained, _ out: inout JSONText) {
        out.object { out in
            out.key("epoch")
            out.integer(entry.epoch.rawValue)
            out.key("savepoint")
            if let name = entry.savepoint { out.string(name) } else { out.null() }
            out.key("beforeRollback")
            out.boolean(entry.isFromBeforeRollback)
            out.key("time")
            out.string(time(entry.clockMicros))
            out.key("bytesHeld")
            out.integer(entry.bytes)
            out.key("missing")
            out.array { out in for name in entry.missing { out.string(name) } }
        }
    }
    private func holdingJSON(_ holding: CheckpointContents.Holding, _ out: inout JSONText) {
        let kinds: [BlockKind: String] = [.state: "state", .sourceFiles: "files", .sinkChanges: "changes"]
        out.object { out in
            out.key("name")
            out.string(holding.name)
            out.key("kind")
            out.string(kinds[holding.kind] ?? "other")
            out.key("runs")
            out.integer(holding.runs)
            out.key("runRows")
            out.integer(holding.runRows)
            out.key("runBytes")
            out.integer(holding.runBytes)
            out.key("logRows")
            out.integer(holding.logRows)
            out.key("logBytes")
            out.integer(holding.logBytes)
        }
    }
}

/// Lines of aligned words.
enum TextTable {
    static func lines(_ rows: [[String]], indent: String) -> String {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.displayWidth)
            }
        }
        var text = ""
        for row in rows {
            var line = indent
            for (index, cell) in row.enumerated() {
                line += cell
                if index < row.count - 1 {
                    line += String(repeating: " ", count: widths[index] - cell.displayWidth + 2)
                }
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}
