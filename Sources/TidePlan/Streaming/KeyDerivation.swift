/// Which output columns tell the rows of a plan apart.
public struct KeyDerivation: Sendable {
    /// Key columns of a stored table, by the scan's name; nil if it has none.
    let tableKey: @Sendable (String) -> [Int]?

    public init(tableKey: @escaping @Sendable (String) -> [Int]?) { self.tableKey = tableKey }

    public init(datasets: [Dataset]) {
        var keys: [String: [Int]] = [:]
        for dataset in datasets {
            if case .columns(let columns) = dataset.key { keys[dataset.name.lowercased()] = columns }
        }
        let fixed = keys
        tableKey = { fixed[$0.lowercased()] }
    }

    /// Output columns, ascending, of which no two rows have equal values (NULL equal to NULL); empty: at most one row.
    /// nil if none are known.
    public func key(of plan: LogicalPlan) -> [Int]? {
        switch plan {
        case .scan(let scan):
            guard scan.relation.isOwnTable, let key = tableKey(scan.relation.name) else { return nil }
            return positions(of: key) { column in scan.columns.firstIndex(of: column) }
        case .values(let values): return values.rows.count <= 1 ? [] : nil
        case .filter(let input, _):
            if case .topN(let topN) = TopNRecognition.recognized(plan) { return key(of: topN) }
            return key(of: input)
        case .watermark(let watermark): return key(of: watermark.input)
        case .timeWindows(let windows): return key(of: windows.input).map { $0 + [windows.input.schema.count] }
        case .deduplicate(let deduplicate):
            return deduplicate.isWithinWatermark ? key(of: deduplicate.input) : deduplicate.keys.sorted()
        case .keyed(let keyed):
            if case .silent = keyed.rule { return nil }
            return key(of: keyed.input)
        case .sort(let sort): return sort.limit == 1 ? [] : key(of: sort.input)
        case .window(let window): return key(of: window.input)
        case .topN(let topN): return key(of: topN)
        case .generate(let generate):
            // Positions and the keys of a map tell the rows apart that one row gives.
            var isMap = false
            if case .map = generate.generator.source.type { isMap = true }
            guard generate.generator.hasPosition || isMap else { return nil }
            return key(of: generate.input).map { $0 + [generate.input.schema.count] }
        case .expand, .replicate, .recursive, .working: return nil
        case .latest(let latest): return latest.keys.sorted()
        case .project(let input, let items):
            guard let key = key(of: input) else { return nil }
            return positions(of: key) { column in
                items.firstIndex { $0.expression.tellsApart(column) }
            }
        case .aggregate(let aggregate):
            // A constant group takes part in no difference.
            return aggregate.groups.indices.filter { !aggregate.groups[$0].expression.isConstant }
        case .union(let inputs): return inputs.count == 1 ? key(of: inputs[0]) : nil
        case .join(let join): return key(of: join)
        }
    }

    /// The input's key; or, where a partition keeps one row, the partition's columns.
    private func key(of topN: LogicalPlan.TopN) -> [Int]? {
        if topN.limit == 1, topN.kind == .rowNumber {
            let columns = topN.partitionBy.map { if case .column(let index, _, _) = $0 { index } else { -1 } }
            if !columns.contains(-1) { return Array(Set(columns)).sorted() }
        }
        return key(of: topN.input)
    }

    private func positions(of key: [Int], _ find: (Int) -> Int?) -> [Int]? {
        var found: [Int] = []
        for column in key {
            guard let position = find(column) else { return nil }
            found.append(position)
        }
        return found.sorted()
    }

    private func key(of join: LogicalPlan.Join) -> [Int]? {
        let left = key(of: join.left)
        if join.kind == .semi || join.kind == .anti { return left }
        let right = key(of: join.right)
        let leftCount = join.left.schema.count
        // A side whose key is matched by equality gives at most one partner: the other side's key is enough.
        if join.kind == .inner || join.kind == .left, let left, isMatched(right, join.keys.map(\.right)) { return left }
        if join.kind == .inner || join.kind == .right, let right, isMatched(left, join.keys.map(\.left)) {
            return right.map { $0 + leftCount }
        }
        guard let left, let right else { return nil }
        // A full join can pad both sides: two rows of NULL keys would not be told apart.
        if join.kind == .full { return nil }
        // A column that the join equates with one of the other side says nothing more.
        let equated = Set(
            join.keys.compactMap { pair -> Int? in
                guard case .column(let column, _, _) = pair.right, pair.left.isColumn else { return nil }
                return column
            })
        let rest = join.kind == .right ? right : right.filter { !equated.contains($0) }
        return left + rest.map { $0 + leftCount }
    }

    private func isMatched(_ key: [Int]?, _ expressions: [BoundExpression]) -> Bool {
        guard let key else { return false }
        return key.allSatisfy { column in
            expressions.contains { if case .column(column, _, _) = $0 { true } else { false } }
        }
    }
}

extension BoundExpression {
    /// Whether different values of the column give different values: the column itself, or where its window starts or
    /// ends (windows of one query have one size, and sessions of one key do not overlap), or a struct with such a
    /// field.
    fileprivate func tellsApart(_ column: Int) -> Bool {
        if case .column(column, _, _) = self { return true }
        if let window = windowOfField, case .column(column, _, _) = window { return true }
        if isCall("named_struct") { return children.contains { $0.tellsApart(column) } }
        // A struct cast only in what its fields say about NULL.
        if case .cast(let value, let type, _, _) = self, type.isNested, type.simpleName == value.type.simpleName {
            return value.tellsApart(column)
        }
        return false
    }
}
