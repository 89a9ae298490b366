extension LogicalPlan {
    /// A generator: each input row once for every element of an array or entry of a map, with what it generates behind
    /// the row's columns. `explode`, `posexplode`, `inline`, LATERAL VIEW.
    ///
    /// Stateless: the elements are a function of the row, so a retracted row retracts what it gave.
    public struct Generate: Hashable, Sendable {
        public var input: LogicalPlan
        /// An array or a map, over the input.
        public var collection: BoundExpression
        /// The element's position, from 0, comes before it.
        public var hasPosition: Bool
        /// A row without elements is kept, with NULL for what it does not generate.
        public var isOuter: Bool
        /// The fields of the array's structs are columns of their own; those of a NULL struct are NULL.
        public var inlinesFields: Bool
        /// Of the generated columns: position, then element, key and value, or fields.
        public var names: [String]

        public init(
            input: LogicalPlan, collection: BoundExpression, hasPosition: Bool, isOuter: Bool, inlinesFields: Bool,
            names: [String]
        ) {
            self.input = input
            self.collection = collection
            self.hasPosition = hasPosition
            self.isOuter = isOuter
            self.inlinesFields = inlinesFields
            self.names = names
        }

        /// What an element gives, in order.
        public var elementFields: [Field] {
            switch collection.type {
            case .array(.structure(let fields)) where inlinesFields:
                return fields.map { Field($0.name, $0.type, nullable: true) }
            case .array(let element): return [Field("col", element, nullable: true)]
            case .map(let key, let value):
                return [Field("key", key, nullable: isOuter), Field("value", value, nullable: true)]
            default: return []
            }
        }

        /// The generated columns under their names.
        public var fields: [Field] {
            let all = (hasPosition ? [Field("pos", .int, nullable: isOuter)] : []) + elementFields
            return zip(names, all).map { Field($0, $1.type, nullable: $1.nullable) }
        }
    }
}
