/// Conversions of arrays, maps and structs: part by part.
enum NestedCoercion {
    /// Whether each part converts by `rule`.
    static func converts(_ from: DataType, _ to: DataType, _ rule: (DataType, DataType) -> Bool) -> Bool {
        switch (from, to) {
        case (.array(let a), .array(let b)): rule(a, b)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            rule(key, otherKey) && rule(value, otherValue)
        case (.structure(let a), .structure(let b)):
            a.count == b.count && zip(a, b).allSatisfy { rule($0.type, $1.type) && ($1.nullable || !$0.nullable) }
        default: false
        }
    }

    /// The type of which both are a special case; names of fields come from the first.
    static func commonType(_ a: DataType, _ b: DataType) -> DataType? {
        switch (a, b) {
        case (.array(let x), .array(let y)): return TypeCoercion.commonType(x, y).map { .array($0) }
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            guard let keys = TypeCoercion.commonType(key, otherKey),
                let values = TypeCoercion.commonType(value, otherValue)
            else { return nil }
            return .map(key: keys, value: values)
        case (.structure(let x), .structure(let y)):
            guard x.count == y.count else { return nil }
            var fields: [Field] = []
            for (first, second) in zip(x, y) {
                guard first.name.lowercased() == second.name.lowercased(),
                    let type = TypeCoercion.commonType(first.type, second.type)
                else { return nil }
                fields.append(Field(first.name, type, nullable: first.nullable || second.nullable))
            }
            return .structure(fields)
        default: return nil
        }
    }
}
