@_exported import TideExpressions

/// A query as a tree of relational operators, bound and typed. Expressions refer to columns of the operator's input by
/// position; for joins the input is the left columns followed by the right ones.
///
/// The tree says *what*; how it is kept up to date is decided by `Incrementalization` and the operators. The analyzed
/// tree, before any optimizer rule, is what a flow's fingerprint is taken from.
public indirect enum LogicalPlan: Hashable, Sendable {
    case scan(Scan)
    /// Constant rows.
    case values(Values)
    case filter(input: LogicalPlan, predicate: BoundExpression)
    case project(input: LogicalPlan, items: [NamedExpression])
    case join(Join)
    case aggregate(Aggregate)
    /// UNION ALL: inputs with the same types in the same order. Names come from the first.
    case union([LogicalPlan])
    /// ORDER BY, with what LIMIT and OFFSET keep of it.
    case sort(Sort)
    /// Names the event time of a stream.
    case watermark(Watermark)
    /// One row for each window that a row falls into.
    case timeWindows(TimeWindows)
    /// The first row of each key.
    case deduplicate(Deduplicate)
    case keyed(Keyed)
    /// Functions with OVER, as columns behind the input's.
    case window(Window)
    /// The first rows of each partition.
    case topN(TopN)
    /// Several rows for each input row: grouping sets, UNPIVOT.
    case expand(Expand)
    /// One row for each element of an array or map.
    case generate(Generate)
    /// Each input row as often as a column says: INTERSECT ALL and EXCEPT ALL.
    case replicate(Replicate)
    /// The newest row of each key.
    case latest(Latest)
    /// WITH RECURSIVE.
    case recursive(Recursive)
    /// Inside a recursion: the rows that its last step gave.
    case working(Working)

    /// A leaf: a relation of the catalog.
    public struct Scan: Hashable, Sendable {
        public var relation: RelationReference
        /// Columns read, as indices into the relation's schema, ascending.
        public var columns: [Int]
        /// The relation's full schema.
        public var relationSchema: Schema
        /// Conditions the scan may use to skip input (row groups, pages); the filter above still applies. Over the
        /// scan's output columns.
        public var hints: [BoundExpression]
        public init(
            relation: RelationReference, columns: [Int], relationSchema: Schema, hints: [BoundExpression] = []
        ) {
            self.relation = relation
            self.columns = columns
            self.relationSchema = relationSchema
            self.hints = hints
        }
    }

    public struct Values: Hashable, Sendable {
        public var schema: Schema
        public var rows: [[Scalar]]
        public init(schema: Schema, rows: [[Scalar]]) {
            self.schema = schema
            self.rows = rows
        }
    }

    public struct Join: Hashable, Sendable {
        public enum Kind: String, Hashable, Sendable { case inner, left, right, full, semi, anti }
        public var kind: Kind
        public var left: LogicalPlan
        public var right: LogicalPlan
        /// Pairs of equal-typed expressions, each over its own side's columns. Empty: every pair of rows is a
        /// candidate.
        public var keys: [KeyPair]
        /// What the keys leave over; over left columns followed by right columns.
        public var residual: BoundExpression?
        /// A join that stands for IN or EXISTS, or has the counts that `NOT IN` asks for: it may go where conditions
        /// go.
        public var isCondition = false
        /// A right join with its sides swapped.
        public var isSwapped = false
        public struct KeyPair: Hashable, Sendable {
            public var left: BoundExpression
            public var right: BoundExpression
            /// `<=>`: NULL matches NULL.
            public var nullSafe: Bool
            public init(left: BoundExpression, right: BoundExpression, nullSafe: Bool) {
                self.left = left
                self.right = right
                self.nullSafe = nullSafe
            }
        }
        public init(
            kind: Kind, left: LogicalPlan, right: LogicalPlan, keys: [KeyPair], residual: BoundExpression?
        ) {
            self.kind = kind
            self.left = left
            self.right = right
            self.keys = keys
            self.residual = residual
        }
    }

    /// Output: the groups, then the aggregates. No group: exactly one row, even over no input. No aggregate: DISTINCT.
    public struct Aggregate: Hashable, Sendable {
        public var input: LogicalPlan
        public var groups: [NamedExpression]
        public var aggregates: [NamedAggregate]
        /// The group that is a `session_window`: rows whose windows touch are one group, whose window is their union.
        public var session: Int?
        public init(
            input: LogicalPlan, groups: [NamedExpression], aggregates: [NamedAggregate], session: Int? = nil
        ) {
            self.input = input
            self.groups = groups
            self.aggregates = aggregates
            self.session = session
        }
    }

    public struct Sort: Hashable, Sendable {
        public var input: LogicalPlan
        public var keys: [Key]
        public var limit: Int?
        public var offset: Int
        public struct Key: Hashable, Sendable {
            public var expression: BoundExpression
            public var descending: Bool
            public var nullsFirst: Bool
            public init(expression: BoundExpression, descending: Bool, nullsFirst: Bool) {
                self.expression = expression
                self.descending = descending
                self.nullsFirst = nullsFirst
            }
        }
        public init(input: LogicalPlan, keys: [Key], limit: Int?, offset: Int) {
            self.input = input
            self.keys = keys
            self.limit = limit
            self.offset = offset
        }
    }
}

public struct NamedExpression: Hashable, Sendable {
    public var name: String
    public var expression: BoundExpression
    public init(_ name: String, _ expression: BoundExpression) {
        self.name = name
        self.expression = expression
    }
    public var field: Field { Field(name, expression.type, nullable: expression.nullable) }
}

public struct NamedAggregate: Hashable, Sendable {
    public var name: String
    public var aggregate: BoundAggregate
    /// FILTER (WHERE …): rows that count.
    public var filter: BoundExpression?
    public init(_ name: String, _ aggregate: BoundAggregate, filter: BoundExpression? = nil) {
        self.name = name
        self.aggregate = aggregate
        self.filter = filter
    }
    public var field: Field { Field(name, aggregate.resultType, nullable: aggregate.nullable) }
}

/// Which relation a scan reads and how.
public struct RelationReference: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable {
        /// New rows only, as they come: `STREAM t`, and every relation of a materialized view.
        case changes
        /// All rows as of the epoch's plan: a relation without STREAM inside a streaming table; every scan of a batch
        /// query.
        case snapshot
    }
    /// Key into `PipelineDefinition.relations` (external) or `.datasets` (the pipeline's own tables).
    public var name: String
    public var isOwnTable: Bool
    public var mode: Mode
    /// Written with STREAM in the SQL.
    public var isStream: Bool
    /// Reading options that stand behind `STREAM t WITH (…)`, sorted by key, keys lower case.
    public var options: [String: String]
    /// Rows of files that change or vanish are taken back.
    public var replacesFiles: Bool
    public init(
        name: String, isOwnTable: Bool, mode: Mode, isStream: Bool, options: [String: String] = [:],
        replacesFiles: Bool = false
    ) {
        self.replacesFiles = replacesFiles
        self.name = name
        self.isOwnTable = isOwnTable
        self.mode = mode
        self.isStream = isStream
        self.options = options
    }
}

extension LogicalPlan {
    public var schema: Schema {
        switch self {
        case .scan(let scan): return Schema(scan.columns.map { scan.relationSchema[$0] })
        case .values(let values): return values.schema
        case .filter(let input, _): return input.schema
        case .project(_, let items): return Schema(items.map(\.field))
        case .join(let join):
            func nullable(_ schema: Schema) -> [Field] {
                schema.fields.map { Field($0.name, $0.type, nullable: true) }
            }
            let left = join.left.schema
            switch join.kind {
            case .inner: return Schema(left.fields + join.right.schema.fields)
            case .left: return Schema(left.fields + nullable(join.right.schema))
            case .right: return Schema(nullable(left) + join.right.schema.fields)
            case .full: return Schema(nullable(left) + nullable(join.right.schema))
            case .semi, .anti: return left
            }
        case .aggregate(let aggregate):
            return Schema(aggregate.groups.map(\.field) + aggregate.aggregates.map(\.field))
        case .union(let inputs):
            var fields = inputs[0].schema.fields
            for input in inputs.dropFirst() {
                for (index, field) in input.schema.fields.enumerated() where field.nullable {
                    fields[index].nullable = true
                }
            }
            return Schema(fields)
        case .sort(let sort): return sort.input.schema
        case .watermark(let watermark): return watermark.input.schema
        case .timeWindows(let windows): return Schema(windows.input.schema.fields + [windows.field])
        case .deduplicate(let deduplicate): return deduplicate.input.schema
        case .keyed(let keyed): return Schema(keyed.input.schema.fields + (keyed.field.map { [$0] } ?? []))
        case .window(let window): return Schema(window.input.schema.fields + window.functions.map(\.field))
        case .topN(let topN):
            return Schema(topN.input.schema.fields + (topN.rank.map { [Field($0, .int, nullable: false)] } ?? []))
        case .expand(let expand): return expand.schema
        case .generate(let generate): return Schema(generate.input.schema.fields + generate.fields)
        case .replicate(let replicate): return replicate.input.schema
        case .latest(let latest): return Schema(Array(latest.input.schema.fields[..<latest.columnCount]))
        case .recursive(let recursive): return recursive.schema
        case .working(let working): return working.schema
        }
    }

    public var inputs: [LogicalPlan] {
        switch self {
        case .scan, .values, .working: []
        case .filter(let input, _), .project(let input, _): [input]
        case .join(let join): [join.left, join.right]
        case .aggregate(let aggregate): [aggregate.input]
        case .union(let inputs): inputs
        case .sort(let sort): [sort.input]
        case .watermark(let watermark): [watermark.input]
        case .timeWindows(let windows): [windows.input]
        case .deduplicate(let deduplicate): [deduplicate.input]
        case .keyed(let keyed): [keyed.input]
        case .window(let window): [window.input]
        case .topN(let topN): [topN.input]
        case .expand(let expand): [expand.input]
        case .generate(let generate): [generate.input]
        case .replicate(let replicate): [replicate.input]
        case .latest(let latest): [latest.input]
        case .recursive(let recursive): [recursive.base, recursive.step]
        }
    }

    /// The same operator over other inputs, one for each of `inputs`.
    public func withInputs(_ new: [LogicalPlan]) -> LogicalPlan {
        switch self {
        case .scan, .values, .working: return self
        case .filter(_, let predicate): return .filter(input: new[0], predicate: predicate)
        case .project(_, let items): return .project(input: new[0], items: items)
        case .join(var join):
            join.left = new[0]
            join.right = new[1]
            return .join(join)
        case .aggregate(var aggregate):
            aggregate.input = new[0]
            return .aggregate(aggregate)
        case .union: return .union(new)
        case .sort(var sort):
            sort.input = new[0]
            return .sort(sort)
        case .watermark(var watermark):
            watermark.input = new[0]
            return .watermark(watermark)
        case .timeWindows(var windows):
            windows.input = new[0]
            return .timeWindows(windows)
        case .deduplicate(var deduplicate):
            deduplicate.input = new[0]
            return .deduplicate(deduplicate)
        case .keyed(var keyed):
            keyed.input = new[0]
            return .keyed(keyed)
        case .window(var window):
            window.input = new[0]
            return .window(window)
        case .topN(var topN):
            topN.input = new[0]
            return .topN(topN)
        case .expand(var expand):
            expand.input = new[0]
            return .expand(expand)
        case .generate(var generate):
            generate.input = new[0]
            return .generate(generate)
        case .replicate(var replicate):
            replicate.input = new[0]
            return .replicate(replicate)
        case .latest(var latest):
            latest.input = new[0]
            return .latest(latest)
        case .recursive(var recursive):
            recursive.base = new[0]
            recursive.step = new[1]
            return .recursive(recursive)
        }
    }
}
