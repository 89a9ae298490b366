import Synchronization
import TideCore

/// Time that moves only when a test moves it.
public final class SimulatedClock: Clock {
    private let micros: Atomic<Int64>

    public init(micros: Int64 = 1_700_000_000_000_000) { self.micros = Atomic(micros) }

    public func now() -> Int64 { micros.load(ordering: .relaxed) }
    public func elapsed() -> UInt64 { UInt64(now()) * 1000 }
    public func advance(micros delta: Int64) { micros.wrappingAdd(delta, ordering: .relaxed) }
}
