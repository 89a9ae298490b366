import Testing
import TideEngineSimulation
import TideSimulation

@testable import Tidemill

/// A clock that goes backwards between runs and within them.
@Suite struct ClockTests {
    @Test func theTimeOfEpochsIsMonotonic() throws {
        let machine = SimulatedMachine(seed: 1)
        var times: [Int64] = []
        for number in 0..<6 {
            try machine.write("in/\(number).csv", "id,customer,amount\n\(number),c,1\n")
            try machine.run(RollbackTests.sql)
            times.append(try #require(try machine.pipeline(RollbackTests.sql).checkpointContents().clockMicros))
            machine.clock.advance(micros: number % 2 == 0 ? -86_400_000_000 : 3_600_000_000)
        }
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "\(times)")
        #expect(try machine.rows(RollbackTests.sql, "totals").count == 1)
        #expect(try verifyCheckpoint(RollbackTests.checkpoint, files: machine.disk).damage == [])
    }
}
