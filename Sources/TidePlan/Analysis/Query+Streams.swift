extension Query {
    /// Whether STREAM stands anywhere in FROM: decides by which rules a view is checked that nothing reads.
    var readsStream: Bool { (with?.tables.contains { $0.query.readsStream } ?? false) || body.readsStream }
}

extension QueryBody {
    fileprivate var readsStream: Bool {
        switch kind {
        case .select(let select): select.from.contains(where: \.readsStream)
        case .setOperation(_, _, let left, let right): left.readsStream || right.readsStream
        case .values, .table: false
        case .query(let query): query.readsStream
        case .pipe(let input, _): input.readsStream
        }
    }
}

extension Relation {
    fileprivate var readsStream: Bool {
        switch kind {
        case .table(let table): table.isStream
        case .subquery(let query): query.readsStream
        case .values: false
        case .function(let function): function.isStream
        case .join(let join): join.left.readsStream || join.right.readsStream
        case .nested(let relation), .pivot(let relation, _), .unpivot(let relation, _): relation.readsStream
        }
    }
}
