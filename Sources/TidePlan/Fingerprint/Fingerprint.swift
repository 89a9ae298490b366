/// A stable name for what a query means: the same over restarts, machines and releases, different when the query, a
/// relation it reads, or a view below it changes. Two 64-bit halves of unrelated hashes over `PlanEncoding`'s bytes.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameters:
    ///   - plan: as analyzed, before any optimizer rule.
    ///   - relations: external relations by the scans' names.
    ///   - datasets: the pipeline's tables. A materialized view below counts with its own query, since it is rebuilt
    ///     when that changes; a streaming table with its columns only, since its rows are final.
    public static func of(
        _ plan: LogicalPlan, relations: [String: ExternalRelation], datasets: [Dataset] = []
    ) -> Fingerprint {
        var encoding = PlanEncoding(relations: relations, datasets: datasets)
        encoding.plan(plan)
        return Fingerprint(hashing: encoding.writer.bytes)
    }

    init(hashing bytes: [UInt8]) {
        // FNV-1a, and a multiply-rotate hash of the same bytes; both finished with SplitMix64's mixer.
        var first: UInt64 = 0xCBF2_9CE4_8422_2325
        var second: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(bytes.count)
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            second = (second &+ UInt64(byte) &+ 1) &* 0xFF51_AFD7_ED55_8CCD
            second = second << 23 | second >> 41
        }
        high = Fingerprint.mixed(first)
        low = Fingerprint.mixed(second)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 32 hexadecimal digits.
    public var description: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
