/// What the join operators need to know, compiled once.
struct JoinSpecification: Sendable {
    let kind: LogicalPlan.Join.Kind
    let leftTypes: [DataType]
    /// Columns of the right side as the join takes them: of semi and anti joins by equality alone, only the keys.
    let rightTypes: [DataType]
    let keyTypes: [DataType]
    /// Keys where NULL matches NULL.
    let nullSafe: [Bool]
    let leftKeys: ExpressionProgram
    let rightKeys: ExpressionProgram
    let residual: ExpressionProgram?
    let keyLayout: RowLayout

    /// - Parameter wholeRight: the right side's rows are taken as they are, whatever the join needs of them.
    init(_ join: LogicalPlan.Join, keyValueBytes: Int, wholeRight: Bool = false) {
        kind = join.kind
        leftTypes = join.left.schema.types
        keyTypes = join.keys.map(\.left.type)
        nullSafe = join.keys.map(\.nullSafe)
        leftKeys = ExpressionProgram(join.keys.map(\.left))
        rightKeys = ExpressionProgram(join.keys.map(\.right))
        residual = join.residual.map { ExpressionProgram([$0]) }
        keyLayout = RowLayout(keys: keyTypes, valueBytes: keyValueBytes)
        let rightIsKeys = !wholeRight && (join.kind == .semi || join.kind == .anti) && join.residual == nil
        rightTypes = rightIsKeys ? keyTypes : join.right.schema.types
        self.rightIsKeys = rightIsKeys
    }
    let rightIsKeys: Bool

    /// Whether rows of the left (right) side without a partner are in the result, padded.
    var keepsLeft: Bool { kind == .left || kind == .full }
    var keepsRight: Bool { kind == .right || kind == .full }
    /// Whether the result has the left side's columns only.
    var isFilter: Bool { kind == .semi || kind == .anti }
    /// Whether a side's rows depend on how many partners they have.
    var watchesLeft: Bool { keepsLeft || isFilter }
    var watchesRight: Bool { keepsRight }
    /// Whether partners are counted row by row, because the rows of one key can differ in them.
    var countsMatches: Bool { residual != nil && (watchesLeft || watchesRight) }

    /// Rows whose key can match something: no NULL in a key that is not null-safe. nil means all.
    func matchable(_ keys: [Column]) -> Bitmap? {
        var valid: Bitmap?
        for (index, key) in keys.enumerated() where !nullSafe[index] { valid = Bitmap.and(valid, key.validity) }
        return valid
    }

    /// How often a row of a watched side is in the result beside its pairs: padded, or as itself.
    @inline(__always) func ownRows(weight: Int64, isMatched: Bool) -> Int64 {
        isMatched == (kind == .semi) ? weight : 0
    }

    /// Rows of one side as rows of the result that no pair gives.
    func own(_ columns: [Column], count: Int, isLeft: Bool) -> [Column] {
        if isFilter { return columns }
        let padding = (isLeft ? rightTypes : leftTypes).map { Column(repeating: .null($0), count: count) }
        return isLeft ? columns + padding : padding + columns
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

/// Adds, in their place, the rows of 0..<count that `probe` (ascending) does not name, with `UInt32.max` as partner.
func paddedInPlace(_ probe: [UInt32], _ partners: [UInt32], count: Int) -> ([UInt32], [UInt32]) {
    var outProbe: [UInt32] = []
    var outPartners: [UInt32] = []
    outProbe.reserveCapacity(max(count, probe.count))
    outPartners.reserveCapacity(max(count, probe.count))
    var at = 0
    for row in 0..<UInt32(count) {
        if at == probe.count || probe[at] != row {
            outProbe.append(row)
            outPartners.append(.max)
        }
        while at < probe.count && probe[at] == row {
            outProbe.append(row)
            outPartners.append(partners[at])
            at += 1
        }
    }
    return (outProbe, outPartners)
}

/// The rows of 0..<count that are (or are not) in `probe`, ascending.
func rowNumbers(matched wanted: Bool, by probe: [UInt32], count: Int) -> [UInt32] {
    let matched = Bitmap(repeating: false, count: count)
    for row in probe { matched.words[Int(row) >> 6] |= 1 << UInt64(row & 63) }
    return (0..<UInt32(count)).filter { matched[Int($0)] == wanted }
}
