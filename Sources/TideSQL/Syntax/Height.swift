// The height of each node, from the heights its children already carry. The parser refuses a node above its limit
// before a tree can grow so deep that walking or freeing it would overflow the stack: `1+1+1…` grows a tree without
// any recursion in the parser.

extension Expression.Kind {
    var heightOfChildren: Int {
        switch self {
        case .literal, .column, .star: 0
        case .unary(_, let e), .not(let e), .isNull(let e, _), .isBoolean(let e, _, _), .cast(let e, _, _),
            .field(let e, _), .extract(_, let e), .lambda(_, let e):
            e.height
        case .binary(_, let a, let b), .comparison(_, let a, let b), .isDistinctFrom(let a, let b, _),
            .element(let a, let b):
            max(a.height, b.height)
        case .and(let list), .or(let list), .row(let list): tallest(list)
        case .between(let e, let low, let high, _): max(e.height, low.height, high.height)
        case .inList(let e, let list, _): max(e.height, tallest(list))
        case .inSubquery(let e, let query, _): max(e.height, query.height)
        case .exists(let query), .scalarSubquery(let query): query.height
        case .like(let like): max(like.value.height, tallest(like.patterns))
        case .caseWhen(let operand, let branches, let otherwise):
            branches.reduce(max(operand?.height ?? 0, otherwise?.height ?? 0)) {
                max($0, $1.condition.height, $1.result.height)
            }
        case .function(let call): call.heightOfChildren
        case .trim(_, let characters, let source): max(characters?.height ?? 0, source.height)
        }
    }
}

extension FunctionCall {
    var heightOfChildren: Int {
        var height = filter?.height ?? 0
        for argument in arguments { height = max(height, argument.value.height) }
        for item in withinGroup { height = max(height, item.expression.height) }
        if case .specification(let window) = over { height = max(height, window.height) }
        return height
    }
}

extension WindowSpecification {
    var height: Int {
        var height = max(tallest(partitionBy), tallest(orderBy))
        for bound in [frame?.start, frame?.end] {
            switch bound {
            case .preceding(let e), .following(let e): height = max(height, e.height)
            default: break
            }
        }
        return height
    }
}

extension QueryBody.Kind {
    var heightOfChildren: Int {
        switch self {
        case .select(let select): select.height
        case .setOperation(_, _, let left, let right): max(left.height, right.height)
        case .values(let table): table.height
        case .table: 0
        case .query(let query): query.height
        case .pipe(let input, let stages): stages.reduce(input.height) { max($0, $1.height) }
        }
    }
}

extension InlineTable {
    var height: Int { rows.reduce(0) { max($0, tallest($1)) } }
}

extension Select {
    var height: Int {
        var height = max(filter?.height ?? 0, having?.height ?? 0, qualify?.height ?? 0)
        height = max(height, tallest(items), groupBy?.height ?? 0, tallest(windows))
        for relation in from { height = max(height, relation.height) }
        for view in lateralViews { height = max(height, tallest(view.arguments)) }
        for hint in hints { height = max(height, tallest(hint.arguments)) }
        return height
    }
}

extension GroupBy {
    var height: Int { elements.reduce(0) { max($0, $1.height) } }
}

extension GroupingElement {
    var height: Int {
        switch kind {
        case .expression(let e): e.height
        case .rollup(let lists), .cube(let lists): lists.reduce(0) { max($0, tallest($1)) }
        case .groupingSets(let elements): elements.reduce(0) { max($0, $1.height) } + 1
        case .set(let list): tallest(list)
        }
    }
}

extension PipeStage {
    var height: Int {
        switch kind {
        case .select(let hints, _, let items, let windows):
            hints.reduce(max(tallest(items), tallest(windows))) { max($0, tallest($1.arguments)) }
        case .extend(let items): tallest(items)
        case .set(let assignments): assignments.reduce(0) { max($0, $1.value.height) }
        case .drop, .alias, .unpivot: 0
        case .filter(let e): e.height
        case .aggregate(let items, let groupBy): max(tallest(items), groupBy?.height ?? 0)
        case .join(_, _, let right, let condition): max(right.height, condition.height)
        case .order(let orderBy, _, let sortBy, let distributeBy, let clusterBy, let limit, let offset):
            max(
                max(tallest(orderBy), tallest(sortBy)), max(tallest(distributeBy), tallest(clusterBy)),
                max(limit?.height ?? 0, offset?.height ?? 0))
        case .setOperation(_, _, let right): right.height
        case .sample(let sample): sample.height
        case .pivot(let pivot): pivot.height
        }
    }
}

extension Relation.Kind {
    var heightOfChildren: Int {
        switch self {
        case .table: 0
        case .subquery(let query): query.height
        case .values(let table): table.height
        case .function(let function): function.height
        case .join(let join): max(join.left.height, join.right.height, join.condition.height)
        case .nested(let relation): relation.height
        case .pivot(let relation, let pivot): max(relation.height, pivot.height)
        case .unpivot(let relation, _): relation.height
        }
    }
}

extension TableFunction {
    var height: Int {
        arguments.reduce(0) { height, argument in
            switch argument.value {
            case .expression(let e): max(height, e.height)
            case .table(let relation): max(height, relation.height)
            }
        }
    }
}

extension JoinCondition {
    var height: Int { if case .on(let e) = self { e.height } else { 0 } }
}

extension TableSample {
    var height: Int { if case .rows(let e) = amount { e.height } else { 0 } }
}

extension Pivot {
    var height: Int { values.reduce(tallest(aggregates)) { max($0, $1.expression.height) } }
}

private func tallest(_ list: [Expression]) -> Int { list.reduce(0) { max($0, $1.height) } }
private func tallest(_ list: [SelectItem]) -> Int { list.reduce(0) { max($0, $1.expression.height) } }
private func tallest(_ list: [SortItem]) -> Int { list.reduce(0) { max($0, $1.expression.height) } }
private func tallest(_ list: [NamedWindow]) -> Int {
    list.reduce(0) { height, window in
        if case .specification(let s) = window.definition { max(height, s.height) } else { height }
    }
}
