// Subqueries in expressions and behind LATERAL: analyzed with the enclosing row in reach.

extension QueryAnalyzer {
    /// The query's plan over its visible columns, and the values it takes from the enclosing row.
    func analyzeSubquery(
        _ query: Query, in scope: Scope
    ) throws(TidemillError) -> (relation: AnalyzedRelation, parameters: [Int: BoundExpression]) {
        let row = OuterRow(scope)
        let relation = try within(row) { () throws(TidemillError) in try analyze(query) }
        return (projected(relation, relation.items), row.parameters)
    }

    /// A name of an enclosing query. Rows between it and here pass the value on.
    func outerColumn(_ name: QualifiedName) throws(TidemillError) -> BoundExpression? {
        for (level, row) in outerRows.enumerated().reversed() {
            let found = row.scope.matches(name.names)
            if found.count > 1 { throw AnalysisError.ambiguous(name, found) }
            guard let column = found.first else { continue }
            var value = column.bound
            for inner in outerRows[level...] { value = inner.parameter(value, next: nextParameter) }
            return value
        }
        return nil
    }
}

extension ExpressionBinder {
    func bindSubquery(_ expression: Expression) throws(TidemillError) -> BoundExpression {
        let span = expression.span
        guard let subqueries else {
            throw AnalysisError.user(
                "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY",
                "a subquery is not allowed here: \(expression.sql)", hint: "compute it in a query around this one",
                span)
        }
        if let known = subqueries.known(span.text) { return known }
        switch expression.kind {
        case .scalarSubquery(let query):
            let call = try call(query, .scalar, span)
            guard call.plan.schema.count == 1 else {
                throw AnalysisError.user(
                    "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                    "a scalar subquery must return one column, but this one returns \(call.plan.schema.count)",
                    hint: "select one column", span)
            }
            return subqueries.add(call)
        case .exists(let query):
            var call = try call(query, .exists, span)
            call.plan = call.plan.withoutLimit
            return subqueries.add(call)
        case .inSubquery(let operand, let query, let negated):
            let bound = try contains(operand, query, span)
            return negated ? .not(subqueries.add(bound)) : subqueries.add(bound)
        default: throw .internal("no subquery: \(expression.sql)")
        }
    }

    private func call(
        _ query: Query, _ form: SubqueryCall.Form, _ span: SourceSpan
    ) throws(TidemillError) -> SubqueryCall {
        let (relation, parameters) = try context.analyzeSubquery(query, in: scope)
        if relation.isStreaming {
            throw AnalysisError.unsupported(
                "a subquery over a stream is not supported", hint: "leave STREAM out of the subquery", span)
        }
        return SubqueryCall(
            id: context.nextSubquery(), form: form, plan: relation.plan, parameters: parameters,
            isStreaming: relation.isStreaming, span: span)
    }

    /// `operand IN (query)`, both sides cast to common types.
    private func contains(
        _ operand: Expression, _ query: Query, _ span: SourceSpan
    ) throws(TidemillError) -> SubqueryCall {
        let written = if case .row(let parts) = operand.kind { parts } else { [operand] }
        var operands = try bindAll(written)
        var call = try call(query, .exists, span)
        let columns = call.plan.schema.fields
        guard columns.count == operands.count else {
            throw AnalysisError.user(
                "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                "the IN subquery returns \(counted(columns.count, "column")), but"
                    + " \(operands.count) \(operands.count == 1 ? "is" : "are") compared with it",
                hint: "select as many columns as stand before IN", span)
        }
        var items = call.plan.outputItems
        for index in operands.indices {
            let types = [operands[index].type, columns[index].type]
            guard let common = registry.commonType(of: types) else {
                throw AnalysisError.user(
                    "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
                    "cannot compare \(types[0].sql) with \(types[1].sql) of the IN subquery",
                    hint: "cast one of them to the type of the other", span)
            }
            operands[index] = operands[index].casted(to: common)
            items[index].expression = items[index].expression.casted(to: common)
        }
        if items != call.plan.outputItems { call.plan = .project(input: call.plan, items: items) }
        call.form = .contains(operands)
        return call
    }
}

extension QueryAnalyzer {
    /// A subquery in a stream's query looks things up; it does not follow a stream of its own.
    func checkSubqueries(_ input: AnalyzedRelation, _ span: SourceSpan) throws(TidemillError) {
        guard consumer == .streamingTable, input.isStreaming else { return }
        note("subqueries in \(target ?? "a streaming table") are read as of each epoch; rows already written stay")
    }
}

extension LogicalPlan {
    /// The plan without a LIMIT on top that leaves a row where there is one: to EXISTS it says nothing.
    fileprivate var withoutLimit: LogicalPlan {
        switch self {
        case .project(let input, let items): .project(input: input.withoutLimit, items: items)
        case .sort(let sort) where sort.offset == 0 && sort.limit != 0: sort.input.withoutLimit
        case .topN(let topN) where topN.offset == 0 && topN.limit != 0 && topN.rank == nil: topN.input.withoutLimit
        default: self
        }
    }
}

extension BoundExpression {
    func casted(to target: DataType) -> BoundExpression { type == target ? self : .cast(self, to: target, try: false) }
}
