@_exported import TideConnectorAPI

/// All statements of one project, analyzed: what is read, what is kept, and by which queries. Order of definition never
/// matters; `datasets` stand in dependency order.
public struct PipelineDefinition: Sendable {
    public var name: String
    /// `configuration` of the spec, then `SET`, then `--set`; keys as written.
    public var configuration: [String: String]
    /// External relations by lower-case name.
    public var relations: [String: ExternalRelation]
    public var datasets: [Dataset]
    public var sinks: [SinkDefinition]
    /// Things to tell in `dry-run`: unknown keys and the like.
    public var notes: [String]

    public init(
        name: String, configuration: [String: String], relations: [String: ExternalRelation], datasets: [Dataset],
        sinks: [SinkDefinition], notes: [String]
    ) {
        self.name = name
        self.configuration = configuration
        self.relations = relations
        self.datasets = datasets
        self.sinks = sinks
        self.notes = notes
    }

    public func dataset(named name: String) -> Dataset? {
        datasets.first { $0.name.lowercased() == name.lowercased() }
    }

    /// Flows that do not read what their sources have had before they started.
    public var flowsStartingAtNewInput: Set<String> {
        Set(datasets.filter(\.startsAtNewInput).flatMap(\.flows).map(\.name))
    }
}

/// `CREATE TABLE … USING format OPTIONS (…)`, or a path table of a batch query.
public struct ExternalRelation: Sendable {
    public var name: String
    /// Lower case: csv, json, parquet, …
    public var format: String
    /// `path` resolved against the project's folder; nil if the format has none.
    public var path: String?
    /// Keys lower case, without `path`.
    public var options: [String: String]
    public var schema: Schema
    /// Columns that are in the names of directories (`key=value`), never in the files.
    public var partitionedBy: [String]
    /// Of a table that is declared without columns: what they are taken from, as text. With another path, format or way
    /// of reading it is another table. nil: the columns are declared, or follow from the format.
    public var inferredFrom: String?
    public var span: SourceSpan?
    public init(
        name: String, format: String, path: String?, options: [String: String], schema: Schema,
        partitionedBy: [String] = [], span: SourceSpan?
    ) {
        self.name = name
        self.format = format
        self.path = path
        self.options = options
        self.schema = schema
        self.partitionedBy = partitionedBy
        self.span = span
    }
}

/// A stored table of the pipeline.
public struct Dataset: Sendable {
    public enum Kind: String, Sendable { case streamingTable, materializedView }
    public var name: String
    public var kind: Kind
    public var schema: Schema
    /// Lower case: parquet, csv or json.
    public var format: String
    /// Properties, keys as written.
    public var properties: [String: String]
    public var partitionedBy: [String]
    /// How rows of the stored table are told apart; nil for append-only tables.
    public var key: TableKey?
    public var flows: [Flow]
    public var span: SourceSpan?
    /// Of streaming tables.
    public var outputMode: OutputMode
    public var writeMode: WriteMode
    public init(
        name: String, kind: Kind, schema: Schema, format: String, properties: [String: String],
        partitionedBy: [String], key: TableKey?, flows: [Flow], span: SourceSpan?, outputMode: OutputMode = .append,
        writeMode: WriteMode = .append
    ) {
        self.name = name
        self.kind = kind
        self.schema = schema
        self.format = format
        self.properties = properties
        self.partitionedBy = partitionedBy
        self.key = key
        self.flows = flows
        self.span = span
        self.outputMode = outputMode
        self.writeMode = writeMode
    }

    /// Columns of a table of late rows.
    public static let lateRowSchema = Schema([
        Field("epoch", .bigint, nullable: false), Field("flow", .string, nullable: false),
        Field("operator", .string, nullable: false), Field("reason", .string, nullable: false),
        Field("watermark", .timestamp, nullable: false), Field("event_time", .timestamp, nullable: false),
        Field("row", .string, nullable: false),
    ])

    /// `tidemill.startingOffsets` = 'latest': a flow that starts does not read what its sources have had so far. A view
    /// equals its query over all of it, so of views it says nothing.
    public var startsAtNewInput: Bool {
        kind == .streamingTable && property("tidemill.startingOffsets")?.lowercased() == "latest"
    }

    /// The property's value, whatever the case of its key.
    public func property(_ name: String) -> String? {
        properties.first { $0.key.lowercased() == name.lowercased() }?.value
    }
}

/// One query that feeds one stored table. `plan.schema` has the table's types in the table's order.
public struct Flow: Sendable {
    public var name: String
    /// As analyzed; the fingerprint is taken from it.
    public var analyzed: LogicalPlan
    /// After the optimizer's rules.
    public var plan: LogicalPlan
    public var span: SourceSpan?
    public init(name: String, analyzed: LogicalPlan, plan: LogicalPlan, span: SourceSpan?) {
        self.name = name
        self.analyzed = analyzed
        self.plan = plan
        self.span = span
    }
}

/// `CREATE SINK s USING csv OPTIONS (…) AS FROM t`: a copy of a query's result kept elsewhere.
public struct SinkDefinition: Sendable {
    public var name: String
    public var format: String
    public var path: String
    public var options: [String: String]
    /// The pipeline table that is copied; `plan` reads nothing else.
    public var table: String
    /// A batch query over that table.
    public var plan: LogicalPlan
    public var span: SourceSpan?
    public init(
        name: String, format: String, path: String, options: [String: String], table: String, plan: LogicalPlan,
        span: SourceSpan?
    ) {
        self.name = name
        self.format = format
        self.path = path
        self.options = options
        self.table = table
        self.plan = plan
        self.span = span
    }
}
