import Synchronization

/// The files of a directory (or what a path or pattern names), each taken once, in (mtime, path) order or the reverse.
///
/// Identity is the path; a version is (mtime ns, size, inode). A file that was taken and then changed or vanished is
/// reported once and never read again (policy `immutable`), taken back and, if it is still there, read anew (policy
/// `replace`; for small inputs: every listing asks for the status of every file), or named as disturbed (policy
/// `rebuild`: a horizon asks for the status of every file, a plan for that of 4096). A new file is taken however old
/// its mtime is.
///
/// What `plan` offers is not remembered until `commit`. A one-shot run takes a `horizon` first: the sorted queue of
/// what is there then; plans under it cost no further listing, so thousands of one-file epochs stay linear.
public final class DirectorySource: Source, @unchecked Sendable {
    // Sendable: mutable state is behind `state`; the rest is immutable.
    public let description: String
    public let schema: Schema
    public let ledgerTypes = FileLedger.types

    private let listing: FileListing
    private let format: any FormatReader
    /// Columns that only directories give, as indices into `schema`.
    private let partitionColumns: [Int]
    private let environment: Environment
    private let changedFiles: ChangedFiles
    /// Of the files that are there the newest is taken first.
    private let latestFirst: Bool
    private var replaces: Bool { changedFiles == .replace }

    private struct Pending {
        var path: String
        var version: FileVersion
    }
    private struct State {
        var ledger = FileLedger()
        var listingNumber: UInt32 = 0
        /// Position from which known files are checked next.
        var checkCursor = 0
        /// The queue of the last horizon, and its number.
        var queue: [Pending] = []
        var queueNumber: UInt64 = 0
        /// How much of `queue` is committed.
        var queueTaken = 0
        /// With `replace`: taken files that are not there any more.
        var vanished: [String] = []
        /// With `rebuild`: what taken files have become, by path, until a plan that says so is committed.
        var disturbed: [String: FileVersion] = [:]
        /// Not delivered yet.
        var warnings: [String] = []
        /// Files changed later than this many nanoseconds ago may still grow.
        var settleNanos: Int64 = 0
        /// Known to be whole though they are young.
        var complete: Set<String> = []
        /// Seen to be written and not to be closed.
        var open: Set<String> = []
    }
    private let state = Mutex(State())

    /// How many known files one plan checks for changes. Their `stat` calls are what an idle plan costs.
    private static let checkedPerPlan = 4096

    /// - Throws: PATH_NOT_FOUND when the path, up to its first pattern, does not exist.
    public init(
        listing: FileListing, format: any FormatReader, schema: Schema, partitionColumns: [Int] = [],
        environment: Environment, changedFiles: ChangedFiles = .immutable, latestFirst: Bool = false
    ) throws(TidemillError) {
        self.changedFiles = changedFiles
        self.latestFirst = latestFirst
        self.listing = listing
        self.format = format
        self.schema = schema
        self.partitionColumns = partitionColumns
        self.environment = environment
        description = "FileStreamSource[file:\(listing.path.string)]"
        try listing.check(in: environment.files)
    }

    // MARK: Offsets

    public func restore(ledger: Batch) throws(TidemillError) { state.withLock { $0.ledger.insert(ledger) } }

    public func ledger() -> Batch { state.withLock { $0.ledger.rows() } }

    public func commit(_ plan: SourcePlan) throws(TidemillError) {
        state.withLock { state in
            state.ledger.insert(plan.ledger)
            state.vanished.removeAll(where: plan.retracted.contains)
            for path in plan.disturbed { state.disturbed[path] = nil }
            while !replaces, state.queueTaken < state.queue.count,
                state.ledger.index(of: state.queue[state.queueTaken].path) != nil
            {
                state.queueTaken += 1
            }
        }
    }

    public func horizon() throws(TidemillError) -> SourceHorizon {
        var writer = ByteWriter()
        let number = try locked { (state) throws(TidemillError) -> UInt64 in
            state.queue = try self.fresh(&state, checksAll: self.changedFiles == .rebuild)
            state.queueTaken = 0
            state.queueNumber += 1
            return state.queueNumber
        }
        writer.u64(number)
        return SourceHorizon(token: writer.bytes)
    }

    public func plan(limit: RateLimit, until horizon: SourceHorizon?) throws(TidemillError) -> SourcePlan? {
        try locked { (state) throws(TidemillError) -> SourcePlan? in
            var candidates: ArraySlice<Pending>
            if let horizon {
                var reader = ByteReader(horizon.token, file: "horizon")
                guard try reader.u64() == state.queueNumber else {
                    throw TidemillError.internal("horizon of \(self.description) is not its latest")
                }
                candidates = state.queue[state.queueTaken...]
            } else {
                candidates = try self.fresh(&state)[...]
            }
            let start = state.ledger.count
            var taken: [(path: String, version: FileVersion)] = []
            var retracted = state.vanished
            var bytes: Int64 = 0
            while let next = candidates.first {
                if let filesMax = limit.filesMax, taken.count >= filesMax { break }
                var version = next.version
                if horizon != nil {
                    if !self.replaces, state.ledger.index(of: next.path) != nil {
                        candidates.removeFirst()
                        continue
                    }
                    // The queue may be old: what is committed must be the version that is read.
                    guard let status = try self.environment.files.status(of: FilePath(next.path)) else {
                        state.warnings.append("file vanished before it was read: \(next.path)")
                        candidates.removeFirst()
                        continue
                    }
                    version = FileVersion(status)
                    if let known = state.ledger.index(of: next.path), state.ledger.entries[known].version == version {
                        candidates.removeFirst()
                        continue
                    }
                }
                if let bytesMax = limit.bytesMax, !taken.isEmpty, bytes + version.size > bytesMax { break }
                bytes += version.size
                if let known = state.ledger.index(of: next.path), state.ledger.entries[known].version != .gone {
                    retracted.append(next.path)
                }
                taken.append((next.path, version))
                candidates.removeFirst()
            }
            if taken.isEmpty && retracted.isEmpty && state.disturbed.isEmpty { return nil }
            var splits: [SourceSplit] = []
            for (ordinal, file) in taken.enumerated() { splits.append(self.split(ordinal, file.path, file.version)) }
            defer { state.warnings = [] }
            let lost = state.vanished.map { (path: $0, version: FileVersion.gone) }
            let disturbed = state.disturbed.map { (path: $0.key, version: $0.value) }.sorted { $0.path < $1.path }
            let added = taken.count { state.ledger.index(of: $0.path) == nil }
            return SourcePlan(
                splits: splits, ledger: FileLedger.rows(taken + lost + disturbed), startOffset: self.offset(start),
                endOffset: self.offset(start + added), hasMore: !candidates.isEmpty, warnings: state.warnings,
                retracted: retracted, disturbed: disturbed.map(\.path))
        }
    }

    public func takeWarnings() -> [String] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    public func watched() -> [FilePath] { listing.directories(in: environment.files) }

    public func noticed(_ files: WatchedFiles) {
        state.withLock { state in
            state.open.formUnion(files.begun.map(\.string))
            state.complete.subtract(files.begun.map(\.string))
            state.open.subtract(files.completed.map(\.string))
            state.complete.formUnion(files.completed.map(\.string))
        }
    }

    public func requireSettled(for window: Duration) {
        let parts = window.components
        state.withLock {
            $0.settleNanos = max(0, parts.seconds) * 1_000_000_000 + max(0, parts.attoseconds / 1_000_000_000)
        }
    }

    /// Spark's form; N counts files taken.
    private func offset(_ files: Int) -> String { "{\"logOffset\":\(files)}" }

    // MARK: Listing

    /// Files not taken yet, with their status as of now, sorted. Notices what happened to taken ones.
    private func fresh(_ state: inout State, checksAll: Bool = false) throws(TidemillError) -> [Pending] {
        state.listingNumber &+= 1
        let number = state.listingNumber
        var pending: [Pending] = []
        var growing: [String] = []
        for found in try listing.files(in: environment.files) {
            if let index = state.ledger.index(of: found.path) {
                state.ledger.markSeen(index, listing: number)
                if !replaces { continue }
                guard let status = try self.status(of: found) else { continue }
                let version = FileVersion(status)
                if version != state.ledger.entries[index].version {
                    pending.append(Pending(path: found.path, version: version))
                }
                continue
            }
            guard let status = try self.status(of: found) else { continue }
            if isGrowing(found.path, status, &state) {
                growing.append(found.path)
                continue
            }
            pending.append(Pending(path: found.path, version: FileVersion(status)))
        }
        if replaces {
            state.vanished = state.ledger.entries.indices.filter {
                state.ledger.entries[$0].seen != number && state.ledger.entries[$0].version != .gone
            }.map { state.ledger.path($0) }
        } else {
            try checkTaken(&state, number, max: checksAll ? .max : DirectorySource.checkedPerPlan, &growing)
        }
        // Names that are not data, or are gone, are forgotten.
        if !state.complete.isEmpty { state.complete.formIntersection(pending.map(\.path)) }
        if !state.open.isEmpty { state.open.formIntersection(growing) }
        pending.sort { a, b in
            a.version.modified != b.version.modified
                ? a.version.modified < b.version.modified : a.path.utf8.lexicographicallyPrecedes(b.path.utf8)
        }
        if latestFirst { pending.reverse() }
        return pending
    }

    /// A modification time that lies ahead says nothing about now. A file that somebody still writes is waited for, but
    /// not for ever: one that was linked into place is never closed.
    private func isGrowing(_ path: String, _ status: FileStatus, _ state: inout State) -> Bool {
        if state.settleNanos == 0 || state.complete.contains(path) { return false }
        let age = environment.clock.now() * 1000 - status.modified
        let window =
            state.open.contains(path) ? max(state.settleNanos, DirectorySource.openNanosMax) : state.settleNanos
        if age >= 0 && age < window { return true }
        state.open.remove(path)
        return false
    }
    private static let openNanosMax: Int64 = 60_000_000_000

    /// Looks at taken files, in turn, for changes; those that are not there are all seen.
    private func checkTaken(_ state: inout State, _ number: UInt32, max: Int, _ growing: inout [String])
        throws(TidemillError)
    {
        let count = state.ledger.count
        for index in 0..<count where state.ledger.entries[index].seen != number {
            if state.ledger.entries[index].version != .gone { note(&state, index, .gone) }
        }
        if count == 0 { return }
        let checks = min(count, max)
        for step in 0..<checks {
            let index = (state.checkCursor + step) % count
            let entry = state.ledger.entries[index]
            if entry.warned || entry.seen != number { continue }
            let path = state.ledger.path(index)
            guard let status = try environment.files.status(of: FilePath(path)) else { continue }
            let version = FileVersion(status)
            if version == entry.version {
                state.disturbed[path] = nil
            } else if changedFiles == .rebuild && isGrowing(path, status, &state) {
                growing.append(path)
            } else {
                note(&state, index, version)
            }
        }
        state.checkCursor = (state.checkCursor + checks) % count
    }

    /// A taken file has become something else, or is gone.
    private func note(_ state: inout State, _ index: Int, _ version: FileVersion) {
        let path = state.ledger.path(index)
        if changedFiles == .rebuild {
            state.disturbed[path] = version
            return
        }
        if state.ledger.entries[index].warned { return }
        state.ledger.markWarned(index)
        state.warnings.append(
            version == .gone
                ? "file vanished after it was read; its rows stay: \(path)"
                : "file changed after it was read; the change is ignored: \(path)")
    }

    private func status(of found: FileListing.Found) throws(TidemillError) -> FileStatus? {
        if let known = found.status { return known }
        return try environment.files.status(of: FilePath(found.path))
    }

    private func locked<R>(_ body: (inout State) throws(TidemillError) -> R) throws(TidemillError) -> R {
        let result: Result<R, TidemillError> = state.withLock { state in
            do throws(TidemillError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    // MARK: Reading

    private func split(_ ordinal: Int, _ path: String, _ version: FileVersion) -> SourceSplit {
        SourceSplit(ordinal: ordinal, name: path, bytes: version.size, token: Array(path.utf8))
    }

    public func open(_ split: SourceSplit, columns: [Int]) throws(TidemillError) -> any SplitReader {
        let path = String(decoding: split.token, as: UTF8.self)
        let values = listing.recursive ? [] : try PartitionDirectories.values(of: path, below: listing.base)
        if values.isEmpty && partitionColumns.isEmpty {
            return try format.open(path, schema: schema, columns: columns, environment: environment)
        }
        // A column that a directory names is not looked for in the file.
        var constants: [Int: Scalar] = [:]
        for column in partitionColumns { constants[column] = .null(schema[column].type) }
        for value in values {
            guard let column = schema.index(of: value.name) else { continue }
            constants[column] = try PartitionDirectories.scalar(value, schema[column], path: path)
        }
        let own = schema.fields.indices.filter { constants[$0] == nil }
        let wanted = columns.compactMap { own.firstIndex(of: $0) }
        let reader = try format.open(
            path, schema: Schema(own.map { schema[$0] }), columns: wanted, environment: environment)
        return PartitionedSplitReader(reader, constants: columns.map { constants[$0] })
    }

    public func replay() throws(TidemillError) -> [SourceSplit] { try taken(requiringAll: true) }

    public func replayPresent() throws(TidemillError) -> [SourceSplit] {
        try taken(requiringAll: changedFiles != .rebuild)
    }

    private func taken(requiringAll: Bool) throws(TidemillError) -> [SourceSplit] {
        let files = state.withLock { state in
            state.ledger.entries.indices.map {
                (path: state.ledger.path($0), version: state.ledger.entries[$0].version)
            }
        }
        var splits: [SourceSplit] = []
        var gone: [String] = []
        for file in files {
            if let status = try environment.files.status(of: FilePath(file.path)) {
                splits.append(split(splits.count, file.path, FileVersion(status)))
            } else {
                gone.append(file.path)
            }
        }
        guard gone.isEmpty || !requiringAll else {
            let more = gone.count > 20 ? "\n… and \(gone.count - 20) more" : ""
            let shown = gone.prefix(20).joined(separator: "\n") + more
            throw TidemillError(
                .user, "TIDEMILL_REPLAY_FILES_GONE",
                counted(gone.count, "input file") + " that a flow must read anew "
                    + (gone.count == 1 ? "is gone" : "are gone"),
                detail: shown,
                hint:
                    "put them back; a streaming table with the property tidemill.startingOffsets = 'latest' starts at "
                    + "new input",
                place: .pipeline(description))
        }
        return splits
    }

    public func snapshot() throws(TidemillError) -> (version: [UInt8], splits: [SourceSplit]) {
        var files: [Pending] = []
        for found in try listing.files(in: environment.files) {
            guard let status = try self.status(of: found) else { continue }
            files.append(Pending(path: found.path, version: FileVersion(status)))
        }
        files.sort { a, b in
            a.version.modified != b.version.modified
                ? a.version.modified < b.version.modified : a.path.utf8.lexicographicallyPrecedes(b.path.utf8)
        }
        let rows = FileLedger.rows(files.map { ($0.path, $0.version) })
        // Order is part of the version: row order of the relation follows it.
        let hashes = hashRows(rows.columns, count: rows.count)
        var digest: (UInt64, UInt64) = (UInt64(rows.count), 0x9E37_79B9_7F4A_7C15)
        withExtendedLifetime(hashes) {
            let hash = hashes.pointer(UInt64.self)
            for row in 0..<rows.count {
                digest.0 = (digest.0 ^ hash[row]) &* 0x100_0000_01B3
                digest.1 = (digest.1 &+ hash[row]).byteSwapped &* 0xD6E8_FEB8_6659_FD93
            }
        }
        var writer = ByteWriter()
        writer.u64(digest.0)
        writer.u64(digest.1)
        return (writer.bytes, files.enumerated().map { split($0.offset, $0.element.path, $0.element.version) })
    }
}
