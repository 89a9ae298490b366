import TideSimulation

import Tidemill

// Going back to a retained epoch or a savepoint, with or without a power cut in the middle.
extension Simulation {
    /// A rollback under way.
    struct Rollback {
        var epoch: Int64
        /// Of the log that it leaves.
        var generation: UInt64?
        /// What will have been.
        var history: [Int64: Committed]
    }

    /// Takes the pipeline back to some epoch that the checkpoint says it retains.
    func goBack() throws {
        guard let (machine, pipeline) = try commands() else { return }
        let retained = try pipeline.checkpointContents().retained.filter { $0.missing.isEmpty }
        guard let entry = retained.randomElement(using: &generator) else { return }
        let known = entry.savepoint.flatMap { savepoints[$0] } ?? history
        let epoch = entry.epoch.rawValue
        let rollback = Rollback(
            epoch: epoch, generation: try generation(), history: known.filter { $0.key <= epoch })
        let cut = drawnCut(machine)
        story.append(
            "back to epoch \(epoch)" + (entry.savepoint.map { " of \($0)" } ?? "")
                + (cut.map { ", power cut after \($0)" } ?? ""))
        // Tables may show less than was published.
        shown = [:]
        goingBack = rollback
        copyIsStale = true
        try command(cut) { () throws(TidemillError) in
            if let name = entry.savepoint {
                _ = try pipeline.retainedEpochs().rollBack(toSavepoint: name)
            } else {
                _ = try pipeline.retainedEpochs().rollBack(to: entry.epoch)
            }
            wentBack(rollback)
        }
        try checkTables(isComplete: false)
    }

    /// What came after the epoch has never been.
    func wentBack(_ rollback: Rollback) {
        history = rollback.history
        acknowledged = rollback.epoch
        lastClockMicros = history[rollback.epoch]?.clockMicros ?? 0
        goingBack = nil
    }

    /// Makes a savepoint, or drops one.
    func changeSavepoints() throws {
        guard goingBack == nil, let (machine, pipeline) = try commands() else { return }
        let contents = try pipeline.checkpointContents()
        let names = contents.retained.compactMap(\.savepoint)
        let dropped = Bool.random(using: &generator) ? names.randomElement(using: &generator) : nil
        if dropped == nil && contents.publishedThrough == nil { return }
        savepointsMade += 1
        let made = "s\(savepointsMade)"
        let cut = drawnCut(machine)
        story.append(dropped.map { "drop savepoint \($0)" } ?? "savepoint \(made)")
        if dropped == nil { savepoints[made] = history }
        try command(cut) { () throws(TidemillError) in
            if let dropped {
                try pipeline.retainedEpochs().dropSavepoint(dropped)
            } else {
                _ = try pipeline.retainedEpochs().createSavepoint(made)
            }
        }
    }

    func dropSavepoints() throws {
        while let (_, pipeline) = try commands() {
            guard let name = try pipeline.checkpointContents().retained.compactMap(\.savepoint).first else { return }
            try command(nil) { () throws(TidemillError) in try pipeline.retainedEpochs().dropSavepoint(name) }
        }
    }

    // MARK: Commands

    private func commands() throws -> (SimulatedMachine, Pipeline)? {
        guard try disk.exists(Self.storage.appending("manifest")) else { return nil }
        let machine = SimulatedMachine(disk, seed: generator.next(), clockMicros: clockMicros)
        if !isTracing { disk.stopTracing() }
        return (machine, try machine.pipeline(projects[projects.count - 1].sql))
    }

    private func drawnCut(_ machine: SimulatedMachine) -> Int? {
        disk.slow(machine.clock, seed: generator.next())
        disk.forgetSyncs(forgetting)
        let cut = Bool.random(using: &generator) ? Int.random(in: 0..<120, using: &generator) : nil
        if let cut { disk.cutPower(afterCalls: cut, finishing: cut % 2 == 0) }
        return cut
    }

    private func command(_ cut: Int?, _ body: () throws(TidemillError) -> Void) throws {
        do throws(TidemillError) {
            try body()
            story.append("  \(disk.calls) calls, ended well")
        } catch {
            story.append("  \(disk.calls) calls, error: \(error.code) \(error.message)")
            guard cut != nil, error.kind == .io else { throw failure("a command failed: \(error.report())") }
        }
        disk = cut == nil ? disk.killed() : disk.crashed(seed: generator.next())
    }
}
