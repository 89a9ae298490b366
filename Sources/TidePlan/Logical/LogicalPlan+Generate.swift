extension LogicalPlan {
    /// A generator: each input row once for every element of an array or entry of a map, with what it generates behind
    /// the row's columns. `explode`, `posexplode`, `inline`, LATERAL VIEW.
    ///
    /// Stateless: the elements are a function of the row, so a retracted row retracts what it gave.
    public struct Generate: Hashable, Sendable {
        public var input: LogicalPlan
        /// Over the input.
        public var generator: BoundGenerator
        /// Of the generated columns.
        public var names: [String]

        public init(input: LogicalPlan, generator: BoundGenerator, names: [String]) {
            self.input = input
            self.generator = generator
            self.names = names
        }

        /// The generated columns under their names.
        public var fields: [Field] {
            zip(names, generator.fields).map { Field($0, $1.type, nullable: $1.nullable) }
        }
    }
}
