/// One distinct sub-expression of a program. Operands are indices of earlier nodes.
struct ProgramNode: Sendable {
    enum Operation: Sendable {
        case column(Int)
        case constant(Scalar)
        case call(ScalarFunction)
        case cast(CastKernel)
        /// Operands: when, then, when, then, …, otherwise.
        case conditional
        case coalesce
        case and, or, not
        case isNull(negated: Bool)
        /// The operand against constants.
        case member(ConstantSet, negated: Bool)
        case currentTimestamp, currentDate
    }
    let operation: Operation
    let operands: [Int]
    let type: DataType
    /// Some row could make it throw, so it runs only on rows that need it.
    let mayFail: Bool
    /// Rough cost per row, in arithmetic operations: decides between computing all rows and computing a selection.
    let weight: Int
    /// Of calls and casts.
    let origin: Origin
}

/// Builds the node list: equal sub-expressions become one node.
struct ProgramBuilder {
    private(set) var nodes: [ProgramNode] = []
    private var known: [BoundExpression: Int] = [:]

    mutating func add(_ expression: BoundExpression) -> Int {
        if let index = known[expression] { return index }
        let index = build(expression)
        known[expression] = index
        return index
    }

    private mutating func append(
        _ operation: ProgramNode.Operation, _ operands: [Int], _ type: DataType, fails: Bool = false, weight: Int = 1,
        at origin: Origin = .unknown
    ) -> Int {
        let mayFail = fails || operands.contains { nodes[$0].mayFail }
        let total = operands.reduce(weight) { $0 + nodes[$1].weight }
        nodes.append(
            ProgramNode(
                operation: operation, operands: operands, type: type, mayFail: mayFail, weight: total, origin: origin))
        return nodes.count - 1
    }

    private mutating func build(_ expression: BoundExpression) -> Int {
        let type = expression.type
        switch expression {
        case .column(let index, _, _): return append(.column(index), [], type, weight: 0)
        case .literal(let scalar): return append(.constant(scalar), [], type, weight: 0)
        case .call(let function, let operands, _, _, let origin):
            let definition = function.definition
            return append(
                .call(function), addAll(operands), type, fails: definition.mayFail(operands),
                weight: definition.weight, at: origin)
        case .cast(let operand, let to, let isTry, let origin):
            let kernel = CastKernel(from: operand.type, to: to, isTry: isTry)
            return append(
                .cast(kernel), [add(operand)], to, fails: kernel.mayFail, weight: kernel.weight, at: origin)
        case .conditional(let conditional):
            let parts = conditional.branches.flatMap { [$0.when, $0.then] } + [conditional.otherwise]
            return append(.conditional, addAll(parts), type, weight: parts.count)
        case .coalesce(let operands): return append(.coalesce, addAll(operands), type, weight: operands.count)
        case .and(let operands): return append(.and, addAll(operands), type)
        case .or(let operands): return append(.or, addAll(operands), type)
        case .not(let operand): return append(.not, [add(operand)], type)
        case .isNull(let operand, let negated): return append(.isNull(negated: negated), [add(operand)], type)
        case .in(let operand, let members, let negated): return addMembership(operand, members, negated)
        case .currentTimestamp: return append(.currentTimestamp, [], type, weight: 0)
        case .currentDate: return append(.currentDate, [], type, weight: 0)
        }
    }

    private mutating func addAll(_ expressions: [BoundExpression]) -> [Int] {
        var indices: [Int] = []
        for expression in expressions { indices.append(add(expression)) }
        return indices
    }

    /// Constants become one set; other members are compared one after the other.
    private mutating func addMembership(
        _ operand: BoundExpression, _ members: [BoundExpression], _ negated: Bool
    ) -> Int {
        let constants = members.compactMap(\.literalValue)
        let others = members.filter { $0.literalValue == nil }
        var found: [BoundExpression] = []
        if others.isEmpty || !constants.isEmpty {
            let set = ConstantSet(operand.type, constants)
            if others.isEmpty {
                return append(.member(set, negated: negated), [add(operand)], .boolean, weight: 4)
            }
            found.append(.in(operand, constants.map { .literal($0) }, negated: false))
        }
        for member in others {
            found.append(
                .call(
                    FunctionTable.equal, [operand, member], type: .boolean,
                    nullable: operand.nullable || member.nullable))
        }
        let any: BoundExpression = found.count == 1 ? found[0] : .or(found)
        return add(negated ? .not(any) : any)
    }
}
