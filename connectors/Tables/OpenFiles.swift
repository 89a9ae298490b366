import Synchronization

/// Files of tables that are read, of which only the last used ones are open.
///
/// A file is opened when it is asked for, so that one that is gone is noticed then, and again when it is read after it
/// was closed. Files of tables never change and their names are never used again: what a name opens is the same file.
/// If a version of the table was swapped in meanwhile, the file is looked for in those that were put aside.
final class OpenFiles: Sendable {
    private struct State {
        /// Open files by number.
        var open: [Int: any File] = [:]
        /// When each was used last; `tick` counts uses.
        var used: [Int: Int] = [:]
        var tick = 0
        var count = 0
    }
    private let files: any FileSystem
    /// Where the files' table is; its versions lie beside it.
    private let table: FilePath
    private let openMax: Int
    private let state = Mutex(State())

    /// A process has 1024 descriptors by default, and a query may read many tables at once.
    static let openMaxDefault = 64

    init(files: any FileSystem, table: FilePath, openMax: Int = OpenFiles.openMaxDefault) {
        precondition(openMax > 0)
        self.files = files
        self.table = table
        self.openMax = openMax
    }

    /// ENOENT for a file that the table's marker names: somebody removed it.
    static func missing(of table: String, at location: FilePath, cause: TidemillError) -> TidemillError {
        TidemillError(
            .corruption, "TIDEMILL_TABLE_FILE_MISSING",
            "a file of the stored table \(table) is gone: \(location.string)",
            hint: "another program changed the table; remove its folder, then compute it anew with --full-refresh "
                + table, cause: cause)
    }

    /// - Throws: what opening or asking for the size throws.
    func file(_ path: FilePath) throws(TidemillError) -> any File {
        let opened = try open(path)
        let size = try opened.size()
        let number = state.withLock { state in
            defer { state.count += 1 }
            keep(opened, as: state.count, &state)
            return state.count
        }
        return ReopenedFile(path: path, size: size, number: number, owner: self)
    }

    var openCount: Int { state.withLock { $0.open.count } }

    fileprivate func read(
        _ file: ReopenedFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(TidemillError) -> Int {
        // Whoever reads holds the file: one that is dropped meanwhile is closed by the last reader.
        let known = state.withLock { state in
            guard let open = state.open[file.number] else { return nil as (any File)? }
            state.tick += 1
            state.used[file.number] = state.tick
            return open
        }
        if let known { return try known.read(into: buffer, at: offset) }
        let opened = try reopen(file.path)
        state.withLock { keep(opened, as: file.number, &$0) }
        return try opened.read(into: buffer, at: offset)
    }

    fileprivate func forget(_ number: Int) {
        state.withLock { state in
            state.open[number] = nil
            state.used[number] = nil
        }
    }

    private func keep(_ file: any File, as number: Int, _ state: inout State) {
        if state.open.count >= openMax, let oldest = state.used.min(by: { $0.value < $1.value })?.key {
            state.open[oldest] = nil
            state.used[oldest] = nil
        }
        state.tick += 1
        state.open[number] = file
        state.used[number] = state.tick
    }

    /// Where descriptors are few, ours go first. Several threads may find it out at once.
    private func open(_ path: FilePath) throws(TidemillError) -> any File {
        for _ in 0..<OpenFiles.attemptsMax {
            do throws(TidemillError) {
                return try files.open(path, .read)
            } catch {
                guard error.errno == OpenFiles.tooManyOpen || error.errno == OpenFiles.tooManyOpenAnywhere else {
                    throw error
                }
                state.withLock { state in
                    state.open.removeAll()
                    state.used.removeAll()
                }
            }
        }
        return try files.open(path, .read)
    }
    private static let attemptsMax = 8

    private func reopen(_ path: FilePath) throws(TidemillError) -> any File {
        do throws(TidemillError) {
            return try open(path)
        } catch {
            guard error.errno == noSuchFile else { throw error }
            if let file = try inOtherVersions(path) { return file }
            throw TidemillError(
                .conflict, "TIDEMILL_TABLE_CHANGES_TOO_FAST",
                "a file of the table was replaced and removed while the table was read: \(path.string)",
                hint: "read it again; tidemill.readerGrace says how long replaced files are kept", cause: error)
        }
    }

    private func inOtherVersions(_ path: FilePath) throws(TidemillError) -> (any File)? {
        guard let name = table.lastComponent?.string, path.starts(with: table) else { return nil }
        let above = table.removingLastComponent()
        let parent = above.isEmpty ? FilePath(".") : above
        let inner = path.components.dropFirst(table.components.count)
        for entry in try files.entries(of: parent) where entry.name.hasPrefix(".\(name).") {
            var other = parent.appending(entry.name)
            for component in inner { other.append(component) }
            do throws(TidemillError) {
                return try open(other)
            } catch {
                guard error.errno == noSuchFile || error.errno == OpenFiles.notADirectory else { throw error }
            }
        }
        return nil
    }
    /// ENOTDIR, EMFILE, ENFILE
    private static let notADirectory: Int32 = 20
    private static let tooManyOpen: Int32 = 24
    private static let tooManyOpenAnywhere: Int32 = 23
}

/// One of `OpenFiles`, whether it is open or not. Closing it is giving it up.
private final class ReopenedFile: File, Sendable {
    let path: FilePath
    let number: Int
    private let bytes: Int64
    private let owner: OpenFiles

    init(path: FilePath, size: Int64, number: Int, owner: OpenFiles) {
        self.path = path
        self.number = number
        bytes = size
        self.owner = owner
    }
    deinit { owner.forget(number) }

    func size() throws(TidemillError) -> Int64 { bytes }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(TidemillError) -> Int {
        try owner.read(self, into: buffer, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        throw TidemillError.internal("a stored file is only read")
    }
    func sync() throws(TidemillError) {}
    func truncate(to size: Int64) throws(TidemillError) {
        throw TidemillError.internal("a stored file is only read")
    }
    func close() { owner.forget(number) }
}
