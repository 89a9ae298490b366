/// What a start means for each flow: decided from the registry and the definition alone.
struct FlowDecisions: Sendable {
    enum Decision: String, Sendable, Hashable {
        /// State and table go on.
        case continuing
        /// Never seen: filled from what its inputs have taken so far.
        case new
        /// The query changed, or a refresh was asked for: state and table start over.
        case rebuilt
    }
    var flows: [String: Decision] = [:]
    /// Why a flow is rebuilt, or that its new text applies from now on; for people.
    var reasons: [String: String] = [:]
    /// Flows of the checkpoint that the pipeline no longer has.
    var removed: [String] = []
    /// Flows that cannot go on with the state they have, and may not be rebuilt unasked.
    var refused: [String: TidemillError] = [:]

    func needsFilling(_ flow: String) -> Bool { flows[flow] != .continuing }

    /// - Parameters:
    ///   - fingerprints: of the flows, by name.
    ///   - operators: of the flows, by name: what each of their stateful operators is now.
    ///   - refreshed: datasets (lower case) to be rebuilt whatever their fingerprint, and why.
    static func decide(
        _ definition: PipelineDefinition, fingerprints: [String: String], registry: PlanRegistry,
        operators: [String: [PlanRegistry.OperatorDescription]] = [:], refreshed: [String: String]
    ) -> FlowDecisions {
        var decisions = FlowDecisions()
        var rebuiltTables = Set<String>()
        for dataset in definition.datasets {
            let name = dataset.name.lowercased()
            for flow in dataset.flows {
                guard let known = registry.flows[flow.name], known.dataset == name else {
                    // Asked to start over, even if the checkpoint that knew the table is gone.
                    decisions.flows[flow.name] = refreshed[name] == nil ? .new : .rebuilt
                    decisions.reasons[flow.name] = refreshed[name]
                    continue
                }
                let now = operators[flow.name] ?? []
                let change = StateChange(
                    from: known, to: now, textChanged: known.fingerprint != fingerprints[flow.name])
                var reason: String?
                if let asked = refreshed[name] {
                    reason = asked
                } else if dataset.kind == .materializedView {
                    let below = flow.plan.ownTables.intersection(rebuiltTables).sorted().first
                    reason = change.rebuildReason ?? below.map { "it reads \($0), which is rebuilt" }
                } else {
                    // A streaming table's rows are final: a new text applies from now on.
                    decisions.refused[flow.name] = change.refusal(of: flow, dataset)
                    if change.textChanged { decisions.reasons[flow.name] = "its query changed and applies from now on" }
                }
                decisions.flows[flow.name] = reason == nil ? .continuing : .rebuilt
                if let reason { decisions.reasons[flow.name] = reason }
            }
            if dataset.flows.contains(where: { decisions.flows[$0.name] == .rebuilt }) {
                rebuiltTables.insert(name)
                // One flow of a table cannot start over alone.
                for flow in dataset.flows {
                    decisions.flows[flow.name] = .rebuilt
                    decisions.refused[flow.name] = nil
                    if decisions.reasons[flow.name] == nil {
                        decisions.reasons[flow.name] = "another flow of its table starts over"
                    }
                }
            }
        }
        let present = Set(definition.datasets.flatMap(\.flows).map(\.name))
        decisions.removed = registry.flows.keys.filter { !present.contains($0) }.sorted()
        return decisions
    }
}

/// A flow's query then and now, as far as its state is concerned.
struct StateChange {
    var textChanged: Bool
    /// Positions of operators whose state has another form, or that came or went.
    private var reshaped: [Int] = []
    /// Positions of operators whose keys or functions are others, though their state looks the same.
    private var repurposed: [Int] = []
    private let before: [PlanRegistry.OperatorDescription]
    private let now: [PlanRegistry.OperatorDescription]

    init(from known: PlanRegistry.FlowEntry, to now: [PlanRegistry.OperatorDescription], textChanged: Bool) {
        self.textChanged = textChanged
        self.now = now
        before = known.descriptions
        // A checkpoint that does not describe its operators is compared by its query alone.
        if before.isEmpty && !known.operators.isEmpty { return }
        for index in 0..<max(before.count, now.count) {
            guard index < before.count, index < now.count, now[index].hasForm(of: before[index]) else {
                reshaped.append(index)
                continue
            }
            if now[index].signature != before[index].signature { repurposed.append(index) }
        }
    }

    /// Why a view that has to equal its query starts over; nil if it goes on.
    var rebuildReason: String? {
        if textChanged { return "its query changed" }
        return reshaped.isEmpty ? nil : "this version keeps its state in another form"
    }

    /// Spark's rule for streaming tables: state stays while the operator's own keys, functions and types do.
    func refusal(of flow: Flow, _ dataset: Dataset) -> TidemillError? {
        guard let index = (reshaped + repurposed).min() else { return nil }
        func text(_ all: [PlanRegistry.OperatorDescription]) -> String {
            guard index < all.count else { return "none" }
            return all[index].signature.isEmpty ? all[index].name : "\(all[index].name) \(all[index].signature)"
        }
        return TidemillError(
            .user, "TIDEMILL_STATE_INCOMPATIBLE",
            "the changed query of the streaming table \(dataset.name) cannot go on with the state it has",
            detail: "it was: \(text(before)); it is: \(text(now))",
            hint: "give the operator its keys, functions and types back, or compute the table anew with --full-refresh "
                + dataset.name,
            place: flow.span.map { .sql($0) })
    }
}

extension LogicalPlan {
    /// The pipeline's own tables that the plan reads, lower case.
    package var ownTables: Set<String> {
        if case .scan(let scan) = self { return scan.relation.isOwnTable ? [scan.relation.name.lowercased()] : [] }
        return inputs.reduce(into: []) { $0.formUnion($1.ownTables) }
    }
}
