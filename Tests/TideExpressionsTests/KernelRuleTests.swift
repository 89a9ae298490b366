import Testing

@testable import TideExpressions

/// Kernels against the naive rule, row by row: all lengths up to two words of bits, NULL patterns, constants on either
/// side.
struct KernelRuleTests {
    /// nil: the row fails.
    typealias Rule = @Sendable (Scalar, Scalar) -> Scalar?

    struct Case: Sendable {
        let name: String
        let type: DataType
        let rule: Rule
    }

    static func integers(_ name: String, _ type: DataType, _ rule: @escaping @Sendable (Int64, Int64) -> (Int64, Bool))
        -> Case
    {
        Case(name: name, type: type) { l, r in
            let (value, overflow) = rule(l.integer!, r.integer!)
            let range = type == .int ? Int64(Int32.min)...Int64(Int32.max) : Int64.min...Int64.max
            return overflow || !range.contains(value) ? nil : Scalar(type, .integer(value))
        }
    }
    static func doubles(_ name: String, _ rule: @escaping @Sendable (Double, Double) -> Double?) -> Case {
        Case(name: name, type: .double) { l, r in
            guard case .double(let x) = l.value, case .double(let y) = r.value else { return nil }
            return rule(x, y).map { .double($0) }
        }
    }
    static func order(_ name: String, _ type: DataType, _ test: @escaping @Sendable (Int) -> Bool) -> Case {
        Case(name: name, type: type) { l, r in .boolean(test(compare(l, r))) }
    }

    /// Spark's order: NaN is largest and equal to itself.
    static func compare(_ l: Scalar, _ r: Scalar) -> Int {
        switch (l.value, r.value) {
        case (.integer(let x), .integer(let y)): return x < y ? -1 : x > y ? 1 : 0
        case (.decimal(let x), .decimal(let y)): return x < y ? -1 : x > y ? 1 : 0
        case (.boolean(let x), .boolean(let y)): return x == y ? 0 : x ? 1 : -1
        case (.double(let x), .double(let y)):
            if x.isNaN || y.isNaN { return x.isNaN && y.isNaN ? 0 : x.isNaN ? 1 : -1 }
            return x < y ? -1 : x > y ? 1 : 0
        case (.bytes(let x), .bytes(let y)): return x == y ? 0 : x.lexicographicallyPrecedes(y) ? -1 : 1
        default: return 0
        }
    }

    static let cases: [Case] = {
        var list: [Case] = []
        for type in [DataType.int, .bigint] {
            list.append(integers("+", type) { x, y in x.addingReportingOverflow(y) })
            list.append(integers("-", type) { x, y in x.subtractingReportingOverflow(y) })
            list.append(integers("*", type) { x, y in x.multipliedReportingOverflow(by: y) })
            list.append(
                integers("%", type) { x, y in y == 0 ? (0, true) : (y == -1 ? 0 : x % y, false) })
        }
        list.append(doubles("+") { x, y in x + y })
        list.append(doubles("-") { x, y in x - y })
        list.append(doubles("*") { x, y in x * y })
        list.append(doubles("/") { x, y in y == 0 ? nil : x / y })
        for type in [DataType.int, .bigint, .double, .decimal(precision: 12, scale: 3), .string, .boolean, .date] {
            list.append(order("=", type) { $0 == 0 })
            list.append(order("<>", type) { $0 != 0 })
            list.append(order("<", type) { $0 < 0 })
            list.append(order("<=", type) { $0 <= 0 })
            list.append(order(">", type) { $0 > 0 })
            list.append(order(">=", type) { $0 >= 0 })
        }
        return list
    }()

    @Test(arguments: RandomRows.Nulls.allCases)
    func kernelsFollowTheRule(_ nulls: RandomRows.Nulls) throws {
        var random = RandomRows(seed: 3)
        for item in Self.cases {
            for count in 0...130 {
                let left = random.column(item.type, count, nulls)
                let right = random.column(item.type, count, nulls == .alternating ? .random : nulls)
                let constant = random.scalar(item.type)
                let x = BoundExpression.column(index: 0, type: item.type, nullable: true)
                let y = BoundExpression.column(index: 1, type: item.type, nullable: true)
                let batch = Batch(columns: [left, right], count: count)
                let lefts = (0..<count).map { left.scalar($0) }
                let rights = (0..<count).map { right.scalar($0) }
                let repeated = Array(repeating: constant, count: count)
                try check(item, [x, y], batch, lefts, rights)
                try check(item, [x, .literal(constant)], batch, lefts, repeated)
                try check(item, [.literal(constant), y], batch, repeated, rights)
            }
        }
    }

    private func check(
        _ item: Case, _ operands: [BoundExpression], _ batch: Batch, _ lefts: [Scalar], _ rights: [Scalar]
    ) throws {
        let bound = try FunctionRegistry.builtin.bind(item.name, arguments: operands)
        let expected: [Scalar?] = zip(lefts, rights).map { l, r in
            l.isNull || r.isNull ? .null(bound.type) : item.rule(l, r)
        }
        do throws(TidemillError) {
            let column = try ExpressionProgram([bound]).evaluate(batch, BatchPropertyTests.context)[0]
            for row in 0..<batch.count {
                guard let value = expected[row] else {
                    Issue.record("\(bound), row \(row): \(lefts[row]) and \(rights[row]) must fail")
                    return
                }
                if !column.scalar(row).isSame(value) {
                    Issue.record("\(bound), row \(row) of \(batch.count): \(column.scalar(row)), expected \(value)")
                    return
                }
            }
        } catch {
            #expect(expected.contains { $0 == nil }, "\(bound): \(error)")
        }
    }

    /// Decimals against long multiplication and division done on decimal digits.
    @Test func decimalsAgreeWithSchoolArithmetic() throws {
        var random = RandomRows(seed: 5)
        for _ in 0..<3000 {
            let (s1, s2) = (random.below(10), random.below(10))
            let a = Int128(Int64(truncatingIfNeeded: random.next()) >> Int64(random.below(60)))
            let b = Int128(Int64(truncatingIfNeeded: random.next()) >> Int64(random.below(60)))
            let left = Scalar(.decimal(precision: 19, scale: s1), .decimal(a))
            let right = Scalar(.decimal(precision: 19, scale: s2), .decimal(b))
            let product = try value("*", left, right)
            if case .decimal(_, let scale) = product.type, case .decimal(let got) = product.value, scale == s1 + s2 {
                #expect(got == a * b)
            }
            if b != 0 {
                let quotient = try value("/", left, right)
                guard case .decimal(_, let scale) = quotient.type, case .decimal(let got) = quotient.value else {
                    continue
                }
                #expect(got == schoolQuotient(a, b, shift: scale - s1 + s2), "\(a)/\(b) \(s1) \(s2)")
            }
        }
    }

    private func value(_ name: String, _ l: Scalar, _ r: Scalar) throws -> Scalar {
        let columns = [Column(l.type, [l]), Column(r.type, [r])]
        let bound = try FunctionRegistry.builtin.bind(
            name,
            arguments: [
                .column(index: 0, type: l.type, nullable: false), .column(index: 1, type: r.type, nullable: false),
            ])
        let program = ExpressionProgram([bound])
        return try program.evaluate(Batch(columns: columns, count: 1), BatchPropertyTests.context)[0].scalar(0)
    }

    /// Digit by digit, then rounded half away from zero.
    private func schoolQuotient(_ a: Int128, _ b: Int128, shift: Int) -> Int128 {
        var (quotient, rest) = a.magnitude.quotientAndRemainder(dividingBy: b.magnitude)
        for _ in 0..<shift {
            let next = (rest * 10).quotientAndRemainder(dividingBy: b.magnitude)
            quotient = quotient * 10 + next.quotient
            rest = next.remainder
        }
        if rest * 2 >= b.magnitude { quotient += 1 }
        return (a < 0) != (b < 0) ? -Int128(quotient) : Int128(quotient)
    }

    /// round(double, d) goes by the shortest digits, as BigDecimal does; the reference works on the printed text.
    @Test func roundingFollowsTheDigits() throws {
        var random = RandomRows(seed: 9)
        for _ in 0..<20_000 {
            let digits = random.below(6)
            let numerator = Double(Int64(truncatingIfNeeded: random.next()) >> Int64(20 + random.below(40)))
            let x = numerator / [1, 10, 100, 1000, 10_000, 64, 3, 1e6][random.below(8)]
            let rule = RoundDoubleRule(digits: digits, halfEven: false)
            var fault: Int64 = 0
            let got = rule.apply(x, &fault)
            let exact = DecimalDigits.exactlyScaled(x, digits, halfEven: false)!
            let wanted = Double("\(exact)e-\(digits)")!
            #expect(got == wanted, "round(\(x), \(digits))")
        }
    }
}
