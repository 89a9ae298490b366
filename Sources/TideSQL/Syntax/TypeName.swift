public import TideCore

/// A data type as written; names are not resolved.
public struct TypeName: Sendable {
    public indirect enum Kind: Sendable {
        /// `int`, `decimal(10, 2)`, `varchar(5)`; unknown names come through, so that the analyzer can suggest one.
        case named(Identifier, parameters: [Int])
        case array(TypeName)
        case map(key: TypeName, value: TypeName)
        case structure([StructField])
        /// `INTERVAL DAY TO SECOND`, `INTERVAL YEAR`; both nil for the bare `INTERVAL`.
        case interval(from: IntervalField?, to: IntervalField?)
    }
    public let kind: Kind
    public let span: SourceSpan

    public init(_ kind: Kind, span: SourceSpan) {
        self.kind = kind
        self.span = span
    }
}

/// `name: type [NOT NULL] [COMMENT 'text']` inside `struct<…>`.
public struct StructField: Sendable {
    public let name: Identifier
    public let type: TypeName
    public let isNotNull: Bool
    public let comment: String?
    public let span: SourceSpan

    public init(name: Identifier, type: TypeName, isNotNull: Bool, comment: String?, span: SourceSpan) {
        self.name = name
        self.type = type
        self.isNotNull = isNotNull
        self.comment = comment
        self.span = span
    }
}
