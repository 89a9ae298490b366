/// The members of `x IN (constants)`, prepared once per program.
///
/// Few members are compared one by one; many are looked up: fixed-width values by binary search in sorted order,
/// strings in a table keyed by the view's words.
struct ConstantSet: Sendable {
    private let type: DataType
    private let members: Column
    private let hasNull: Bool
    /// Open addressing over `members` by string key: row + 1, or 0; nil for few members and other types.
    private let table: [Int32]?
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
            table = isMany ? Self.slots(members) : nil
        default:
            sorted = nil
            table = nil
        }
    }

    /// At least half of the slots stay empty.
    private static func slots(_ members: Column) -> [Int32] {
        var size = 16
        while size < members.count * 2 { size *= 2 }
        var slots = [Int32](repeating: 0, count: size)
        for row in 0..<members.count {
            var slot = hash(members.views[row]) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(row + 1)
        }
        return slots
    }

    /// Equal values have equal hashes; long strings share one if length and prefix agree.
    @inline(__always) private static func hash(_ view: StringView) -> Int {
        let key = view.isInline ? view.low ^ (view.high &* 0xC2B2_AE3D_27D4_EB4F) : view.low
        return Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32)
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
            return table.withUnsafeBufferPointer { slots in
                testedRows(count) { row in
                    let view = strings.views[row]
                    var slot = Self.hash(view) & (slots.count &- 1)
                    while slots[slot] != 0 {
                        if stringEqual(view, strings.bases, views[Int(slots[slot]) &- 1], bases) { return true }
                        slot = (slot &+ 1) & (slots.count &- 1)
                    }
                    return false
                }
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
