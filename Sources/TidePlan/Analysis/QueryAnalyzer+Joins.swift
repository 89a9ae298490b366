struct JoinSpecification {
    var kind: JoinKind
    var isNatural: Bool
    var condition: JoinCondition
    var span: SourceSpan
}

// Joins: which pairs are legal for the consumer, USING and NATURAL columns, equality conditions as keys.

extension QueryAnalyzer {
    func joined(
        _ left: AnalyzedRelation, _ right: AnalyzedRelation, _ join: JoinSpecification
    ) throws(TidemillError) -> AnalyzedRelation {
        try checkLegal(join, left, right)
        var (left, right) = (left, right)
        let leftCount = left.plan.schema.count
        let isLeftNullable = join.kind == .right || join.kind == .full
        let isRightNullable = join.kind == .left || join.kind == .full
        let leftColumns = left.scope.columns
        let rightColumns = right.scope.columns.map { $0.with(index: $0.index + leftCount) }
        let both = Scope(leftColumns + rightColumns)

        var shared: [(left: Scope.Column, right: Scope.Column)] = []
        var condition: BoundExpression?
        let subqueries = SubqueryCollector()
        switch join.condition {
        case .none: if join.isNatural { shared = try commonColumns(left.scope, Scope(rightColumns), join.span) }
        case .using(let names): shared = try usingColumns(names, left.scope, Scope(rightColumns))
        case .on(let expression):
            var binder = ExpressionBinder(self, both, aggregates: .refused(in: .join))
            binder.subqueries = subqueries
            condition = try binder.predicate(expression, in: "JOIN")
        }
        var conjuncts = condition.map { Conjunction.split($0) } ?? []
        let others = conjuncts.filter(\.hasSubqueries)
        conjuncts.removeAll(where: \.hasSubqueries)
        if let above = Conjunction.join(others), join.kind != .inner, join.kind != .cross {
            try keep(above, subqueries, join, &left, &right)
        }
        for pair in shared {
            conjuncts.append(
                try FunctionRegistry.builtin.bind("=", arguments: [pair.left.bound, pair.right.bound], span: join.span))
        }
        let (keys, rest) = JoinKeys.extract(conjuncts, leftCount: leftCount)
        var plan = LogicalPlan.join(
            LogicalPlan.Join(
                kind: LogicalPlan.Join.Kind(join.kind), left: left.plan, right: right.plan, keys: keys,
                residual: Conjunction.join(rest)))
        if join.kind == .right { plan = JoinKeys.swapped(plan) }
        rememberJoin(plan, join.span)
        if let above = Conjunction.join(others), join.kind == .inner || join.kind == .cross {
            var resolver = SubqueryResolver(plan, subqueries)
            try resolver.filter(above)
            plan = resolver.plan
        }

        let isStreaming = left.isStreaming || right.isStreaming
        if join.kind == .leftSemi || join.kind == .leftAnti {
            return AnalyzedRelation(plan: plan, scope: left.scope, isStreaming: isStreaming)
        }
        let scope = Scope(
            leftColumns.map { $0.with(nullable: $0.nullable || isLeftNullable) }
                + rightColumns.map { $0.with(nullable: $0.nullable || isRightNullable) })
        let result = AnalyzedRelation(plan: plan, scope: scope, isStreaming: isStreaming)
        return shared.isEmpty ? result : merging(result, shared, join.kind)
    }

    private func rememberJoin(_ plan: LogicalPlan, _ span: SourceSpan) {
        if case .project(let input, _) = plan { remember(input, span) } else { remember(plan, span) }
    }

    /// A condition with subqueries on the optional side of an outer join: only rows that satisfy it can be partners.
    private func keep(
        _ condition: BoundExpression, _ subqueries: SubqueryCollector, _ join: JoinSpecification,
        _ left: inout AnalyzedRelation, _ right: inout AnalyzedRelation
    ) throws(TidemillError) {
        let leftCount = left.plan.schema.count
        let isRightOptional = [.left, .leftSemi, .leftAnti].contains(join.kind)
        var isOneSided = join.kind != .full
        func moved(_ expression: BoundExpression) -> BoundExpression {
            expression.remapped { index in
                if !ColumnSpace.isPlain(index) { return index }
                if (index >= leftCount) != isRightOptional { isOneSided = false }
                return isRightOptional ? index - leftCount : index
            }
        }
        var side = isRightOptional ? right : left
        let columns = side.plan.outputItems
        let wanted = moved(condition)
        var resolver = SubqueryResolver(side.plan, subqueries) { (expression, _) throws(TidemillError) in
            moved(expression)
        }
        if isOneSided { try resolver.filter(wanted) }
        guard isOneSided else {
            throw AnalysisError.unsupported(
                "a subquery in the condition of an outer join that reads the side that is kept",
                hint: "compute its value in a subquery of FROM", join.span)
        }
        side.plan = .project(input: resolver.plan, items: columns)
        if isRightOptional { right = side } else { left = side }
    }

    // MARK: Legality

    private func checkLegal(
        _ join: JoinSpecification, _ left: AnalyzedRelation, _ right: AnalyzedRelation
    ) throws(TidemillError) {
        guard consumer == .streamingTable || consumer.isView else { return }
        let name = join.kind.rawValue
        // What two streams may do depends on event time and on the output mode: see `StreamingLegality`.
        if consumer == .streamingTable, left.isStreaming, right.isStreaming { return }
        if left.isStreaming != right.isStreaming {
            let side: String? =
                switch join.kind {
                case .full: "on one side and a static relation on the other"
                case .left, .leftSemi, .leftAnti: right.isStreaming ? "on the right" : nil
                case .right: left.isStreaming ? "on the left" : nil
                case .inner, .cross: nil
                }
            if let side {
                throw AnalysisError.user(
                    "TIDEMILL_STREAMING_JOIN",
                    "\(name) join with a stream \(side) is not supported in streaming tables",
                    hint: join.kind == .full
                        ? "a row without a match could find one later; keep the stream's rows only, with LEFT JOIN"
                        : "a row without a match could find one later; CREATE MATERIALIZED VIEW maintains such joins",
                    join.span)
            }
        }
    }

    // MARK: USING and NATURAL

    private func commonColumns(
        _ left: Scope, _ right: Scope, _ span: SourceSpan
    ) throws(TidemillError) -> [(left: Scope.Column, right: Scope.Column)] {
        var pairs: [(left: Scope.Column, right: Scope.Column)] = []
        for column in left.visible {
            let matches = right.matches([column.name])
            guard let first = matches.first else { continue }
            guard matches.count == 1, left.matches([column.name]).count == 1 else {
                throw AnalysisError.user(
                    "AMBIGUOUS_REFERENCE", "the common column `\(column.name)` of a NATURAL join is ambiguous",
                    hint: "join with ON", span)
            }
            pairs.append((column, first))
        }
        return pairs
    }

    private func usingColumns(
        _ names: [Identifier], _ left: Scope, _ right: Scope
    ) throws(TidemillError) -> [(left: Scope.Column, right: Scope.Column)] {
        func find(_ name: Identifier, _ scope: Scope, _ side: String) throws(TidemillError) -> Scope.Column {
            let found = scope.matches([name.name])
            if found.count == 1 { return found[0] }
            if found.count > 1 { throw AnalysisError.ambiguous(QualifiedName(parts: [name], span: name.span), found) }
            let near = NameSuggestions.nearest(to: name.name, among: scope.visible.map(\.name))
            throw AnalysisError.user(
                "UNRESOLVED_USING_COLUMN_FOR_JOIN",
                "USING column `\(name.name)` cannot be resolved on the \(side) side of the join",
                hint: "the \(side) side has: \(near.joined(separator: ", "))", name.span)
        }
        var pairs: [(left: Scope.Column, right: Scope.Column)] = []
        for name in names { pairs.append((try find(name, left, "left"), try find(name, right, "right"))) }
        return pairs
    }

    /// Spark's order: the shared columns once, then the rest of the left, then the rest of the right. Both originals
    /// stay reachable by their qualified names.
    private func merging(
        _ relation: AnalyzedRelation, _ shared: [(left: Scope.Column, right: Scope.Column)], _ kind: JoinKind
    ) -> AnalyzedRelation {
        let lefts = Set(shared.map(\.left.index))
        let rights = Set(shared.map(\.right.index))
        func current(_ column: Scope.Column) -> Scope.Column {
            relation.scope.columns.first { $0.index == column.index } ?? column
        }
        let rest = relation.scope.columns.map { column in
            lefts.contains(column.index) || rights.contains(column.index) ? column.with(isHidden: true) : column
        }
        guard kind == .full else {
            // The side that is always there gives the value, and keeps its qualified name visible.
            let isRight = kind == .right
            let merged = shared.map { current(isRight ? $0.right : $0.left) }
            let kept = Set(merged.map(\.index))
            return AnalyzedRelation(
                plan: relation.plan, scope: Scope(merged + rest.filter { !kept.contains($0.index) }),
                isStreaming: relation.isStreaming)
        }
        let schema = relation.plan.schema
        var items = schema.fields.enumerated().map { index, field in
            NamedExpression(field.name, .column(index: index, type: field.type, nullable: field.nullable))
        }
        var merged: [Scope.Column] = []
        for pair in shared {
            let left = current(pair.left)
            let right = current(pair.right)
            let type = FunctionRegistry.builtin.commonType(of: [left.type, right.type]) ?? left.type
            let sides = [left.bound, right.bound].map { $0.type == type ? $0 : .cast($0, to: type, try: false) }
            let value = BoundExpression.coalesce(sides)
            merged.append(
                Scope.Column(
                    name: left.name, qualifier: [], index: items.count, type: type, nullable: value.nullable))
            items.append(NamedExpression(left.name, value))
        }
        return AnalyzedRelation(
            plan: .project(input: relation.plan, items: items), scope: Scope(merged + rest),
            isStreaming: relation.isStreaming)
    }
}

extension LogicalPlan.Join.Kind {
    init(_ kind: JoinKind) {
        self =
            switch kind {
            case .inner, .cross: .inner
            case .left: .left
            case .right: .right
            case .full: .full
            case .leftSemi: .semi
            case .leftAnti: .anti
            }
    }
}
