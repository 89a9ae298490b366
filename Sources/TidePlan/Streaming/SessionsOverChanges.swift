/// GROUP BY session_window(…) over input that takes rows back, said with OVER.
///
/// A session that lost a row may fall apart, and only the rows of its key say where. So each row learns from the rows
/// before it whether it opens a session, and from the last that opened one which it belongs to:
///
///     before := max(end)   OVER (PARTITION BY keys ORDER BY start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
///     opens  := CASE WHEN before IS NULL OR before < start THEN start END
///     first  := max(opens) OVER (PARTITION BY keys ORDER BY start)
///
/// Sessions are then groups by the keys and `first`, and end where their last row does. A change computes its key's
/// rows anew, as OVER does.
public enum SessionsOverChanges {
    public static func plan(_ aggregate: LogicalPlan.Aggregate, session: Int) throws(TidemillError) -> LogicalPlan {
        let registry = FunctionRegistry.builtin
        func call(_ name: String, _ arguments: BoundExpression...) throws(TidemillError) -> BoundExpression {
            try registry.bind(name, arguments: arguments, span: nil)
        }
        func latest(_ expression: BoundExpression) throws(TidemillError) -> BoundAggregate {
            try registry.bindAggregate("max", arguments: [expression])
        }
        let input = aggregate.input.schema
        let window = aggregate.groups[session].expression
        var items = columns(of: input)
        items += aggregate.groups.map { NamedExpression($0.name, $0.expression) }
        items.append(NamedExpression("start", try call("window start", window)))
        items.append(NamedExpression("end", try call("window end", window)))
        let rows = LogicalPlan.project(input: aggregate.input, items: items)

        let width = input.fields.count
        let keys = aggregate.groups.indices.filter { $0 != session }.map { column(width + $0, of: rows.schema) }
        let start = column(width + aggregate.groups.count, of: rows.schema)
        let end = column(width + aggregate.groups.count + 1, of: rows.schema)
        let order = [LogicalPlan.Sort.Key(expression: start, descending: false, nullsFirst: true)]
        func over(
            _ input: LogicalPlan, _ name: String, _ function: BoundAggregate, _ frame: WindowFunction.Frame
        ) -> LogicalPlan {
            let named = NamedWindowFunction(name, .aggregate(function, filter: nil), frame: frame)
            return .window(
                LogicalPlan.Window(input: input, partitionBy: keys, orderBy: order, functions: [named]))
        }
        let earlier = WindowFunction.Frame(unit: .rows, start: .unboundedPreceding, end: .rows(-1))
        let marked = over(rows, "before", try latest(end), earlier)
        let before = column(marked.schema.fields.count - 1, of: marked.schema)
        let opens = BoundExpression.conditional(
            .init(
                branches: [
                    .init(when: .or([.isNull(before, negated: false), try call("<", before, start)]), then: start)
                ], otherwise: .literal(Scalar(.timestamp, .null))))
        let opened = LogicalPlan.project(
            input: marked, items: columns(of: rows.schema) + [NamedExpression("opens", opens)])
        let placed = over(
            opened, "first", try latest(column(rows.schema.fields.count, of: opened.schema)), .upToPeers)

        var groups = aggregate.groups
        for index in groups.indices { groups[index].expression = column(width + index, of: placed.schema) }
        groups[session].expression = column(placed.schema.fields.count - 1, of: placed.schema)
        let whole = LogicalPlan.aggregate(
            LogicalPlan.Aggregate(
                input: placed, groups: groups,
                aggregates: aggregate.aggregates + [NamedAggregate("end", try latest(end))]))
        var results = columns(of: whole.schema)
        let last = results.removeLast().expression
        let first = results[session].expression
        results[session].expression = try call(
            "session start window", first, try call("-", call("unix_micros", last), call("unix_micros", first)))
        return .project(input: whole, items: results)
    }

    private static func column(_ index: Int, of schema: Schema) -> BoundExpression {
        .column(index: index, type: schema[index].type, nullable: schema[index].nullable)
    }
    private static func columns(of schema: Schema) -> [NamedExpression] {
        schema.fields.indices.map { NamedExpression(schema[$0].name, column($0, of: schema)) }
    }
}
