// Operators that look at the rows of a partition in order.

extension LogicalPlan {
    /// `f(…) OVER (PARTITION BY … ORDER BY …)`, several functions over one partitioning and order.
    ///
    /// Output: the input's columns, then one column for each function; a row out for each row in. Rows that the order
    /// leaves equal stand in the order of the whole input row, column by column, ascending, NULLs first. No partition
    /// expression: all rows are one partition.
    public struct Window: Hashable, Sendable {
        public var input: LogicalPlan
        public var partitionBy: [BoundExpression]
        public var orderBy: [Sort.Key]
        public var functions: [NamedWindowFunction]
        public init(
            input: LogicalPlan, partitionBy: [BoundExpression], orderBy: [Sort.Key], functions: [NamedWindowFunction]
        ) {
            self.input = input
            self.partitionBy = partitionBy
            self.orderBy = orderBy
            self.functions = functions
        }
    }

    /// Of each partition the rows that stand at `offset + 1 … offset + limit` in the order, ties broken as in `Window`.
    /// ORDER BY … LIMIT … OFFSET is the case without partition expressions; `row_number() … <= k` becomes one.
    ///
    /// Output: the input's columns, then the rank (INT, from 1) if it has a name. The order of the output's rows is
    /// open.
    public struct TopN: Hashable, Sendable {
        /// What is counted against the limit.
        public enum Kind: String, Hashable, Sendable { case rowNumber = "row_number", rank, denseRank = "dense_rank" }
        public var input: LogicalPlan
        public var partitionBy: [BoundExpression]
        /// Empty: the whole input row alone decides.
        public var orderBy: [Sort.Key]
        /// nil: all rows behind the offset.
        public var limit: Int?
        public var offset: Int
        public var kind: Kind
        public var rank: String?
        public init(
            input: LogicalPlan, partitionBy: [BoundExpression] = [], orderBy: [Sort.Key], limit: Int?,
            offset: Int = 0, kind: Kind = .rowNumber, rank: String? = nil
        ) {
            self.input = input
            self.partitionBy = partitionBy
            self.orderBy = orderBy
            self.limit = limit
            self.offset = offset
            self.kind = kind
            self.rank = rank
        }
    }
}

public struct NamedWindowFunction: Hashable, Sendable {
    public var name: String
    public var function: WindowFunction
    /// Means nothing to functions that look at the whole partition.
    public var frame: WindowFunction.Frame
    public init(_ name: String, _ function: WindowFunction, frame: WindowFunction.Frame) {
        self.name = name
        self.function = function
        self.frame = frame
    }
    public var field: Field { Field(name, function.type, nullable: function.nullable) }
}
