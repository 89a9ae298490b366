import Testing
import TideEngineSimulation

/// The whole engine on a simulated computer, by seed. `make sim SEEDS=2000` runs more of them, `make sim SEED=7` one
/// with all that happens in it.
@Suite struct SimulationTests {
    @Test func nothingIsLostWhateverHappens() {
        let failures = SimulationBatch(first: 0, seeds: 200, jobs: 2).run { _ in }
        for failure in failures { Issue.record("\(failure)") }
    }

    /// The same seed is the same life, call by call, whatever other lives allocate meanwhile.
    @Test func aSeedRepeats() {
        let batch = SimulationBatch(first: 0, seeds: 20, jobs: 2)
        batch.repeatsSeeds = true
        for failure in batch.run({ _ in }) { Issue.record("\(failure)") }
    }

    /// A sync that is taken away is noticed, wherever it is.
    @Test(arguments: Canary.all) func aForgottenSyncIsNoticed(_ canary: Canary) {
        #expect(canary.seedsUntilFound(atMost: 200) != nil)
    }
}
