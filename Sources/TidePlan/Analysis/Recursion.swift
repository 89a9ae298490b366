/// A common table of WITH RECURSIVE while its query is being analyzed.
final class Recursion {
    let key: String
    let id: Int
    /// Enclosing rows when it started: a reference in a subquery has more.
    let depth: Int
    private(set) var isUsed = false
    private var working: AnalyzedRelation?

    init(key: String, id: Int, depth: Int) {
        self.key = key
        self.id = id
        self.depth = depth
    }

    /// The base is known; from now on the name can be read.
    func start(_ base: AnalyzedRelation, _ table: CommonTable, in analyzer: QueryAnalyzer) throws(TidemillError) {
        let items = base.items
        // A step may give NULL where the base does not.
        let schema = Schema(items.map { Field($0.name, $0.expression.type, nullable: true) })
        let plan = LogicalPlan.working(LogicalPlan.Working(id: id, schema: schema))
        var relation = AnalyzedRelation(
            plan: plan, scope: Scope(schema: schema, qualifier: [table.name.name]), isStreaming: false)
        if base.isStreaming {
            throw AnalysisError.unsupported(
                "recursion over a stream is not supported", hint: "use a materialized view", table.span)
        }
        if !table.columns.isEmpty {
            relation = try analyzer.renamed(relation, table.columns, [table.name.name], table.span)
        }
        working = relation
    }

    func reference(_ span: SourceSpan, inSubquery: Bool) throws(TidemillError) -> AnalyzedRelation {
        guard let working, !inSubquery else {
            throw AnalysisError.user(
                "INVALID_RECURSIVE_REFERENCE.PLACE",
                "the recursive table \(key) can only be read in FROM of the second part of UNION ALL",
                hint: "write base query UNION ALL query that reads \(key)", span)
        }
        isUsed = true
        return working
    }

    /// The step's columns are cast to the base's types.
    func finish(
        _ base: AnalyzedRelation, _ step: AnalyzedRelation, _ table: CommonTable, isDistinct: Bool
    ) throws(TidemillError) -> AnalyzedRelation {
        if isDistinct {
            throw AnalysisError.user(
                "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE", "a recursive query takes UNION ALL, not UNION: \(key)",
                hint: "write UNION ALL, and a condition that ends it", table.span)
        }
        let items = base.items
        var steps: [NamedExpression] = []
        for (item, found) in zip(items, step.items) {
            let type = item.expression.type
            guard
                found.expression.type == type
                    || FunctionRegistry.builtin.commonType(of: [type, found.expression.type]) != nil
            else {
                throw AnalysisError.user(
                    "INVALID_RECURSIVE_REFERENCE.DATA_TYPE",
                    "the column `\(item.name)` of the recursive table \(key) is \(type.sql) in its base and "
                        + "\(found.expression.type.sql) in its step",
                    hint: "cast one of them", table.span)
            }
            steps.append(NamedExpression(item.name, found.expression.casted(to: type)))
        }
        let bases = LogicalPlan.project(input: base.plan, items: items)
        let next = LogicalPlan.project(input: step.plan, items: steps)
        guard !step.plan.aggregates(working: id) else {
            throw AnalysisError.user(
                "INVALID_RECURSIVE_REFERENCE.PLACE",
                "the recursive table \(key) cannot be read inside an aggregate, a window, a set operation, or on the "
                    + "optional side of an outer join",
                hint: "aggregate the whole result after the recursion", table.span)
        }
        let schema = Schema(items.map { Field($0.name, $0.expression.type, nullable: true) })
        let plan = LogicalPlan.recursive(
            LogicalPlan.Recursive(
                name: table.name.name, id: id, base: bases, step: next, schema: schema,
                levelMax: table.recursionLevelMax ?? LogicalPlan.Recursive.levelMaxDefault))
        return AnalyzedRelation(plan: plan, scope: Scope(schema: schema, qualifier: []), isStreaming: false)
    }
}

extension LogicalPlan {
    /// Whether the recursion's rows reach an operator that needs all of them at once: the steps see a part each.
    fileprivate func aggregates(working id: Int) -> Bool {
        guard reads(working: id) else { return false }
        switch self {
        case .aggregate, .window, .topN, .sort, .replicate: return true
        case .join(let join):
            let isOptional =
                switch join.kind {
                case .inner: false
                case .left, .semi, .anti: join.right.reads(working: id)
                case .right: join.left.reads(working: id)
                case .full: true
                }
            if isOptional { return true }
        default: break
        }
        return inputs.contains { $0.aggregates(working: id) }
    }
}
