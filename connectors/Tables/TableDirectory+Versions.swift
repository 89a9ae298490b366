import TideParquet

// Versions of a table: what readers list now, and the directories that were swapped out and not removed yet. A version
// that was swapped out by epoch e holds the table of every epoch before e, down to its own marker's; of a table that
// only grows also of earlier ones: its files say in their names which epoch brought them.

extension TableDirectory {
    struct Version: Sendable {
        var path: FilePath
        var marker: TableMarker
    }

    private struct Candidate {
        var path: FilePath
        /// The first epoch that it no longer is the table of.
        var end: Int64
    }

    /// What stood in the table's place, nearest to the present last.
    private func candidates() throws(TidemillError) -> [Candidate] {
        var found: [Candidate] = []
        for entry in try files.entries(of: parent) {
            // After a power cut a version that was swapped out may have its earlier name again.
            guard let prefix = [oldPrefix, nextPrefix].first(where: entry.name.hasPrefix) else { continue }
            let label = entry.name.dropFirst(prefix.count).prefix { $0 != "-" }
            found.append(Candidate(path: parent.appending(entry.name), end: Int64(label) ?? .max))
        }
        found.sort { ($0.end, $0.path.string) < ($1.end, $1.path.string) }
        // Before others without an end: they were put aside by a rollback.
        let open = found.firstIndex { $0.end == .max } ?? found.count
        if try files.exists(markerPath) { found.insert(Candidate(path: location, end: .max), at: open) }
        return found
    }

    /// The version that shows the table as of a retained epoch; nil if it is gone.
    func version(_ wanted: RetainedVersion) throws(TidemillError) -> Version? {
        try version(wanted, among: try candidates())
    }

    private func version(_ wanted: RetainedVersion, among all: [Candidate]) throws(TidemillError) -> Version? {
        for candidate in all where candidate.end > wanted.epoch.rawValue {
            guard let marker = try siblingMarker(candidate.path) else { continue }
            // One whose marker names its end is a replacement that never came to be.
            guard marker.identity.generation == wanted.generation, marker.epoch?.rawValue ?? -1 < candidate.end else {
                continue
            }
            if marker.kind == .append { return Version(path: candidate.path, marker: marker.asOf(wanted.epoch)) }
            guard marker.epoch?.rawValue ?? -1 <= wanted.epoch.rawValue else { return nil }
            return Version(path: candidate.path, marker: marker)
        }
        return nil
    }

    /// Removes versions that were swapped out longer ago than the grace, or in a future that the clock took back,
    /// unless a retained epoch needs them; none if `retained` has `.all`.
    /// - Parameter isOurs: asked for each before it is removed.
    func removeOldVersions(
        but retained: Set<RetainedVersion>,
        where isOurs: (FilePath) throws(TidemillError) -> Bool = { (_) throws(TidemillError) in true }
    ) throws(TidemillError) {
        if retained.contains(.all) { return }
        let now = environment.clock.now()
        let all = try candidates()
        let doomed = all.filter { candidate in
            guard let name = candidate.path.lastComponent?.string, name.hasPrefix(oldPrefix) else { return false }
            let parts = name.dropFirst(oldPrefix.count).split(separator: "-")
            let time = parts.count == 3 ? Int64(parts[1]) ?? 0 : 0
            return now - time >= readerGraceMicros || time - now > readerGraceMicros
        }
        if doomed.isEmpty { return }
        var kept = Set<FilePath>()
        for wanted in retained { if let version = try version(wanted, among: all) { kept.insert(version.path) } }
        for candidate in doomed where !kept.contains(candidate.path) {
            if try isOurs(candidate.path) { try files.removeTree(candidate.path) }
        }
    }

    /// Bytes of a retained version that the table of now does not share.
    func bytesHeld(by wanted: RetainedVersion) throws(TidemillError) -> Int64 {
        guard let version = try version(wanted), version.path != location, let now = try load() else { return 0 }
        let shared = Set(now.files.map(\.name))
        return version.marker.files.reduce(0) { $0 + (shared.contains($1.name) ? 0 : $1.bytes) }
    }

    // MARK: Going back

    /// Names of a retained version's files that are not there; nil if the version itself is gone.
    func missingFiles(of wanted: RetainedVersion) throws(TidemillError) -> [String]? {
        guard try files.exists(parent), let version = try version(wanted) else { return nil }
        var missing: [String] = []
        for file in version.marker.files {
            let status = try files.status(of: version.path.appending(file.name))
            if status?.size != file.bytes && !TableDirectory.isEmptyFile(file.name) { missing.append(file.name) }
            if file.hasBloom, try !files.exists(version.path.appending(file.bloomName)) {
                missing.append(file.bloomName)
            }
        }
        return missing
    }

    /// Makes the version of a retained epoch the table, under a new generation: a directory of links to its files is
    /// built beside the table and swapped in. Done once, doing it again changes nothing.
    func rollBack(to wanted: RetainedVersion, generation: UInt64, options: TableOptions) throws(TidemillError) {
        let current = try load()
        if current?.identity.generation == generation { return }
        try setStrayStagesAside()
        guard let version = try version(wanted) else {
            throw TidemillError(
                .corruption, "TIDEMILL_RETAINED_TABLE_MISSING",
                "the version of a table that epoch \(wanted.epoch) needs is gone: \(location.string)",
                hint: "put the hidden folders beside the table back, or compute it anew with --full-refresh")
        }
        let stage = try makeStage("rollback")
        if let current { try keepForeignFiles(in: stage, of: current) }
        var marker = version.marker
        marker.identity.generation = generation
        marker.files.removeAll { TableDirectory.isEmptyFile($0.name) }
        for file in marker.files {
            try makePartition(of: file.name, in: stage)
            for name in file.hasBloom ? [file.name, file.bloomName] : [file.name] {
                try files.link(version.path.appending(name), to: stage.appending(name))
            }
        }
        if marker.files.isEmpty && options.format.keepsEmptyFile {
            marker.files = [try writeEmptyFile(in: stage, schema: marker.schema, options: options)]
        }
        try syncPartitions(of: marker.files.map(\.name), in: stage)
        try files.createDurably(stage.appending(TableMarker.name), marker.encoded())
        try swapIn(stage, label: "rollback")
    }

    /// A table that was made after the epoch that is gone back to leaves its place.
    func setAside(generation: UInt64) throws(TidemillError) {
        guard let marker = try load(), marker.identity.generation == generation else { return }
        try moveAside(location, label: "rollback")
        try files.syncDirectory(parent)
    }

    /// A replacement that a crash left may be a version that counts.
    private func setStrayStagesAside() throws(TidemillError) {
        for entry in try files.entries(of: parent) where entry.name.hasPrefix(nextPrefix) {
            let path = parent.appending(entry.name)
            guard try siblingMarker(path) != nil else { continue }
            try moveAside(path, label: String(entry.name.dropFirst(nextPrefix.count)))
        }
    }
}

extension TableMarker {
    /// A table that only grows, with the files that epochs up to this one brought.
    fileprivate func asOf(_ wanted: Epoch) -> TableMarker {
        var past = self
        if let epoch, epoch > wanted { past.epoch = wanted }
        past.files = files.filter { file in
            let label = TableDirectory.baseName(file.name).dropFirst("part-".count).prefix { $0 != "-" }
            return Int64(label).map { $0 <= wanted.rawValue } ?? false
        }
        return past
    }
}

/// Versions of a stored table, for those who do not open the table itself.
public struct TableVersions: Sendable {
    private let directory: TableDirectory
    private let options: TableOptions

    public init(location: FilePath, options: TableOptions, environment: Environment) {
        self.options = options
        directory = TableDirectory(
            location, environment: environment, readerGrace: options.readerGrace, suffix: options.format.suffix)
    }

    /// Names of a retained version's files that are not there; nil if the version itself is gone.
    public func missingFiles(of version: RetainedVersion) throws(TidemillError) -> [String]? {
        try directory.missingFiles(of: version)
    }
    /// See `TableDirectory.rollBack`.
    public func rollBack(to version: RetainedVersion, generation: UInt64) throws(TidemillError) {
        try directory.rollBack(to: version, generation: generation, options: options)
    }
    /// See `TableDirectory.setAside`.
    public func setAside(generation: UInt64) throws(TidemillError) { try directory.setAside(generation: generation) }
    /// Bytes of a retained version that the table of now does not share.
    public func bytesHeld(by version: RetainedVersion) throws(TidemillError) -> Int64 {
        try directory.bytesHeld(by: version)
    }
}
