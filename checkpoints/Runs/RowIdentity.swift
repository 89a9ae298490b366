import Glibc
import TideColumns

/// Equality of the key columns of two rows of one batch: by bits, NULL equal to NULL.
///
/// Fields hold addresses into `columns`, which live as long as the identity does. A merge compares once per row, and
/// going through `Column` there means counting references: a tenth of a flush.
struct RowIdentity {
    private let columns: [Column]
    private let fields: [Field]

    init(_ batch: Batch, _ keyColumns: [Int]) {
        columns = keyColumns.map { batch.columns[$0] }
        fields = columns.map(Field.init)
    }

    func isSame(_ a: Int, _ b: Int) -> Bool {
        for field in fields where !field.isEqual(a, b) { return false }
        return true
    }

    private struct Field {
        enum Kind { case bit, view, bytes(Int) }
        let kind: Kind
        let values: UnsafeRawPointer
        let validity: UnsafePointer<UInt64>?
        let bases: UnsafePointer<UnsafeRawPointer>

        init(_ column: Column) {
            switch column.type.physical {
            case .bit: kind = .bit
            case .view: kind = .view
            default: kind = .bytes(column.type.physical.width)
            }
            values = UnsafeRawPointer(column.values.base)
            validity = column.validity.map { UnsafePointer($0.words) }
            bases = column.heap.bases
        }

        @inline(__always) func isEqual(_ a: Int, _ b: Int) -> Bool {
            if let validity {
                let valid = Field.bit(validity, a)
                if valid != Field.bit(validity, b) { return false }
                if !valid { return true }
            }
            switch kind {
            case .bit:
                let words = values.assumingMemoryBound(to: UInt64.self)
                return Field.bit(words, a) == Field.bit(words, b)
            case .view:
                let views = values.assumingMemoryBound(to: StringView.self)
                return stringEqual(views[a], bases, views[b], bases)
            case .bytes(let width):
                return memcmp(values + a * width, values + b * width, width) == 0
            }
        }

        @inline(__always) private static func bit(_ words: UnsafePointer<UInt64>, _ index: Int) -> Bool {
            (words[index >> 6] >> UInt64(index & 63)) & 1 != 0
        }
    }
}
