/// What `tidemill state list` prints.
public struct StateText {
    let catalog: StateCatalog
    public init(_ catalog: StateCatalog) { self.catalog = catalog }

    /// Counting reads all of a state; beyond this many stored rows only the bound is shown.
    private static let countedRowsMax: Int64 = 2_000_000

    public func list() throws(TidemillError) -> String {
        if catalog.entries.isEmpty { return "no operator keeps state\n" }
        var rows = [["state", "rows", "runs", "bytes in runs", "in the log", "of"]]
        for entry in catalog.entries {
            rows.append([
                entry.name, try count(entry), "\(entry.runs)", Quantity.bytes(entry.runBytes),
                Quantity.bytes(entry.logBytes), entry.signature,
            ])
        }
        return TextTable.lines(rows, indent: "")
    }

    private func count(_ entry: StateCatalog.Entry) throws(TidemillError) -> String {
        if entry.storedRows > StateText.countedRowsMax { return "at most \(Quantity.count(Int(entry.storedRows)))" }
        return Quantity.count(try catalog.rowCount(of: entry))
    }

    /// One JSON object per operator's table.
    public func json() throws(TidemillError) -> String {
        var text = ""
        for entry in catalog.entries {
            let counted = entry.storedRows <= StateText.countedRowsMax ? try catalog.rowCount(of: entry) : nil
            var out = JSONText()
            out.object { out in
                out.key("state")
                out.string(entry.name)
                out.key("flow")
                out.string(entry.flow)
                out.key("rows")
                if let counted { out.integer(counted) } else { out.null() }
                out.key("storedRows")
                out.integer(entry.storedRows)
                out.key("runs")
                out.integer(entry.runs)
                out.key("runBytes")
                out.integer(entry.runBytes)
                out.key("logBytes")
                out.integer(entry.logBytes)
                out.key("columns")
                out.array { out in
                    for field in entry.schema.fields { out.string("\(field.name) \(field.type.sql)") }
                }
            }
            text += out.text + "\n"
        }
        return text
    }

    /// Rows of one operator's table.
    public func answer(_ name: String, limit: Int) throws(TidemillError) -> Pipeline.Answer {
        let entry = try catalog.entry(name)
        return Pipeline.Answer(schema: entry.schema, batches: try catalog.rows(of: entry, limit: limit))
    }
}
