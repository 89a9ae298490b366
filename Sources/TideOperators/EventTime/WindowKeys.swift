/// The keys of a batch whose groups have a window among them: rows of one key lie in one partition, whatever their
/// windows, and are told apart there by where the windows start.
struct WindowKeys {
    /// The groups with the start of the window in its place.
    let groups: [Column]
    let images: KeyImages
    /// Without the window.
    let keyImages: KeyImages
    let selection: PartitionedSelection

    /// - Parameter window: its position among the groups.
    init(
        _ groups: ArraySlice<Column>, window: Int, starts: Column, layout: RowLayout, keyLayout: RowLayout, bits: Int
    ) {
        var keys = Array(groups)
        keys[window] = starts
        self.groups = keys
        images = KeyImages(keys, count: starts.count, layout: layout)
        keys.remove(at: window)
        keyImages = KeyImages(keys, count: starts.count, layout: keyLayout)
        selection = PartitionedSelection(
            hashes: keyImages.hashes.pointer(UInt64.self), count: starts.count, partitionBits: bits)
    }
}
