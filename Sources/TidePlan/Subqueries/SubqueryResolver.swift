/// Joins the subqueries of a clause to the plan that the clause reads, and replaces their columns by the results.
///
/// The plan only grows on the right: its columns keep their positions.
struct SubqueryResolver {
    var plan: LogicalPlan
    private let collector: SubqueryCollector
    private let lower: (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression
    /// What stands for columns that were computed already: subqueries, calls with OVER.
    private var results: [Int: BoundExpression] = [:]

    /// - Parameter lower: brings an expression of the enclosing query to one over `plan`.
    init(
        _ plan: LogicalPlan, _ collector: SubqueryCollector,
        lower: @escaping (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression = {
            (expression, _) throws(TidemillError) in expression
        }
    ) {
        self.plan = plan
        self.collector = collector
        self.lower = lower
    }

    mutating func define(_ column: Int, as result: BoundExpression) { results[column] = result }

    /// A lowered expression with every subquery in it joined.
    mutating func resolved(_ expression: BoundExpression) throws(TidemillError) -> BoundExpression {
        if case .column(let index, _, _) = expression {
            if let known = results[index] { return known }
            guard ColumnSpace.isSubquery(index), let call = collector.calls[index] else { return expression }
            let result = try value(of: try lowered(call))
            results[index] = result
            return result
        }
        var children: [BoundExpression] = []
        for child in expression.children { children.append(try resolved(child)) }
        var next = 0
        return expression.mapChildren { _ in
            next += 1
            return children[next - 1]
        }
    }

    /// Keeps the rows for which the lowered condition holds. A subquery that is a condition of its own becomes a semi
    /// or anti join.
    mutating func filter(_ predicate: BoundExpression) throws(TidemillError) {
        var plain: [BoundExpression] = []
        for condition in Conjunction.split(predicate) {
            if !condition.hasSubqueries {
                plain.append(try resolved(condition))
                continue
            }
            // A condition may guard those behind it.
            keep(&plain)
            let isNegated = if case .not = condition { true } else { false }
            let operand = if case .not(let inner) = condition { inner } else { condition }
            if case .column(let index, _, _) = operand, let call = collector.calls[index], results[index] == nil,
                try join(lowered(call), isNegated: isNegated)
            {
                continue
            }
            plain.append(try resolved(condition))
            keep(&plain)
        }
        keep(&plain)
    }

    mutating func keep(_ conditions: inout [BoundExpression]) {
        if let predicate = Conjunction.join(conditions) { plan = .filter(input: plan, predicate: predicate) }
        conditions = []
    }

    /// The call with everything that it takes from the enclosing row over `plan`.
    mutating func lowered(_ call: SubqueryCall) throws(TidemillError) -> SubqueryCall {
        var call = call
        do throws(TidemillError) {
            for (id, value) in call.parameters { call.parameters[id] = try resolved(lower(value, nil)) }
            if case .contains(let operands) = call.form {
                var moved: [BoundExpression] = []
                for operand in operands { moved.append(try resolved(lower(operand, nil))) }
                call.form = .contains(moved)
            }
        } catch {
            throw error.at(call.span)
        }
        return call
    }

    // MARK: Shapes

    func unnested(_ call: SubqueryCall, needsEqualities: Bool = true) throws(TidemillError) -> Unnested {
        let simple = try ConditionPullUp.unnest(call.plan)
        if let simple, !needsEqualities || simple.equalities != nil { return simple }
        return try domain(call)
    }

    func domain(_ call: SubqueryCall) throws(TidemillError) -> Unnested {
        let used = call.plan.parameters.filter { call.parameters[$0] != nil }
        return try DependentDomain(of: plan, call.parameters, parameters: used).unnest(call.plan)
    }

    /// An expression over the subquery's plan and parameters as one over the enclosing plan followed by that plan.
    func attached(_ expression: BoundExpression, _ call: SubqueryCall, isOptional: Bool) -> BoundExpression {
        let count = plan.schema.count
        return expression.replacingColumns { index, type, nullable in
            if let value = call.parameters[index] { return value }
            if index >= SubqueryResolver.enclosing {
                return .column(index: index - SubqueryResolver.enclosing, type: type, nullable: nullable)
            }
            // A parameter of a query further out stays.
            if ColumnSpace.isParameter(index) { return .column(index: index, type: type, nullable: nullable) }
            return .column(index: index + count, type: type, nullable: nullable || isOptional)
        }
    }

    mutating func join(
        _ kind: LogicalPlan.Join.Kind, _ right: LogicalPlan, on conditions: [BoundExpression], _ call: SubqueryCall
    ) {
        let moved = conditions.map { attached($0, call, isOptional: false) }
        let (keys, rest) = JoinKeys.extract(moved, leftCount: plan.schema.count)
        var join = LogicalPlan.Join(
            kind: kind, left: plan, right: right, keys: keys, residual: Conjunction.join(rest))
        join.isCondition = kind == .semi || kind == .anti
        plan = .join(join)
    }
}

extension BoundExpression {
    fileprivate func replacingColumns(_ replacement: (Int, DataType, Bool) -> BoundExpression) -> BoundExpression {
        if case .column(let index, let type, let nullable) = self { return replacement(index, type, nullable) }
        return mapChildren { $0.replacingColumns(replacement) }
    }
}
