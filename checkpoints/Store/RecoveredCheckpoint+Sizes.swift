import TideColumns

extension RecoveredCheckpoint {
    /// A log segment on the disk.
    public struct Segment: Sendable, Hashable {
        public var number: UInt64
        public var bytes: Int64
        /// Only retained epochs need it.
        public var isPinned: Bool
    }

    /// Segments that count, ascending.
    public func segments() throws(TidemillError) -> [Segment] {
        var found: [Segment] = []
        let pinned = manifest.pinnedSegments
        for number in try CheckpointScan.segments(directory, files: files) {
            let isPinned = number < manifest.firstSegment
            if isPinned && !pinned.contains(number) { continue }
            // One that vanished since the listing was truncated by a writer.
            guard let status = try files.status(of: log.path(number)) else { continue }
            found.append(Segment(number: number, bytes: status.size, isPinned: isPinned))
        }
        return found
    }

    /// Runs that only retained epochs need.
    public var pinnedRuns: [ManifestRun] {
        let own = Set(manifest.runs)
        return manifest.allRuns.filter { !own.contains($0) }
    }
}
