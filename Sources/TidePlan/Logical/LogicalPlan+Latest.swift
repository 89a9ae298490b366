// The newest row of each key: AUTO CDC with SCD type 1.

extension LogicalPlan {
    /// Of each key the row with the greatest sequence number, unless that row is a deletion.
    ///
    /// Input: the table's columns, then the sequence number, whether the row deletes its key (BOOLEAN, never NULL), and
    /// the name of the flow it came by (STRING). Of rows with equal numbers those of the later flow name win, and of
    /// one flow the one that came last. A row without a number is a bad row. Output: the table's columns.
    public struct Latest: Hashable, Sendable {
        public var input: LogicalPlan
        /// Columns that name a row.
        public var keys: [Int]
        public init(input: LogicalPlan, keys: [Int]) {
            self.input = input
            self.keys = keys
        }

        /// Columns of the table.
        public var columnCount: Int { input.schema.count - Latest.controlColumns }
        public static let controlColumns = 3
    }
}
