import CTideKernels
import Testing

@testable import TideOperators

/// What a watermark sees of a batch, against one number at a time in 128 bits.
@Suite struct ObservedTimesTests {
    private func floorMillis(_ micros: Int64) -> Int128 {
        let (quotient, rest) = Int128(micros).quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// Spans of a moment, of hours on either side of where 32 bits end, and of all there is.
    @Test(arguments: [1, 999, 1_000_000, 34_359_737_000, 34_359_739_000, 1 << 50, Int64.max] as [Int64])
    func sumsOfAnySpan(_ span: Int64) {
        var generator = SystemRandomNumberGenerator()
        for center in [0, -1, 1_700_000_000_123_456, -62_135_596_800_000_000, .max, .min] as [Int64] {
            for count in [1, 2, 7, 300] {
                var times = (0..<count).map { _ in
                    let offset = Int64.random(in: 0...span, using: &generator)
                    let (time, overflow) = center.addingReportingOverflow(center > 0 ? -offset : offset)
                    return overflow ? center : time
                }
                times[0] = center
                let seen = WatermarkOperator.Observed(
                    Column(.timestamp, times.map { Scalar(.timestamp, .integer($0)) }))
                let millis = times.map(floorMillis)
                #expect(seen.count == count)
                #expect(Int128(seen.least) == millis.min())
                #expect(Int128(seen.greatest) == millis.max())
                #expect(seen.sum == millis.reduce(0, +))
            }
        }
    }

    @Test func missingTimesDoNotCount() {
        let times: [Scalar] = [
            .null(.timestamp), Scalar(.timestamp, .integer(-1)), .null(.timestamp), Scalar(.timestamp, .integer(2500)),
        ]
        let seen = WatermarkOperator.Observed(Column(.timestamp, times))
        #expect(seen.count == 2 && seen.least == -1 && seen.greatest == 2 && seen.sum == 1)
        #expect(WatermarkOperator.Observed(Column(.timestamp, [.null(.timestamp)])).count == 0)
    }

    @Test func everyProcessorAgrees() {
        var generator = SystemRandomNumberGenerator()
        for count in 1..<70 {
            let base = Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator) * 1000
            let near = (0..<count).map { _ in base + Int64.random(in: 0..<(8 << 32), using: &generator) }
            #expect(tide_millis_above(near, count, base) == tide_millis_above_portable(near, count, base))
            let times = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &generator) }
            var (low, high, lowToo, highToo) = (Int64(0), Int64(0), Int64(0), Int64(0))
            tide_time_range(times, count, &low, &high)
            tide_time_range_portable(times, count, &lowToo, &highToo)
            #expect(low == times.min() && high == times.max() && low == lowToo && high == highToo)
        }
    }
}
