/// Gathers the calls with OVER of one SELECT while its expressions are bound, then computes them: one window operator
/// for each partitioning and order.
final class WindowCollector {
    struct Call {
        var function: WindowFunction
        var frame: WindowFunction.Frame
        var partitionBy: [BoundExpression]
        var orderBy: [LogicalPlan.Sort.Key]
        /// As written.
        let source: Expression
    }
    /// `WINDOW name AS (…)` by lower-case name.
    let named: [String: WindowSpecification]
    private(set) var calls: [Call] = []

    init(named: [String: WindowSpecification] = [:]) { self.named = named }

    /// The column that stands for the call's result.
    func add(_ call: Call) -> BoundExpression {
        calls.append(call)
        return .column(
            index: ColumnSpace.windows + calls.count - 1, type: call.function.type, nullable: call.function.nullable)
    }

    /// Puts the window operators on the resolver's plan and tells it where the results are.
    func resolve(
        _ resolver: inout SubqueryResolver,
        lower: (BoundExpression, Expression?) throws(TidemillError) -> BoundExpression
    ) throws(TidemillError) {
        var ready: [Call] = []
        for call in calls {
            func final(
                _ expression: BoundExpression, _ resolver: inout SubqueryResolver
            ) throws(TidemillError) -> BoundExpression {
                try resolver.resolved(try lower(expression, call.source))
            }
            var call = call
            var partition: [BoundExpression] = []
            for expression in call.partitionBy { partition.append(try final(expression, &resolver)) }
            // A constant splits nothing.
            call.partitionBy = partition.filter { !$0.isConstant }
            for index in call.orderBy.indices {
                call.orderBy[index].expression = try final(call.orderBy[index].expression, &resolver)
            }
            call.function = try call.function.mapExpressions { (expression) throws(TidemillError) in
                try final(expression, &resolver)
            }
            call.frame = try call.frame.mapExpressions { (expression) throws(TidemillError) in
                try final(expression, &resolver)
            }
            ready.append(call)
        }
        var isDone = ready.map { _ in false }
        for first in ready.indices where !isDone[first] {
            let members = ready.indices.filter {
                !isDone[$0] && ready[$0].partitionBy == ready[first].partitionBy
                    && ready[$0].orderBy == ready[first].orderBy
            }
            var functions: [NamedWindowFunction] = []
            let start = resolver.plan.schema.count
            for index in members {
                let call = ready[index]
                let name = call.source.sql
                let function = NamedWindowFunction(name, call.function, frame: call.frame)
                var position = functions.firstIndex { $0.function == call.function && $0.frame == call.frame }
                if position == nil {
                    functions.append(function)
                    position = functions.count - 1
                }
                resolver.define(
                    ColumnSpace.windows + index,
                    as: .column(
                        index: start + (position ?? 0), type: call.function.type, nullable: call.function.nullable))
                isDone[index] = true
            }
            resolver.plan = .window(
                LogicalPlan.Window(
                    input: resolver.plan, partitionBy: ready[first].partitionBy, orderBy: ready[first].orderBy,
                    functions: functions))
        }
    }
}
