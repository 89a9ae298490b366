/// Expressions compiled once, evaluated batch by batch: constants folded, equal sub-expressions computed once per
/// batch, branches that could fail computed only for the rows that take them. Any number of threads may evaluate one
/// program.
public final class ExpressionProgram: Sendable {
    public let expressions: [BoundExpression]
    let nodes: [ProgramNode]
    /// The node of each expression.
    let results: [Int]

    public convenience init(_ expressions: [BoundExpression]) {
        self.init(unfolded: expressions.map(ConstantFolding.fold))
    }

    /// For constant folding itself.
    init(unfolded expressions: [BoundExpression]) {
        var builder = ProgramBuilder()
        var results: [Int] = []
        for expression in expressions { results.append(builder.add(expression)) }
        self.expressions = expressions
        self.results = results
        nodes = builder.nodes
    }

    /// One column per expression, each with the batch's row count. Columns that pass through share memory with the
    /// input. Throws for the first row that makes an expression fail, if a valid row does; the error has the row and
    /// the place of the failing call.
    public func evaluate(_ batch: Batch, _ context: EvaluationContext) throws(TidemillError) -> [Column] {
        do throws(TidemillError) {
            return try columns(EvaluationScope(program: self, batch: batch, context: context))
        } catch {
            throw explained(error, batch, context) { (scope) throws(TidemillError) in _ = try self.columns(scope) }
        }
    }

    /// Rows for which the first expression, a boolean, is true; NULL counts as false. Throws like `evaluate`.
    public func evaluatePredicate(_ batch: Batch, _ context: EvaluationContext) throws(TidemillError) -> Bitmap {
        precondition(expressions[0].type == .boolean)
        do throws(TidemillError) {
            let scope = EvaluationScope(program: self, batch: batch, context: context)
            return try scope.value(of: results[0]).trueBits(count: batch.count)
        } catch {
            throw explained(error, batch, context) { (scope) throws(TidemillError) in
                _ = try scope.value(of: self.results[0])
            }
        }
    }

    private func columns(_ scope: EvaluationScope) throws(TidemillError) -> [Column] {
        var columns: [Column] = []
        columns.reserveCapacity(results.count)
        for node in results { columns.append(try scope.value(of: node).expanded(count: scope.count)) }
        return columns
    }
}

extension Datum {
    /// Rows where a boolean is true.
    func trueBits(count: Int) -> Bitmap {
        if isConstant { return Bitmap(repeating: column.isValid(0) && column.bits[0], count: count) }
        guard let validity = column.validity else { return column.bits }
        return column.bits.and(validity)
    }
    /// Rows where a boolean is false.
    func falseBits(count: Int) -> Bitmap {
        if isConstant { return Bitmap(repeating: column.isValid(0) && !column.bits[0], count: count) }
        guard let validity = column.validity else { return column.bits.inverted() }
        return validity.andNot(column.bits)
    }
    /// Rows where a value is NULL; nil means none.
    func nullBits(count: Int) -> Bitmap? { validity(count: count)?.inverted() }
}
