extension ChangeReport {
    /// What opening tables and copies will refuse.
    static func obstacles(
        _ definition: PipelineDefinition, _ connectors: any Connectors, _ recovered: RecoveredCheckpoint?,
        _ decisions: FlowDecisions
    ) -> [TidemillError] {
        // A first run draws its generation; no table has it.
        let generation = recovered?.manifest.generation ?? 0
        var found: [TidemillError] = []
        for dataset in definition.datasets {
            let startsOver =
                decisions.startsOver(dataset) || recovered?.isStartingOver(dataset.name.lowercased()) ?? false
            do throws(TidemillError) {
                if recovered?.lastCommitted != nil { try decisions.requireTable(dataset, of: connectors) }
                try connectors.checkTarget(dataset, generation: generation, startsOver: startsOver)
            } catch {
                found.append(dataset.span.map { error.at(.sql($0)) } ?? error)
            }
        }
        for sink in definition.sinks {
            do throws(TidemillError) { try connectors.checkCopy(sink, generation: generation) } catch {
                found.append(sink.span.map { error.at(.sql($0)) } ?? error)
            }
        }
        return found
    }
}

extension FlowDecisions {
    /// Whether the table's next version replaces all its rows. A view's new content replaces whatever lies in its
    /// place; rows of a streaming table are somebody's, so only a refresh that was asked for removes them.
    func startsOver(_ dataset: Dataset) -> Bool {
        dataset.flows.contains {
            flows[$0.name] == .rebuilt || (flows[$0.name] == .new && dataset.kind == .materializedView)
        }
    }

    /// A table that goes on would silently lack everything that was in it.
    /// - Throws: unless the table is there, or nothing that was in it counts.
    func requireTable(_ dataset: Dataset, of connectors: any Connectors) throws(TidemillError) {
        guard dataset.flows.contains(where: { flows[$0.name] == .continuing }) else { return }
        if try connectors.isStored(dataset) { return }
        throw FlowDecisions.missingTable(dataset)
    }

    static func missingTable(_ dataset: Dataset) -> TidemillError {
        TidemillError(
            .conflict, "TIDEMILL_TABLE_MISSING",
            "the stored table is gone, though the checkpoint says it was written: \(dataset.name)",
            hint: "put its folder back, name the warehouse it lies in with --warehouse, or compute it anew with "
                + "--full-refresh \(dataset.name)")
    }
}

extension RecoveredCheckpoint {
    /// A committed epoch started the table over, and a crash came before that was published.
    func isStartingOver(_ table: String) -> Bool {
        unpublished.contains { epoch in
            epoch.record.sinks.contains { $0.id == startingOverPrefix + table }
        }
    }
}
