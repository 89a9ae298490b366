// Operators without state that make another number of rows out of a row.

extension LogicalPlan {
    /// For each input row one output row of each projection, in their order.
    ///
    /// GROUPING SETS, ROLLUP and CUBE are an aggregate over it: a projection for each set, with NULL for the columns
    /// that are not in the set and the set's number behind them. UNPIVOT has a projection for each column it turns.
    public struct Expand: Hashable, Sendable {
        public var input: LogicalPlan
        public var names: [String]
        /// Each as long as `names`; at one position all have the same type.
        public var projections: [[BoundExpression]]
        public init(input: LogicalPlan, names: [String], projections: [[BoundExpression]]) {
            self.input = input
            self.names = names
            self.projections = projections
        }

        public var schema: Schema {
            Schema(
                names.indices.map { index in
                    Field(
                        names[index], projections[0][index].type,
                        nullable: projections.contains { $0[index].nullable })
                })
        }
    }

    /// Each input row `count` times. INTERSECT ALL and EXCEPT ALL are a count of the rows of both sides (an aggregate
    /// by the whole row over a union with the side as a column), then this.
    public struct Replicate: Hashable, Sendable {
        public var input: LogicalPlan
        /// BIGINT; a row with 0, less, or NULL is left out.
        public var count: BoundExpression
        public init(input: LogicalPlan, count: BoundExpression) {
            self.input = input
            self.count = count
        }
    }
}
