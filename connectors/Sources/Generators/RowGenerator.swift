/// Rows that are computed. They are numbered from 0; which ones there are is said by positions, the source's offsets:
/// events, or seconds since the source began. A row depends on its number alone, so that a generator's rows can be
/// made again, in any pieces and by any number of threads.
protocol RowGenerator: Sendable {
    /// As progress shows it.
    var description: String { get }
    var schema: Schema { get }
    /// Identifies the rows: two generators of equal identity give the same.
    var identity: String { get }
    /// What positions count, as the offset in progress names them.
    var unit: String { get }
    /// Whether `end` moves with the clock.
    var followsClock: Bool { get }

    /// The first position that is not there (yet); nil if there is no end.
    /// - Parameters: microseconds since 1970.
    func end(started: Int64, now: Int64) -> Int64?
    /// The number that a split's pieces count in, of a position: pieces are ranges of it.
    func ordinal(at position: Int64) -> Int64
    /// - Parameter columns: indices into `schema`, ascending.
    func open(_ ordinals: Range<Int64>, started: Int64, columns: [Int]) -> any SplitReader
}

extension RowGenerator {
    var followsClock: Bool { false }
    func ordinal(at position: Int64) -> Int64 { position }
}
