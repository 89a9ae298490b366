import TideSimulation

import Tidemill

// Going back to a retained epoch, with or without a power cut in the middle.
extension Simulation {
    /// Takes the pipeline back to some epoch that the checkpoint says it retains.
    func goBack() throws {
        guard try disk.exists(SimulatedMachine.root.appending("checkpoint").appending("manifest")) else { return }
        let machine = SimulatedMachine(disk, seed: generator.next(), clockMicros: clockMicros)
        if !isTracing { disk.stopTracing() }
        let pipeline = try machine.pipeline(projects[projects.count - 1].sql)
        let retained = try pipeline.checkpointContents().retained.filter { $0.missing.isEmpty }
        guard let epoch = retained.map(\.epoch.rawValue).randomElement(using: &generator) else { return }
        let cut = Bool.random(using: &generator) ? Int.random(in: 0..<120, using: &generator) : nil
        story.append("back to epoch \(epoch)" + (cut.map { ", power cut after \($0)" } ?? ""))
        disk.slow(machine.clock, seed: generator.next())
        disk.forgetSyncs(forgetting)
        if let cut { disk.cutPower(afterCalls: cut, finishing: cut % 2 == 0) }
        // Tables may show less than was published.
        shown = [:]
        goingBackTo = epoch
        do throws(TidemillError) {
            _ = try pipeline.retainedEpochs().rollBack(to: Epoch(epoch))
            story.append("  \(disk.calls) calls, ended well")
            wentBack(to: epoch)
        } catch {
            story.append("  \(disk.calls) calls, error: \(error.code) \(error.message)")
            guard cut != nil, error.kind == .io else { throw failure("going back failed: \(error.report())") }
        }
        disk = cut == nil ? disk.killed() : disk.crashed(seed: generator.next())
        try checkTables(isComplete: false)
    }

    /// What came after the epoch has never been.
    func wentBack(to epoch: Int64) {
        for later in history.keys where later > epoch { history[later] = nil }
        acknowledged = epoch
        lastClockMicros = history[epoch]?.clockMicros ?? 0
        goingBackTo = nil
    }
}
