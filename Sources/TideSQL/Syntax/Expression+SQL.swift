// Expressions as text, in the form Spark gives to the name of an output column without an alias (checked against
// Spark 4.3). It is not always SQL again: strings stand without quotes, BETWEEN looks like a call. What Spark adds
// only after looking functions up (default arguments such as `round(x, 0)`) is not added here.

extension Expression {
    /// The expression as text, columns as written.
    public var sql: String { sql { $0.text } }

    /// The expression as text, `naming` giving the text of each column: Spark drops table names (`upper(s.name)` is
    /// `upper(name)`), and only the analyzer knows which parts are tables.
    /// - Parameter windows: what named windows stand for, by their names in lower case.
    public func sql(
        naming: (QualifiedName) -> String, windows: [String: WindowSpecification] = [:]
    ) -> String {
        withoutActuallyEscaping(naming) { ExpressionPrinter(naming: $0, windows: windows).text(self) }
    }

    /// The name of the column when it is selected without an alias: the last part of a column or field, also under a
    /// cast; else the text.
    public var columnName: String { columnName(windows: [:]) }

    public func columnName(windows: [String: WindowSpecification]) -> String {
        switch kind {
        case .column(let name): return name.last.name
        case .cast(let value, _, _):
            if case .column(let name) = value.kind { return name.last.name }
        default: break
        }
        return sql(naming: { $0.text }, windows: windows)
    }
}

struct ExpressionPrinter {
    let naming: (QualifiedName) -> String
    var windows: [String: WindowSpecification] = [:]

    func text(_ e: Expression) -> String {
        switch e.kind {
        case .literal(let literal): return literal.sql
        case .column(let name): return naming(name)
        case .star(let star):
            let except = star.except.isEmpty ? "" : " EXCEPT (\(star.except.map(\.text).joined(separator: ", ")))"
            return (star.qualifier.map { $0.text + "." } ?? "") + "*" + except
        case .unary(.bitwiseNot, let value): return "~\(text(value))"
        case .unary(let op, let value): return "(\(op.rawValue) \(text(value)))"
        case .binary(.concatenate, let a, let b): return "concat(\(text(a)), \(text(b)))"
        case .binary(let op, let a, let b): return binary(op, a, b)
        case .comparison(.notEqual, let a, let b): return "(NOT (\(text(a)) = \(text(b))))"
        case .comparison(let op, let a, let b): return "(\(text(a)) \(op.rawValue) \(text(b)))"
        case .and(let operands): return chain(operands, "AND")
        case .or(let operands): return chain(operands, "OR")
        case .not(let value): return "(NOT \(text(value)))"
        case .isNull(let value, let negated): return "(\(text(value)) IS \(negated ? "NOT " : "")NULL)"
        case .isDistinctFrom(let a, let b, let negated): return not(!negated, "(\(text(a)) <=> \(text(b)))")
        case .isBoolean(let value, nil, let negated): return "(\(text(value)) IS \(negated ? "NOT " : "")NULL)"
        case .isBoolean(let value, let expected?, let negated): return not(negated, "(\(text(value)) <=> \(expected))")
        case .between(let value, let low, let high, let negated):
            return not(negated, "between(\(list([value, low, high])))")
        case .inList(let value, let values, let negated): return not(negated, "(\(text(value)) IN (\(list(values))))")
        case .inSubquery(let value, _, let negated): return not(negated, "(\(text(value)) IN (listquery()))")
        case .exists: return "exists()"
        case .scalarSubquery: return "scalarsubquery()"
        case .like(let like): return self.like(like)
        case .caseWhen(let operand, let branches, let otherwise): return caseWhen(operand, branches, otherwise)
        case .cast(let value, let type, let isTry): return "\(isTry ? "TRY_" : "")CAST(\(text(value)) AS \(type.sql))"
        case .function(let call): return function(call)
        case .row(let values): return row(values)
        case .lambda(let parameters, let body): return lambda(parameters, body)
        case .element(let value, let index): return "\(text(value))[\(text(index))]"
        case .field(let value, let name): return "\(text(value)).\(name.name)"
        case .extract(let field, let source): return "extract(\(field.name) FROM \(text(source)))"
        case .trim(let side, nil, let source):
            return "\(side == .both ? "" : side == .leading ? "l" : "r")trim(\(text(source)))"
        case .trim(let side, let characters?, let source):
            return "TRIM(\(side.rawValue) \(text(characters)) FROM \(text(source)))"
        }
    }

    private func list(_ values: [Expression]) -> String { values.map { text($0) }.joined(separator: ", ") }

    private func not(_ negated: Bool, _ text: String) -> String { negated ? "(NOT \(text))" : text }

    /// `((a AND b) AND c)`
    private func chain(_ operands: [Expression], _ word: String) -> String {
        var result = operands.first.map { text($0) } ?? ""
        for operand in operands.dropFirst() { result = "(\(result) \(word) \(text(operand)))" }
        return result
    }

    private func binary(_ op: BinaryOperator, _ a: Expression, _ b: Expression) -> String {
        // Times and intervals print without parentheses, and the interval last.
        if op == .add || op == .subtract {
            if b.isInterval, !a.isInterval { return "\(text(a)) \(op.rawValue) \(text(b))" }
            if a.isInterval, !b.isInterval, op == .add { return "\(text(b)) + \(text(a))" }
        }
        return "(\(text(a)) \(op.rawValue) \(text(b)))"
    }

    private func like(_ like: LikePredicate) -> String {
        let value = text(like.value)
        if let quantifier = like.quantifier {
            let subject = like.op == .ilike ? "lower(\(value))" : value
            return "\(like.isNegated ? "not" : "")like\(quantifier == .any ? "any" : "all")(\(subject))"
        }
        let pattern = list(like.patterns)
        let plain =
            switch like.op {
            case .like: "\(value) LIKE \(pattern)" + escape(like.escape)
            case .ilike: "ilike(\(value), \(pattern))"
            case .rlike: "RLIKE(\(value), \(pattern))"
            }
        return not(like.isNegated, plain)
    }

    private func escape(_ character: Character?) -> String {
        guard let character, character != "\\" else { return "" }
        return " ESCAPE '\(character)'"
    }

    private func caseWhen(_ operand: Expression?, _ branches: [CaseBranch], _ otherwise: Expression?) -> String {
        var result = "CASE"
        for branch in branches {
            let condition = operand.map { "(\(text($0)) = \(text(branch.condition)))" } ?? text(branch.condition)
            result += " WHEN \(condition) THEN \(text(branch.result))"
        }
        if let otherwise { result += " ELSE \(text(otherwise))" }
        return result + " END"
    }

    /// `named_struct(a, a, b, b)`: each value behind its name.
    private func row(_ values: [Expression]) -> String {
        let pairs = values.enumerated().map { index, value in
            let name =
                switch value.kind {
                case .column(let name): name.last.name
                case .field(_, let field): field.name
                default: "col\(index + 1)"
                }
            return "\(name), \(text(value))"
        }
        return "named_struct(\(pairs.joined(separator: ", ")))"
    }

    /// Spark forgets the names of parameters: `lambdafunction((namedlambdavariable() + 1), namedlambdavariable())`.
    private func lambda(_ parameters: [Identifier], _ body: Expression) -> String {
        let names = Set(parameters.map { $0.name.lowercased() })
        let inner = ExpressionPrinter(
            naming: { name in
                guard names.contains(name.parts[0].name.lowercased()) else { return naming(name) }
                return (["namedlambdavariable()"] + name.names.dropFirst()).joined(separator: ".")
            }, windows: windows)
        let variables = parameters.map { _ in ", namedlambdavariable()" }.joined()
        return "lambdafunction(\(inner.text(body))\(variables))"
    }

    // MARK: Functions

    private func function(_ call: FunctionCall) -> String {
        let name = call.name.text.lowercased()
        var arguments = call.arguments.map { argument in
            (argument.name.map { "\($0.name) => " } ?? "") + text(argument.value)
                + (argument.alias.map { " AS \($0.name)" } ?? "")
        }
        if name == "count", arguments == ["*"] { arguments = ["1"] }
        switch name {
        // Whether NULLs are passed over is no argument any more.
        case "first", "last", "first_value", "last_value", "any_value":
            if arguments.count == 2 { arguments.removeLast() }
        case "percentile" where arguments.count == 2: arguments.append("1")
        case "lag", "lead":
            if arguments.count == 1 { arguments.append("1") }
            if arguments.count == 2 { arguments.append("NULL") }
        default: break
        }
        var result: String
        let inside = (call.isDistinct ? "DISTINCT " : "") + arguments.joined(separator: ", ")
        switch name {
        case "if": result = "(IF(\(inside)))"
        case "ceil", "floor": result = "\(name.uppercased())(\(inside))"
        case "rank", "dense_rank", "percent_rank": result = "\(name.uppercased())(\(inside))"
        case "ceiling": result = "ceiling(\(inside))"
        case "dateadd" where arguments.count == 3, "date_add" where arguments.count == 3:
            result = "timestampadd(\(inside))"
        case "datediff" where arguments.count == 3, "date_diff" where arguments.count == 3,
            "timediff" where arguments.count == 3:
            result = "timestampdiff(\(inside))"
        default: result = "\(name)(\(inside))"
        }
        if !call.withinGroup.isEmpty {
            let order = call.withinGroup.map { text($0.expression) + ($0.isDescending ? " DESC" : "") }
            result += " WITHIN GROUP (ORDER BY \(order.joined(separator: ", ")))"
        }
        if let filter = call.filter { result += " FILTER (WHERE \(text(filter)))" }
        switch call.over {
        case nil: return result
        case .named(let window):
            guard let specification = windows[window.name.lowercased()] else { return "\(result) OVER \(window.name)" }
            return "\(result) OVER (\(self.specification(specification, of: call)))"
        case .specification(let window): return "\(result) OVER (\(specification(window, of: call)))"
        }
    }

    private func specification(_ window: WindowSpecification, of call: FunctionCall) -> String {
        let function = call.name.text.lowercased()
        var parts: [String] = []
        if !window.partitionBy.isEmpty { parts.append("PARTITION BY \(list(window.partitionBy))") }
        if !window.orderBy.isEmpty {
            let items = window.orderBy.map { item in
                "\(text(item.expression)) \(item.isDescending ? "DESC" : "ASC") "
                    + "NULLS \(item.putsNullsFirst ? "FIRST" : "LAST")"
            }
            parts.append("ORDER BY \(items.joined(separator: ", "))")
        }
        if let row = offset(call, function) {
            parts.append("ROWS BETWEEN \(row) FOLLOWING AND \(row) FOLLOWING")
        } else if let frame = window.frame {
            parts.append("\(frame.unit.rawValue) BETWEEN \(bound(frame.start)) AND \(bound(frame.end))")
        } else if window.orderBy.isEmpty {
            parts.append("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING")
        } else {
            let ranking = ["row_number", "rank", "dense_rank", "percent_rank", "ntile"]
            let unit = ranking.contains(function) ? "ROWS" : "RANGE"
            parts.append("\(unit) BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
        }
        return parts.joined(separator: " ")
    }

    /// The one row that LAG and LEAD look at, counted forward; nil if it is not a number.
    private func offset(_ call: FunctionCall, _ function: String) -> Int32? {
        guard function == "lag" || function == "lead" else { return nil }
        var row: Int32 = 1
        if call.arguments.count > 1 {
            switch call.arguments[1].value.kind {
            case .literal(.integer(let number)): row = number
            case .unary(let op, let value):
                guard op.rawValue == "-", case .literal(.integer(let number)) = value.kind else { return nil }
                row = 0 &- number
            default: return nil
            }
        }
        return function == "lag" ? 0 &- row : row
    }

    private func bound(_ bound: WindowFrame.Bound) -> String {
        switch bound {
        case .unboundedPreceding: "UNBOUNDED PRECEDING"
        case .preceding(let offset): "\(text(offset)) PRECEDING"
        case .currentRow: "CURRENT ROW"
        case .following(let offset): "\(text(offset)) FOLLOWING"
        case .unboundedFollowing: "UNBOUNDED FOLLOWING"
        }
    }
}

extension Expression {
    fileprivate var isInterval: Bool {
        if case .literal(.interval) = kind { true } else { false }
    }
}
