/// EXPLAIN of a pipeline: for each table its key, whether it only grows, and its flows' optimized plans with what is
/// pushed to the scans and which operators keep how much state.
public struct ExplainPrinter: Sendable {
    let definition: PipelineDefinition
    private let incremental: Incrementalization
    /// Whether the watermark ends groups: in views it says nothing, unless they freeze.
    private var groupsEnd = true

    public init(_ definition: PipelineDefinition) {
        self.definition = definition
        incremental = Incrementalization(datasets: definition.datasets)
    }

    /// All tables, or the one named.
    public func text(table: String? = nil) -> String {
        let chosen = definition.datasets.filter { table == nil || $0.name.lowercased() == table?.lowercased() }
        return chosen.map(text).joined(separator: "\n")
    }

    public func text(_ dataset: Dataset) -> String {
        var out = "\(dataset.kind.text) \(dataset.name): \(rows(dataset))\n"
        let columns = dataset.schema.fields.map { "\($0.name) \($0.type.sql)" }
        out += "  columns: \(columns.joined(separator: ", "))\n"
        if !dataset.partitionedBy.isEmpty {
            out += "  partitioned by: \(dataset.partitionedBy.joined(separator: ", "))\n"
        }
        if dataset.freezesAtWatermark {
            out += "  frozen at the watermark: rows that it has passed stay, what comes later for them is late\n"
        }
        var printer = self
        printer.groupsEnd = dataset.kind == .streamingTable || dataset.freezesAtWatermark
        for flow in dataset.flows {
            if dataset.flows.count > 1 || flow.name != dataset.name { out += "  flow \(flow.name)\n" }
            printer.write(flow.plan, prefix: "  ", childPrefix: "  ", into: &out)
        }
        return out
    }

    /// A batch query's plan alone.
    public func text(_ plan: LogicalPlan) -> String {
        var out = ""
        write(plan, prefix: "", childPrefix: "", isBatch: true, into: &out)
        return out
    }

    private func rows(_ dataset: Dataset) -> String {
        switch dataset.key {
        case nil: "append-only"
        case .bag: "no key, stored as a bag of rows"
        case .columns(let columns) where columns.isEmpty: "at most one row"
        case .columns(let columns): "key (\(columns.map { dataset.schema[$0].name }.joined(separator: ", ")))"
        }
    }

    private func write(
        _ plan: LogicalPlan, prefix: String, childPrefix: String, isBatch: Bool = false, into out: inout String
    ) {
        out += "\(prefix)\(title(plan))\n"
        let inputs = plan.inputs
        let bar = inputs.isEmpty ? "    " : "│   "
        for detail in details(plan, isBatch: isBatch) { out += "\(childPrefix)\(bar)\(detail)\n" }
        for (index, input) in inputs.enumerated() {
            let isLast = index == inputs.count - 1
            write(
                input, prefix: childPrefix + (isLast ? "└─ " : "├─ "),
                childPrefix: childPrefix + (isLast ? "   " : "│  "), isBatch: isBatch, into: &out)
        }
    }

    private func title(_ plan: LogicalPlan) -> String {
        switch plan {
        case .scan(let scan):
            let relation = scan.relation
            let format = relation.isOwnTable ? "table" : definition.relations[relation.name]?.format ?? "files"
            let how = relation.mode == .snapshot ? "snapshot" : relation.isStream ? "stream" : "changes"
            return "Scan \(relation.name) (\(format), \(how))"
        case .values(let values): return "Values (\(counted(values.rows.count, "row")))"
        case .filter: return "Filter"
        case .project: return "Project"
        case .join(let join):
            let kind = join.kind.rawValue
            return "\(kind.prefix(1).uppercased())\(kind.dropFirst()) join"
        case .aggregate(let aggregate):
            return aggregate.aggregates.isEmpty && !aggregate.groups.isEmpty ? "Distinct" : "Aggregate"
        case .union: return "Union all"
        case .sort: return "Sort"
        case .watermark: return "Watermark"
        case .timeWindows: return "Sliding windows"
        case .deduplicate: return "Deduplicate"
        case .keyed: return "State per key"
        case .window: return "Window"
        case .topN(let topN): return topN.partitionBy.isEmpty ? "Top rows" : "Top rows of each partition"
        case .expand: return "Expand"
        case .generate: return "Generate"
        case .replicate: return "Replicate"
        case .latest: return "Newest row per key (SCD type 1)"
        case .recursive(let recursive): return "Recursion \(recursive.name)"
        case .working: return "Rows of the last step"
        }
    }

    private func details(_ plan: LogicalPlan, isBatch: Bool) -> [String] {
        var lines = ["columns: \(plan.schema.names.joined(separator: ", "))"]
        switch plan {
        case .scan(let scan):
            if scan.columns.count < scan.relationSchema.count {
                lines[0] += " (\(scan.columns.count) of \(scan.relationSchema.count))"
            }
            if let path = definition.relations[scan.relation.name]?.path, !scan.relation.isOwnTable {
                lines.append("path: \(path)")
            }
            if !scan.hints.isEmpty {
                let hints = scan.hints.map { PlanText.expression($0, plan.schema) }
                lines.append("pushed to the scan: \(hints.joined(separator: ", "))")
            }
        case .filter(let input, let predicate):
            lines = ["condition: \(PlanText.expression(predicate, input.schema))"]
        case .project(let input, let items):
            lines = ["columns: \(items.map { PlanText.item($0, input.schema) }.joined(separator: ", "))"]
        case .aggregate(let aggregate): lines = self.details(aggregate)
        case .join(let join): lines = self.details(join)
        case .sort(let sort):
            lines = ["order: \(PlanText.keys(sort))"]
            if let limit = sort.limit { lines.append("limit: \(limit)") }
            if sort.offset > 0 { lines.append("offset: \(sort.offset)") }
        case .watermark, .timeWindows, .deduplicate, .keyed, .generate: lines = [PlanText.line(plan)]
        case .window(let window): lines = self.details(window)
        case .topN(let topN): lines = self.details(topN)
        case .expand(let expand):
            lines.append(
                contentsOf: expand.projections.map { "row: \(PlanText.list($0, expand.input.schema))" })
        case .replicate(let replicate):
            lines = ["copies: \(PlanText.expression(replicate.count, replicate.input.schema))"]
        case .latest(let latest):
            lines.append("keys: \(latest.keys.map { latest.input.schema[$0].name }.joined(separator: ", "))")
        case .recursive(let recursive): lines.append("steps: at most \(recursive.levelMax)")
        case .values, .union, .working: break
        }
        guard !isBatch else { return lines }
        lines.append(incremental.isAppendOnly(plan) ? "changes: append-only" : "changes: retracting")
        if let state = state(of: plan) { lines.append("state: \(state)") }
        return lines
    }

    private func details(_ aggregate: LogicalPlan.Aggregate) -> [String] {
        let schema = aggregate.input.schema
        let groups = aggregate.groups.map { PlanText.item($0, schema) }.joined(separator: ", ")
        var lines = aggregate.groups.isEmpty ? ["groups: none, one row"] : ["groups: \(groups)"]
        if !aggregate.aggregates.isEmpty {
            let calls = aggregate.aggregates.map { PlanText.call($0, schema) }
            lines.append("aggregates: \(calls.joined(separator: ", "))")
            if aggregate.aggregates.contains(where: \.aggregate.kind.picksRow) {
                let isStream = aggregate.input.isStream && incremental.keepsSourceOrder(aggregate.input)
                lines.append(
                    isStream
                        ? "order: that of the source decides: modification time, path, row"
                        : "order: the whole input row decides, ascending, NULLs first")
            }
        }
        return lines
    }

    private func details(_ join: LogicalPlan.Join) -> [String] {
        var lines = ["keys: \(join.keys.isEmpty ? "none, every pair of rows" : PlanText.keys(join))"]
        if let residual = join.residual {
            let both = Schema(join.left.schema.fields + join.right.schema.fields)
            lines.append("condition: \(PlanText.expression(residual, both))")
        }
        return lines
    }

    /// What a stateful operator keeps between epochs, and what bounds it; nil for stateless ones.
    private func state(of plan: LogicalPlan) -> String? {
        if incremental.isStatic(plan) { return nil }
        switch plan {
        case .scan, .values, .filter, .project, .union, .watermark, .timeWindows, .expand, .generate, .replicate,
            .working:
            return nil
        case .deduplicate(let deduplicate):
            let isBounded = deduplicate.isWithinWatermark || !deduplicate.eventTimeColumns.isEmpty
            return "the keys seen, " + (isBounded ? "until the watermark passes them" : "grows with them (unbounded)")
        case .keyed(let keyed):
            switch keyed.rule {
            case .inOrder: return "the rows that the watermark has not passed, and a timer per key"
            case .silent: return "the newest row of each key that is not silent, and a timer per key"
            case .newValues: return "the values of each key, until they have not come for their time to live"
            }
        case .recursive:
            return "all rows of its inputs (unbounded); recomputed as a whole when one of them changes"
        case .aggregate(let aggregate):
            if groupsEnd, EventTime.group(of: aggregate) != nil {
                return "one row of accumulators per group, until the watermark passes it"
            }
            if aggregate.groups.isEmpty { return "one row of accumulators\(multiset(aggregate))" }
            return "one row of accumulators per group, grows with the number of groups (unbounded)"
                + multiset(aggregate)
        case .join(let join):
            if incremental.isStatic(join.right) || incremental.isStatic(join.left) {
                return "none: the static side is read again when it changes"
            }
            return "both inputs indexed by key, grows with their rows (unbounded)"
        case .sort(let sort):
            return sort.limit == nil ? nil : "all input rows in order, grows with the input (unbounded)"
        case .latest:
            return "the newest row of each key, deleted ones with their number, grows with the keys (unbounded)"
        case .window: return "all input rows by partition in order, grows with the input (unbounded)"
        case .topN(let topN): return state(of: topN)
        }
    }

    /// If nothing is withdrawn, a row that fell out of the top never comes back and is forgotten.
    private func state(of topN: LogicalPlan.TopN) -> String {
        guard let limit = topN.limit, topN.kind == .rowNumber, incremental.isAppendOnly(topN.input) else {
            return "all input rows by partition in order, grows with the input (unbounded)"
        }
        let rows = "the first \(limit + topN.offset) rows"
        return topN.partitionBy.isEmpty
            ? rows : "\(rows) of each partition, grows with the number of partitions (unbounded)"
    }

    private func details(_ window: LogicalPlan.Window) -> [String] {
        let schema = window.input.schema
        var lines = ["partitions: \(partitions(window.partitionBy, schema))"]
        if !window.orderBy.isEmpty { lines.append("order: \(PlanText.keys(window.orderBy, schema))") }
        lines.append("functions: \(window.functions.map { PlanText.call($0, schema) }.joined(separator: ", "))")
        if window.functions.contains(where: \.function.dependsOnTies) {
            lines.append("ties: the whole input row decides, ascending, NULLs first")
        }
        return lines
    }

    private func details(_ topN: LogicalPlan.TopN) -> [String] {
        let schema = topN.input.schema
        var lines = ["partitions: \(partitions(topN.partitionBy, schema))"]
        if !topN.orderBy.isEmpty { lines.append("order: \(PlanText.keys(topN.orderBy, schema))") }
        if let limit = topN.limit { lines.append("limit: \(limit), by \(topN.kind.rawValue)") }
        if topN.offset > 0 { lines.append("offset: \(topN.offset)") }
        if topN.kind == .rowNumber { lines.append("ties: the whole input row decides, ascending, NULLs first") }
        return lines
    }

    private func partitions(_ expressions: [BoundExpression], _ schema: Schema) -> String {
        expressions.isEmpty ? "none, all rows are one" : PlanText.list(expressions, schema)
    }

    /// min, max and their kin need all values of a group if a value can be withdrawn.
    private func multiset(_ aggregate: LogicalPlan.Aggregate) -> String {
        if incremental.isAppendOnly(aggregate.input) { return "" }
        let names = aggregate.aggregates.filter { $0.aggregate.kind.needsValuesToRetract }.map(\.name)
        return names.isEmpty ? "" : "; all values of \(names.joined(separator: ", ")), since the input retracts"
    }
}

extension AggregateKind {
    /// Whether undoing a value needs the others.
    public var needsValuesToRetract: Bool {
        switch self {
        case .min, .max, .first, .last, .anyValue, .percentile, .mode, .maxBy, .minBy, .bitAnd, .bitOr, .bitXor,
            .collectList, .collectSet, .listAgg, .distinctEstimate:
            true
        default: false
        }
    }
}
