import Testing

@testable import TideEngine

/// The rules of Spark's watermark tracker (WatermarkTracker: per operator the largest time less the delay, the least of
/// them for the query, an operator without rows counting 0), by hand.
@Suite struct WatermarkClockTests {
    private func clock(_ policy: WatermarkClock.Policy = .min, nodes: Int = 1) -> WatermarkClock {
        WatermarkClock(policy: policy, nodeCount: nodes)
    }

    @Test func oneSource() {
        var clock = clock()
        // Times, then (previous, current) afterwards; the delay is 10.
        let courses: [(Int64?, Int64, Int64)] = [
            (15, 0, 5), (nil, 5, 5), (25, 5, 15), (12, 15, 15), (nil, 15, 15),
        ]
        for (time, previous, current) in courses {
            clock.endEpoch(greatest: [time], delays: [10], now: 1, idleMicros: nil)
            #expect(clock.previous == previous)
            #expect(clock.current == current)
        }
    }

    /// Times before 1970 leave the watermark at 0.
    @Test func neverNegative() {
        var clock = clock()
        clock.endEpoch(greatest: [-50], delays: [10], now: 1, idleMicros: nil)
        #expect(clock.current == 0)
        #expect(!clock.hasMoved)
    }

    @Test func leastOfSeveral() {
        var clock = clock(nodes: 2)
        clock.endEpoch(greatest: [100, nil], delays: [10, 20], now: 1, idleMicros: nil)
        #expect(clock.current == 0)
        #expect(clock.holder == 1)
        clock.endEpoch(greatest: [nil, 60], delays: [10, 20], now: 2, idleMicros: nil)
        #expect(clock.current == 40)
        #expect(clock.hasMoved)
        clock.endEpoch(greatest: [nil, 500], delays: [10, 20], now: 3, idleMicros: nil)
        #expect(clock.current == 90)
        #expect(clock.previous == 40)
    }

    @Test func greatestOfSeveral() {
        var clock = clock(.max, nodes: 2)
        clock.endEpoch(greatest: [20, 30], delays: [10, 15], now: 1, idleMicros: nil)
        #expect(clock.current == 15)
        clock.endEpoch(greatest: [150, nil], delays: [10, 15], now: 2, idleMicros: nil)
        #expect(clock.current == 140)
    }

    /// A source that is silent for the idle time holds nothing back; what comes from it later does not move time back.
    @Test func idleSources() {
        var clock = clock(nodes: 2)
        clock.endEpoch(greatest: [100, 50], delays: [0, 0], now: 1_000, idleMicros: 500)
        #expect(clock.current == 50)
        clock.endEpoch(greatest: [200, nil], delays: [0, 0], now: 1_400, idleMicros: 500)
        #expect(clock.current == 50)
        clock.advance(now: 1_500, idleMicros: 500)
        #expect(clock.current == 200)
        clock.endEpoch(greatest: [nil, 60], delays: [0, 0], now: 1_600, idleMicros: 500)
        #expect(clock.current == 200)
        // If all are silent, time stands still.
        clock.advance(now: 9_000, idleMicros: 500)
        #expect(clock.current == 200)
    }

    /// A node's own limit comes before the pipeline's.
    @Test func idleTimeOfOneSource() {
        var clock = clock(nodes: 2)
        clock.nodes[1].idleMicros = 500
        clock.endEpoch(greatest: [100, 50], delays: [0, 0], now: 1_000, idleMicros: nil)
        clock.endEpoch(greatest: [200, nil], delays: [0, 0], now: 1_500, idleMicros: nil)
        #expect(clock.current == 200)
        clock.endEpoch(greatest: [nil, 300], delays: [0, 0], now: 9_000, idleMicros: nil)
        #expect(clock.current == 200)
    }

    /// After a service has started again, a source counts once it has been heard (Spark's suite: watermark with 2
    /// streams, the last three steps).
    @Test func aServiceStartsAgain() {
        var clock = clock(nodes: 2)
        clock.endEpoch(greatest: [200, 190], delays: [10, 5], now: 1, idleMicros: nil)
        #expect(clock.current == 185)
        clock.forgetNodes()
        clock.endEpoch(greatest: [nil, 200], delays: [10, 5], now: 2, idleMicros: nil)
        #expect(clock.current == 185)
        clock.endEpoch(greatest: [200, nil], delays: [10, 5], now: 3, idleMicros: nil)
        #expect(clock.current == 190)
    }

    @Test func entriesComeBack() throws {
        var a = clock(nodes: 2)
        a.endEpoch(greatest: [100, nil], delays: [10, 20], now: 7, idleMicros: nil)
        var b = clock(.max)
        b.endEpoch(greatest: [5], delays: [1], now: 8, idleMicros: nil)
        let stored = WatermarkEntry.encode(["a": a, "b": b])
        #expect(try WatermarkEntry.decode(stored) == ["a": a, "b": b])
        #expect(throws: TidemillError.self) { try WatermarkEntry.decode(Array(stored.dropLast())) }
    }
}
