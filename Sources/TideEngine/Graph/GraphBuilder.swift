/// What a flow gives its table.
enum FlowOutput: Sendable, Hashable {
    /// Changes of a result that is kept equal to its query. `replacesByGroup`: the consumer replaces rows by key, so an
    /// aggregate on top need not emit old rows.
    case maintained(replacesByGroup: Bool)
    /// A streaming table's, by Spark's rules for the mode.
    case streaming(OutputMode, WriteMode)
}

/// Turns logical plans into connected operators, from the consumer down to the scans.
struct GraphBuilder {
    let graph: FlowGraph
    let partitionBits: Int
    /// Which relations stand still within an epoch.
    let isBatch: Bool
    let incremental: Incrementalization
    /// The catalog's relations, for their options.
    var relations: [String: ExternalRelation] = [:]
    /// Rows of `.working` leaves: a recursion's step is a batch query over them.
    var bindings: [Int: [Batch]] = [:]
    private var flow = ""
    private var place: ErrorPlace?
    /// How streaming flows combine their watermarks.
    private let policy: WatermarkClock.Policy
    private var output = FlowOutput.maintained(replacesByGroup: false)
    /// The flow's event time, if it feeds a streaming table.
    private var time: FlowTime?
    /// Leaves of the flow so far.
    private var branches = 0
    /// Which input was taken at each operator on the way down to the one that is built.
    private var path: [Int] = []

    init(
        graph: FlowGraph, partitionBits: Int, isBatch: Bool, incremental: Incrementalization,
        policy: WatermarkClock.Policy = .min
    ) {
        self.policy = policy
        self.incremental = incremental
        self.graph = graph
        self.partitionBits = partitionBits
        self.isBatch = isBatch
    }

    mutating func add(
        flow: String, plan: LogicalPlan, place: ErrorPlace? = nil, to consumer: any BatchConsumer, output: FlowOutput
    ) throws(TidemillError) {
        self.flow = flow
        self.place = place
        self.output = output
        time = nil
        branches = 0
        var replacesByGroup = false
        switch output {
        case .maintained(let replaces): replacesByGroup = replaces
        case .streaming:
            let flowTime = FlowTime(flow: flow, policy: policy)
            graph.times[flow] = flowTime
            time = flowTime
        }
        try build(plan, [consumer], replacesByGroup: replacesByGroup)
    }

    /// - Parameter branch: which input of the operator above this is, as the SQL has them.
    private mutating func build(
        _ plan: LogicalPlan, _ consumers: [any BatchConsumer], replacesByGroup: Bool = false, branch: Int = 0
    ) throws(TidemillError) {
        path.append(branch)
        defer { path.removeLast() }
        var outputs = Outputs(consumers)
        if isBatch, plan.emitsWeights { outputs = Outputs([CopiesOperator(outputs: outputs)]) }
        switch plan {
        case .scan(let scan): try attach(scan, consumers[0])
        case .values(let values):
            graph.constants.append((GraphBuilder.batch(values), consumers[0], flow))
        case .filter(let input, let predicate):
            // A filter may let only the new row pass, so the old one must reach it as a retraction.
            try build(input, [FilterOperator(predicate: predicate, outputs: outputs)])
        case .project(let input, let items):
            let project = ProjectOperator(expressions: items.map(\.expression), outputs: outputs)
            try build(input, [project], replacesByGroup: replacesByGroup)
        case .aggregate(let aggregate):
            let eventTime = eventTime(of: aggregate, plan)
            let inSourceOrder = !isBatch && time != nil && incremental.keepsSourceOrder(aggregate.input)
            if let session = aggregate.session {
                // What ends with the watermark below is final too, so sessions over it only grow.
                if !isBatch, eventTime == nil, !incremental.isAppendOnly(aggregate.input) {
                    return try build(try SessionsOverChanges.plan(aggregate, session: session), consumers)
                }
                // In complete mode no session ends, but progress speaks of them.
                let counter =
                    eventTime?.clock
                    ?? time?.add("aggregate", over: inputs(of: aggregate), evicts: false)
                let node = try SessionOperator(
                    aggregate, session: session, inSourceOrder: inSourceOrder, eventTime: eventTime, counter: counter,
                    partitionBits: partitionBits, outputs: outputs)
                try build(aggregate.input, [node])
                return add(
                    node, counter?.operatorName ?? "aggregate",
                    signature: OperatorSignature.of(aggregate, inSourceOrder: inSourceOrder), clock: counter)
            }
            if let (windows, group) = PaneAggregateOperator.windows(of: aggregate),
                eventTime != nil || incremental.isAppendOnly(aggregate.input) || isBatch
            {
                let node = try PaneAggregateOperator(
                    aggregate, windows: windows, group: group, eventTime: eventTime, countsWindows: time != nil,
                    partitionBits: partitionBits, outputs: outputs)
                try build(windows.input, [node])
                return add(
                    node, eventTime?.clock.operatorName ?? "aggregate",
                    signature: OperatorSignature.of(aggregate, inSourceOrder: inSourceOrder),
                    clock: eventTime?.clock)
            }
            let node = try AggregateOperator(
                groups: aggregate.groups, aggregates: aggregate.aggregates, input: aggregate.input.schema,
                inSourceOrder: inSourceOrder,
                inputAppends: isBatch || eventTime != nil || incremental.isAppendOnly(aggregate.input),
                partitionBits: partitionBits, emitsOldRows: !replacesByGroup, eventTime: eventTime, outputs: outputs)
            try build(aggregate.input, [node])
            let fields = aggregate.groups.map(\.field) + node.accumulatorFields(over: aggregate.input.schema)
            add(
                node, eventTime?.clock.operatorName ?? "aggregate",
                signature: OperatorSignature.of(aggregate, inSourceOrder: inSourceOrder),
                parts: [.init(columns: fields)] + GraphBuilder.values(node, aggregate.groups.map(\.field)),
                clock: eventTime?.clock)
        case .join(let join): try buildJoin(join, outputs)
        case .union(let inputs):
            for (branch, input) in inputs.enumerated() { try build(input, consumers, branch: branch) }
        case .watermark(let watermark):
            guard let time else { return try build(watermark.input, consumers) }
            let node = WatermarkOperator(watermark, outputs: outputs)
            time.add(node, idleMicros: try idleMicros(below: watermark.input))
            try build(watermark.input, [node])
        case .timeWindows(let windows):
            try build(windows.input, [TimeWindowsOperator(windows, outputs: outputs)])
        case .deduplicate(let deduplicate):
            guard let time else { throw TidemillError.internal("drop_duplicates outside a streaming table") }
            let clock = time.add(
                deduplicate.isWithinWatermark ? "dedupeWithinWatermark" : "dedupe", over: plan.inputs, evicts: true)
            let node = DeduplicateOperator(
                deduplicate, inSourceOrder: incremental.keepsSourceOrder(deduplicate.input), clock: clock,
                partitionBits: partitionBits, outputs: outputs)
            try build(deduplicate.input, [node])
            add(node, clock.operatorName, clock: clock)
        case .keyed(let keyed):
            guard let time else { throw TidemillError.internal("state per key outside a streaming table") }
            let clock = time.add("transformWithStateExec", over: plan.inputs, evicts: keyed.timeColumn != nil)
            let node = try KeyedOperator(keyed, clock: clock, partitionBits: partitionBits, outputs: outputs)
            time.add(node)
            try build(keyed.input, [node])
            add(node, clock.operatorName, parts: GraphBuilder.variables(keyed), clock: clock)
        case .sort(let sort) where time != nil && plan.isStream && sort.keys.isEmpty && sort.offset == 0:
            guard let limit = sort.limit else { return try build(sort.input, consumers) }
            let node = StreamLimitOperator(limit: limit, outputs: outputs)
            try build(sort.input, [node])
            add(node, "globalLimit")
        case .sort(let sort):
            let node = SortOperator(sort, outputs: outputs)
            try build(sort.input, [node])
            graph.breakers.append(node)
            graph.breakerPlaces.append(place)
        case .working(let working):
            for batch in bindings[working.id] ?? [] { graph.constants.append((batch, consumers[0], flow)) }
        case .recursive(let recursive): try buildRecursion(recursive, outputs)
        case .expand(let expand): try build(expand.input, [ExpandOperator(expand, outputs: outputs)])
        case .generate(let generate): try build(generate.input, [GenerateOperator(generate, outputs: outputs)])
        case .replicate(let replicate):
            try build(replicate.input, [ReplicateOperator(count: replicate.count, outputs: outputs)])
        case .latest(let latest):
            let node = LatestOperator(latest, partitionBits: partitionBits, outputs: outputs)
            try build(latest.input, [node])
            add(node, "latest", parts: [GraphBuilder.rows(latest.input)])
        case .window(let window):
            let node = try WindowOperator(window, partitionBits: partitionBits, outputs: outputs)
            try build(window.input, [node])
            add(node, "window", parts: [GraphBuilder.rows(window.input)])
        case .topN(let topN):
            let node = TopNOperator(
                topN, inputAppends: isBatch || incremental.isAppendOnly(topN.input), partitionBits: partitionBits,
                outputs: outputs)
            try build(topN.input, [node])
            add(node, "top-n", parts: [GraphBuilder.rows(topN.input)])
        }
    }

    /// `tidemill.idleTimeout` of the sources below a watermark: the shortest that a reader or a table names.
    private func idleMicros(below plan: LogicalPlan) throws(TidemillError) -> Int64? {
        var least: Int64?
        if case .scan(let scan) = plan, scan.relation.mode == .changes {
            let own = [scan.relation.options, relations[scan.relation.name]?.options ?? [:]]
            for (key, value) in own.lazy.compactMap({ $0.first { $0.key.lowercased() == idleTimeoutKey } }).prefix(1) {
                least = Int64(clamping: try EngineSettings.duration(key, value).wholeNanoseconds / 1000)
            }
        }
        for input in plan.inputs {
            if let one = try idleMicros(below: input) { least = min(least ?? one, one) }
        }
        return least
    }

    /// How groups end, if they belong to a streaming table.
    private func eventTime(of aggregate: LogicalPlan.Aggregate, _ plan: LogicalPlan) -> AggregateEventTime? {
        guard let time, plan.isStream, case .streaming(let mode, let write) = output, mode != .complete else {
            return nil
        }
        let kind: AggregateEventTime.Output =
            mode == .append ? .ended : write == .append ? .touched : .changes
        return AggregateEventTime(
            output: kind, group: EventTime.group(of: aggregate),
            clock: time.add(
                aggregate.session == nil ? "stateStoreSave" : "sessionWindowStateStoreSave",
                over: inputs(of: aggregate),
                evicts: true))
    }

    /// What the operator really reads: below sliding windows that it makes itself.
    private func inputs(of aggregate: LogicalPlan.Aggregate) -> [LogicalPlan] {
        PaneAggregateOperator.windows(of: aggregate).map { [$0.windows.input] } ?? [aggregate.input]
    }

    private mutating func buildRecursion(
        _ recursive: LogicalPlan.Recursive, _ outputs: Outputs
    ) throws(TidemillError) {
        guard isBatch else {
            let recursion = Recursion(recursive)
            let node = RecomputeOperator(
                inputs: recursion.inputs.map(\.schema.types), types: recursive.schema.types, outputs: outputs
            ) { (rows, evaluation) throws(TidemillError) in try recursion.run(rows, evaluation) }
            for (index, input) in recursion.inputs.enumerated() { try build(input, [node.input(index)]) }
            return add(node, "recursion")
        }
        let node = RecursionNode(recursive, outputs: outputs)
        for (index, input) in node.recursion.inputs.enumerated() {
            try build(input, [node.input(index)])
        }
        graph.breakers.append(node)
        graph.breakerPlaces.append(place)
    }

    private mutating func buildJoin(_ join: LogicalPlan.Join, _ outputs: Outputs) throws(TidemillError) {
        let leftMoves = !isBatch && GraphBuilder.changes(join.left)
        let rightMoves = !isBatch && GraphBuilder.changes(join.right)
        if let time, leftMoves, rightMoves {
            let bounds = StreamJoinBounds(join)
            let clock = time.add(
                "symmetricHashJoin", over: [join.left, join.right], evicts: bounds.left != nil || bounds.right != nil)
            let node = try StreamJoinOperator(join, clock: clock, partitionBits: partitionBits, outputs: outputs)
            try build(join.left, [node.input(left: true)], branch: join.isSwapped ? 1 : 0)
            try build(join.right, [node.input(left: false)], branch: join.isSwapped ? 0 : 1)
            return add(node, clock.operatorName, signature: OperatorSignature.of(join), clock: clock)
        }
        // Rows of these sides are in the result or not by what the other side has.
        let dependsOnRight = [.left, .full, .semi, .anti].contains(join.kind)
        let dependsOnLeft = [.right, .full].contains(join.kind)
        // Constant rows are changes too, of the first epoch: it must be remembered which of them found a partner.
        let keepsConstants =
            (!leftMoves && dependsOnRight && GraphBuilder.isConstant(join.left))
            || (!rightMoves && dependsOnLeft && GraphBuilder.isConstant(join.right))
        if leftMoves && rightMoves || (leftMoves != rightMoves && keepsConstants)
            || (join.kind == .full && (isBatch || GraphBuilder.isConstant(.join(join))))
        {
            let node = IncrementalJoinOperator(join, partitionBits: partitionBits, outputs: outputs)
            try build(join.left, [node.input(left: true)])
            try build(join.right, [node.input(left: false)], branch: 1)
            return add(node, "join", signature: OperatorSignature.of(join), parts: GraphBuilder.sides(join))
        }
        // One side stands still (in a batch query: the right one is looked up, the left one streams).
        let streamIsLeft = leftMoves || (!rightMoves && join.kind != .right)
        guard !(streamIsLeft ? dependsOnLeft : dependsOnRight) else {
            // The side that is looked up does not know which of its rows found nothing.
            throw TidemillError.unsupported(
                "a \(join.kind.rawValue) join that keeps the rows of the side that is looked up",
                hint: join.kind == .full
                    ? "join in a materialized view, where both sides are followed"
                    : "swap the sides, so that the join keeps the rows of the side that changes")
        }
        if leftMoves != rightMoves && !(leftMoves ? join.right : join.left).ownTables.isEmpty {
            return try buildLookup(join, ofLeft: rightMoves, outputs)
        }
        let node = LookupJoinOperator(join, streamIsLeft: streamIsLeft, outputs: outputs)
        graph.statics.append(
            FlowGraph.Static(plan: streamIsLeft ? join.right : join.left, join: node, flow: flow))
        try build(streamIsLeft ? join.left : join.right, [node])
    }

    /// A table of the pipeline is looked up as it is after the epoch's changes, so the join follows them. Its files
    /// would not do: they show the epoch that was published last.
    private mutating func buildLookup(
        _ join: LogicalPlan.Join, ofLeft isLeft: Bool, _ outputs: Outputs
    ) throws(TidemillError) {
        let side = isLeft ? join.left : join.right
        guard GraphBuilder.picksRows(side) else {
            throw TidemillError.unsupported(
                "a query over the pipeline's own tables inside a stream's join: \(side.ownTables.sorted()[0])",
                hint: "store its result as a materialized view and join that")
        }
        let node = IncrementalJoinOperator(
            join, lookedUp: isLeft ? .left : .right, partitionBits: partitionBits, outputs: outputs)
        try build(join.left, [node.input(left: true)])
        try build(join.right, [node.input(left: false)], branch: 1)
        add(
            node, "lookup", signature: OperatorSignature.of(join), parts: GraphBuilder.sides(join), of: side.ownTables)
    }

    private static func sides(_ join: LogicalPlan.Join) -> [StateNames] {
        [("left", join.left.schema), ("right", join.right.schema)].map { name, schema in
            StateNames(name: name, columns: schema.fields + [Field("count", .bigint), Field("partners", .bigint)])
        }
    }

    private static func rows(_ input: LogicalPlan) -> StateNames {
        StateNames(columns: input.schema.fields + [Field("count", .bigint)])
    }

    /// The values that an aggregate keeps to be able to take one back: group, value, and how often it occurs.
    private static func values(_ node: any StatefulOperator, _ groups: [Field]) -> [StateNames] {
        node.stateParts.dropFirst().filter { !$0.isIndex }.enumerated().map { index, part in
            let own = part.types.dropFirst(2 + groups.count)
            let fields = own.enumerated().map { position, type in
                Field(position == own.count - 1 ? "count" : position == 0 ? "value" : "value\(position + 1)", type)
            }
            return StateNames(name: index == 0 ? "values" : "values\(index + 1)", columns: groups + fields)
        }
    }

    /// What a part of an operator's state is called, and its columns behind the hash and the live mark as people read
    /// them. A type may differ from the stored one where both have one form.
    struct StateNames {
        var name = ""
        var columns: [Field]
    }

    /// Filters and projections over one relation.
    private static func picksRows(_ plan: LogicalPlan) -> Bool {
        switch plan {
        case .scan: true
        case .filter(let input, _), .project(let input, _): picksRows(input)
        default: false
        }
    }

    /// - Parameter signature: what the state depends on; it has to start over when that changes.
    private func add(
        _ node: any StatefulOperator, _ name: String, signature: String = "", parts names: [StateNames] = [],
        of tables: Set<String> = [], clock: OperatorClock? = nil
    ) {
        graph.breakers.append(node)
        graph.breakerPlaces.append(place)
        let ordinal = graph.stateful.count { $0.flow == flow }
        let parts = node.stateParts.filter { !$0.isIndex }.enumerated().map { index, part in
            PlanRegistry.OperatorDescription.Part(
                part, names: names.indices.contains(index) ? names[index] : nil)
        }
        graph.stateful.append(
            FlowGraph.StatefulNode(
                node: node, flow: flow, ordinal: ordinal, path: path, name: name, lookedUp: tables,
                description: PlanRegistry.OperatorDescription(name: name, signature: signature, parts: parts),
                clock: clock))
    }

    private mutating func attach(_ scan: LogicalPlan.Scan, _ next: any BatchConsumer) throws(TidemillError) {
        let placed = place.map { PlacedConsumer(place: $0, output: next) } ?? next
        // Changes of what is only looked up are no input of the stream.
        let clock = scan.relation.mode == .changes ? time?.clock : nil
        let consumer = clock.map { FlowInput(clock: $0, branch: branches, output: placed) } ?? placed
        branches += 1
        if scan.relation.isOwnTable {
            let name = scan.relation.name.lowercased()
            let port = graph.tables[name] ?? Port()
            graph.tables[name] = port
            let isWhole = scan.columns == Array(scan.relationSchema.fields.indices)
            let reader = isWhole ? consumer : ColumnPicker(columns: scan.columns, output: consumer)
            if !isBatch { port.add(reader) }
            graph.tableReaders.append((name, scan.columns, consumer, flow))
            return
        }
        let key = FlowGraph.ScanKey(
            name: scan.relation.name, options: scan.relation.options.filter { !isRateLimit($0.key) })
        let shared = graph.scans[key] ?? FlowGraph.Scan(key: key, relationSchema: scan.relationSchema)
        graph.scans[key] = shared
        // A missing value in a NOT NULL column makes the whole row a bad one, whoever reads the column.
        let required = scan.relationSchema.fields.indices.filter { !scan.relationSchema[$0].nullable }
        shared.columns = Array(Set(shared.columns).union(scan.columns).union(required)).sorted()
        if scan.relation.replacesFiles {
            shared.replacesFiles = true
            shared.columns = Array(scan.relationSchema.fields.indices)
        }
        if scan.relation.mode == .changes && !scan.relation.isStream { shared.followers.insert(flow) }
        shared.readers.append((scan.columns, consumer, flow))
        try shared.limit.tighten(scan.relation.options)
    }

    /// True if some leaf brings changes: everything but relations that are read as a snapshot.
    static func changes(_ plan: LogicalPlan) -> Bool {
        switch plan {
        case .scan(let scan): scan.relation.mode == .changes
        case .values: false
        default: plan.inputs.contains(where: changes)
        }
    }

    /// True if no leaf reads anything.
    static func isConstant(_ plan: LogicalPlan) -> Bool {
        switch plan {
        case .scan: false
        case .values: true
        default: plan.inputs.allSatisfy(isConstant)
        }
    }

    static func batch(_ values: LogicalPlan.Values) -> Batch {
        let columns = values.schema.fields.indices.map { index in
            Column(values.schema[index].type, values.rows.map { $0[index] })
        }
        return Batch(columns: columns, count: values.rows.count)
    }
}

extension Dataset {
    /// - Parameter replacesByGroup: of a table that is kept equal to its query.
    func flowOutput(replacesByGroup: Bool) -> FlowOutput {
        if kind == .streamingTable { return .streaming(outputMode, writeMode) }
        return freezesAtWatermark ? .streaming(.update, .upsert) : .maintained(replacesByGroup: replacesByGroup)
    }
}

extension LogicalPlan {
    /// Whether the operator gives equal rows as one with a weight.
    fileprivate var emitsWeights: Bool {
        switch self {
        case .window, .topN, .join: true
        default: false
        }
    }
}

extension PipelineDefinition {
    /// Builds every flow's operators and throws them away: what the engine cannot run is an error with its place in the
    /// SQL, before anything is read.
    public func checkOperators() throws(TidemillError) {
        var builder = GraphBuilder(
            graph: FlowGraph(), partitionBits: 0, isBatch: false, incremental: Incrementalization(datasets: datasets))
        builder.relations = relations
        for dataset in datasets {
            for flow in dataset.flows {
                do throws(TidemillError) {
                    try builder.add(
                        flow: flow.name, plan: flow.plan, to: Port(), output: dataset.flowOutput(replacesByGroup: false)
                    )
                } catch {
                    throw flow.span.map { error.at(.sql($0)) } ?? error
                }
            }
        }
    }
}

extension RateLimit {
    /// Takes over the bounds of reading options (keys in any case) where they are smaller.
    mutating func tighten(_ options: [String: String]) throws(TidemillError) {
        for (key, value) in options where isRateLimit(key) && key.lowercased() != idleTimeoutKey {
            guard let bound = Int64(value.trimmedASCII), bound > 0 else {
                throw TidemillError(
                    .user, "INVALID_OPTION_VALUE", "option \(key) must be a positive integer: \(value)")
            }
            switch key.lowercased() {
            case "maxfilespertrigger": filesMax = min(filesMax ?? .max, Int(bound))
            case "eventspertrigger": rowsMax = min(rowsMax ?? .max, bound)
            default: bytesMax = min(bytesMax ?? .max, bound)
            }
        }
    }
}

extension String {
    var trimmedASCII: String {
        let bytes = Array(utf8)
        guard let first = bytes.firstIndex(where: { $0 > 32 }), let last = bytes.lastIndex(where: { $0 > 32 }) else {
            return ""
        }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }
}

/// Rate limits, and how long a source may be silent, do not make a scan another scan: the smallest one wins.
func isRateLimit(_ option: String) -> Bool {
    ["maxfilespertrigger", "maxbytespertrigger", "eventspertrigger", idleTimeoutKey].contains(option.lowercased())
}

private let idleTimeoutKey = "tidemill.idletimeout"
