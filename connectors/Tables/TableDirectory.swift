/// The directory of a stored table and its hidden siblings, and the few sequences of calls that change what a reader
/// sees.
///
///     <warehouse>/orders/                                what readers list; changes by link or by exchange only
///     <warehouse>/orders/_tidemill                       the marker
///     <warehouse>/.orders.staging/                       files of epochs that are not published
///     <warehouse>/.orders.next-<epoch>/                  a replacement being built, or (after a crash) swapped out
///     <warehouse>/.orders.old-<epoch>-<micros>-<random>/ swapped out then, kept for readers in the middle of it and
///                                                        for retained epochs
///
/// File names are never reused. So a reader that listed one version and opens files of another finds the same bytes
/// under the same name, or a clean "not found".
struct TableDirectory: Sendable {
    let location: FilePath
    let parent: FilePath
    let name: String
    let environment: Environment
    let readerGraceMicros: Int64
    /// What the names of data files end with.
    let suffix: String
    /// Its files, while they are read.
    let openFiles: OpenFiles

    init(
        _ location: FilePath, environment: Environment, readerGrace: Duration,
        suffix: String = StoredFormat.parquet.suffix
    ) {
        self.suffix = suffix
        self.location = location
        let parent = location.removingLastComponent()
        self.parent = parent.isEmpty ? FilePath(".") : parent
        name = location.lastComponent?.string ?? ""
        self.environment = environment
        openFiles = OpenFiles(files: environment.files, table: location)
        let (seconds, attoseconds) = readerGrace.components
        readerGraceMicros = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    var files: any FileSystem { environment.files }
    var staging: FilePath { parent.appending(".\(name).staging") }
    var markerPath: FilePath { location.appending(TableMarker.name) }
    var nextPrefix: String { ".\(name).next-" }
    var oldPrefix: String { ".\(name).old-" }

    /// A name no other file of this table ever had.
    func dataFileName(_ label: String, _ number: Int) -> String {
        let random = String(environment.random.next(), radix: 16)
        return "part-\(label)-\(number)-\(String(repeating: "0", count: 16 - random.count))\(random)\(suffix)"
    }
    func dataFileName(_ epoch: Epoch, _ number: Int) -> String { dataFileName(TableDirectory.padded(epoch), number) }

    static func padded(_ epoch: Epoch) -> String {
        let digits = String(epoch.rawValue)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// Zero-row files that carry the schema while there is no other; see `create`.
    static let emptyLabel = "empty"
    static func isEmptyFile(_ name: String) -> Bool { baseName(name).hasPrefix("part-\(emptyLabel)-") }

    // MARK: Opening

    /// The marker; nil if there is no directory or an empty one.
    func load() throws(TidemillError) -> TableMarker? {
        guard let status = try files.status(of: location) else { return nil }
        guard status.kind == .directory else { throw foreign("a file stands where the table's directory belongs") }
        let entries = try files.entries(of: location)
        guard entries.contains(where: { $0.name == TableMarker.name }) else {
            guard let first = entries.map(\.name).min() else { return nil }
            throw foreign("directory holds files that are not Tidemill's, like \(first)")
        }
        do throws(TidemillError) {
            return try TableMarker(decoding: files.contents(of: markerPath), file: markerPath.string)
        } catch {
            guard error.kind == .corruption else { throw error }
            throw TidemillError(
                error.kind, error.code, error.message, detail: error.detail,
                hint: "remove the table's directory, then compute it anew with --full-refresh \(name)",
                place: error.place, cause: error.cause)
        }
    }

    /// Readers list the directory: a data file that somebody put there gives rows that no query made.
    func refuseForeignDataFiles() throws(TidemillError) {
        for entry in try allEntries(of: location).sorted(by: { $0.name < $1.name }) {
            let name = TableDirectory.baseName(entry.name)
            if name.hasPrefix(".") || name.hasPrefix("_") || !name.hasSuffix(suffix) { continue }
            if TableDirectory.isOurs(entry.name) { continue }
            throw TidemillError(
                .conflict, "TIDEMILL_FOREIGN_TABLE_FILE",
                "a file that is not Tidemill's lies among those of a table: \(location.appending(entry.name).string)",
                hint: "readers take its rows for the table's: move it away, and run again")
        }
    }

    private func foreign(_ reason: String) -> TidemillError {
        TidemillError(
            .conflict, "TIDEMILL_FOREIGN_TABLE_DIRECTORY", "\(reason): \(location.string)",
            hint: "move it away, or choose another place with --warehouse or the property tidemill.location")
    }

    /// Makes the table's directory with its first content. Readers see nothing, or all of it.
    /// - Parameter fill: writes files, durably, into the directory it is given.
    func create(_ marker: TableMarker, _ fill: (FilePath) throws(TidemillError) -> Void) throws(TidemillError) {
        try files.createDirectories(parent)
        try checkExchange()
        let stage = try makeStage("create")
        try fill(stage)
        try files.createDurably(stage.appending(TableMarker.name), marker.encoded())
        try files.syncDirectory(stage)
        if try files.exists(location) {
            try exchange(stage)
            try files.syncDirectory(parent)
            try files.removeTree(stage)
        } else {
            try files.rename(stage, to: location)
            try files.syncDirectory(parent)
        }
    }

    /// Refuses a file system without `RENAME_EXCHANGE` at start rather than in the middle of a run.
    func checkExchange() throws(TidemillError) {
        let a = parent.appending(".\(name).probe-a")
        let b = parent.appending(".\(name).probe-b")
        try files.createDirectory(a)
        try files.createDirectory(b)
        var failure: TidemillError?
        do throws(TidemillError) {
            try files.exchange(a, b)
        } catch { failure = unsupported(error) }
        try files.removeDirectory(a)
        try files.removeDirectory(b)
        if let failure { throw failure }
    }

    // MARK: Replacement

    /// An empty sibling directory to build the next version in.
    func makeStage(_ label: String) throws(TidemillError) -> FilePath {
        let stage = parent.appending(nextPrefix + label)
        try files.removeTree(stage)
        try files.createDirectory(stage)
        return stage
    }

    /// Puts `stage`, whose files are durable and whose marker says `epoch`, in the place of the table.
    ///
    /// Power lost before the exchange is durable: the table is the old version with the old marker, the publish is
    /// redone. After it: the new version with the new marker. The rename only tidies up and may be lost.
    func swapIn(
        _ stage: FilePath, epoch: Epoch, retained: Set<RetainedVersion> = []
    ) throws(TidemillError) {
        try swapIn(stage, label: String(epoch.rawValue))
        try removeOldVersions(but: retained)
    }

    func swapIn(_ stage: FilePath, label: String) throws(TidemillError) {
        try files.syncDirectory(stage)
        guard try files.exists(location) else {
            try files.rename(stage, to: location)
            return try files.syncDirectory(parent)
        }
        try exchange(stage)
        try files.syncDirectory(parent)
        try moveAside(stage, label: label)
    }

    func moveAside(_ stage: FilePath, label: String) throws(TidemillError) {
        let random = String(environment.random.next() & 0xFFFF_FFFF, radix: 16)
        try files.rename(
            stage, to: parent.appending("\(oldPrefix)\(label)-\(environment.clock.now())-\(random)"))
    }

    /// Links a file of the current version into the next one.
    func keep(_ name: String, in stage: FilePath) throws(TidemillError) {
        do throws(TidemillError) {
            try files.link(location.appending(name), to: stage.appending(name))
        } catch { throw unsupported(error) }
    }

    /// Links what a person put into the table's directory, so that a replacement does not throw it away.
    func keepForeignFiles(in stage: FilePath, of marker: TableMarker) throws(TidemillError) {
        var ours: Set<String> = [TableMarker.name]
        for file in marker.files { ours.formUnion([file.name, file.bloomName]) }
        for entry in try allEntries(of: location) where !ours.contains(entry.name) {
            if TableDirectory.baseName(entry.name).hasPrefix(".") || TableDirectory.isOurs(entry.name) { continue }
            guard entry.kind == .file else {
                throw foreign("a directory stands among the table's files: \(entry.name)")
            }
            try makePartition(of: entry.name, in: stage)
            try keep(entry.name, in: stage)
        }
    }

    /// Whether a file has the form of our data files or sidecars: such a one that no marker lists is a leftover.
    static func isOurs(_ name: String) -> Bool {
        let name = baseName(name)
        let stem = name.hasPrefix("_part-") ? name.dropFirst() : name
        guard stem.hasPrefix("part-"),
            let end = StoredFormat.suffixes.lazy.compactMap({ stem.range(of: $0) }).first
        else { return false }
        let parts = stem[..<end].dropFirst(5).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[2].count == 16 && parts[2].allSatisfy(\.isHexDigit)
            && (parts[0] == emptyLabel || parts[0].allSatisfy(\.isNumber)) && parts[1].allSatisfy(\.isNumber)
    }

    private func exchange(_ stage: FilePath) throws(TidemillError) {
        do throws(TidemillError) {
            try files.exchange(stage, location)
        } catch { throw unsupported(error) }
    }

    private func unsupported(_ error: TidemillError) -> TidemillError {
        // EPERM, EXDEV, EINVAL, ENOSYS, EOPNOTSUPP
        guard let number = error.errno, [1, 18, 22, 38, 95].contains(number) else { return error }
        return TidemillError(
            .unsupported, "TIDEMILL_NO_EXCHANGE",
            "file system cannot swap directories or link files, which a stored table needs: \(parent.string)",
            hint: "store the table USING delta, or put the warehouse on ext4, xfs, btrfs or tmpfs", errno: number,
            cause: error)
    }

    // MARK: Leftovers

    /// A process that was killed may have left a version or a marker that is visible and not durable. What is not
    /// published again because it can be seen must not be lost by a power cut afterwards.
    func makeVisibleDurable() throws(TidemillError) {
        try files.syncDirectory(location)
        try files.syncDirectory(parent)
    }

    /// Tidies the siblings after a restart. A complete `.next-` may be a version that readers are still in the middle
    /// of, so it is moved aside rather than removed. One whose marker cannot be read was never swapped in.
    func recoverSiblings(retained: Set<RetainedVersion> = []) throws(TidemillError) {
        guard try files.exists(parent) else { return }
        for entry in try files.entries(of: parent) {
            let path = parent.appending(entry.name)
            if entry.name.hasPrefix(nextPrefix) {
                if try siblingMarker(path) != nil {
                    try moveAside(path, label: String(entry.name.dropFirst(nextPrefix.count)))
                } else {
                    try files.removeTree(path)
                }
            } else if entry.name.hasPrefix(".\(name).probe-") {
                try files.removeTree(path)
            }
        }
        try removeOldVersions(but: retained)
    }

    /// The marker of a version beside the table; nil if there is none, or only what a power cut left of one.
    func siblingMarker(_ path: FilePath) throws(TidemillError) -> TableMarker? {
        let path = path.appending(TableMarker.name)
        guard try files.exists(path) else { return nil }
        do throws(TidemillError) {
            return try TableMarker(decoding: files.contents(of: path), file: path.string)
        } catch {
            if error.kind == .corruption { return nil }
            throw error
        }
    }
}

extension StringProtocol {
    /// Range of the first occurrence; for names.
    fileprivate func range(of wanted: String) -> String.Index? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(wanted) { return at }
            at = index(after: at)
        }
        return nil
    }
}
