import TideColumns

extension FieldDecoder {
    /// Intervals as a cast from text reads them: their fields alone or as a whole literal. Fields outside the side text
    /// lie in `chunk`. Texts of another form are failures, as is the empty one.
    @inline(never) mutating func intervals(
        _ type: DataType, _ runs: FieldRuns, _ chunk: Buffer
    ) -> (column: Column, failures: [UInt32]) {
        let views = views()
        let heap = views.long ? StringHeap([chunk, runs.sideText.buffer]) : .empty
        let text = Column(type: .string, count: count, values: views.buffer, validity: validity, heap: heap)
        let (column, wrong) = text.parsed(as: type)
        if let wrong { for row in 0..<count where wrong[row] { blame(row) } }
        return (column, failures)
    }
}
