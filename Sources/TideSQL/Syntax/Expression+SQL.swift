extension Expression {
    /// The expression as text, in the form Spark uses for the name of an unnamed output column.
    public var sql: String { "" }
}
