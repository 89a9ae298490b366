import Testing

@testable import TideExpressions

/// A batch gives what its rows give alone, whatever the length, the NULLs and the neighbours.
struct BatchPropertyTests {
    static let expressions = [
        "i + j", "i - j", "i * j", "i / j", "i div j", "i % j", "pmod(i, j)", "l + i", "l * 3", "2 * l", "-i", "abs(l)",
        "d + 1", "d * i", "d / 2", "d / i", "d % 3", "m + i", "m * m", "m / 7", "m % 2", "m - 1.5", "m = i", "m < 3",
        "i = j", "i < 5", "5 >= i", "l <> i", "d <= d", "d > 1.5D", "s = t", "s < t", "s >= 'm'", "'m' < t", "b = true",
        "i <=> j", "s <=> t", "b AND i > 0", "b OR i > 0", "NOT b", "b AND (10 / i > 1)", "i = 0 OR 10 / i > 1",
        "i BETWEEN -5 AND 5", "i IN (1, 2, 3)", "i NOT IN (1, NULL)", "l IN (1,2,3,4,5,6,7,8,9,10,11)",
        "s IN ('tide', 'größe')", "s IN ('a','b','c','d','e','f','g','h','tide','thirteen bytes')", "i IN (j, 3)",
        "CASE WHEN i > 0 THEN i WHEN i < 0 THEN -i ELSE 0 END", "CASE WHEN i <> 0 THEN 100 div i END",
        "CASE WHEN b THEN s ELSE t END", "CASE i WHEN 1 THEN 'one' WHEN 2 THEN 'two' END",
        "CASE WHEN i <> 0 AND 10 % i = 0 THEN upper(s) WHEN b THEN trim(t) ELSE concat(s, t) END",
        "if(j <> 0, i / j, NULL)", "coalesce(i, j, 0)", "coalesce(s, t)", "coalesce(i, l div j)", "nullif(i, j)",
        "nvl2(i, s, t)", "greatest(i, j, 3)", "least(d, i)", "greatest(s, t)", "isnan(d)", "nanvl(d, i)",
        "round(d, 2)", "round(m, 1)", "round(i, -1)", "bround(m)", "ceil(m)", "floor(d)", "sqrt(abs(d))", "ln(d)",
        "log(2, d)",
        "pow(d, 2)", "sign(i)", "upper(s)", "lower(s)", "trim(s)", "ltrim(s)", "rtrim(s)", "upper(trim(s))",
        "trim('a ', s)",
        "length(s)", "octet_length(s)", "substring(s, 2, 3)", "substring(s, i)", "substring(s, -3, j)", "left(s, 3)",
        "right(s, i)", "concat(s, '-', t)", "s || t", "concat_ws(',', s, t)", "replace(s, 'a', 'bb')", "reverse(s)",
        "repeat(s, 2)", "lpad(s, 8, t)", "rpad(s, 15)", "split_part(s, ' ', 2)", "split_part(s, ' ', i)",
        "substring_index(s, ' ', 1)", "instr(s, 'i')", "locate('i', s, 2)", "startswith(s, t)", "contains(s, 'id')",
        "s LIKE '%i%'", "s LIKE t", "s LIKE 'a\\\\_%'", "s ILIKE '%A%'", "s RLIKE '[a-z]+'", "initcap(s)", "ascii(s)",
        "chr(l)",
        "translate(s, 'aeiö', 'AEI')", "year(day)", "month(day)", "quarter(day)", "dayofweek(day)", "weekofyear(day)",
        "dayofyear(day)", "hour(ts)", "second(ts)", "extract(second FROM ts)", "date_add(day, j)",
        "day - date_sub(day, 3)",
        "datediff(day, DATE'2000-01-01')", "add_months(day, 1)", "months_between(ts, day)", "last_day(day)",
        "next_day(day, 'MON')", "trunc(day, 'MM')", "trunc(day, s)", "date_trunc('HOUR', ts)", "date_trunc(s, ts)",
        "date_format(ts, 'yyyy-MM-dd HH')", "unix_seconds(ts)", "timestamp_seconds(l)", "day + INTERVAL 1 MONTH",
        "ts + INTERVAL '3' HOUR", "ts - day", "ts < day", "make_date(2024, 2, i)",
        "cast(i AS string)", "cast(s AS int)", "try_cast(s AS int)", "try_cast(s AS date)", "cast(d AS int)",
        "try_cast(d AS decimal(6,2))", "try_cast(l AS int)", "cast(m AS double)", "cast(m AS decimal(8,1))",
        "cast(d AS string)",
        "cast(ts AS date)", "cast(day AS timestamp)", "cast(b AS int)", "cast(l AS boolean)", "cast(ts AS string)",
        "try_add(i, j)", "try_divide(i, j)", "shiftleft(i, 3)", "i & j", "~l", "i IS NULL", "s IS NOT NULL",
    ]

    static let context = EvaluationContext(currentTimestampMicros: 1_700_000_000_000_000)

    @Test(arguments: RandomRows.Nulls.allCases)
    func batchEqualsItsRows(_ nulls: RandomRows.Nulls) throws {
        var random = RandomRows(seed: 7)
        var batches: [Batch] = []
        for count in [0, 1, 2, 3, 63, 64, 65, 130] { batches.append(random.batch(count, nulls)) }
        for text in Self.expressions {
            let bound = try SQLBinding(schema: RandomRows.schema).bind(text)
            let program = ExpressionProgram([bound])
            for batch in batches { check(text, program, batch) }
        }
    }

    private func check(_ text: String, _ program: ExpressionProgram, _ batch: Batch) {
        var expected: [Scalar] = []
        var failures: Set<String> = []
        for row in 0..<batch.count {
            do throws(TidemillError) {
                let one = batch.gather([UInt32(row)])
                expected.append(try program.evaluate(one, Self.context)[0].scalar(0))
            } catch { failures.insert(error.code) }
        }
        do throws(TidemillError) {
            let column = try program.evaluate(batch, Self.context)[0]
            #expect(failures.isEmpty, "\(text): a row alone fails with \(failures)")
            #expect(column.count == batch.count && column.type == program.expressions[0].type)
            guard failures.isEmpty else { return }
            for row in 0..<batch.count where !column.scalar(row).isSame(expected[row]) {
                Issue.record("\(text), row \(row) of \(batch.count): \(column.scalar(row)), alone \(expected[row])")
                return
            }
            if !program.expressions[0].nullable { #expect(column.nullCount == 0, "\(text) is not nullable") }
        } catch {
            #expect(failures.contains(error.code), "\(text): the batch fails with \(error), rows with \(failures)")
        }
    }

    /// Several expressions in one program share nodes and do not disturb each other.
    @Test func programsOfManyExpressions() throws {
        var random = RandomRows(seed: 11)
        let batch = random.batch(100, .random)
        let binding = SQLBinding(schema: RandomRows.schema)
        var bound: [BoundExpression] = []
        for text in Self.expressions {
            let expression = try binding.bind(text)
            let program = ExpressionProgram([expression])
            if (try? program.evaluate(batch, Self.context)) != nil { bound.append(expression) }
        }
        #expect(bound.count > 80)
        let together = try ExpressionProgram(bound).evaluate(batch, Self.context)
        for (expression, column) in zip(bound, together) {
            let alone = try ExpressionProgram([expression]).evaluate(batch, Self.context)[0]
            let same = (0..<100).allSatisfy { column.scalar($0).isSame(alone.scalar($0)) }
            #expect(same, "\(expression)")
        }
    }

    /// A predicate counts NULL as false.
    @Test func predicatesAreTwoValued() throws {
        var random = RandomRows(seed: 13)
        let batch = random.batch(130, .random)
        for text in [
            "i > 0", "b", "NOT b", "b AND i > 0", "s LIKE '%i%'", "i IN (1, NULL)", "true", "CAST(NULL AS boolean)",
        ] {
            let bound = try SQLBinding(schema: RandomRows.schema).bind(text)
            let program = ExpressionProgram([bound])
            let column = try program.evaluate(batch, Self.context)[0]
            let bits = try program.evaluatePredicate(batch, Self.context)
            for row in 0..<130 { #expect(bits[row] == (column.scalar(row).boolean ?? false), "\(text)") }
        }
    }
}
