import TideColumns

extension EpochLog {
    /// Makes a segment of another generation that holds epochs of this log, durably. The first epoch of a log may be
    /// any one: the manifest says what the runs before it hold.
    /// - Parameter block: the encoded block of a reference.
    func createSegment(
        _ number: UInt64, generation: UInt64, epochs: [CommittedEpoch], publishedThrough: Epoch,
        block: (BlockReference) throws(TidemillError) -> [UInt8]
    ) throws(TidemillError) {
        var content = SegmentHeader(
            generation: generation, number: number, token: token, previous: 0, previousEnd: 0
        ).encode()
        for epoch in epochs {
            let regionStart = Int64(content.count)
            var moved = epoch
            // What its sinks prepared is published.
            moved.record.sinks = []
            for (index, reference) in epoch.blocks.enumerated() {
                moved.blocks[index].segment = number
                moved.blocks[index].offset = Int64(content.count)
                content += try block(reference)
            }
            content += EpochLog.frame(
                .commit, moved, regionStart: regionStart, at: Int64(content.count), generation: generation,
                segment: number, publishedThrough: publishedThrough)
        }
        try EpochLog.newSegment(files, directory, number, content).close()
    }
}
