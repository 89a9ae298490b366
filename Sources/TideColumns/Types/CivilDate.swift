/// A day of the proleptic Gregorian calendar, and its distance from 1970-01-01.
///
/// The arithmetic counts in eras of 400 years (146 097 days) and in years that begin on 1 March, so that the leap day
/// is
/// the last of its year and no month table is needed. Years may be negative (astronomical numbering: 0 is 1 BC).
public struct CivilDate: Hashable, Sendable {
    public var year: Int
    /// 1...12
    public var month: Int
    /// 1...31
    public var day: Int

    @inlinable public init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day `days` after 1970-01-01. Any value whose distance fits 59 bits.
    @inlinable public init(daysSinceEpoch days: Int) {
        // Days since 0000-03-01, the start of an era.
        let shifted = days &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let shiftedMonth = (5 &* dayOfYear &+ 2) / 153
        day = dayOfYear &- (153 &* shiftedMonth &+ 2) / 5 &+ 1
        month = shiftedMonth < 10 ? shiftedMonth &+ 3 : shiftedMonth &- 9
        year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01. `month` must be in 1...12; a day past the month's end counts on into the next.
    @inlinable public var daysSinceEpoch: Int {
        let shiftedYear = month <= 2 ? year &- 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear &- 399) / 400
        let yearOfEra = shiftedYear &- era &* 400
        let dayOfYear = (153 &* (month > 2 ? month &- 3 : month &+ 9) &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468
    }

    @inlinable public static func isLeap(_ year: Int) -> Bool {
        year & 3 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Length of a month in 1...12.
    @inlinable public static func daysInMonth(_ month: Int, year: Int) -> Int {
        // Bits 2 m and 2 m + 1 hold the month's days minus 28.
        let table: UInt32 = 0b11_10_11_10_11_11_10_11_10_11_00_11_00
        let days = 28 &+ Int((table >> UInt32(month &* 2)) & 3)
        return month == 2 && isLeap(year) ? 29 : days
    }

    /// Whether month and day exist.
    @inlinable public var isValid: Bool {
        month >= 1 && month <= 12 && day >= 1 && day <= CivilDate.daysInMonth(month, year: year)
    }

    /// 1...366
    @inlinable public var dayOfYear: Int {
        daysSinceEpoch &- CivilDate(year: year, month: 1, day: 1).daysSinceEpoch &+ 1
    }

    /// 1 = Monday … 7 = Sunday (ISO 8601).
    @inlinable public static func isoWeekday(daysSinceEpoch days: Int) -> Int {
        let r = (days &+ 3) % 7
        return (r < 0 ? r &+ 7 : r) &+ 1
    }
}

/// Splits microseconds since the epoch into whole days (rounded down) and the microseconds into that day.
@inlinable public func splitMicros(_ micros: Int64) -> (days: Int, microsOfDay: Int64) {
    let day: Int64 = 86_400_000_000
    var days = micros / day
    var rest = micros &- days &* day
    if rest < 0 {
        rest &+= day
        days &-= 1
    }
    return (Int(days), rest)
}
