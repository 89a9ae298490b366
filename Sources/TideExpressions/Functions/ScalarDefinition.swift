/// A scalar function or operator, registered once: how a call is bound, when its result is NULL, how a batch is
/// computed, and what the documentation says.
struct ScalarDefinition: Sendable {
    enum NullRule: Sendable {
        /// NULL if any operand is. The kernel sees values under NULL as garbage and never a NULL constant.
        case strict
        /// The kernel decides.
        case kernel
    }

    typealias Bind = @Sendable (BindRequest) throws(TidemillError) -> BoundExpression
    typealias Kernel = @Sendable ([Datum], KernelCall) throws(TidemillError) -> Column
    typealias Failure = @Sendable ([BoundExpression]) -> Bool

    let names: [String]
    let nullRule: NullRule
    let isDeterministic: Bool
    /// Rough cost per row, in arithmetic operations.
    let weight: Int
    /// Whether some values of these operands make the kernel throw; such calls run only on rows that need them.
    let mayFail: Failure
    let bind: Bind
    /// nil: binding rewrites the call to other expressions.
    let kernel: Kernel?
    let documentation: FunctionDocumentation

    var name: String { names[0] }
    /// Made by the analyzer, not called by a name.
    var isInternal: Bool { names[0] == ConditionalFunctions.scalarSubquery }

    static let never: Failure = { _ in false }
    static let always: Failure = { _ in true }
    /// Integers and decimals overflow, floating point does not.
    static let unlessFloating: Failure = { operands in !operands.contains { $0.type.isFractional } }
    /// A divisor that is a constant other than zero divides doubles without failing.
    static let division: Failure = { operands in
        guard operands.count == 2, let divisor = operands[1].literalValue else { return true }
        switch divisor.value {
        case .double(let value): return value == 0
        case .float(let value): return value == 0
        case .integer(let value): return value == 0 || value == -1
        default: return true
        }
    }
}

/// What a kernel knows beside its operands. At least one operand is not constant, and those have `rowCount` rows.
struct KernelCall {
    let resultType: DataType
    let rowCount: Int
    /// AND of the operands' validities (strict functions only); rows outside it never raise errors.
    let validity: Bitmap?
    let context: EvaluationContext

    func returning(_ type: DataType) -> KernelCall {
        KernelCall(resultType: type, rowCount: rowCount, validity: validity, context: context)
    }
}

/// Collects the definitions of one group.
struct DefinitionList {
    let group: FunctionDocumentation.Group
    private(set) var definitions: [ScalarDefinition] = []

    init(_ group: FunctionDocumentation.Group) { self.group = group }

    mutating func add(
        _ names: String..., usage: String, summary: String, example: String, result: String,
        nulls: ScalarDefinition.NullRule = .strict, weight: Int = 1,
        mayFail: @escaping ScalarDefinition.Failure = ScalarDefinition.never,
        kernel: ScalarDefinition.Kernel?, bind: @escaping ScalarDefinition.Bind
    ) {
        definitions.append(
            ScalarDefinition(
                names: names, nullRule: nulls, isDeterministic: true, weight: weight, mayFail: mayFail, bind: bind,
                kernel: kernel,
                documentation: FunctionDocumentation(
                    group: group, names: names, usage: usage, summary: summary, example: example, result: result)))
    }

    /// A function of fixed parameter types; the last `optional` parameters may be missing.
    mutating func addFixed(
        _ names: String..., parameters: [DataType], optional: Int = 0, returns type: DataType, usage: String,
        summary: String, example: String, result: String, nullable: Bool = false, weight: Int = 1,
        mayFail: @escaping ScalarDefinition.Failure = ScalarDefinition.never,
        kernel: @escaping ScalarDefinition.Kernel
    ) {
        let bind: ScalarDefinition.Bind = { (request) throws(TidemillError) in
            try request.requireCount((parameters.count - optional)...parameters.count)
            var operands: [BoundExpression] = []
            for index in request.arguments.indices {
                operands.append(try request.coerced(index, to: parameters[index]))
            }
            return request.call(operands, type, nullable: nullable)
        }
        definitions.append(
            ScalarDefinition(
                names: names, nullRule: .strict, isDeterministic: true, weight: weight, mayFail: mayFail, bind: bind,
                kernel: kernel,
                documentation: FunctionDocumentation(
                    group: group, names: names, usage: usage, summary: summary, example: example, result: result)))
    }
}

/// All scalar functions by position and by name.
final class FunctionTable: Sendable {
    static let shared = FunctionTable()
    /// `=`, which IN is made of.
    static let equal = FunctionTable.named("=")

    let definitions: [ScalarDefinition]
    let byName: [String: ScalarFunction]

    private init() {
        let all: [ScalarDefinition] =
            ArithmeticFunctions.definitions + ComparisonFunctions.definitions + ConditionalFunctions.definitions
            + MathFunctions.definitions + StringFunctions.definitions + StringSearchFunctions.definitions
            + DateFunctions.definitions + IntervalFunctions.definitions + TimestampUnitFunctions.definitions
            + TimestampFunctions.definitions + ConversionFunctions.definitions
            + NestedFunctions.definitions + TimeWindowFunctions.definitions + DistinctRegister.definitions
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

    /// A function that is known to exist.
    static func named(_ name: String) -> ScalarFunction {
        guard let function = shared.byName[name] else { preconditionFailure("no function \(name)") }
        return function
    }
}
