/// The distinct keys of a batch, numbered in the order in which they occur.
struct KeyNumbers {
    /// Of each row.
    private(set) var numbers: [UInt32] = []
    /// Of each number the row where it occurs first.
    private(set) var firsts: [UInt32] = []

    var count: Int { firsts.count }

    init(_ keys: [Column], count n: Int) {
        let layout = RowLayout(keys: keys.map(\.type), valueBytes: 8)
        self.init(KeyImages(keys, count: n, layout: layout), layout)
    }

    /// - Parameter layout: that of the images, with 8 bytes of values.
    private init(_ images: KeyImages, _ layout: RowLayout) {
        let n = images.count
        let table = RowTable(layout: layout, expectedRows: n)
        let found = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(1, n))
        defer { found.deallocate() }
        table.findOrInsert(images, selection: nil, count: n, into: found)
        numbers.reserveCapacity(n)
        for row in 0..<n {
            var number = found[row].load(fromByteOffset: layout.valueOffset, as: UInt64.self)
            if number == 0 {
                firsts.append(UInt32(row))
                number = UInt64(firsts.count)
                found[row].storeBytes(of: number, toByteOffset: layout.valueOffset, as: UInt64.self)
            }
            numbers.append(UInt32(number - 1))
        }
        withExtendedLifetime(table) {}
    }
}
