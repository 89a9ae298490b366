import TideCheckpoints

/// How the windows of keys lie in the checkpoint: sessions, and panes of sliding windows, which have no end there.
///
///     | hash of the key | live | groups, with the start in the window's place | end | accumulators |
struct StoredWindows: Sendable {
    let groupCount: Int
    /// Position of the window among the groups.
    let window: Int
    let hasEnds: Bool
    let layout: RowLayout
    let keyLayout: RowLayout

    func rows(_ batch: Batch) -> Rows {
        var keys = Array(batch.columns[2..<(2 + groupCount)])
        let images = KeyImages(keys, count: batch.count, layout: layout)
        keys.remove(at: window)
        return Rows(
            batch: batch, images: images, keyImages: KeyImages(keys, count: batch.count, layout: keyLayout),
            window: window, firstSlot: 2 + groupCount + (hasEnds ? 1 : 0))
    }

    /// All windows of the keys with these hashes; nil: there are none.
    func fetch(_ hashes: [UInt64], _ runs: ColdState) throws(TidemillError) -> Rows? {
        var distinct = hashes.sorted()
        distinct.removeDuplicates()
        return try runs.fetch(distinct).map { rows($0) }
    }

    struct Rows {
        let batch: Batch
        /// With the start in the session's place.
        let images: KeyImages
        let keyImages: KeyImages
        fileprivate let window: Int
        /// The column with which accumulators begin.
        let firstSlot: Int
        var count: Int { batch.count }
        var live: Bitmap { batch.columns[1].bits }
        var starts: UnsafePointer<Int64> { batch.columns[2 + window].pointer(Int64.self) }
        /// Of sessions.
        var ends: UnsafePointer<Int64> { batch.columns[firstSlot - 1].pointer(Int64.self) }

        func insertKey(_ row: Int, into keys: RowTable) -> UnsafeMutableRawPointer {
            Rows.insert(keyImages, row, into: keys)
        }
        func insertWindow(_ row: Int, into windows: RowTable) -> UnsafeMutableRawPointer {
            Rows.insert(images, row, into: windows)
        }
        private static func insert(_ images: KeyImages, _ row: Int, into table: RowTable) -> UnsafeMutableRawPointer {
            var selection = UInt32(truncatingIfNeeded: row)
            return withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: 1) { found in
                // One address, and there is room for it.
                let base = found.baseAddress.unsafelyUnwrapped
                table.findOrInsert(images, selection: &selection, count: 1, into: base)
                return base[0]
            }
        }

        func keyRows(in keys: RowTable) -> [UnsafeMutableRawPointer?] { find(keyImages, in: keys) }
        func windowRows(in windows: RowTable) -> [UnsafeMutableRawPointer?] { find(images, in: windows) }

        private func find(_ images: KeyImages, in table: RowTable) -> [UnsafeMutableRawPointer?] {
            [UnsafeMutableRawPointer?](unsafeUninitializedCapacity: count) { found, count in
                if let base = found.baseAddress { table.find(images, selection: nil, count: batch.count, into: base) }
                count = batch.count
            }
        }
    }
}
