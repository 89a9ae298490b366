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
        /// Exact sum of the squares, cubes or fourth powers of a double argument, or of its products with another one.
        case sumSquares, sumCubes, sumFourths, sumProducts
        /// | present u64 | value, 16 bytes |. Fed by a store where the input retracts.
        case minimum, maximum
        /// The same for the value of the row that a store picks; NULL is not present.
        case picked
    }

    struct Slot: Hashable, Sendable {
        var kind: SlotKind
        /// Which evaluated column feeds it; nil for `rows`, and for `nonNull` over a filter alone.
        var argument: Int?
        /// Which evaluated boolean column must be true.
        var filter: Int?
        var type: DataType
        /// The second factor of `sumProducts`.
        var other: Int?
        /// The store that feeds it instead of the rows themselves.
        var store: Int?
        var offset = 0

        var byteCount: Int {
            switch kind {
            case .rows, .nonNull, .trueCount, .sumInteger: 8
            case .sumDecimal, .sumDouble, .sumSquares, .sumCubes, .sumFourths, .sumProducts: 16
            case .minimum, .maximum, .picked: 24
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
        var isExtreme: Bool { kind == .minimum || kind == .maximum || kind == .picked }
        /// Columns this slot has in checkpointed state.
        var stateTypes: [DataType] {
            switch kind {
            case .rows, .nonNull, .trueCount: [.bigint]
            case .sumInteger, .sumDecimal: [.decimal(precision: 38, scale: 0)]
            case .sumDouble, .sumSquares, .sumCubes, .sumFourths, .sumProducts: [.double, .double, .binary]
            case .minimum, .maximum, .picked: [type]
            }
        }
    }

    /// An aggregate as a function of slots.
    struct Output: Sendable {
        var aggregate: BoundAggregate
        /// The sum, count or extreme; and the count of values where the result can be NULL.
        var main: Int
        var count: Int
        /// Further sums.
        var more: [Int] = []
    }

    private(set) var slots: [Slot]
    private(set) var outputs: [Output] = []
    private(set) var stores: [ValueStore] = []
    private(set) var valueBytes = 0
    /// Groups remember how many rows they have, and nothing of them: count(*), DISTINCT.
    var needsWeightsOnly: Bool { slots.count == 1 && stores.isEmpty }
    private let sourceOrder: [DataType]
    /// How many columns of `SourceOrder` are wanted behind `inputs`; twice as many if the order backwards is too.
    var sourceOrderColumns: Int { max(0, (stores.flatMap(\.columns).max() ?? -1) - inputs.count + 1) }
    /// Expressions to evaluate over the input, behind the group expressions.
    private(set) var inputs: [BoundExpression] = []

    /// - Parameters:
    ///   - schema: columns of the input, whose order decides which row is the first.
    ///   - sourceOrder: if not empty, the row that came first is the first; types of the columns of `SourceOrder` that
    ///     stand behind `inputs`.
    ///   - retracts: the input takes rows back, so that an extreme may have to give way to the next one.
    init(
        _ aggregates: [NamedAggregate], input schema: Schema, sourceOrder: [DataType] = [], retracts: Bool
    ) throws(TidemillError) {
        self.sourceOrder = sourceOrder
        slots = [Slot(kind: .rows, argument: nil, filter: nil, type: .bigint)]
        for named in aggregates {
            let aggregate = named.aggregate
            let filter = named.filter.map { input($0) }
            if let output = stored(aggregate, filter, schema, retracts: retracts) ?? paired(aggregate, filter) {
                outputs.append(output)
                continue
            }
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
            var more: [Int] = []
            switch aggregate.kind {
            case .countStar, .count: main = count
            case .countIf, .boolAnd, .boolOr: main = slot(.trueCount, argument, filter, .bigint)
            case .sum, .avg:
                main = slot(Slot.sumKind(type), argument, filter, type)
            case .min: main = slot(.minimum, argument, filter, type)
            case .max: main = slot(.maximum, argument, filter, type)
            case .stddevPop, .stddevSamp, .varPop, .varSamp:
                main = slot(.sumDouble, argument, filter, type)
                more = [slot(.sumSquares, argument, filter, type)]
            case .skewness, .kurtosis:
                main = slot(.sumDouble, argument, filter, type)
                more = [slot(.sumSquares, argument, filter, type), slot(.sumCubes, argument, filter, type)]
                if aggregate.kind == .kurtosis { more.append(slot(.sumFourths, argument, filter, type)) }
            case .first, .last, .anyValue, .covarPop, .covarSamp, .corr, .percentile, .mode, .maxBy, .minBy, .bitAnd,
                .bitOr, .bitXor, .collectList, .collectSet, .listAgg, .distinctEstimate:
                throw TidemillError.internal("an aggregate without an accumulator: \(named.name)")
            }
            outputs.append(Output(aggregate: aggregate, main: main, count: count, more: more))
        }
        for index in stores.indices {
            stores[index].columns = stores[index].columns.map { $0 < 0 ? inputs.count - 1 - $0 : $0 }
        }
        for index in slots.indices {
            slots[index].offset = valueBytes
            valueBytes += slots[index].byteCount
        }
    }

    /// An aggregate that needs its values one by one; nil if accumulators will do.
    private mutating func stored(
        _ aggregate: BoundAggregate, _ filter: Int?, _ schema: Schema, retracts: Bool
    ) -> Output? {
        let types = aggregate.arguments.map(\.type)
        let arguments = aggregate.arguments.map { input($0) }
        func picked(
            _ pick: ValueStore.Pick, orderedBy order: [(Int, DataType)], required: [Int], type: DataType? = nil
        ) -> Output {
            let kept = ValueStore(
                columns: order.map(\.0) + [arguments[0]], types: order.map(\.1) + [types[0]], filter: filter,
                required: required, pick: pick)
            return Output(
                aggregate: aggregate, main: slot(.picked, arguments[0], filter, type ?? types[0], store(kept)), count: 0
            )
        }
        /// Behind all inputs, of which there may come more.
        func arrival(backwards: Bool) -> [(Int, DataType)] {
            sourceOrder.enumerated().map { (-1 - $0 - (backwards ? sourceOrder.count : 0), $1) }
        }
        func row(_ pick: ValueStore.Pick, _ ignoresNulls: Bool, type: DataType? = nil) -> Output {
            var order: [(Int, DataType)] = []
            if !sourceOrder.isEmpty {
                order = arrival(backwards: false)
                return picked(pick, orderedBy: order, required: ignoresNulls ? [arguments[0]] : [], type: type)
            }
            for (index, field) in schema.fields.enumerated() {
                order.append((input(.column(index: index, type: field.type, nullable: field.nullable)), field.type))
            }
            return picked(pick, orderedBy: order, required: ignoresNulls ? [arguments[0]] : [], type: type)
        }
        func values() -> Int {
            store(ValueStore(columns: arguments, types: types, filter: filter, required: arguments, pick: nil))
        }
        switch aggregate.kind {
        case .min where retracts, .max where retracts:
            let kind: SlotKind = aggregate.kind == .min ? .minimum : .maximum
            return Output(
                aggregate: aggregate, main: slot(kind, arguments[0], filter, types[0], values()), count: 0)
        case .first(let ignoresNulls), .anyValue(let ignoresNulls): return row(.first, ignoresNulls)
        case .last(let ignoresNulls): return row(.last, ignoresNulls)
        // As in Spark, of equal rows the one that came last.
        case .maxBy:
            return picked(
                .last, orderedBy: [(arguments[1], types[1])] + arrival(backwards: false), required: [arguments[1]])
        case .minBy:
            return picked(
                .first, orderedBy: [(arguments[1], types[1])] + arrival(backwards: true), required: [arguments[1]])
        case .percentile(let fraction): return picked(.percentile(fraction), orderedBy: [], required: arguments)
        case .mode: return picked(.mode, orderedBy: [], required: arguments)
        case .bitAnd: return picked(.bitAnd, orderedBy: [], required: arguments)
        case .bitOr: return picked(.bitOr, orderedBy: [], required: arguments)
        case .bitXor: return picked(.bitXor, orderedBy: [], required: arguments)
        case .collectList: return row(.list, true, type: aggregate.resultType)
        case .collectSet: return picked(.set, orderedBy: [], required: arguments, type: aggregate.resultType)
        case .listAgg(let delimiter): return row(.text(delimiter: Array(delimiter.utf8)), true)
        case .distinctEstimate(let precision):
            return picked(.estimate(precision: precision), orderedBy: [], required: arguments, type: .bigint)
        case .count where aggregate.distinct:
            let count = slot(.nonNull, arguments[0], filter, .bigint, values())
            return Output(aggregate: aggregate, main: count, count: count)
        case .sum where aggregate.distinct, .avg where aggregate.distinct, .countIf where aggregate.distinct,
            .varPop where aggregate.distinct, .varSamp where aggregate.distinct,
            .stddevPop where aggregate.distinct, .stddevSamp where aggregate.distinct:
            let store = values()
            let count = slot(.nonNull, arguments[0], filter, .bigint, store)
            let kind = aggregate.kind == .countIf ? .trueCount : Slot.sumKind(types[0])
            let main = slot(kind, arguments[0], filter, types[0], store)
            switch aggregate.kind {
            case .sum, .avg, .countIf: return Output(aggregate: aggregate, main: main, count: count)
            default:
                let squares = slot(.sumSquares, arguments[0], filter, types[0], store)
                return Output(aggregate: aggregate, main: main, count: count, more: [squares])
            }
        // Of extremes and conditions duplicates say nothing.
        default: return nil
        }
    }

    /// An aggregate of two columns: each counts where the other is not NULL.
    private mutating func paired(_ aggregate: BoundAggregate, _ filter: Int?) -> Output? {
        switch aggregate.kind {
        case .covarPop, .covarSamp, .corr: break
        default: return nil
        }
        func masked(_ value: BoundExpression, by other: BoundExpression) -> Int {
            if !other.nullable { return input(value) }
            return input(
                .conditional(
                    .init(
                        branches: [.init(when: .isNull(other, negated: true), then: value)],
                        otherwise: .null(.double))))
        }
        let (x, y) = (aggregate.arguments[0], aggregate.arguments[1])
        let (first, second) = (masked(x, by: y), masked(y, by: x))
        let count = slot(.nonNull, first, filter, .bigint)
        var more = [slot(.sumDouble, second, filter, .double)]
        more.append(slot(.sumProducts, first, filter, .double, nil, other: second))
        if aggregate.kind == .corr {
            more += [slot(.sumSquares, first, filter, .double), slot(.sumSquares, second, filter, .double)]
        }
        return Output(aggregate: aggregate, main: slot(.sumDouble, first, filter, .double), count: count, more: more)
    }

    private mutating func store(_ wanted: ValueStore) -> Int {
        if let known = stores.firstIndex(of: wanted) { return known }
        stores.append(wanted)
        return stores.count - 1
    }
    private mutating func input(_ expression: BoundExpression) -> Int {
        if let known = inputs.firstIndex(of: expression) { return known }
        inputs.append(expression)
        return inputs.count - 1
    }
    private mutating func slot(
        _ kind: SlotKind, _ argument: Int?, _ filter: Int?, _ type: DataType, _ store: Int? = nil, other: Int? = nil
    ) -> Int {
        let wanted = Slot(kind: kind, argument: argument, filter: filter, type: type, other: other, store: store)
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
            case .sumSquares: name = call("sum of squares")
            case .sumCubes: name = call("sum of cubes")
            case .sumFourths: name = call("sum of fourth powers")
            case .sumProducts: name = call("sum of products")
            case .minimum: name = call("min")
            case .maximum: name = call("max")
            case .picked: name = call("picked")
            }
            return slot.stateTypes.enumerated().map { index, type in
                if case .decimal(_, let scale) = slot.type, slot.kind == .sumInteger || slot.kind == .sumDecimal {
                    return Field(name, .decimal(precision: 38, scale: scale))
                }
                return Field(index == 0 ? name : "\(name) part \(index + 1)", type)
            }
        }
    }
}
