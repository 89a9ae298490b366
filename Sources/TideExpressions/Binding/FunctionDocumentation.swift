/// One line and one example per function: the source of docs/functions.md.
public struct FunctionDocumentation: Hashable, Sendable {
    public enum Group: String, CaseIterable, Hashable, Sendable {
        case operators = "Operators"
        case conditional = "Conditional"
        case math = "Mathematical"
        case string = "String"
        case datetime = "Date and time"
        case conversion = "Conversion"
        case nested = "Arrays, maps and structs"
        case generator = "Rows out of arrays and maps"
        case aggregate = "Aggregate"
        case window = "Window"
    }
    public var group: Group
    /// Canonical name first, then aliases.
    public var names: [String]
    /// As it is called: `round(x[, d])`.
    public var usage: String
    /// What it gives, one line.
    public var summary: String
    /// An SQL expression, and the text of its value.
    public var example: String
    public var result: String
}
