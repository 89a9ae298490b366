/// One call to be bound: what the definition's `bind` gets to work with.
struct BindRequest {
    let function: ScalarFunction
    /// As written.
    let name: String
    let arguments: [BoundExpression]
    let span: SourceSpan?

    var types: [DataType] { arguments.map(\.type) }
}
