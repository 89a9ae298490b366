/// A plan as compact text, one operator a line, children indented: what golden tests compare.
///
/// Columns are `name#index` of the operator's input.
public struct PlanText {
    public static func of(_ plan: LogicalPlan) -> String {
        var text = ""
        write(plan, depth: 0, into: &text)
        return text
    }

    private static func write(_ plan: LogicalPlan, depth: Int, into text: inout String) {
        text += String(repeating: "  ", count: depth) + line(plan) + "\n"
        for input in plan.inputs { write(input, depth: depth + 1, into: &text) }
    }

    static func line(_ plan: LogicalPlan) -> String {
        switch plan {
        case .scan(let scan):
            var line = "scan \(scan.relation.name) \(scan.relation.mode.rawValue)"
            if scan.relation.isStream { line += " stream" }
            for (key, value) in scan.relation.options.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
            line += " [\(plan.schema.names.joined(separator: ", "))]"
            if !scan.hints.isEmpty { line += " hints \(list(scan.hints, plan.schema))" }
            return line
        case .values(let values): return "values \(counted(values.rows.count, "row")) [\(columns(values.schema))]"
        case .filter(let input, let predicate): return "filter \(expression(predicate, input.schema))"
        case .project(let input, let items):
            return "project [\(items.map { item($0, input.schema) }.joined(separator: ", "))]"
        case .join(let join):
            var line = "\(join.kind.rawValue) join"
            if !join.keys.isEmpty { line += " on \(keys(join))" }
            if let residual = join.residual {
                let both = Schema(join.left.schema.fields + join.right.schema.fields)
                line += " where \(expression(residual, both))"
            }
            return line
        case .aggregate(let aggregate):
            let schema = aggregate.input.schema
            let groups = aggregate.groups.map { item($0, schema) }.joined(separator: ", ")
            let calls = aggregate.aggregates.map { call($0, schema) }.joined(separator: ", ")
            let session = aggregate.session.map { " sessions by \(aggregate.groups[$0].name)" } ?? ""
            return "aggregate by [\(groups)] [\(calls)]\(session)"
        case .union(let inputs): return "union of \(inputs.count)"
        case .sort(let sort):
            var line = "sort [\(keys(sort))]"
            if let limit = sort.limit { line += " limit \(limit)" }
            if sort.offset > 0 { line += " offset \(sort.offset)" }
            return line
        case .watermark(let watermark):
            return "watermark \(watermark.input.schema[watermark.column].name)#\(watermark.column) "
                + "delay \(watermark.delayMillis) ms"
        case .timeWindows(let windows):
            return "windows of \(expression(windows.time, windows.input.schema)) size \(windows.size) µs "
                + "slide \(windows.slide) µs" + (windows.offset == 0 ? "" : " start \(windows.offset) µs")
        case .deduplicate(let deduplicate):
            let schema = deduplicate.input.schema
            let keys = deduplicate.keys.map { "\(schema[$0].name)#\($0)" }.joined(separator: ", ")
            return "deduplicate by [\(keys)]" + (deduplicate.isWithinWatermark ? " within the watermark" : "")
        case .keyed(let keyed):
            let schema = keyed.input.schema
            let keys = keyed.keys.map { "\(schema[$0].name)#\($0)" }.joined(separator: ", ")
            switch keyed.rule {
            case .inOrder: return "rows in order by [\(keys)]"
            case .silent(let micros):
                return "silent keys by [\(keys)] after \(micros) µs of "
                    + (keyed.timeColumn == nil ? "processing time" : "event time")
            case .newValues(let column, let micros):
                return "new values of \(schema[column].name)#\(column) by [\(keys)] within \(micros) µs"
            }
        case .window(let window):
            let schema = window.input.schema
            let calls = window.functions.map { call($0, schema) }.joined(separator: ", ")
            return "window by [\(list(window.partitionBy, schema))] order [\(keys(window.orderBy, schema))] [\(calls)]"
        case .topN(let topN):
            let schema = topN.input.schema
            var line = "top"
            if let limit = topN.limit { line += " \(limit)" }
            if topN.offset > 0 { line += " offset \(topN.offset)" }
            line +=
                " by [\(list(topN.partitionBy, schema))] order [\(keys(topN.orderBy, schema))] \(topN.kind.rawValue)"
            return line + (topN.rank.map { " AS \($0)" } ?? "")
        case .expand(let expand):
            let rows = expand.projections.map { "(\(list($0, expand.input.schema)))" }.joined(separator: ", ")
            return "expand [\(expand.names.joined(separator: ", "))] \(rows)"
        case .generate(let generate):
            return "generate [\(generate.names.joined(separator: ", "))]"
                + (generate.generator.hasPosition ? " with position" : "")
                + (generate.generator.isOuter ? " outer" : "")
                + " from \(expression(generate.generator.source, generate.input.schema))"
        case .recursive(let recursive): return "recursive \(recursive.name) at most \(recursive.levelMax) steps"
        case .working(let working): return "working [\(working.schema.names.joined(separator: ", "))]"
        case .replicate(let replicate):
            return "replicate \(expression(replicate.count, replicate.input.schema))"
        case .latest(let latest):
            return "latest by [\(latest.keys.map { latest.input.schema[$0].name }.joined(separator: ", "))]"
        }
    }

    static func keys(_ join: LogicalPlan.Join) -> String {
        join.keys.map { key in
            let symbol = key.nullSafe ? "<=>" : "="
            return "\(expression(key.left, join.left.schema)) \(symbol) \(expression(key.right, join.right.schema))"
        }.joined(separator: " AND ")
    }

    static func keys(_ sort: LogicalPlan.Sort) -> String { keys(sort.keys, sort.input.schema) }

    static func keys(_ keys: [LogicalPlan.Sort.Key], _ schema: Schema) -> String {
        keys.map { key in
            let nulls = key.nullsFirst == !key.descending ? "" : key.nullsFirst ? " NULLS FIRST" : " NULLS LAST"
            return expression(key.expression, schema) + (key.descending ? " DESC" : "") + nulls
        }.joined(separator: ", ")
    }

    /// With the columns' names and positions.
    static func expression(_ expression: BoundExpression, _ schema: Schema) -> String {
        expression.describe { $0 < schema.count ? "\(schema[$0].name)#\($0)" : "#\($0)" }
    }

    static func call(_ call: NamedAggregate, _ schema: Schema) -> String {
        "\(unnamed(call, schema)) AS \(call.name)"
    }

    static func unnamed(_ call: NamedAggregate, _ schema: Schema) -> String {
        let arguments = list(call.aggregate.arguments, schema)
        var text = "\(call.aggregate.kind.sql)(\(call.aggregate.distinct ? "DISTINCT " : "")\(arguments))"
        if let filter = call.filter { text += " FILTER (WHERE \(expression(filter, schema)))" }
        return text
    }

    static func call(_ call: NamedWindowFunction, _ schema: Schema) -> String {
        "\(WindowText.function(call, schema)) AS \(call.name)"
    }

    static func item(_ item: NamedExpression, _ schema: Schema) -> String {
        let text = expression(item.expression, schema)
        if case .column(let index, _, _) = item.expression, index < schema.count, schema[index].name == item.name {
            return text
        }
        return "\(text) AS \(item.name)"
    }

    static func list(_ expressions: [BoundExpression], _ schema: Schema) -> String {
        expressions.map { expression($0, schema) }.joined(separator: ", ")
    }

    private static func columns(_ schema: Schema) -> String {
        schema.fields.map { "\($0.name) \($0.type.sql)" }.joined(separator: ", ")
    }
}

extension AggregateKind {
    /// The function's name for people.
    public var sql: String {
        switch self {
        case .countStar, .count: "count"
        case .sum: "sum"
        case .avg: "avg"
        case .min: "min"
        case .max: "max"
        case .first(let ignoreNulls): ignoreNulls ? "first_ignore_nulls" : "first"
        case .last(let ignoreNulls): ignoreNulls ? "last_ignore_nulls" : "last"
        case .anyValue(let ignoreNulls): ignoreNulls ? "any_value_ignore_nulls" : "any_value"
        case .boolAnd: "bool_and"
        case .boolOr: "bool_or"
        case .countIf: "count_if"
        case .stddevPop: "stddev_pop"
        case .stddevSamp: "stddev_samp"
        case .varPop: "var_pop"
        case .varSamp: "var_samp"
        case .covarPop: "covar_pop"
        case .covarSamp: "covar_samp"
        case .corr: "corr"
        case .skewness: "skewness"
        case .kurtosis: "kurtosis"
        case .percentile(let fraction): "percentile_\(fraction.value)"
        case .mode: "mode"
        case .maxBy: "max_by"
        case .minBy: "min_by"
        case .bitAnd: "bit_and"
        case .bitOr: "bit_or"
        case .bitXor: "bit_xor"
        case .collectList: "collect_list"
        case .collectSet: "collect_set"
        case .listAgg(let delimiter): "listagg_\(delimiter)"
        case .distinctEstimate(let precision): "approx_count_distinct_\(precision)"
        }
    }
}
