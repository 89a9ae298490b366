import Testing
import TideEngineSimulation

/// The whole engine on a simulated computer, by seed. `make sim SEEDS=2000` runs more of them, `make sim SEED=7` one
/// with all that happens in it.
@Suite struct SimulationTests {
    @Test func nothingIsLostWhateverHappens() {
        let failures = SimulationBatch(first: 0, seeds: 200, jobs: 2).run { _ in }
        for failure in failures { Issue.record("\(failure)") }
    }

    /// The same seed is the same life, call by call.
    @Test func aSeedRepeats() {
        for seed in UInt64(0)..<10 {
            let (one, other) = (Simulation(seed: seed), Simulation(seed: seed))
            try? one.run()
            try? other.run()
            #expect(one.digest == other.digest && one.story == other.story, "seed \(seed)")
        }
    }

    /// A sync that is taken away is noticed, wherever it is.
    @Test(arguments: Canary.all) func aForgottenSyncIsNoticed(_ canary: Canary) {
        #expect(canary.seedsUntilFound(atMost: 200) != nil)
    }
}
