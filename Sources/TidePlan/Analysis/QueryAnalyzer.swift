/// What FROM names outside the query itself.
protocol RelationResolver: AnyObject {
    func resolve(_ table: TableReference, for consumer: Consumer) throws(TidemillError) -> ResolvedRelation
    var knownNames: [String] { get }
}

struct ResolvedRelation {
    var plan: LogicalPlan
    var isStreaming: Bool
    /// The table's name by which its columns can be qualified.
    var qualifier: [String]
}

/// One query to a logical plan: names resolved, types settled, what the consumer cannot run refused where it stands.
///
/// Plans are built bottom-up as `AnalyzedRelation`s. Legality is checked at the clause that would break it, because the
/// plan has no places in the SQL.
final class QueryAnalyzer {
    /// A query that uses views of views doubles at each level; this bounds the plan.
    static let scansMax = 4096

    let settings: AnalysisSettings
    let consumer: Consumer
    let resolver: any RelationResolver
    /// The stored table that the query feeds, for messages; nil for batch queries.
    let target: String?
    /// Of the streaming table that the query feeds.
    let outputMode: OutputMode
    private(set) var notes: [String] = []
    /// Where the operators stand that `StreamingLegality` may refuse.
    private(set) var places: [LogicalPlan: SourceSpan] = [:]
    private var commonTables: [[String: AnalyzedRelation]] = []
    /// Common tables of WITH RECURSIVE whose query is being analyzed, innermost last.
    private var recursions: [Recursion] = []
    private var recursionCount = 0
    private var scanCount = 0
    /// Rows of the enclosing queries, outermost first.
    private(set) var outerRows: [OuterRow] = []
    private var parameterCount = 0
    private var subqueryCount = 0

    init(
        settings: AnalysisSettings, consumer: Consumer, resolver: any RelationResolver, target: String?,
        outputMode: OutputMode = .append
    ) {
        self.settings = settings
        self.consumer = consumer
        self.resolver = resolver
        self.target = target
        self.outputMode = outputMode
    }

    func nextParameter() -> Int {
        parameterCount += 1
        return ColumnSpace.parameters + parameterCount
    }

    func nextSubquery() -> Int {
        subqueryCount += 1
        return ColumnSpace.subqueries + subqueryCount
    }

    /// Analyzes with the columns of an enclosing row in reach.
    func within<T>(_ row: OuterRow, _ body: () throws(TidemillError) -> T) throws(TidemillError) -> T {
        outerRows.append(row)
        defer { outerRows.removeLast() }
        return try body()
    }

    func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

    func remember(_ plan: LogicalPlan, _ span: SourceSpan) {
        if consumer == .streamingTable || consumer == .frozenView { places[plan] = span }
    }

    // MARK: Queries

    func analyze(_ query: Query) throws(TidemillError) -> AnalyzedRelation {
        if let with = query.with { try define(with) }
        defer { if query.with != nil { commonTables.removeLast() } }
        if let first = query.sortBy.first?.span ?? query.distributeBy.first?.span ?? query.clusterBy.first?.span {
            throw AnalysisError.unsupported(
                "SORT BY, DISTRIBUTE BY and CLUSTER BY are not supported",
                hint: "they only place rows in Spark's partitions; leave them out", first)
        }
        let order = OrderClause(
            items: query.orderBy, isByAll: query.ordersByAll, limit: query.limit, offset: query.offset,
            span: query.span)
        if case .select(let select) = query.body.kind { return try analyzeSelect(select, order) }
        return try ordered(analyzeBody(query.body), order)
    }

    func analyzeBody(_ body: QueryBody) throws(TidemillError) -> AnalyzedRelation {
        switch body.kind {
        case .select(let select): return try analyzeSelect(select, OrderClause.none(body.span))
        case .setOperation(let op, let isDistinct, let left, let right):
            return try setOperation(
                op, isDistinct: isDistinct, analyzeBody(left), analyzeBody(right), left.span, right.span, body.span)
        case .values(let table): return try analyzeValues(table)
        case .table(let name):
            let reference = TableReference(name: name, isStream: false, options: [])
            let relation = try resolveTable(reference, name.span)
            return projected(relation, relation.items)
        case .query(let query): return try analyze(query)
        case .pipe(let input, let stages):
            var relation = try analyzePipeInput(input)
            for stage in stages { relation = try analyzeStage(stage, relation) }
            return projected(relation, relation.items)
        }
    }

    private func define(_ with: WithClause) throws(TidemillError) {
        commonTables.append([:])
        do throws(TidemillError) {
            for table in with.tables { try define(table, isRecursive: with.isRecursive) }
        } catch {
            commonTables.removeLast()
            throw error
        }
    }

    private func define(_ table: CommonTable, isRecursive: Bool) throws(TidemillError) {
        let name = table.name.name
        var relation: AnalyzedRelation
        if isRecursive, case .setOperation(.union, let isDistinct, let left, let right) = table.query.body.kind {
            relation = try recursive(table, left, right, isDistinct: isDistinct)
        } else {
            relation = try analyze(table.query)
        }
        relation = relation.qualified([name])
        if !table.columns.isEmpty { relation = try renamed(relation, table.columns, [name], table.span) }
        guard commonTables[commonTables.count - 1].updateValue(relation, forKey: name.lowercased()) == nil else {
            throw AnalysisError.user(
                "DUPLICATED_CTE_NAMES", "WITH defines a name twice: \(name)", hint: "rename one of them",
                table.name.span)
        }
    }

    /// `base UNION ALL step`. The step sees the base's columns under the table's name.
    private func recursive(
        _ table: CommonTable, _ left: QueryBody, _ right: QueryBody, isDistinct: Bool
    ) throws(TidemillError) -> AnalyzedRelation {
        recursionCount += 1
        let recursion = Recursion(key: table.name.name.lowercased(), id: recursionCount, depth: outerRows.count)
        recursions.append(recursion)
        defer { recursions.removeLast() }
        let base = try analyzeBody(left)
        try recursion.start(base, table, in: self)
        let step = try analyzeBody(right)
        let union = try setOperation(
            .union, isDistinct: isDistinct, base, step, left.span, right.span, table.query.body.span)
        guard recursion.isUsed else { return union }
        return try recursion.finish(base, step, table, isDistinct: isDistinct)
    }

    // MARK: Tables

    func resolveTable(_ reference: TableReference, _ span: SourceSpan) throws(TidemillError) -> AnalyzedRelation {
        if reference.name.parts.count == 1 {
            let key = reference.name.last.name.lowercased()
            if let recursion = recursions.last(where: { $0.key == key }) {
                return try recursion.reference(span, inSubquery: outerRows.count > recursion.depth)
            }
            for level in commonTables.reversed() {
                guard let found = level[key] else { continue }
                if reference.isStream {
                    throw AnalysisError.user(
                        "TIDEMILL_STREAM_OF_QUERY", "STREAM stands before a common table expression: \(key)",
                        hint: "put STREAM before the table inside WITH", span)
                }
                try count(found.plan, span)
                return found
            }
        }
        if reference.isStream, consumer != .streamingTable { throw streamRefused(reference, span) }
        let resolved = try resolver.resolve(reference, for: consumer)
        try count(resolved.plan, span)
        return AnalyzedRelation(
            plan: resolved.plan, scope: Scope(schema: resolved.plan.schema, qualifier: resolved.qualifier),
            isStreaming: resolved.isStreaming)
    }

    private func streamRefused(_ reference: TableReference, _ span: SourceSpan) -> TidemillError {
        let name = reference.name.text
        switch consumer {
        case .materializedView, .frozenView:
            return AnalysisError.user(
                "INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_MATERIALIZED_VIEW",
                "a materialized view can only be defined by a batch relation, not by STREAM \(name)",
                hint: "leave STREAM out (a materialized view follows all changes anyway), "
                    + "or use CREATE STREAMING TABLE",
                span)
        default:
            return AnalysisError.user(
                "TIDEMILL_STREAM_IN_BATCH_QUERY", "a batch query cannot read a stream: STREAM \(name)",
                hint: "leave STREAM out", span)
        }
    }

    private func count(_ plan: LogicalPlan, _ span: SourceSpan) throws(TidemillError) {
        scanCount += plan.leafCount
        guard scanCount <= QueryAnalyzer.scansMax else {
            throw TidemillError(
                .limit, "TIDEMILL_QUERY_TOO_LARGE", "the query reads more than \(QueryAnalyzer.scansMax) relations",
                hint: "store a step as a table of its own; a view is repeated wherever it is read",
                place: .sql(span))
        }
    }

    // MARK: Building

    func projected(_ relation: AnalyzedRelation, _ items: [NamedExpression]) -> AnalyzedRelation {
        let plan = LogicalPlan.project(input: relation.plan, items: items)
        return AnalyzedRelation(
            plan: plan, scope: Scope(schema: plan.schema, qualifier: []), isStreaming: relation.isStreaming)
    }

    func filtered(
        _ relation: AnalyzedRelation, _ condition: Expression, in clause: ExpressionBinder.Clause = .filter
    ) throws(TidemillError) -> AnalyzedRelation {
        var relation = relation
        var binder = ExpressionBinder(self, relation.scope, aggregates: .refused(in: clause))
        let subqueries = SubqueryCollector()
        binder.subqueries = subqueries
        let predicate = try binder.predicate(condition, in: "WHERE")
        if subqueries.isEmpty {
            relation.plan = .filter(input: relation.plan, predicate: predicate)
            return relation
        }
        try checkSubqueries(relation, condition.span)
        var resolver = SubqueryResolver(relation.plan, subqueries)
        try resolver.filter(predicate)
        relation.plan = resolver.plan
        return relation
    }

    /// The relation with the columns' names replaced: `t (a, b)`.
    func renamed(
        _ relation: AnalyzedRelation, _ names: [Identifier], _ qualifier: [String], _ span: SourceSpan
    ) throws(TidemillError) -> AnalyzedRelation {
        let columns = relation.scope.visible
        guard columns.count == names.count else {
            throw AnalysisError.user(
                "ASSIGNMENT_ARITY_MISMATCH",
                "the number of column aliases, \(names.count), does not match the number of columns, \(columns.count)",
                hint: "columns: \(columns.map(\.name).joined(separator: ", "))", span)
        }
        let renamed = zip(columns, names).map { column, name in
            Scope.Column(
                name: name.name, qualifier: qualifier, index: column.index, type: column.type,
                nullable: column.nullable)
        }
        return AnalyzedRelation(plan: relation.plan, scope: Scope(renamed), isStreaming: relation.isStreaming)
    }

    /// Columns of `*` or `t.*`, without the excepted ones.
    func columns(of star: Star, in scope: Scope, _ span: SourceSpan) throws(TidemillError) -> [Scope.Column] {
        var columns = scope.visible
        if let qualifier = star.qualifier {
            columns = scope.columns(of: qualifier.names)
            guard !columns.isEmpty else {
                let tables = Set(scope.columns.compactMap(\.qualifier.last)).sorted()
                throw AnalysisError.user(
                    "CANNOT_RESOLVE_STAR_EXPAND", "cannot resolve \(qualifier.text).*",
                    hint: "tables in scope: \(tables.joined(separator: ", "))", span)
            }
        }
        for name in star.except {
            let out = Scope(columns).matches(name.names)
            guard !out.isEmpty else { throw AnalysisError.unresolvedColumn(name, scope: Scope(columns)) }
            columns.removeAll { column in out.contains { $0.index == column.index } }
        }
        return columns
    }

    /// `tidemill.now` in place of the epoch's time.
    func fixingTime(_ expression: BoundExpression) -> BoundExpression {
        guard let now = settings.fixedNow else { return expression }
        let instant = BoundExpression.literal(Scalar(.timestamp, .integer(now)))
        switch expression {
        case .currentTimestamp: return instant
        case .currentDate:
            return settings.evaluate(.cast(instant, to: .date, try: false)).map { .literal($0) } ?? expression
        default: return expression.mapChildren(fixingTime)
        }
    }
}

extension LogicalPlan {
    /// Scans and constant tables below, counted as often as they occur.
    var leafCount: Int { inputs.isEmpty ? 1 : inputs.reduce(0) { $0 + $1.leafCount } }
}
