/// The values of a program's nodes for one set of rows: the whole batch, or the rows of an enclosing scope that take a
/// branch. Values an enclosing scope already has are gathered instead of computed again.
///
/// Lives during one `evaluate` on one thread.
final class EvaluationScope {
    let program: ExpressionProgram
    let count: Int
    let context: EvaluationContext
    private let batch: Batch?
    private let parent: EvaluationScope?
    /// Rows of the parent, ascending.
    private let rows: [UInt32]
    private var memo: [Datum?]

    /// One row is evaluated again, to say what made it fail.
    let explains: Bool

    init(program: ExpressionProgram, batch: Batch, context: EvaluationContext, explains: Bool = false) {
        self.explains = explains
        self.program = program
        self.batch = batch
        self.context = context
        count = batch.count
        parent = nil
        rows = []
        memo = Array(repeating: nil, count: program.nodes.count)
    }

    private init(parent: EvaluationScope, rows: [UInt32]) {
        program = parent.program
        explains = parent.explains
        context = parent.context
        batch = nil
        count = rows.count
        self.parent = parent
        self.rows = rows
        memo = Array(repeating: nil, count: parent.program.nodes.count)
    }

    /// The scope of some of this scope's rows; this one if they are all.
    func selecting(_ rows: [UInt32]) -> EvaluationScope {
        rows.count == count ? self : EvaluationScope(parent: self, rows: rows)
    }

    func value(of index: Int) throws(TidemillError) -> Datum {
        if let datum = memo[index] { return datum }
        let datum: Datum
        if let known = parent?.available(index) {
            datum = selected(known)
        } else {
            do throws(TidemillError) { datum = try compute(index) } catch { throw placed(error, at: index) }
        }
        memo[index] = datum
        return datum
    }

    /// The value if this scope or an enclosing one has it already.
    private func available(_ index: Int) -> Datum? {
        if let datum = memo[index] { return datum }
        if let known = parent?.available(index) {
            let datum = selected(known)
            memo[index] = datum
            return datum
        }
        if case .column(let column) = program.nodes[index].operation, let batch {
            return Datum(batch.columns[column])
        }
        return nil
    }

    private func selected(_ datum: Datum) -> Datum {
        datum.isConstant ? datum : Datum(datum.column.gather(rows))
    }

    private func compute(_ index: Int) throws(TidemillError) -> Datum {
        let node = program.nodes[index]
        switch node.operation {
        case .column(let column):
            guard let batch else { throw .internal("column \(column) outside a batch") }
            return Datum(batch.columns[column])
        case .constant(let scalar): return Datum(scalar)
        case .call(let function): return try call(function.definition, node)
        case .cast(let kernel):
            let operand = try value(of: node.operands[0])
            return try strict([operand], node.type) { (operands, call) throws(TidemillError) in
                try kernel.run(operands[0], call)
            }
        case .conditional: return try conditional(node)
        case .coalesce: return try coalesce(node)
        case .and: return try connective(node, isAnd: true)
        case .or: return try connective(node, isAnd: false)
        case .not:
            let operand = try value(of: node.operands[0])
            return try strict([operand], .boolean) { (operands, _) throws(TidemillError) in
                Column(boolean: operands[0].column.bits.inverted())
            }
        case .isNull(let negated):
            let operand = try value(of: node.operands[0])
            if operand.isConstant { return Datum(.boolean(operand.isNullConstant != negated)) }
            let validity = operand.column.validity ?? Bitmap(repeating: true, count: count)
            return Datum(Column(boolean: negated ? validity : validity.inverted()))
        case .member(let set, let negated):
            let operand = try value(of: node.operands[0])
            return try strict([operand], .boolean) { (operands, call) throws(TidemillError) in
                set.test(operands[0], call.rowCount, negated: negated)
            }
        case .currentTimestamp:
            return Datum(Scalar(.timestamp, .integer(context.currentTimestampMicros)))
        case .currentDate:
            try TimeZoneRule.requireUTC(context)
            let day = floorDivide(context.currentTimestampMicros, 86_400_000_000)
            return Datum(Scalar(.date, .integer(day)))
        }
    }

    private func call(_ definition: ScalarDefinition, _ node: ProgramNode) throws(TidemillError) -> Datum {
        guard let kernel = definition.kernel else { throw .internal("no kernel: \(definition.name)") }
        var operands: [Datum] = []
        for operand in node.operands { operands.append(try value(of: operand)) }
        if definition.nullRule == .strict { return try strict(operands, node.type, kernel) }
        return try framed(operands) { (operands, count) throws(TidemillError) in
            try kernel(
                operands, KernelCall(resultType: node.type, rowCount: count, validity: nil, context: context))
        }
    }

    /// NULL where any operand is; the kernel computes the rest.
    private func strict(
        _ operands: [Datum], _ type: DataType, _ kernel: ([Datum], KernelCall) throws(TidemillError) -> Column
    ) throws(TidemillError) -> Datum {
        if operands.contains(where: \.isNullConstant) { return Datum(.null(type)) }
        return try framed(operands) { (operands, count) throws(TidemillError) in
            var validity: Bitmap?
            for operand in operands where !operand.isConstant {
                validity = Bitmap.and(validity, operand.column.validity)
            }
            let call = KernelCall(resultType: type, rowCount: count, validity: validity, context: context)
            let result = try kernel(operands, call)
            guard let validity else { return result }
            return blankingNulls(result.with(validity: Bitmap.and(result.validity, validity)))
        }
    }

    /// Shows a kernel at least one column: with constants only it runs on one row and gives a constant.
    private func framed(
        _ operands: [Datum], _ kernel: ([Datum], Int) throws(TidemillError) -> Column
    ) throws(TidemillError) -> Datum {
        if operands.allSatisfy(\.isConstant) {
            return Datum(constant: try kernel(operands.map { Datum($0.column) }, 1))
        }
        return Datum(try kernel(operands, count))
    }

    // MARK: Three-valued connectives

    /// Operands that are this heavy are worth a selection when few rows still need them.
    private static let heavyWeight = 8

    /// AND and OR. A row is decided by the first false (AND) or true (OR) operand; later operands that could fail see
    /// only undecided rows.
    private func connective(_ node: ProgramNode, isAnd: Bool) throws(TidemillError) -> Datum {
        var decided = Bitmap(repeating: false, count: count)
        var unknown: Bitmap?
        var undecided = count
        for operand in node.operands where undecided > 0 {
            let description = program.nodes[operand]
            let isPartial =
                undecided < count
                && (description.mayFail || description.weight >= Self.heavyWeight && undecided < count / 4)
            if isPartial && memo[operand] == nil {
                let rows = decided.inverted().rows(undecided)
                let value = try selecting(rows).value(of: operand)
                let decisive = isAnd ? value.falseBits(count: rows.count) : value.trueBits(count: rows.count)
                decided = decided.or(decisive.scattered(to: rows, count: count))
                if let nulls = value.nullBits(count: rows.count) {
                    let scattered = nulls.scattered(to: rows, count: count)
                    unknown = unknown.map { $0.or(scattered) } ?? scattered
                }
            } else {
                let value = try value(of: operand)
                decided = decided.or(isAnd ? value.falseBits(count: count) : value.trueBits(count: count))
                if let nulls = value.nullBits(count: count) { unknown = unknown.map { $0.or(nulls) } ?? nulls }
            }
            undecided = count - decided.onesCount
        }
        let values = isAnd ? decided.inverted() : decided
        guard let unknown else { return Datum(Column(boolean: values)) }
        let nulls = unknown.andNot(decided)
        return Datum(Column(boolean: values.andNot(nulls), validity: nulls.inverted()))
    }

    // MARK: Branches

    /// Whether computing these nodes for all rows is safe and not dearer than selecting rows.
    private func areCheapAndTotal(_ indices: some Sequence<Int>) -> Bool {
        var weight = 0
        for index in indices {
            let node = program.nodes[index]
            if node.mayFail { return false }
            weight += node.weight
        }
        return weight <= Self.heavyWeight
    }

    private func conditional(_ node: ProgramNode) throws(TidemillError) -> Datum {
        var assembly = ColumnAssembly(node.type, count: count)
        let branchCount = node.operands.count / 2
        let otherwise = node.operands[branchCount * 2]
        if areCheapAndTotal(node.operands.dropFirst()) {
            var open = Bitmap(repeating: true, count: count)
            for branch in 0..<branchCount {
                let taken = try value(of: node.operands[branch * 2]).trueBits(count: count).and(open)
                assembly.place(try value(of: node.operands[branch * 2 + 1]), aligned: taken)
                open = open.andNot(taken)
            }
            assembly.place(try value(of: otherwise), aligned: open)
            return Datum(assembly.finish())
        }
        // `current` holds the rows that no branch took so far; `numbers` are their row numbers in this scope.
        var current = self
        var numbers = allRows(count)
        for branch in 0..<branchCount where !numbers.isEmpty {
            let taken = try current.value(of: node.operands[branch * 2]).trueBits(count: current.count)
            let takenCount = taken.onesCount
            if takenCount == 0 { continue }
            let inside = taken.rows(takenCount)
            let part = try current.selecting(inside).value(of: node.operands[branch * 2 + 1])
            assembly.place(part, at: inside.map { numbers[Int($0)] })
            let left = taken.inverted().rows(current.count - takenCount)
            numbers = left.map { numbers[Int($0)] }
            if left.isEmpty { break }
            current = current.selecting(left)
        }
        if !numbers.isEmpty { assembly.place(try current.value(of: otherwise), at: numbers) }
        return Datum(assembly.finish())
    }

    private func coalesce(_ node: ProgramNode) throws(TidemillError) -> Datum {
        let first = try value(of: node.operands[0])
        if first.isConstant ? !first.isNullConstant : first.column.validity == nil { return first }
        if node.operands.allSatisfy({ memo[$0]?.isNullConstant == true }) { return first }
        var assembly = ColumnAssembly(node.type, count: count)
        var current = self
        var numbers = allRows(count)
        let isTotal = areCheapAndTotal(node.operands.dropFirst())
        var open = Bitmap(repeating: true, count: count)
        for (position, operand) in node.operands.enumerated() where !numbers.isEmpty {
            let isLast = position == node.operands.count - 1
            if isTotal {
                let part = try value(of: operand)
                let taken = isLast ? open : part.validity(count: count).map { $0.and(open) } ?? open
                assembly.place(part, aligned: taken)
                open = open.andNot(taken)
                continue
            }
            let part = try current.value(of: operand)
            guard !isLast, let validity = part.validity(count: current.count) else {
                assembly.place(part, at: numbers)
                break
            }
            let taken = validity.rows(validity.onesCount)
            assembly.place(
                part.isConstant ? part : Datum(part.column.gather(taken)), at: taken.map { numbers[Int($0)] })
            let left = validity.inverted().rows(current.count - taken.count)
            numbers = left.map { numbers[Int($0)] }
            if left.isEmpty { break }
            current = current.selecting(left)
        }
        return Datum(assembly.finish())
    }
}

private func allRows(_ count: Int) -> [UInt32] { (0..<count).map { UInt32(truncatingIfNeeded: $0) } }

extension Bitmap {
    /// Row numbers of the ones, of which there are `ones`.
    func rows(_ ones: Int) -> [UInt32] {
        // One allocation per selection, not per row; `indices` may write up to the number of ones.
        Array(unsafeUninitializedCapacity: ones) { buffer, used in
            used = buffer.baseAddress.map { indices(into: $0) } ?? 0
        }
    }

    /// The bits at `rows` of a bitmap of `count` rows, other bits zero.
    func scattered(to rows: [UInt32], count: Int) -> Bitmap {
        precondition(rows.count == self.count)
        let result = Bitmap(repeating: false, count: count)
        let out = result.words
        for (i, row) in rows.enumerated() where self[i] { out[Int(row >> 6)] |= 1 << UInt64(row & 63) }
        return result
    }
}

/// Views under NULL are empty by the column's contract; kernels compute them from garbage.
func blankingNulls(_ column: Column) -> Column {
    guard column.type.physical == .view, let validity = column.validity else { return column }
    let buffer = Buffer(byteCount: column.count * MemoryLayout<StringView>.stride)
    let source = column.views
    let out = buffer.pointer(StringView.self)
    let words = validity.words
    for i in 0..<column.count {
        let keep = 0 &- ((words[i >> 6] >> UInt64(i & 63)) & 1)
        out[i] = StringView(low: source[i].low & keep, high: source[i].high & keep)
    }
    return Column(type: column.type, count: column.count, values: buffer, validity: validity, heap: column.heap)
}
