/// The bytes a fingerprint is taken from: a tag for each node, then its parts in order. Functions and aggregates go by
/// name, types by `DataType.encode`, so that nothing depends on positions in tables of the program. Names of computed
/// columns count only where they reach a stored table: at the root.
///
/// Tags are part of every checkpoint: they never change meaning; new nodes take new tags.
struct PlanEncoding {
    private let relations: [String: ExternalRelation]
    private let datasets: [String: Dataset]
    /// Of the views below, each computed once.
    private var known: [String: Fingerprint] = [:]
    var writer = ByteWriter()

    init(relations: [String: ExternalRelation], datasets: [Dataset]) {
        self.relations = relations
        self.datasets = Dictionary(datasets.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func plan(_ plan: LogicalPlan) {
        schema(plan.schema)
        node(plan)
    }

    /// Without nullability: it follows from the plan, and better reasoning about it must not rebuild a table.
    private mutating func schema(_ schema: Schema) {
        list(schema.fields) { encoding, field in
            encoding.writer.string(field.name)
            field.type.encode(into: &encoding.writer)
        }
    }

    private mutating func node(_ plan: LogicalPlan) {
        switch plan {
        case .scan(let scan):
            writer.u8(1)
            relation(scan.relation)
            schema(scan.relationSchema)
            list(scan.columns) { $0.writer.varint(UInt64($1)) }
        case .values(let values):
            writer.u8(2)
            values.schema.types.forEach { $0.encode(into: &writer) }
            list(values.rows) { encoding, row in encoding.list(row) { $0.scalar($1) } }
        case .filter(_, let predicate):
            writer.u8(3)
            expression(predicate)
        case .project(_, let items):
            writer.u8(4)
            list(items) { $0.expression($1.expression) }
        case .join(let join):
            writer.u8(5)
            writer.string(join.kind.rawValue)
            list(join.keys) { encoding, key in
                encoding.expression(key.left)
                encoding.expression(key.right)
                encoding.writer.bool(key.nullSafe)
            }
            optional(join.residual)
        case .aggregate(let aggregate):
            writer.u8(6)
            list(aggregate.groups) { $0.expression($1.expression) }
            list(aggregate.aggregates) { $0.call($1) }
            if let session = aggregate.session {
                writer.u8(20)
                writer.varint(UInt64(session))
            }
        case .union: writer.u8(7)
        case .sort(let sort):
            writer.u8(8)
            list(sort.keys) { $0.key($1) }
            writer.zigzag(Int64(sort.limit ?? -1))
            writer.zigzag(Int64(sort.offset))
        case .watermark(let watermark):
            // The delay may change without a new start, as in Spark.
            writer.u8(21)
            writer.varint(UInt64(watermark.column))
        case .timeWindows(let windows):
            writer.u8(22)
            expression(windows.time)
            for micros in [windows.size, windows.slide, windows.offset] { writer.zigzag(micros) }
        case .deduplicate(let deduplicate):
            writer.u8(23)
            writer.bool(deduplicate.isWithinWatermark)
            list(deduplicate.keys.sorted()) { $0.writer.varint(UInt64($1)) }
        case .keyed(let keyed):
            writer.u8(24)
            list(keyed.keys) { $0.writer.varint(UInt64($1)) }
            // How long things live may change without a new start, as the delay of a watermark may.
            switch keyed.rule {
            case .inOrder: writer.u8(0)
            case .silent: writer.u8(1)
            case .newValues(let column, _):
                writer.u8(2)
                writer.varint(UInt64(column))
            }
        case .window(let window):
            writer.u8(9)
            list(window.partitionBy) { $0.expression($1) }
            list(window.orderBy) { $0.key($1) }
            list(window.functions) { $0.call($1) }
        case .topN(let topN):
            writer.u8(10)
            list(topN.partitionBy) { $0.expression($1) }
            list(topN.orderBy) { $0.key($1) }
            writer.zigzag(Int64(topN.limit ?? -1))
            writer.zigzag(Int64(topN.offset))
            writer.string(topN.kind.rawValue)
            writer.bool(topN.rank != nil)
        case .expand(let expand):
            writer.u8(11)
            list(expand.projections) { encoding, projection in encoding.list(projection) { $0.expression($1) } }
        case .generate(let generate):
            writer.u8(16)
            let generator = generate.generator
            expression(generator.source)
            for flag in [generator.hasPosition, generator.isOuter, generator.unpacks] { writer.bool(flag) }
        case .replicate(let replicate):
            writer.u8(12)
            expression(replicate.count)
        case .recursive(let recursive):
            writer.u8(13)
            writer.varint(UInt64(recursive.id))
            writer.varint(UInt64(recursive.levelMax))
        case .working(let working):
            writer.u8(14)
            writer.varint(UInt64(working.id))
        case .latest(let latest):
            writer.u8(15)
            list(latest.keys) { $0.writer.varint(UInt64($1)) }
        }
        list(plan.inputs) { $0.node($1) }
    }

    private mutating func relation(_ reference: RelationReference) {
        writer.string(reference.name.lowercased())
        writer.string(reference.mode.rawValue)
        writer.bool(reference.isOwnTable)
        writer.bool(reference.isStream)
        options(reference.options)
        if reference.isOwnTable {
            guard let dataset = datasets[reference.name.lowercased()] else { return }
            writer.string(dataset.kind.rawValue)
            guard dataset.kind == .materializedView else { return }
            let below = fingerprint(of: dataset)
            writer.u64(below.high)
            writer.u64(below.low)
        } else if let relation = relations[reference.name] {
            writer.string(relation.format)
            writer.string(relation.path ?? "")
            options(relation.options)
        }
    }

    private mutating func fingerprint(of dataset: Dataset) -> Fingerprint {
        let key = dataset.name.lowercased()
        if let known = known[key] { return known }
        var inner = self
        inner.writer = ByteWriter()
        inner.list(dataset.flows) { $0.plan($1.analyzed) }
        let fingerprint = Fingerprint(hashing: inner.writer.bytes)
        known = inner.known
        known[key] = fingerprint
        return fingerprint
    }

    /// Options that only pace the reading change no result.
    private mutating func options(_ options: [String: String]) {
        let kept = options.filter { !ReaderOptions.pacing.contains($0.key) }.sorted { $0.key < $1.key }
        list(kept) { encoding, option in
            encoding.writer.string(option.key)
            encoding.writer.string(option.value)
        }
    }

    private mutating func key(_ key: LogicalPlan.Sort.Key) {
        expression(key.expression)
        writer.bool(key.descending)
        writer.bool(key.nullsFirst)
    }

    mutating func call(_ call: NamedAggregate) {
        writer.string(call.aggregate.kind == .countStar ? "count(*)" : call.aggregate.kind.sql)
        writer.bool(call.aggregate.distinct)
        call.aggregate.resultType.encode(into: &writer)
        list(call.aggregate.arguments) { $0.expression($1) }
        optional(call.filter)
    }

    mutating func expression(_ expression: BoundExpression) {
        switch expression {
        case .column(let index, let type, _):
            writer.u8(1)
            writer.varint(UInt64(index))
            type.encode(into: &writer)
        case .literal(let value):
            writer.u8(2)
            scalar(value)
        case .call(let function, _, let type, _, _):
            writer.u8(3)
            writer.string(function.name)
            type.encode(into: &writer)
        case .cast(_, let type, let isTry, _):
            writer.u8(4)
            type.encode(into: &writer)
            writer.bool(isTry)
        case .conditional: writer.u8(5)
        case .coalesce: writer.u8(6)
        case .and: writer.u8(7)
        case .or: writer.u8(8)
        case .not: writer.u8(9)
        case .isNull(_, let negated):
            writer.u8(10)
            writer.bool(negated)
        case .in(_, _, let negated):
            writer.u8(11)
            writer.bool(negated)
        case .currentTimestamp: writer.u8(12)
        case .currentDate: writer.u8(13)
        }
        list(expression.children) { $0.expression($1) }
    }

    private mutating func scalar(_ scalar: Scalar) {
        scalar.type.encode(into: &writer)
        switch scalar.value {
        case .null: writer.u8(0)
        case .boolean(let value):
            writer.u8(1)
            writer.bool(value)
        case .integer(let value):
            writer.u8(2)
            writer.zigzag(value)
        case .float(let value):
            writer.u8(3)
            writer.u32(value.bitPattern)
        case .double(let value):
            writer.u8(4)
            writer.double(value)
        case .decimal(let value):
            writer.u8(5)
            writer.integer(value)
        case .bytes(let bytes):
            writer.u8(6)
            writer.blob(bytes)
        }
    }

    private mutating func optional(_ expression: BoundExpression?) {
        writer.bool(expression != nil)
        if let expression { self.expression(expression) }
    }

    mutating func list<T>(_ items: [T], _ body: (inout PlanEncoding, T) -> Void) {
        writer.varint(UInt64(items.count))
        for item in items { body(&self, item) }
    }
}
