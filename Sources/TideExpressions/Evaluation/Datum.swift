/// An operand while a batch is evaluated: a column, or one value that stands for every row.
///
/// A constant keeps its value as a column of one row, so a kernel reads `pointer[0]` and constants never expand.
struct Datum {
    let column: Column
    let isConstant: Bool

    init(_ column: Column) {
        self.column = column
        isConstant = false
    }
    init(constant column: Column) {
        precondition(column.count == 1)
        self.column = column
        isConstant = true
    }
    init(_ scalar: Scalar) { self.init(constant: Column(scalar.type, [scalar])) }

    var type: DataType { column.type }
    /// One NULL for every row.
    var isNullConstant: Bool { isConstant && !column.isValid(0) }

    /// The column of `count` rows that this stands for.
    func expanded(count: Int) -> Column {
        if !isConstant {
            precondition(column.count == count)
            return column
        }
        return Column(repeating: column.scalar(0), count: count)
    }

    /// Validity of a batch of `count` rows; nil means no NULL.
    func validity(count: Int) -> Bitmap? {
        if !isConstant { return column.validity }
        return column.isValid(0) ? nil : Bitmap(repeating: false, count: count)
    }
}
