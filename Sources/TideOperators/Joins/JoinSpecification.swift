/// What both join operators need to know, compiled once.
struct JoinSpecification: Sendable {
    let kind: LogicalPlan.Join.Kind
    let leftTypes: [DataType]
    let rightTypes: [DataType]
    let keyTypes: [DataType]
    /// Keys where NULL matches NULL.
    let nullSafe: [Bool]
    let leftKeys: ExpressionProgram
    let rightKeys: ExpressionProgram
    let residual: ExpressionProgram?
    let keyLayout: RowLayout

    init(_ join: LogicalPlan.Join, keyValueBytes: Int) {
        kind = join.kind
        leftTypes = join.left.schema.types
        rightTypes = join.right.schema.types
        keyTypes = join.keys.map(\.left.type)
        nullSafe = join.keys.map(\.nullSafe)
        leftKeys = ExpressionProgram(join.keys.map(\.left))
        rightKeys = ExpressionProgram(join.keys.map(\.right))
        residual = join.residual.map { ExpressionProgram([$0]) }
        keyLayout = RowLayout(keys: keyTypes, valueBytes: keyValueBytes)
    }

    /// Rows whose key can match something: no NULL in a key that is not null-safe. nil means all.
    func matchable(_ keys: [Column]) -> Bitmap? {
        var valid: Bitmap?
        for (index, key) in keys.enumerated() where !nullSafe[index] { valid = Bitmap.and(valid, key.validity) }
        return valid
    }
}

extension Column {
    /// Rows by index, where `UInt32.max` stands for NULL.
    func gatherOrNull(_ indices: [UInt32]) -> Column {
        guard indices.contains(UInt32.max) else { return gather(indices) }
        if count == 0 { return Column(repeating: .null(type), count: indices.count) }
        let gathered = gather(indices.map { $0 == UInt32.max ? 0 : $0 })
        let present = Bitmap(count: indices.count) { indices[$0] != UInt32.max }
        return gathered.with(validity: Bitmap.and(gathered.validity, present))
    }
}
