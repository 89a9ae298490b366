public import TideCore

/// One name as written. Spark compares names without regard to case; the tree keeps the writer's case.
public struct Identifier: Sendable {
    public let name: String
    /// Written in backquotes.
    public let isQuoted: Bool
    public let span: SourceSpan

    public init(name: String, isQuoted: Bool = false, span: SourceSpan) {
        self.name = name
        self.isQuoted = isQuoted
        self.span = span
    }
}

/// One or more names joined by dots: a table, a column (perhaps with fields behind it), a function. Never empty.
public struct QualifiedName: Sendable {
    public let parts: [Identifier]
    public let span: SourceSpan

    public init(parts: [Identifier], span: SourceSpan) {
        self.parts = parts
        self.span = span
    }

    /// The last part.
    public var last: Identifier { parts[parts.count - 1] }
    /// The names alone.
    public var names: [String] { parts.map(\.name) }
    /// The parts joined by dots, without quotes: what Spark uses as a column's default name.
    public var text: String { names.joined(separator: ".") }
}
