import TideColumns

extension ParquetColumnStatistics {
    /// Of a column of the file. A nested one has bytes; bounds of its leaves say nothing about its own values.
    init(_ column: FileColumns.Column, _ metadata: FileMetadata, _ group: RowGroupMetadata) {
        let leaves = column.firstLeaf..<(column.firstLeaf + column.shape.leaves.count)
        guard column.shape.isFlat else {
            let bytes = leaves.reduce(Int64(0)) { $0 &+ (group.columns[$1].metadata?.compressedBytes ?? 0) }
            self.init(min: nil, max: nil, nullCount: nil, byteCount: bytes)
            return
        }
        let index = leaves.lowerBound
        let hasOrder = index < metadata.hasTypeOrder.count && metadata.hasTypeOrder[index]
        self.init(
            group.columns[index], column.shape.leaves[0].type, hasTypeOrder: hasOrder, rowCount: group.rowCount)
    }

    /// What the chunk's statistics say, as far as they can be trusted.
    init(_ chunk: ColumnChunk, _ leaf: LeafType, hasTypeOrder: Bool, rowCount: Int64) {
        self.init(min: nil, max: nil, nullCount: nil, byteCount: chunk.metadata?.compressedBytes ?? 0)
        guard let statistics = chunk.metadata?.statistics else { return }
        if let nulls = statistics.nullCount, nulls >= 0, nulls <= rowCount { nullCount = Int(nulls) }
        var low = hasTypeOrder ? statistics.min : nil
        var high = hasTypeOrder ? statistics.max : nil
        if low == nil && high == nil && leaf.hasSignedOrder {
            // The deprecated pair was compared as signed values whatever the type.
            low = statistics.legacyMin
            high = statistics.legacyMax
        }
        let lowest = low.flatMap { leaf.scalar(plain: $0) }
        let highest = high.flatMap { leaf.scalar(plain: $0) }
        if lowest?.isNaN == true || highest?.isNaN == true { return }
        min = lowest?.replacingZero(negative: true)
        max = highest?.replacingZero(negative: false)
    }
}

extension LeafType {
    /// Types whose deprecated statistics mean the same as today's.
    var hasSignedOrder: Bool {
        switch conversion {
        case .same, .signed8, .signed16, .int32ToDecimal, .int64ToDecimal, .millisToMicros, .nanosToMicros, .boolean:
            true
        default: false
        }
    }

    /// One value in PLAIN encoding (byte arrays without their length), as statistics store it. nil if it is not one, or
    /// if the type has no defined order.
    func scalar(plain bytes: [UInt8]) -> Scalar? {
        if conversion == .bytesToView { return Scalar(type, .bytes(bytes)) }
        if conversion == .boolean { return bytes.count == 1 ? Scalar(type, .boolean(bytes[0] != 0)) : nil }
        if conversion == .int96ToMicros || conversion == .halfToFloat { return nil }
        guard bytes.count == (storedWidth ?? bytes.count), !bytes.isEmpty else { return nil }
        let source = bytes.withUnsafeBytes { Buffer(copying: $0) }
        let target = Buffer.zeroed(byteCount: 16)
        let failure = convertValues(
            conversion, .fixed(UnsafeRawPointer(source.base), width: bytes.count), into: target.base, count: 1)
        withExtendedLifetime(source) {}
        if failure != nil { return nil }
        return Column(type: type, count: 1, values: target).scalar(0)
    }
}

extension Scalar {
    var isNaN: Bool {
        switch value {
        case .float(let v): v.isNaN
        case .double(let v): v.isNaN
        default: false
        }
    }
    /// A zero bound covers both zeros (parquet.thrift, ColumnOrder): -0 as a minimum, +0 as a maximum.
    func replacingZero(negative: Bool) -> Scalar {
        switch value {
        case .float(let v) where v == 0: Scalar(type, .float(negative ? -0.0 : 0.0))
        case .double(let v) where v == 0: Scalar(type, .double(negative ? -0.0 : 0.0))
        default: self
        }
    }
}
