@_exported import TideColumns

/// An expression whose names, overloads and types are settled: what the analyzer hands to plans and plans to operators.
///
/// Invariants: the operands of a call have exactly the types its kernel takes (binding inserted the casts); branches of
/// a conditional and all members of `coalesce` and `in` have one type; `and`, `or`, `not` have boolean operands.
/// Equality is structural and blind to places, so it finds common sub-expressions and grouping keys.
public indirect enum BoundExpression: Hashable, Sendable {
    /// A column of the input batch.
    case column(index: Int, type: DataType, nullable: Bool)
    case literal(Scalar)
    case call(ScalarFunction, [BoundExpression], type: DataType, nullable: Bool, at: Origin = .unknown)
    case cast(BoundExpression, to: DataType, try: Bool, at: Origin = .unknown)
    /// CASE and if(); a branch is evaluated only for the rows that take it.
    case conditional(Conditional)
    /// The first operand that is not NULL; later ones are evaluated only for rows that need them.
    case coalesce([BoundExpression])
    /// Three-valued conjunction and disjunction of at least two operands, evaluated left to right.
    case and([BoundExpression])
    case or([BoundExpression])
    case not(BoundExpression)
    case isNull(BoundExpression, negated: Bool)
    case `in`(BoundExpression, [BoundExpression], negated: Bool)
    /// The epoch's time, from the `EvaluationContext`.
    case currentTimestamp
    case currentDate

    /// CASE WHEN … THEN … ELSE … END. Without ELSE, `otherwise` is a NULL literal of the result type.
    public struct Conditional: Hashable, Sendable {
        public struct Branch: Hashable, Sendable {
            public var when: BoundExpression
            public var then: BoundExpression
            public init(when: BoundExpression, then: BoundExpression) {
                self.when = when
                self.then = then
            }
        }
        public var branches: [Branch]
        public var otherwise: BoundExpression
        public init(branches: [Branch], otherwise: BoundExpression) {
            self.branches = branches
            self.otherwise = otherwise
        }
    }
}

/// A function of the registry: a handle that is cheap to compare and hash.
public struct ScalarFunction: Hashable, Sendable {
    /// Position in the registry's table. Not stable between releases: plans in checkpoints store `name`.
    let id: Int

    init(id: Int) { self.id = id }

    var definition: ScalarDefinition { FunctionTable.shared.definitions[id] }
    /// The canonical name, lower case; for operators the symbol.
    public var name: String { definition.name }
}

extension BoundExpression {
    public static func null(_ type: DataType) -> BoundExpression { .literal(.null(type)) }
    public static let `true` = BoundExpression.literal(.boolean(true))
    public static let `false` = BoundExpression.literal(.boolean(false))
    public static func string(_ value: String) -> BoundExpression { .literal(.string(value)) }

    public var type: DataType {
        switch self {
        case .column(_, let type, _): type
        case .literal(let scalar): scalar.type
        case .call(_, _, let type, _, _): type
        case .cast(_, let type, _, _): type
        case .conditional(let conditional): conditional.otherwise.type
        case .coalesce(let operands): operands[0].type
        case .and, .or, .not, .isNull, .in: .boolean
        case .currentTimestamp: .timestamp
        case .currentDate: .date
        }
    }

    /// False only if no input row can give NULL.
    public var nullable: Bool {
        switch self {
        case .column(_, _, let nullable): nullable
        case .literal(let scalar): scalar.isNull
        case .call(_, _, _, let nullable, _): nullable
        case .cast(let operand, _, let isTry, _): operand.nullable || isTry
        case .conditional(let conditional):
            conditional.otherwise.nullable || conditional.branches.contains { $0.then.nullable }
        case .coalesce(let operands): operands.allSatisfy(\.nullable)
        case .and(let operands), .or(let operands): operands.contains(where: \.nullable)
        case .not(let operand): operand.nullable
        case .isNull, .currentTimestamp, .currentDate: false
        case .in(let operand, let members, _): operand.nullable || members.contains(where: \.nullable)
        }
    }

    /// Direct operands, in evaluation order.
    public var children: [BoundExpression] {
        switch self {
        case .column, .literal, .currentTimestamp, .currentDate: []
        case .call(_, let operands, _, _, _), .coalesce(let operands), .and(let operands), .or(let operands): operands
        case .cast(let operand, _, _, _), .not(let operand), .isNull(let operand, _): [operand]
        case .conditional(let conditional):
            conditional.branches.flatMap { [$0.when, $0.then] } + [conditional.otherwise]
        case .in(let operand, let members, _): [operand] + members
        }
    }

    /// The same node over other operands, one for each of `children`. They must have the same types.
    public func mapChildren<E: Error>(
        _ transform: (BoundExpression) throws(E) -> BoundExpression
    ) throws(E) -> BoundExpression {
        func all(_ list: [BoundExpression]) throws(E) -> [BoundExpression] {
            var out: [BoundExpression] = []
            out.reserveCapacity(list.count)
            for item in list { out.append(try transform(item)) }
            return out
        }
        switch self {
        case .column, .literal, .currentTimestamp, .currentDate: return self
        case .call(let function, let operands, let type, let nullable, let origin):
            return .call(function, try all(operands), type: type, nullable: nullable, at: origin)
        case .cast(let operand, let type, let isTry, let origin):
            return .cast(try transform(operand), to: type, try: isTry, at: origin)
        case .conditional(let conditional):
            var branches: [Conditional.Branch] = []
            for branch in conditional.branches {
                let when = try transform(branch.when)
                branches.append(Conditional.Branch(when: when, then: try transform(branch.then)))
            }
            return .conditional(Conditional(branches: branches, otherwise: try transform(conditional.otherwise)))
        case .coalesce(let operands): return .coalesce(try all(operands))
        case .and(let operands): return .and(try all(operands))
        case .or(let operands): return .or(try all(operands))
        case .not(let operand): return .not(try transform(operand))
        case .isNull(let operand, let negated): return .isNull(try transform(operand), negated: negated)
        case .in(let operand, let members, let negated):
            let first = try transform(operand)
            return .in(first, try all(members), negated: negated)
        }
    }

    /// Every column replaced by an expression of the same type: inlines a projection below.
    public func mapColumns(_ replacement: (Int) -> BoundExpression) -> BoundExpression {
        if case .column(let index, _, _) = self { return replacement(index) }
        return mapChildren { $0.mapColumns(replacement) }
    }

    /// Every column index replaced, type and nullability kept: for pruned and reordered inputs.
    public func remapped(_ index: (Int) -> Int) -> BoundExpression {
        if case .column(let old, let type, let nullable) = self {
            return .column(index: index(old), type: type, nullable: nullable)
        }
        return mapChildren { $0.remapped(index) }
    }

    /// Input columns that the value depends on.
    public var columns: Set<Int> {
        var found = Set<Int>()
        func visit(_ expression: BoundExpression) {
            if case .column(let index, _, _) = expression { found.insert(index) }
            for child in expression.children { visit(child) }
        }
        visit(self)
        return found
    }

    /// Equal inputs give equal values within an epoch. Context values are deterministic in this sense; see
    /// `dependsOnTime`.
    public var isDeterministic: Bool {
        if case .call(let function, _, _, _, _) = self, !function.definition.isDeterministic { return false }
        return children.allSatisfy(\.isDeterministic)
    }

    /// The value changes from epoch to epoch with the clock.
    public var dependsOnTime: Bool {
        switch self {
        case .currentTimestamp, .currentDate: true
        default: children.contains(where: \.dependsOnTime)
        }
    }

    /// Nothing but literals inside.
    public var isConstant: Bool {
        switch self {
        case .column, .currentTimestamp, .currentDate: false
        default: isDeterministic && children.allSatisfy(\.isConstant)
        }
    }

    /// The value, if this is a literal.
    public var literalValue: Scalar? { if case .literal(let scalar) = self { scalar } else { nil } }
}
