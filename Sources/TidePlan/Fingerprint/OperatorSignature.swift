/// What an operator's state depends on, in words: its keys, functions and types, but not what lies below or above it. A
/// streaming table keeps its state while these stay the same (Spark's rule). The words are part of every checkpoint.
public enum OperatorSignature {
    /// - Parameter inSourceOrder: the order in which rows came is kept, where it decides.
    public static func of(_ aggregate: LogicalPlan.Aggregate, inSourceOrder: Bool = false) -> String {
        let input = aggregate.input.schema
        let keys = aggregate.groups.map { typed($0.expression, input) }
        let calls = aggregate.aggregates.map { named in
            var text = "\(named.aggregate.kind.sql)(\(named.aggregate.distinct ? "DISTINCT " : "")"
            let arguments = named.aggregate.arguments.map { typed($0, input) }.joined(separator: ", ")
            text += (arguments.isEmpty ? "*" : arguments) + ")"
            if let filter = named.filter { text += " FILTER (\(untyped(filter, input)))" }
            return text
        }
        let by = keys.isEmpty ? "of all rows" : "by \(keys.joined(separator: ", "))"
        if calls.isEmpty { return "distinct \(by)" }
        let isOrdered = inSourceOrder && aggregate.aggregates.contains { $0.aggregate.kind.followsArrival }
        return "\(by): \(calls.joined(separator: ", "))" + (isOrdered ? ", in source order" : "")
    }

    public static func of(_ join: LogicalPlan.Join) -> String {
        let keys = join.keys.map { key in
            "\(typed(key.left, join.left.schema)) \(key.nullSafe ? "<=>" : "=") \(typed(key.right, join.right.schema))"
        }
        var text = "\(join.kind.rawValue) on \(keys.isEmpty ? "every pair" : keys.joined(separator: " and "))"
        if let residual = join.residual {
            text += " where \(untyped(residual, Schema(join.left.schema.fields + join.right.schema.fields)))"
        }
        return text + "; left (\(columns(join.left.schema))), right (\(columns(join.right.schema)))"
    }

    private static func columns(_ schema: Schema) -> String {
        schema.fields.map { "\($0.name) \($0.type.sql)" }.joined(separator: ", ")
    }
    private static func typed(_ expression: BoundExpression, _ schema: Schema) -> String {
        "\(untyped(expression, schema)) \(expression.type.sql)"
    }
    private static func untyped(_ expression: BoundExpression, _ schema: Schema) -> String {
        expression.describe { $0 < schema.count ? schema[$0].name : "#\($0)" }
    }
}
