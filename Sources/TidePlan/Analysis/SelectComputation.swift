/// What the expressions of one SELECT ask for beside columns: aggregates, windows, subqueries. They are collected while
/// the expressions are bound; then each is given a place in the plan.
struct SelectComputation {
    let input: AnalyzedRelation
    /// nil: the query does not aggregate.
    let aggregates: AggregateCollector?
    let windows: WindowCollector
    let subqueries: SubqueryCollector

    init(_ input: AnalyzedRelation, _ aggregates: AggregateCollector?, windows: [String: WindowSpecification]) {
        self.input = input
        self.aggregates = aggregates
        self.windows = WindowCollector(named: windows)
        subqueries = SubqueryCollector(below: aggregates?.subqueries)
    }

    /// - Parameter clause: in whose words an aggregate is refused where the query does not aggregate.
    func binder(_ context: QueryAnalyzer, _ clause: ExpressionBinder.Clause = .filter) -> ExpressionBinder {
        var binder = ExpressionBinder(
            context, input.scope, aggregates: aggregates.map { .collected(by: $0) } ?? .refused(in: clause))
        binder.windows = windows
        binder.subqueries = subqueries
        return binder
    }

    /// An expression over the input as one over the aggregate's output.
    func lower(_ expression: BoundExpression, _ source: Expression?) throws(TidemillError) -> BoundExpression {
        guard let aggregates else { return expression }
        return try aggregates.lower(expression, source)
    }

    /// The input, aggregated if the query aggregates, to which windows and subqueries are joined.
    func resolver() throws(TidemillError) -> SubqueryResolver {
        SubqueryResolver(try aggregates?.plan() ?? input.plan, subqueries, lower: lower)
    }
}
