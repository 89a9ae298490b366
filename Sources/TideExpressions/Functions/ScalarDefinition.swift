/// A scalar function or operator, registered once: how a call is bound, when its result is NULL, how a batch is computed,
/// and what the documentation says.
struct ScalarDefinition: Sendable {
    enum NullRule: Sendable {
        /// NULL if any operand is. The kernel sees values under NULL as garbage and never a NULL constant.
        case strict
        /// The kernel decides.
        case kernel
    }

    typealias Bind = @Sendable (BindRequest) throws(TidemillError) -> BoundExpression
    typealias Kernel = @Sendable ([Datum], KernelCall) throws(TidemillError) -> Column

    let names: [String]
    let nullRule: NullRule
    let isDeterministic: Bool
    /// Rough cost per row, in arithmetic operations.
    let weight: Int
    /// Whether some operand values of these operands make the kernel throw; such calls run only on rows that need them.
    let mayFail: @Sendable ([BoundExpression]) -> Bool
    let bind: Bind
    /// nil: binding rewrites the call to other expressions.
    let kernel: Kernel?
    let documentation: FunctionDocumentation

    var name: String { names[0] }
}

/// What a kernel knows beside its operands. At least one operand is not constant, and those have `rowCount` rows.
struct KernelCall {
    let resultType: DataType
    let rowCount: Int
    /// AND of the operands' validities (strict functions only); rows outside it never raise errors.
    let validity: Bitmap?
    let context: EvaluationContext
}

/// All scalar functions by position and by name.
final class FunctionTable: Sendable {
    static let shared = FunctionTable()

    let definitions: [ScalarDefinition]
    let byName: [String: ScalarFunction]

    private init() {
        let all: [ScalarDefinition] = []
        var index: [String: ScalarFunction] = [:]
        for (id, definition) in all.enumerated() {
            for name in definition.names {
                let previous = index.updateValue(ScalarFunction(id: id), forKey: name)
                precondition(previous == nil, "function registered twice: \(name)")
            }
        }
        definitions = all
        byName = index
    }
}
