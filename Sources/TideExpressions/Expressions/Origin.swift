/// Where a call or cast stands in the SQL: what an error of one of its rows underlines.
///
/// All origins are equal: an expression that is written twice is one sub-expression, and a plan's fingerprint does not
/// change when its text moves.
public struct Origin: Hashable, Sendable {
    public let span: SourceSpan?
    /// Of a cast that fits a value to the column it is stored in.
    public let column: String?

    public init(_ span: SourceSpan?, storedIn column: String? = nil) {
        self.span = span
        self.column = column
    }

    /// Inserted by the analyzer or the optimizer, with no text of its own.
    public static let unknown = Origin(nil)

    public static func == (a: Origin, b: Origin) -> Bool { true }
    public func hash(into hasher: inout Hasher) {}
}

extension TidemillError {
    /// The same error at the origin's place, unless it already has one.
    public func at(_ origin: Origin) -> TidemillError { origin.span.map { at(.sql($0)) } ?? self }
}

extension BoundExpression {
    /// Calls and casts that have no place yet get `span`: a cast that binding inserted stands where its call stands.
    /// Operands that have a place were bound on their own, so nothing below them is looked at.
    public func located(at span: SourceSpan) -> BoundExpression {
        switch self {
        case .column, .literal, .currentTimestamp, .currentDate: return self
        case .call(let function, let operands, let type, let nullable, let origin):
            if origin.span != nil { return self }
            return .call(
                function, operands.map { $0.located(at: span) }, type: type, nullable: nullable, at: Origin(span))
        case .cast(let operand, let type, let isTry, let origin):
            if origin.span != nil { return self }
            return .cast(operand.located(at: span), to: type, try: isTry, at: Origin(span))
        default: return mapChildren { $0.located(at: span) }
        }
    }
}
