import Synchronization
import TideCore

/// Time that moves only when a test moves it.
public final class SimulatedClock: Clock {
    private let micros: Atomic<Int64>
    private let elapsedMicros: Atomic<Int64>

    public init(micros: Int64 = 1_700_000_000_000_000) {
        self.micros = Atomic(micros)
        elapsedMicros = Atomic(micros)
    }

    public func now() -> Int64 { micros.load(ordering: .relaxed) }
    public func elapsed() -> UInt64 { UInt64(elapsedMicros.load(ordering: .relaxed)) * 1000 }
    /// Time goes by.
    public func advance(micros delta: Int64) {
        micros.wrappingAdd(delta, ordering: .relaxed)
        elapsedMicros.wrappingAdd(delta, ordering: .relaxed)
    }
    /// Somebody sets the clock, forwards or back.
    public func set(micros value: Int64) { micros.store(value, ordering: .relaxed) }
}
