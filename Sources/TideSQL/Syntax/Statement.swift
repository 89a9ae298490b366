public import TideCore

/// One statement of a script. The span goes from its first to its last token, without the semicolon.
public struct Statement: Sendable {
    public indirect enum Kind: Sendable {
        case createTable(CreateTable)
        case createStreamingTable(CreateStreamingTable)
        case createMaterializedView(CreateMaterializedView)
        case createView(CreateView)
        case createFlow(CreateFlow)
        case createSink(CreateSink)
        case set(SetStatement)
        case use(UseStatement)
        case query(Query)
        case explain(isExtended: Bool, Statement)
    }
    public let kind: Kind
    public let span: SourceSpan

    public init(_ kind: Kind, span: SourceSpan) {
        self.kind = kind
        self.span = span
    }
}

/// `key value`, `key = value`, `'key' 'value'`, `dotted.key = 1.5` of OPTIONS, TBLPROPERTIES and `STREAM t WITH (…)`.
/// Values are text, as in Spark: numbers as written, booleans in lower case.
public struct Property: Sendable {
    public let key: String
    public let value: String
    public let keySpan: SourceSpan
    public let span: SourceSpan

    public init(key: String, value: String, keySpan: SourceSpan, span: SourceSpan) {
        self.key = key
        self.value = value
        self.keySpan = keySpan
        self.span = span
    }
}

/// `name type [NOT NULL] [DEFAULT expression] [COMMENT 'text']`; in a view only the name and comment.
public struct ColumnDefinition: Sendable {
    public let name: Identifier
    /// nil in the column list of a view.
    public let type: TypeName?
    public let isNotNull: Bool
    public let defaultValue: Expression?
    public let comment: String?
    public let span: SourceSpan

    public init(
        name: Identifier, type: TypeName?, isNotNull: Bool, defaultValue: Expression?, comment: String?,
        span: SourceSpan
    ) {
        self.name = name
        self.type = type
        self.isNotNull = isNotNull
        self.defaultValue = defaultValue
        self.comment = comment
        self.span = span
    }
}

/// The clauses that the CREATE statements share; each may stand once, in any order.
public struct TableClauses: Sendable {
    /// `USING format`; a class name has several parts.
    public var format: QualifiedName?
    public var options: [Property] = []
    /// `PARTITIONED BY (a, b)`; columns, or typed column definitions in Hive's form (these are in `columns` too).
    public var partitionedBy: [Expression] = []
    /// `CLUSTER BY (a, b)`: liquid clustering.
    public var clusterBy: [QualifiedName] = []
    public var comment: String?
    public var location: String?
    public var locationSpan: SourceSpan?
    public var properties: [Property] = []

    public init() {}
}

/// `CREATE [OR REPLACE] TABLE`: an external table, or with `query` a table made once.
public struct CreateTable: Sendable {
    public let name: QualifiedName
    public let orReplace: Bool
    public let ifNotExists: Bool
    public let columns: [ColumnDefinition]
    public let clauses: TableClauses
    public let query: Query?

    public init(
        name: QualifiedName, orReplace: Bool, ifNotExists: Bool, columns: [ColumnDefinition], clauses: TableClauses,
        query: Query?
    ) {
        self.name = name
        self.orReplace = orReplace
        self.ifNotExists = ifNotExists
        self.columns = columns
        self.clauses = clauses
        self.query = query
    }
}

/// `CREATE STREAMING TABLE`. What fills it: `AS query`, `FLOW AUTO CDC …`, or separate flows.
public struct CreateStreamingTable: Sendable {
    public enum Input: Sendable {
        case none
        case query(Query)
        case autoCDC(AutoCDC)
    }
    public let name: QualifiedName
    public let ifNotExists: Bool
    public let columns: [ColumnDefinition]
    public let clauses: TableClauses
    public let input: Input

    public init(
        name: QualifiedName, ifNotExists: Bool, columns: [ColumnDefinition], clauses: TableClauses, input: Input
    ) {
        self.name = name
        self.ifNotExists = ifNotExists
        self.columns = columns
        self.clauses = clauses
        self.input = input
    }
}

public struct CreateMaterializedView: Sendable {
    public let name: QualifiedName
    public let ifNotExists: Bool
    public let columns: [ColumnDefinition]
    public let clauses: TableClauses
    public let query: Query

    public init(
        name: QualifiedName, ifNotExists: Bool, columns: [ColumnDefinition], clauses: TableClauses, query: Query
    ) {
        self.name = name
        self.ifNotExists = ifNotExists
        self.columns = columns
        self.clauses = clauses
        self.query = query
    }
}

/// `CREATE [OR REPLACE] [[GLOBAL] TEMPORARY] VIEW`
public struct CreateView: Sendable {
    public let name: QualifiedName
    public let orReplace: Bool
    public let isTemporary: Bool
    public let isGlobal: Bool
    public let ifNotExists: Bool
    public let columns: [ColumnDefinition]
    /// Comment and properties only.
    public let clauses: TableClauses
    public let query: Query

    public init(
        name: QualifiedName, orReplace: Bool, isTemporary: Bool, isGlobal: Bool, ifNotExists: Bool,
        columns: [ColumnDefinition], clauses: TableClauses, query: Query
    ) {
        self.name = name
        self.orReplace = orReplace
        self.isTemporary = isTemporary
        self.isGlobal = isGlobal
        self.ifNotExists = ifNotExists
        self.columns = columns
        self.clauses = clauses
        self.query = query
    }
}

/// `CREATE FLOW name [COMMENT 'text'] AS INSERT INTO … | AUTO CDC INTO …`
public struct CreateFlow: Sendable {
    public enum Action: Sendable {
        case insert(byName: Bool, query: Query)
        case autoCDC(AutoCDC)
    }
    public let name: QualifiedName
    public let comment: String?
    public let target: QualifiedName
    public let action: Action

    public init(name: QualifiedName, comment: String?, target: QualifiedName, action: Action) {
        self.name = name
        self.comment = comment
        self.target = target
        self.action = action
    }
}

/// `AUTO CDC [INTO t] FROM source KEYS (…) [APPLY AS DELETE WHEN …] SEQUENCE BY … [COLUMNS …] [STORED AS SCD TYPE n]`
public struct AutoCDC: Sendable {
    public enum Columns: Sendable {
        case all
        case only([QualifiedName])
        case allExcept([QualifiedName])
    }
    public enum History: Int, Sendable {
        case type1 = 1
        case type2 = 2
    }
    /// A table, `STREAM` or not: the analyzer demands a stream.
    public let source: Relation
    public let keys: [QualifiedName]
    public let deleteWhen: Expression?
    public let sequenceBy: Expression
    public let columns: Columns
    /// Type 1 when not written.
    public let history: History
    public let span: SourceSpan

    public init(
        source: Relation, keys: [QualifiedName], deleteWhen: Expression?, sequenceBy: Expression, columns: Columns,
        history: History, span: SourceSpan
    ) {
        self.source = source
        self.keys = keys
        self.deleteWhen = deleteWhen
        self.sequenceBy = sequenceBy
        self.columns = columns
        self.history = history
        self.span = span
    }
}

/// `CREATE SINK name USING format OPTIONS (…) AS query` (Tidemill's own).
public struct CreateSink: Sendable {
    public let name: QualifiedName
    public let ifNotExists: Bool
    public let clauses: TableClauses
    public let query: Query

    public init(name: QualifiedName, ifNotExists: Bool, clauses: TableClauses, query: Query) {
        self.name = name
        self.ifNotExists = ifNotExists
        self.clauses = clauses
        self.query = query
    }
}

/// `SET key = value`; without a value it asks for one.
public struct SetStatement: Sendable {
    public let key: String?
    public let value: String?

    public init(key: String?, value: String?) {
        self.key = key
        self.value = value
    }
}

/// `USE name`, `USE SCHEMA name`, `USE CATALOG name`
public struct UseStatement: Sendable {
    public enum Target: Sendable {
        case schema
        case catalog
    }
    public let target: Target
    public let name: QualifiedName

    public init(target: Target, name: QualifiedName) {
        self.target = target
        self.name = name
    }
}
