extension BoundExpression: CustomStringConvertible {
    /// SQL-like text for EXPLAIN; columns are `#index`.
    public var description: String { describe { "#\($0)" } }

    /// The same with column names from `name`.
    public func describe(_ name: (Int) -> String) -> String {
        func text(_ expression: BoundExpression) -> String { expression.describe(name) }
        func list(_ expressions: [BoundExpression], _ separator: String) -> String {
            expressions.map { $0.describe(name) }.joined(separator: separator)
        }
        switch self {
        case .column(let index, _, _): return name(index)
        case .literal(let scalar): return scalar.sqlText
        case .call(let function, let operands, _, _, _):
            let symbol = function.name
            if operands.count == 2, let first = symbol.utf8.first, !BoundExpression.isLetter(first) || symbol == "div" {
                return "(\(text(operands[0])) \(symbol) \(text(operands[1])))"
            }
            if symbol.hasPrefix("unary ") || symbol == "~" {
                return "(\(symbol.last!)\(text(operands[0])))"
            }
            return "\(symbol)(\(list(operands, ", ")))"
        case .cast(let operand, let type, let isTry, _):
            return "\(isTry ? "try_cast" : "cast")(\(text(operand)) AS \(type.sql))"
        case .conditional(let conditional):
            let branches = conditional.branches.map { "WHEN \(text($0.when)) THEN \(text($0.then))" }
            let otherwise = conditional.otherwise
            let tail = otherwise.literalValue?.isNull == true ? "" : " ELSE \(text(otherwise))"
            return "CASE \(branches.joined(separator: " "))\(tail) END"
        case .coalesce(let operands): return "coalesce(\(list(operands, ", ")))"
        case .and(let operands): return "(\(list(operands, " AND ")))"
        case .or(let operands): return "(\(list(operands, " OR ")))"
        case .not(let operand): return "(NOT \(text(operand)))"
        case .isNull(let operand, let negated): return "(\(text(operand)) IS \(negated ? "NOT " : "")NULL)"
        case .in(let operand, let members, let negated):
            return "(\(text(operand)) \(negated ? "NOT " : "")IN (\(list(members, ", "))))"
        case .currentTimestamp: return "current_timestamp()"
        case .currentDate: return "current_date()"
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}

extension Scalar {
    /// The value as a literal for plans and messages: strings quoted, NULL as NULL.
    var sqlText: String {
        if type.isNested || type.isInterval { return Column(type, [self]).formatted().scalar(0).string ?? "NULL" }
        switch value {
        case .null: return "NULL"
        case .boolean(let v): return v ? "true" : "false"
        case .integer(let v):
            switch type {
            case .date, .timestamp, .timestampNTZ:
                return "\(type.sql) '\(Column(type, [self]).formatted().scalar(0).string ?? String(v))'"
            default: return String(v)
            }
        case .float(let v): return "\(v)"
        case .double(let v): return "\(v)"
        case .decimal(let v):
            guard case .decimal(_, let scale) = type, scale > 0 else { return String(v) }
            let digits = String(v.magnitude)
            let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
            return (v < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
        case .bytes(let bytes):
            if type == .binary { return "X'" + bytes.map { hexByte($0) }.joined() + "'" }
            return "'" + String(decoding: bytes, as: UTF8.self) + "'"
        }
    }

    /// The literal for messages about a row: a long one is cut.
    public var messageText: String {
        let text = sqlText
        guard text.utf8.count > Scalar.messageBytesMax else { return text }
        let kept = String(decoding: text.utf8.prefix(Scalar.messageBytesMax), as: UTF8.self)
        return "\(kept)… (\(text.utf8.count) bytes)"
    }
    private static let messageBytesMax = 200

    private func hexByte(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "0" + text : text
    }
}
