extension Batch {
    /// Every row as often as its weight says, without weights: the rows of a table that only grows.
    /// nil if a row is retracted.
    public func repeatedByWeight() -> Batch? {
        guard let weights else { return self }
        let values = weights.pointer(Int64.self)
        var rows: [UInt32] = []
        rows.reserveCapacity(count)
        for row in 0..<count {
            if values[row] < 0 { return nil }
            for _ in 0..<values[row] { rows.append(UInt32(truncatingIfNeeded: row)) }
        }
        return Batch(columns: columns, count: count).gather(rows)
    }
}
