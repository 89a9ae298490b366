// The error path: kernels only notice that some row of a batch fails, so the first one is looked for afterwards.

extension ExpressionProgram {
    /// `evaluatePredicate` over rows that were made from one input row each: an error has the input row.
    public func evaluatePredicate(
        _ batch: Batch, _ context: EvaluationContext, from inputRow: (Int) -> Int
    ) throws(TidemillError) -> Bitmap {
        do throws(TidemillError) { return try evaluatePredicate(batch, context) } catch {
            throw error.atRow(error.row.map(inputRow))
        }
    }

    typealias Evaluation = (EvaluationScope) throws(TidemillError) -> Void

    /// The error of the batch's first failing row, with that row and the values of the failing call.
    @inline(never)
    func explained(
        _ error: TidemillError, _ batch: Batch, _ context: EvaluationContext, _ evaluate: Evaluation
    ) -> TidemillError {
        guard error.kind == .user, batch.count > 0, !batch.columns.isEmpty else { return error }
        let row = firstFailure(batch, context, evaluate)
        let alone = EvaluationScope(program: self, batch: batch.gather([UInt32(row)]), context: context, explains: true)
        do throws(TidemillError) { try evaluate(alone) } catch { return error.atRow(row) }
        // What is random did not fail again.
        return error
    }

    /// Bisects: some row fails within the rows before `end`, none within those before `start`.
    private func firstFailure(_ batch: Batch, _ context: EvaluationContext, _ evaluate: Evaluation) -> Int {
        var (start, end) = (0, batch.count)
        while end - start > 1 {
            let middle = (start + end) / 2
            let part = batch.gather(Array(UInt32(start)..<UInt32(middle)))
            do throws(TidemillError) {
                try evaluate(EvaluationScope(program: self, batch: part, context: context))
                start = middle
            } catch { end = middle }
        }
        return start
    }
}

extension EvaluationScope {
    /// The error with the place of the call that failed, and with its operands if the message does not name them.
    @inline(never)
    func placed(_ error: TidemillError, at index: Int) -> TidemillError {
        let node = program.nodes[index]
        guard let span = node.origin.span, error.place == nil else { return error }
        if let column = node.origin.column { return stored(error, node, in: column) }
        let placed = error.at(.sql(span))
        guard explains, error.detail == nil, case .call(let function) = node.operation, !function.definition.isInternal
        else { return placed }
        var operands: [BoundExpression] = []
        var isNamed = false
        for operand in node.operands {
            guard let datum = try? value(of: operand), datum.column.count == 1 else { return placed }
            let scalar = datum.column.scalar(0)
            isNamed = isNamed || error.message.contains(scalar.messageText)
            operands.append(.literal(scalar))
        }
        if isNamed { return placed }
        let call = BoundExpression.call(function, operands, type: node.type, nullable: true)
        return placed.detailing(call.withoutParentheses)
    }
}

extension EvaluationScope {
    /// The error of a value that does not fit the column it goes to, at the expression that gave the value.
    private func stored(_ error: TidemillError, _ node: ProgramNode, in column: String) -> TidemillError {
        let source = program.nodes[node.operands[0]].origin
        let isOverflow = error.code == "CAST_OVERFLOW" || error.code.hasPrefix("NUMERIC_VALUE_OUT_OF_RANGE")
        guard explains, isOverflow, let datum = try? value(of: node.operands[0]), datum.column.count == 1 else {
            return error.at(source).at(node.origin)
        }
        let value = datum.column.scalar(0)
        return TidemillError(
            error.kind, "CAST_OVERFLOW_IN_TABLE_INSERT",
            "the value \(value.messageText) of the type \(value.type.sql) does not fit the column \(column) of the"
                + " type \(node.type.sql)",
            hint: "give the column a wider type, or use try_cast on the value to get NULL instead"
        ).at(source).at(node.origin)
    }
}

extension BoundExpression {
    /// The text of a call, an operator's without the parentheses around it.
    fileprivate var withoutParentheses: String {
        let text = description
        return text.hasPrefix("(") && text.hasSuffix(")") ? String(text.dropFirst().dropLast()) : text
    }
}
