/// A typed, immutable column in Arrow's memory layout: a values buffer, a validity bitmap if there are NULLs, and for
/// strings the heap that long views point into. Values under NULL are unspecified but initialized (views are empty).
///
/// A struct of references: a batch costs a few retains per column, a row none.
public struct Column: Sendable {
    public let type: DataType
    public let count: Int
    /// `count` values of `type.physical`; bits for `.bit`.
    public let values: Buffer
    /// nil: no NULL.
    public let validity: Bitmap?
    public let heap: StringHeap

    public init(
        type: DataType, count: Int, values: Buffer, validity: Bitmap? = nil, heap: StringHeap = .empty
    ) {
        let width = type.physical.width
        precondition(values.byteCount >= (width == 0 ? Bitmap.wordCount(count) * 8 : count * width))
        precondition(validity == nil || validity!.count == count)
        self.type = type
        self.count = count
        self.values = values
        self.validity = validity
        self.heap = heap
    }

    public init(boolean bits: Bitmap, validity: Bitmap? = nil) {
        self.init(type: .boolean, count: bits.count, values: bits.buffer, validity: validity)
    }

    @inlinable public func pointer<T: BitwiseCopyable>(_ type: T.Type = T.self) -> UnsafePointer<T> {
        UnsafePointer(values.pointer(T.self))
    }
    /// The values of a `.bit` column.
    public var bits: Bitmap { Bitmap(buffer: values, count: count) }
    @inlinable public var views: UnsafePointer<StringView> { pointer(StringView.self) }

    @inlinable public func isValid(_ row: Int) -> Bool { validity.map { $0[row] } ?? true }
    public var nullCount: Int { validity.map { $0.count - $0.onesCount } ?? 0 }

    /// The bytes of a string value; the column must outlive the result.
    @inlinable public func bytes(_ row: Int) -> UnsafeRawBufferPointer { stringBytes(views, row, heap.bases) }

    /// The same memory under another type of the same physical type.
    public func retyped(_ type: DataType) -> Column {
        precondition(type.physical == self.type.physical)
        return Column(type: type, count: count, values: values, validity: validity, heap: heap)
    }
    public func with(validity: Bitmap?) -> Column {
        Column(type: type, count: count, values: values, validity: validity, heap: heap)
    }

    /// Bytes this column keeps alive; shared buffers count in every column that shares them.
    public var byteCount: Int { values.byteCount + (validity?.buffer.byteCount ?? 0) + heap.byteCount }

    /// One value; for tests, messages and plans.
    public func scalar(_ row: Int) -> Scalar {
        precondition(row >= 0 && row < count)
        guard isValid(row), type != .null else { return .null(type) }
        switch type.physical {
        case .bit: return Scalar(type, .boolean(bits[row]))
        case .int32: return Scalar(type, .integer(Int64(pointer(Int32.self)[row])))
        case .int64: return Scalar(type, .integer(pointer(Int64.self)[row]))
        case .float32: return Scalar(type, .float(pointer(Float.self)[row]))
        case .float64: return Scalar(type, .double(pointer(Double.self)[row]))
        case .int128: return Scalar(type, .decimal(pointer(Int128.self)[row]))
        case .view: return Scalar(type, .bytes(Array(bytes(row))))
        }
    }
}

/// Rows that travel together. `weights` nil means that every row has weight +1; otherwise a bigint column without NULL
/// and without zero: positive rows are inserted that many times, negative ones retracted.
public struct Batch: Sendable {
    public let columns: [Column]
    public let count: Int
    public let weights: Column?

    public init(columns: [Column], count: Int, weights: Column? = nil) {
        precondition(columns.allSatisfy { $0.count == count })
        precondition(weights == nil || weights!.count == count)
        self.columns = columns
        self.count = count
        self.weights = weights
    }

    public var byteCount: Int { columns.reduce(weights?.byteCount ?? 0) { $0 + $1.byteCount } }
    public func with(columns: [Column]) -> Batch { Batch(columns: columns, count: count, weights: weights) }
}
