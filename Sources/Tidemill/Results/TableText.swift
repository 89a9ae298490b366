/// Rows as a person reads them: a box of aligned columns.
public struct TableText {
    let answer: Pipeline.Answer
    public init(_ answer: Pipeline.Answer) { self.answer = answer }

    /// Columns of the terminal that a cell takes at most.
    private static let cellWidthMax = 60

    /// The rows as text, numbers right-aligned; `rowsMax` nil shows all.
    public func render(rowsMax: Int? = nil) -> String {
        let names = answer.schema.names.map(\.printable)
        var cells: [[String]] = []
        var shown = 0
        for batch in answer.batches {
            let columns = batch.columns.map(\.asText)
            for row in 0..<batch.count where shown < rowsMax ?? .max {
                cells.append(columns.map { TableText.cell($0, row) })
                shown += 1
            }
        }
        let rightAligned = answer.schema.types.map(\.isNumeric)
        var widths = names.map(\.displayWidth)
        for row in cells {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.displayWidth) }
        }
        func line(_ left: String, _ middle: String, _ right: String) -> String {
            left + widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: middle) + right + "\n"
        }
        func row(_ values: [String], header: Bool) -> String {
            let padded = values.enumerated().map { index, value in
                let fill = String(repeating: " ", count: widths[index] - value.displayWidth)
                return rightAligned[index] && !header ? " \(fill)\(value) " : " \(value)\(fill) "
            }
            return "│" + padded.joined(separator: "│") + "│\n"
        }
        var text = line("┌", "┬", "┐") + row(names, header: true) + line("├", "┼", "┤")
        for values in cells { text += row(values, header: false) }
        text += line("└", "┴", "┘")
        let total = answer.rowCount
        if shown < total {
            text += "\(shown) of \(counted(total, "row"))\n"
        } else {
            text += "\(counted(total, "row"))\n"
        }
        return text
    }

    private static func cell(_ column: Column, _ row: Int) -> String {
        guard column.isValid(row) else { return "NULL" }
        // A cell may be long: what is not shown is not looked at.
        let bytes = column.bytes(row)
        let isWhole = bytes.count <= cellWidthMax * 16
        let text = String(decoding: isWhole ? bytes : .init(rebasing: bytes.prefix(cellWidthMax * 16)), as: UTF8.self)
        let visible = text.printable
        if isWhole && visible.displayWidth <= cellWidthMax { return visible }
        return visible.prefix(displayWidth: cellWidthMax - 1) + "…"
    }
}

extension Column {
    /// The values as Spark's cast to STRING prints them.
    var asText: Column { type == .null ? Column(repeating: .null(.string), count: count) : formatted() }
}
