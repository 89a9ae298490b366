import Glibc

/// HyperLogLog++: how many distinct values there are, from the largest rank that each of 2^precision registers has
/// seen. Gives what Spark gives for the same values.
///
/// A value is its register and rank (`DistinctRegister`). A group keeps these pairs with how often each occurs, so a
/// value can be taken back, and two groups merge by adding up; where nothing is taken back only the largest rank of a
/// register stays, at most 2^precision pairs. The dense form of six bits a register was not taken: it cannot forget.
enum DistinctEstimate {
    /// Below these linear counting is closer, by precision from 4; Spark counts so up to 2.5 values a register too, as
    /// the first HyperLogLog did.
    private static let thresholds: [Double] = [
        10, 20, 40, 80, 220, 400, 900, 1800, 3100, 6500, 15500, 20000, 50000, 120_000, 350_000,
    ]
    private static let neighbours = 6

    private struct Table {
        let estimates: [Double]
        let biases: [Double]
    }
    private static let tables: [Table] = zip(estimates, biases).map {
        Table(estimates: numbers($0), biases: numbers($1))
    }
    private static func numbers(_ text: StaticString) -> [Double] {
        text.description.split(separator: " ").map { Double($0) ?? 0 }
    }

    /// - Parameter registers: the largest rank of each, 0 where there is none; 2^precision of them.
    static func count(_ registers: [UInt8], precision: Int) -> Int64 {
        let m = Double(registers.count)
        var inverse = 0.0
        var empty = 0
        for rank in registers {
            inverse += scalbn(1.0, -Int32(rank))
            if rank == 0 { empty += 1 }
        }
        let alpha =
            switch precision {
            case 4: 0.673
            case 5: 0.697
            case 6: 0.709
            default: 0.7213 / (1 + 1.079 / m)
            }
        var estimate = alpha * m * m / inverse
        let isCorrected = precision - 4 < thresholds.count
        if isCorrected && estimate < 5 * m { estimate -= bias(of: estimate, tables[precision - 4]) }
        if empty > 0 {
            let linear = m * log(m / Double(empty))
            let isSmall = isCorrected && linear <= thresholds[precision - 4]
            if isSmall || estimate <= 2.5 * m { estimate = linear }
        }
        return Int64((estimate + 0.5).rounded(.down))
    }

    /// The mean bias at the measured estimates that are nearest.
    private static func bias(of estimate: Double, _ table: Table) -> Double {
        let all = table.estimates
        var (first, last) = (0, all.count)
        while first < last {
            let middle = (first + last) / 2
            if all[middle] < estimate { first = middle + 1 } else { last = middle }
        }
        var low = max(first - neighbours + 1, 0)
        var high = min(low + neighbours, all.count)
        while high < all.count, abs(estimate - all[high]) < abs(estimate - all[low]) {
            low += 1
            high += 1
        }
        var sum = 0.0
        for index in low..<high { sum += table.biases[index] }
        return sum / Double(high - low)
    }
}
