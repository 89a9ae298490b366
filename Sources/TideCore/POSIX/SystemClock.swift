import Glibc

public struct SystemClock: Clock {
    public init() {}
    public func now() -> Int64 {
        var t = timespec()
        clock_gettime(CLOCK_REALTIME, &t)
        return Int64(t.tv_sec) * 1_000_000 + Int64(t.tv_nsec) / 1000
    }
    public func elapsed() -> UInt64 {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
    }
}

public struct SystemRandom: Random {
    public init() {}
    public func next() -> UInt64 { UInt64.random(in: .min ... .max) }
}
