import TideEngineSimulation

// Expressions over doubles, decimals, dates, timestamps and intervals.
extension QueryGrammar {
    /// A value to compare a column with.
    mutating func literal(_ kind: DrawnQuery.Kind) -> (text: String, value: Value) {
        switch kind {
        case .number: return ("2", .number(2))
        case .text: return ("'k2'", .text("k2"))
        case .double:
            return below(4) == 0
                ? ("CAST('Infinity' AS DOUBLE)", .number(.infinity)) : ("CAST(0 AS DOUBLE)", .number(0))
        case .decimal: return ("0.75", .number(75))
        case .date: return ("DATE '2024-02-28'", .number(Double(CalendarDay.day(2024, 2, 28))))
        case .timestamp:
            let micros = (CalendarDay.day(2024, 2, 28) * 1440 + 10 * 60 + 40) * 60_000_000
            return ("TIMESTAMP '2024-02-28 10:40:00'", .number(Double(micros)))
        case .interval: return ("INTERVAL '30' MINUTE", .number(1800e6))
        }
    }

    /// The query with one more column.
    mutating func typed(_ q: DrawnQuery) -> DrawnQuery {
        let at = q.columns.indices.randomElement(using: &generator)!
        let kind = q.columns[at]
        let other = column(q, kind)!
        let (text, result, value) = expression(at, other, kind)
        return DrawnQuery(
            sql: "SELECT *, \(text) AS c\(q.columns.count) FROM (\(q.sql))", columns: q.columns + [result],
            rows: { q.rows($0).map { $0 + [value($0)] } }, shape: "\(text)(\(q.shape))")
    }

    /// Something made of two columns of a kind.
    private mutating func expression(
        _ a: Int, _ b: Int, _ kind: DrawnQuery.Kind
    ) -> (String, DrawnQuery.Kind, ([Value]) -> Value) {
        func of(_ body: @escaping (Double) -> Double) -> ([Value]) -> Value {
            { row in row[a].number.map { .number(body($0)) } ?? .null }
        }
        func ofBoth(_ body: @escaping (Double, Double) -> Double) -> ([Value]) -> Value {
            { row in
                guard let x = row[a].number, let y = row[b].number else { return .null }
                return .number(body(x, y))
            }
        }
        let day = 86_400e6
        let choice = below(4)
        switch (kind, choice) {
        case (.number, 0): return ("CAST(c\(a) AS DECIMAL(20,2))", .decimal, of { $0 * 100 })
        case (.number, 1): return ("CAST(c\(a) AS DOUBLE) * 0.5", .double, of { $0 * 0.5 })
        case (.number, _):
            return (
                "CASE WHEN c\(a) > c\(b) THEN c\(a) WHEN c\(b) IS NULL THEN 7 ELSE -c\(b) END", .number,
                { row in
                    guard let y = row[b].number else { return .number(7) }
                    return .number(row[a].number.map { $0 > y ? $0 : -y } ?? -y)
                }
            )
        case (.text, 0):
            return (
                "CAST(length(c\(a)) AS BIGINT)", .number,
                { row in if case .text(let text) = row[a] { .number(Double(text.count)) } else { .null } }
            )
        case (.text, _):
            return (
                "c\(a) || c\(b)", .text,
                { row in
                    guard case .text(let x) = row[a], case .text(let y) = row[b] else { return .null }
                    return .text(x + y)
                }
            )
        case (.double, 0): return ("-c\(a)", .double, of { -$0 })
        case (.double, 1): return ("c\(a) + c\(b)", .double, ofBoth { $0 + $1 })
        case (.double, 2):
            return (
                "CASE WHEN isnan(c\(a)) THEN 1 ELSE 0 END", .number,
                { row in .number(row[a].number?.isNaN == true ? 1 : 0) }
            )
        case (.double, _): return ("c\(a) * 0.5", .double, of { $0 * 0.5 })
        case (.decimal, 0): return ("CAST(c\(a) + c\(b) AS DECIMAL(20,2))", .decimal, ofBoth { $0 + $1 })
        case (.decimal, 1):
            return (
                "CAST(c\(a) * 0.5 AS DECIMAL(20,2))", .decimal, of { ($0 / 2).rounded(.toNearestOrAwayFromZero) }
            )
        case (.decimal, 2):
            return (
                "CAST(round(c\(a), 1) AS DECIMAL(20,2))", .decimal,
                of { ($0 / 10).rounded(.toNearestOrAwayFromZero) * 10 }
            )
        case (.decimal, _):
            return ("CAST(/*1*/c\(a)/*2trunc(c\(a))*/ AS BIGINT)", .number, of { ($0 / 100).rounded(.towardZero) })
        case (.date, 0): return ("c\(a) + 3", .date, of { $0 + 3 })
        case (.date, 1):
            return (
                "CAST(c\(a) + INTERVAL '1' MONTH AS DATE)", .date, of { Double(CalendarDay(Int($0)).nextMonth) }
            )
        case (.date, 2):
            return (
                "CAST(/*1*/datediff(c\(a), c\(b))/*2(c\(a) - c\(b))*/ AS BIGINT)", .number, ofBoth { $0 - $1 }
            )
        case (.date, _): return ("CAST(c\(a) AS TIMESTAMP)", .timestamp, of { $0 * day })
        case (.timestamp, 0): return ("c\(a) - c\(b)", .interval, ofBoth { $0 - $1 })
        case (.timestamp, 1): return ("CAST(c\(a) AS DATE)", .date, of { ($0 / day).rounded(.down) })
        case (.timestamp, 2):
            return ("date_trunc('HOUR', c\(a))", .timestamp, of { ($0 / 3600e6).rounded(.down) * 3600e6 })
        case (.timestamp, _): return ("c\(a) + INTERVAL '90' SECOND", .timestamp, of { $0 + 90e6 })
        case (.interval, 0): return ("c\(a) + c\(b)", .interval, ofBoth { $0 + $1 })
        case (.interval, _): return ("c\(a) * 2", .interval, of { $0 * 2 })
        }
    }

    /// The same rows with intervals as whole microseconds, which every kind of table can hold.
    mutating func withoutIntervals(_ q: DrawnQuery) -> DrawnQuery {
        guard q.columns.contains(.interval) else { return q }
        let list = q.columns.indices.map { index -> String in
            if q.columns[index] != .interval { return "c\(index)" }
            return "/*1*/unix_micros/*2epoch_us*/(TIMESTAMP '1970-01-01 00:00:00' + c\(index)) AS c\(index)"
        }
        return DrawnQuery(
            sql: "SELECT \(list.joined(separator: ", ")) FROM (\(q.sql))",
            columns: q.columns.map { $0 == .interval ? .number : $0 }, rows: q.rows, shape: q.shape)
    }
}

/// The proleptic Gregorian calendar, counted day by day from 1970-01-01.
struct CalendarDay {
    var year = 1970
    var month = 1
    var day = 1

    init(_ number: Int) {
        for _ in 0..<max(0, number) { step() }
        for _ in 0..<max(0, -number) { stepBack() }
    }

    static func length(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
    private mutating func step() {
        day += 1
        if day <= CalendarDay.length(year, month) { return }
        (month, day) = (month + 1, 1)
        if month == 13 { (year, month) = (year + 1, 1) }
    }
    private mutating func stepBack() {
        day -= 1
        if day > 0 { return }
        month -= 1
        if month == 0 { (year, month) = (year - 1, 12) }
        day = CalendarDay.length(year, month)
    }
    /// The number of a day from 1970 on.
    static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        var number = day - 1
        for earlier in 1970..<max(1970, year) { for month in 1...12 { number += length(earlier, month) } }
        for earlier in 1..<month { number += length(year, earlier) }
        return number
    }
    /// The same day a month later, or that month's last; from 1970 on.
    var nextMonth: Int {
        let (y, m) = month == 12 ? (year + 1, 1) : (year, month + 1)
        return CalendarDay.day(y, m, min(day, CalendarDay.length(y, m)))
    }
    var text: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))"
    }
}
