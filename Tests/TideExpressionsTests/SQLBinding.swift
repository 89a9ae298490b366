import TideExpressions
import TideSQL

/// Binds SQL text over the fields of one relation: enough of an analyzer for tests written as SQL.
struct SQLBinding {
    let registry = FunctionRegistry.builtin
    var schema = Schema([])

    func bind(_ text: String) throws(TidemillError) -> BoundExpression {
        try bind(parseExpression(SourceText(name: "fact", text: text)))
    }

    private func all(_ list: [TideSQL.Expression]) throws(TidemillError) -> [BoundExpression] {
        var bound: [BoundExpression] = []
        for item in list { bound.append(try bind(item)) }
        return bound
    }

    private func bind(_ expression: TideSQL.Expression) throws(TidemillError) -> BoundExpression {
        func call(_ name: String, _ arguments: TideSQL.Expression...) throws(TidemillError) -> BoundExpression {
            try registry.bind(name, arguments: all(arguments), span: expression.span)
        }
        switch expression.kind {
        case .literal(let literal): return try bind(literal)
        case .column(let name):
            guard let index = schema.index(of: name.last.name) else {
                throw .unsupported("no column \(name.last.name)")
            }
            return .column(index: index, type: schema[index].type, nullable: schema[index].nullable)
        case .unary(.minus, let x): return try call("unary -", x)
        case .unary(.plus, let x): return try call("unary +", x)
        case .unary(.bitwiseNot, let x): return try call("~", x)
        case .binary(.shiftLeft, let a, let b): return try call("shiftleft", a, b)
        case .binary(.shiftRight, let a, let b): return try call("shiftright", a, b)
        case .binary(.shiftRightUnsigned, let a, let b): return try call("shiftrightunsigned", a, b)
        case .binary(let op, let a, let b): return try call(op.rawValue, a, b)
        case .comparison(let op, let a, let b): return try call(op.rawValue, a, b)
        case .and(let list): return try registry.bind("and", arguments: all(list))
        case .or(let list): return try registry.bind("or", arguments: all(list))
        case .not(let x): return try call("not", x)
        case .isNull(let x, let negated): return .isNull(try bind(x), negated: negated)
        case .between(let x, let low, let high, _): return try call("between", x, low, high)
        case .inList(let x, let list, let negated): return try registry.bindIn(bind(x), all(list), negated: negated)
        case .like(let like):
            var arguments = [try bind(like.value), try bind(like.patterns[0])]
            if let escape = like.escape { arguments.append(.string(String(escape))) }
            let test = try registry.bind(like.op.rawValue, arguments: arguments)
            return like.isNegated ? .not(test) : test
        case .caseWhen(let operand, let branches, let otherwise):
            var bound: [(when: BoundExpression, then: BoundExpression)] = []
            for branch in branches {
                var when = try bind(branch.condition)
                if let operand { when = try registry.bind("=", arguments: [bind(operand), when]) }
                bound.append((when, try bind(branch.result)))
            }
            let last: BoundExpression? = if let otherwise { try bind(otherwise) } else { nil }
            return try registry.bindCase(branches: bound, otherwise: last)
        case .cast(let x, let type, let isTry):
            return try registry.explicitCast(bind(x), to: dataType(type), try: isTry)
        case .function(let function):
            return try registry.bind(
                function.name.last.name, arguments: all(function.arguments.map(\.value)), span: expression.span)
        case .element(let value, let index): return try call("[]", value, index)
        case .field(let value, let name):
            return try registry.bind(".", arguments: [bind(value), .string(name.name)], span: expression.span)
        case .extract(let field, let source):
            return try registry.bind("extract", arguments: [.string(field.name), bind(source)])
        case .trim(let side, let characters, let source):
            let name = side == .both ? "trim" : side == .leading ? "ltrim" : "rtrim"
            guard let characters else { return try call(name, source) }
            return try call(name, characters, source)
        default: throw .unsupported("not in facts: \(expression.span.text)")
        }
    }

    private func bind(_ literal: TideSQL.Literal) throws(TidemillError) -> BoundExpression {
        func parsed(_ text: String, _ type: DataType) throws(TidemillError) -> BoundExpression {
            registry.fold(try registry.explicitCast(.string(text), to: type))
        }
        switch literal {
        case .null: return .null(.null)
        case .boolean(let v): return .literal(.boolean(v))
        case .byte(let v): return .literal(Scalar(.tinyint, .integer(Int64(v))))
        case .short(let v): return .literal(Scalar(.smallint, .integer(Int64(v))))
        case .integer(let v): return .literal(.int(v))
        case .long(let v): return .literal(.bigint(v))
        case .float(let v): return .literal(Scalar(.float, .float(v)))
        case .double(let v): return .literal(.double(v))
        case .string(let v): return .string(v)
        case .binary(let v): return .literal(Scalar(.binary, .bytes(v)))
        case .decimal(let v):
            let digits = Int128(v.digits) ?? 0
            return .literal(
                Scalar(
                    .decimal(precision: v.precision, scale: v.scale), .decimal(v.isNegative ? 0 - digits : digits)))
        case .date(let text): return try parsed(text, .date)
        case .timestamp(let text), .timestampLTZ(let text): return try parsed(text, .timestamp)
        case .timestampNTZ(let text): return try parsed(text, .timestampNTZ)
        case .interval(let v):
            let value = v.family == .yearMonth ? Int64(v.months) : v.totalMicroseconds ?? 0
            return .literal(Scalar(.interval(IntervalRange(unit(v.from), unit(v.to))), .integer(value)))
        case .time: throw .unsupported("not in facts: TIME")
        }
    }

    private func unit(_ field: IntervalField) -> IntervalRange.Unit {
        let name = String(describing: field).uppercased()
        return IntervalRange.Unit.allCases.first { $0.sql == name } ?? .second
    }

    private func dataType(_ name: TypeName) throws(TidemillError) -> DataType {
        switch name.kind {
        case .array(let element): return .array(try dataType(element))
        case .map(let key, let value): return .map(key: try dataType(key), value: try dataType(value))
        case .structure(let fields):
            return .structure(
                try fields.map { (field) throws(TidemillError) in Field(field.name.name, try dataType(field.type)) })
        default: break
        }
        guard case .named(let identifier, let parameters) = name.kind else { throw .unsupported("not in facts: type") }
        switch identifier.name.lowercased() {
        case "boolean": return .boolean
        case "tinyint": return .tinyint
        case "smallint": return .smallint
        case "int": return .int
        case "bigint": return .bigint
        case "float": return .float
        case "double": return .double
        case "decimal": return .decimal(precision: parameters[0], scale: parameters[1])
        case "string": return .string
        case "binary": return .binary
        case "date": return .date
        case "timestamp": return .timestamp
        case "timestamp_ntz": return .timestampNTZ
        default: throw .unsupported("not in facts: \(identifier.name)")
        }
    }
}
