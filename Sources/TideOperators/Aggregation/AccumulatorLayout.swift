/// What a group remembers: primitive accumulators ("slots") in the value area of its packed row. Aggregates of one
/// query share slots: count(x), sum(x) and avg(x) need one sum and one count between them.
///
/// A zeroed value area is the state of a group without rows.
struct AccumulatorLayout: Sendable {
    enum SlotKind: Hashable, Sendable {
        /// Sum of weights; always slot 0. A group with 0 rows does not exist.
        case rows
        /// Weights of the rows where the argument is not NULL (and the filter holds). Int64.
        case nonNull
        /// Weights of the rows where the boolean argument is true. Int64.
        case trueCount
        /// Sum of an integral, interval or decimal argument whose values mostly fit 64 bits. `CompactSum`.
        case sumInteger
        /// Sum of a decimal argument with more digits. Int128.
        case sumDecimal
        /// Exact sum of a double argument.
        case sumDouble
        /// | present u64 | value, 16 bytes |; input that never retracts only.
        case minimum, maximum
    }

    struct Slot: Hashable, Sendable {
        var kind: SlotKind
        /// Which evaluated column feeds it; nil for `rows`, and for `nonNull` over a filter alone.
        var argument: Int?
        /// Which evaluated boolean column must be true.
        var filter: Int?
        var type: DataType
        var offset = 0

        var byteCount: Int {
            switch kind {
            case .rows, .nonNull, .trueCount, .sumInteger: 8
            case .sumDecimal, .sumDouble: 16
            case .minimum, .maximum: 24
            }
        }
        /// What a sum of this type is kept in. Any sum may leave 8 bytes; a type with more digits than this says that
        /// its values do as a rule, and 16 bytes in the row are less than an index and 16 bytes elsewhere.
        static func sumKind(_ type: DataType) -> SlotKind {
            let compactDigitsMax = 28
            switch type {
            case .double: return .sumDouble
            case .decimal(let precision, _) where precision > compactDigitsMax: return .sumDecimal
            default: return .sumInteger
            }
        }
        var isExtreme: Bool { kind == .minimum || kind == .maximum }
        /// Columns this slot has in checkpointed state.
        var stateTypes: [DataType] {
            switch kind {
            case .rows, .nonNull, .trueCount: [.bigint]
            case .sumInteger, .sumDecimal: [.decimal(precision: 38, scale: 0)]
            case .sumDouble: [.double, .double, .binary]
            case .minimum, .maximum: [type]
            }
        }
    }

    /// An aggregate as a function of slots.
    struct Output: Sendable {
        var aggregate: BoundAggregate
        /// The sum, count or extreme; and the count of values where the result can be NULL.
        var main: Int
        var count: Int
    }

    private(set) var slots: [Slot]
    private(set) var outputs: [Output] = []
    private(set) var valueBytes = 0
    /// Expressions to evaluate over the input, behind the group expressions.
    private(set) var inputs: [BoundExpression] = []

    init(_ aggregates: [NamedAggregate]) throws(TidemillError) {
        slots = [Slot(kind: .rows, argument: nil, filter: nil, type: .bigint)]
        for named in aggregates {
            let aggregate = named.aggregate
            if aggregate.distinct {
                throw TidemillError.unsupported("DISTINCT inside \(named.name)")
            }
            let filter = named.filter.map { input($0) }
            // Several arguments (count(a, b)) count rows in which none is NULL.
            let argument: Int?
            if aggregate.arguments.count > 1 {
                let present = BoundExpression.and(aggregate.arguments.map { .isNull($0, negated: true) })
                argument = input(
                    .conditional(
                        .init(branches: [.init(when: present, then: .true)], otherwise: .null(.boolean))))
            } else {
                argument = aggregate.arguments.first.map { input($0) }
            }
            let type = aggregate.arguments.first?.type ?? .bigint
            let nullable = aggregate.arguments.count > 1 || (aggregate.arguments.first?.nullable ?? false)
            let count: Int
            if filter == nil && !nullable {
                count = 0
            } else {
                count = slot(.nonNull, nullable ? argument : nil, filter, .bigint)
            }
            let main: Int
            switch aggregate.kind {
            case .countStar, .count: main = count
            case .countIf, .boolAnd, .boolOr: main = slot(.trueCount, argument, filter, .bigint)
            case .sum, .avg:
                main = slot(Slot.sumKind(type), argument, filter, type)
            case .min: main = slot(.minimum, argument, filter, type)
            case .max: main = slot(.maximum, argument, filter, type)
            case .first, .last, .anyValue, .stddevPop, .stddevSamp, .varPop, .varSamp:
                throw TidemillError.unsupported("the aggregate \(named.name)")
            }
            outputs.append(Output(aggregate: aggregate, main: main, count: count))
        }
        for index in slots.indices {
            slots[index].offset = valueBytes
            valueBytes += slots[index].byteCount
        }
    }

    private mutating func input(_ expression: BoundExpression) -> Int {
        if let known = inputs.firstIndex(of: expression) { return known }
        inputs.append(expression)
        return inputs.count - 1
    }
    private mutating func slot(_ kind: SlotKind, _ argument: Int?, _ filter: Int?, _ type: DataType) -> Int {
        let wanted = Slot(kind: kind, argument: argument, filter: filter, type: type)
        if let known = slots.firstIndex(of: wanted) { return known }
        slots.append(wanted)
        return slots.count - 1
    }

    var stateTypes: [DataType] { slots.flatMap(\.stateTypes) }

    /// What the columns of `stateTypes` are called, and as what they are read: a sum of decimals has their scale.
    /// - Parameter schema: of the input that the arguments refer to.
    func stateNames(of schema: Schema) -> [Field] {
        slots.flatMap { slot in
            func call(_ function: String) -> String {
                func text(_ index: Int?) -> String? {
                    index.map { inputs[$0].describe { $0 < schema.count ? schema[$0].name : "#\($0)" } }
                }
                let filter = text(slot.filter).map { " FILTER (\($0))" } ?? ""
                return "\(function)(\(text(slot.argument) ?? "*"))\(filter)"
            }
            let name: String
            switch slot.kind {
            case .rows: name = "count(*)"
            case .nonNull: name = call("count")
            case .trueCount: name = call("count_if")
            case .sumInteger, .sumDecimal, .sumDouble: name = call("sum")
            case .minimum: name = call("min")
            case .maximum: name = call("max")
            }
            return slot.stateTypes.enumerated().map { index, type in
                if case .decimal(_, let scale) = slot.type, slot.kind == .sumInteger || slot.kind == .sumDecimal {
                    return Field(name, .decimal(precision: 38, scale: scale))
                }
                return Field(index == 0 ? name : "\(name) part \(index + 1)", type)
            }
        }
    }
    /// Whether input that retracts can be taken.
    var needsAppendOnlyInput: Bool { slots.contains { $0.kind == .minimum || $0.kind == .maximum } }
}
