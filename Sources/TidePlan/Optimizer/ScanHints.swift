/// Conditions right above a scan are also given to it: a Parquet reader skips row groups by them. The filter stays.
enum ScanHints {
    static func apply(_ plan: LogicalPlan) -> LogicalPlan {
        plan.transformed { node in
            guard case .filter(let input, let predicate) = node, case .scan(var scan) = input else { return node }
            let usable = Conjunction.split(predicate).filter(isUsable)
            for hint in usable where !scan.hints.contains(hint) { scan.hints.append(hint) }
            return .filter(input: .scan(scan), predicate: predicate)
        }
    }

    /// What statistics can decide: one column against constants.
    private static func isUsable(_ condition: BoundExpression) -> Bool {
        guard condition.isDeterministic, condition.columns.count == 1 else { return false }
        switch condition {
        case .call(let function, let operands, _, _, _):
            guard ["=", "<=>", "<", "<=", ">", ">=", "!="].contains(function.name) else { return false }
            return operands.allSatisfy { $0.isColumn || $0.literalValue != nil }
        case .isNull(let operand, _): return operand.isColumn
        case .in(let operand, let members, negated: false):
            return operand.isColumn && members.allSatisfy { $0.literalValue != nil }
        case .or(let operands): return operands.allSatisfy(isUsable)
        default: return false
        }
    }
}

extension BoundExpression {
    var isColumn: Bool { if case .column = self { true } else { false } }
}
