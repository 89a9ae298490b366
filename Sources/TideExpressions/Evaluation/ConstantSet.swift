/// The members of `x IN (constants)`, prepared once per program.
///
/// Few members are compared one by one; many are looked up: fixed-width values by binary search in sorted order, strings
/// in a table keyed by the view's words.
struct ConstantSet: Sendable {
    private let type: DataType
    private let members: Column
    private let hasNull: Bool
    /// Positions of `members` by string key; nil for few members and other types.
    private let table: [UInt64: [Int]]?
    private let sorted: [Int64]?
    private static let scanMax = 8

    init(_ type: DataType, _ scalars: [Scalar]) {
        self.type = type
        hasNull = scalars.contains(where: \.isNull)
        let present = Array(Set(scalars.filter { !$0.isNull }))
        members = Column(type, present)
        let isMany = present.count > Self.scanMax
        switch type.physical {
        case .int32, .int64:
            sorted = isMany ? present.compactMap(\.integer).sorted() : nil
            table = nil
        case .view:
            sorted = nil
            var map: [UInt64: [Int]] = [:]
            for row in 0..<members.count { map[Self.key(members.views[row]), default: []].append(row) }
            table = isMany ? map : nil
        default:
            sorted = nil
            table = nil
        }
    }

    /// Equal values have equal keys; long strings share one if length and prefix agree.
    @inline(__always) private static func key(_ view: StringView) -> UInt64 {
        view.isInline ? view.low ^ (view.high &* 0x9E37_79B9_7F4A_7C15) : view.low
    }

    /// True and false, and NULL where nothing was found but a member is NULL. The operand's NULLs are the caller's.
    func test(_ operand: Datum, _ count: Int, negated: Bool) -> Column {
        let found = matches(operand, count)
        let values = negated ? found.inverted() : found
        return Column(boolean: values, validity: hasNull ? found : nil)
    }

    private func matches(_ operand: Datum, _ count: Int) -> Bitmap {
        if let sorted {
            return sorted.withUnsafeBufferPointer { list in
                if type.physical == .int32 {
                    let values = operand.column.pointer(Int32.self)
                    return testedRows(count) { Self.search(list, Int64(values[$0])) }
                }
                let values = operand.column.pointer(Int64.self)
                return testedRows(count) { Self.search(list, values[$0]) }
            }
        }
        if let table {
            let strings = Strings(operand)
            let views = members.views
            let bases = members.heap.bases
            return testedRows(count) { row in
                let view = strings.views[row]
                guard let candidates = table[Self.key(view)] else { return false }
                return candidates.contains { stringEqual(view, strings.bases, views[$0], bases) }
            }
        }
        var found = Bitmap(repeating: false, count: count)
        for row in 0..<members.count {
            found = found.or(Comparison.compare(.equal, operand, Datum(members.scalar(row)), count))
        }
        return found
    }

    @inline(__always) private static func search(_ list: UnsafeBufferPointer<Int64>, _ value: Int64) -> Bool {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low &+ high) >> 1
            if list[middle] < value { low = middle &+ 1 } else { high = middle }
        }
        return low < list.count && list[low] == value
    }
}
