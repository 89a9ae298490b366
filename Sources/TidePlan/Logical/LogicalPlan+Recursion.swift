// WITH RECURSIVE.

extension LogicalPlan {
    /// `base UNION ALL step`, where the step reads the rows that the step before it gave (the first time those of the
    /// base) as `.working`, until one gives no row. Output: all rows of the base and of every step.
    ///
    /// A view recomputes it as a whole when an input has changed and passes on the difference: what a changed row leads
    /// to through any number of steps is not known beforehand.
    public struct Recursive: Hashable, Sendable {
        public var name: String
        /// Which `.working` leaves of the step are this recursion's.
        public var id: Int
        public var base: LogicalPlan
        public var step: LogicalPlan
        /// As both sides give them: names of the base, nullable where one side is.
        public var schema: Schema
        /// More steps are an error.
        public var levelMax: Int
        /// More rows are an error.
        public static let rowsMax = 1_000_000
        public static let levelMaxDefault = 100
        public init(
            name: String, id: Int, base: LogicalPlan, step: LogicalPlan, schema: Schema, levelMax: Int
        ) {
            self.name = name
            self.id = id
            self.base = base
            self.step = step
            self.schema = schema
            self.levelMax = levelMax
        }
    }

    public struct Working: Hashable, Sendable {
        public var id: Int
        public var schema: Schema
        public init(id: Int, schema: Schema) {
            self.id = id
            self.schema = schema
        }
    }

    /// Whether the plan reads a recursion's rows.
    public func reads(working id: Int) -> Bool {
        if case .working(let working) = self { return working.id == id }
        return inputs.contains { $0.reads(working: id) }
    }
}
