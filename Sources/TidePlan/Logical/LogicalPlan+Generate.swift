// Rows made of arrays and maps.

extension LogicalPlan {
    /// For each input row one row for each element that the generator finds in it, in their order. Output: the carried
    /// columns of the input, then the generator's.
    public struct Generate: Hashable, Sendable {
        public var input: LogicalPlan
        /// Columns of the input, ascending. The analyzer carries all.
        public var carried: [Int]
        /// Over the input.
        public var generator: BoundGenerator
        /// Of the columns made.
        public var names: [String]

        public init(input: LogicalPlan, generator: BoundGenerator, names: [String]? = nil) {
            self.input = input
            self.generator = generator
            self.names = names ?? generator.fields.map(\.name)
            carried = Array(input.schema.fields.indices)
        }

        public var fields: [Field] {
            zip(names, generator.fields).map { Field($0, $1.type, nullable: $1.nullable) }
        }
        public var schema: Schema {
            let below = input.schema
            return Schema(carried.map { below[$0] } + fields)
        }
    }
}
