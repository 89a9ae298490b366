/// Says which row of its input made an expression fail, and what was in it.
struct SplitRows {
    let split: SourceSplit
    /// Of the batch's columns.
    let names: [String]
    /// Rows of the split that came before the batch.
    let first: Int
    /// Rows that the reader left out; more may follow in the batch itself.
    let dropped: Int

    private static let columnsMax = 6

    /// The error with the file and row in its detail, if it knows its row of `batch`.
    func naming(_ error: TidemillError, _ batch: Batch) -> TidemillError {
        guard let row = error.row, row < batch.count else { return error }
        var place = "in \(split.name)"
        if let before = split.rowsBefore {
            place = "in row \(before + first + row + 1)\(dropped > 0 ? " or later" : "") of \(split.name)"
        }
        let shown = shownColumns(error)
        let values = shown.map { "\(names[$0]) = \(batch.columns[$0].scalar(row).messageText)" }
        let rest = shown.count < names.count && shown.count == SplitRows.columnsMax ? ", …" : ""
        let text = values.isEmpty ? place : "\(place): \(values.joined(separator: ", "))\(rest)"
        return error.atRow(nil).detailing(text)
    }

    /// The columns that the failing expression names; all, if it names none by their own names.
    private func shownColumns(_ error: TidemillError) -> [Int] {
        guard case .sql(let span) = error.place else { return Array(names.indices.prefix(SplitRows.columnsMax)) }
        let words = Set(
            span.text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
        let named = names.indices.filter { words.contains(names[$0].lowercased()) }
        return Array((named.isEmpty ? Array(names.indices) : named).prefix(SplitRows.columnsMax))
    }
}
