// Aggregates whose result is all values of a group: arrays and joined texts.

extension ValueStore.Pick {
    /// For each group, `starts[g]..<starts[g + 1]` of the values, its list; nil if the pick makes none.
    func lists(
        _ values: Column, _ type: DataType, _ order: SortKeys, _ weights: [Int64], _ starts: [Int]
    ) -> Column? {
        switch self {
        case .list, .set, .text: break
        default: return nil
        }
        var builder = StringColumnBuilder(type: type, capacity: starts.count)
        var bytes: [UInt8] = []
        for group in 0..<(starts.count - 1) {
            bytes.removeAll(keepingCapacity: true)
            let sorted = (starts[group]..<starts[group + 1]).sorted { order.compare(UInt32($0), UInt32($1)) < 0 }
            for row in sorted {
                let copies = self == .set ? 1 : weights[row]
                for _ in 0..<copies { append(values, row, to: &bytes) }
            }
            if case .text(let delimiter) = self {
                bytes.removeLast(min(delimiter.count, bytes.count))
            } else {
                NestedImage.appendEnd(into: &bytes)
            }
            bytes.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish(validity: nil)
    }

    private func append(_ values: Column, _ row: Int, to bytes: inout [UInt8]) {
        guard case .text(let delimiter) = self else { return NestedImage.append(values, row, into: &bytes) }
        bytes.append(contentsOf: values.bytes(row))
        bytes.append(contentsOf: delimiter)
    }

    /// A list of no values is empty, not NULL.
    static func emptyForNone(_ lists: Column) -> Column {
        guard lists.validity != nil else { return lists }
        var builder = StringColumnBuilder(type: lists.type, capacity: lists.count)
        for row in 0..<lists.count {
            if lists.isValid(row) {
                builder.append(lists.bytes(row))
            } else {
                NestedImage.emptyArray.withUnsafeBytes { builder.append($0) }
            }
        }
        return builder.finish(validity: nil)
    }
}
