import Glibc
import TideColumns

/// Equality of the key columns of two rows of one batch: by bits, NULL equal to NULL.
struct RowIdentity {
    private let columns: [Column]

    init(_ batch: Batch, _ keyColumns: [Int]) { columns = keyColumns.map { batch.columns[$0] } }

    func isSame(_ a: Int, _ b: Int) -> Bool {
        for column in columns where !RowIdentity.isEqual(column, a, b) { return false }
        return true
    }

    private static func isEqual(_ column: Column, _ a: Int, _ b: Int) -> Bool {
        if column.validity != nil {
            let valid = column.isValid(a)
            guard valid == column.isValid(b) else { return false }
            if !valid { return true }
        }
        switch column.type.physical {
        case .bit: return column.bits[a] == column.bits[b]
        case .view:
            return stringEqual(column.views[a], column.heap.bases, column.views[b], column.heap.bases)
        default:
            let width = column.type.physical.width
            return memcmp(column.values.base + a * width, column.values.base + b * width, width) == 0
        }
    }
}
