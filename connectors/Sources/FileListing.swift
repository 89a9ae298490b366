/// Finds the files that a source's path names: a file, the files of a directory, or what a pattern matches.
///
/// Hidden names (first character `.` or `_`) and the temporary names of common copy tools are not data. Of a
/// directory's subdirectories those count that are named like a partition (`key=value`), and whatever lies in them;
/// with `recursive` all of them, and then their names mean nothing.
public struct FileListing: Sendable {
    public struct Found: Sendable, Hashable {
        public var path: String
        /// nil until asked for: a listing costs no `stat` per file.
        public var status: FileStatus?
    }

    public let path: FilePath
    /// Applied to the last name of each file.
    public let nameFilter: GlobPattern?
    public let recursive: Bool
    /// The longest leading part of the path without a pattern, and the patterns after it, name by name.
    let base: FilePath
    private let patterns: [(text: String, pattern: GlobPattern)]

    /// - Parameter path: absolute, or relative to the working directory; its last names may be patterns.
    public init(path: FilePath, nameFilter: GlobPattern? = nil, recursive: Bool = false) throws(TidemillError) {
        self.path = path
        self.nameFilter = nameFilter
        self.recursive = recursive
        // A brace group may span names ("{a/b,c}"); such paths are not cut at slashes inside braces.
        var base = path.root.map { FilePath(root: $0) } ?? FilePath()
        var patterns: [(String, GlobPattern)] = []
        for component in path.components {
            if patterns.isEmpty && !GlobPattern.isPattern(component.string) {
                base.append(component)
            } else {
                patterns.append((component.string, try GlobPattern(component.string)))
            }
        }
        self.base = base.isEmpty ? FilePath(".") : base
        self.patterns = patterns
    }

    /// Names that are never data.
    public static func isHidden(_ name: String) -> Bool {
        name.hasPrefix(".") || (name.hasPrefix("_") && !name.contains("=")) || name.hasSuffix("._COPYING_")
            || name.hasSuffix(".tmp")
            || name.hasSuffix(".inprogress") || name.hasSuffix(".crdownload") || name.hasSuffix(".part")
    }

    /// All files now, in no order. A path without a pattern must exist.
    public func files(in fileSystem: any FileSystem) throws(TidemillError) -> [Found] {
        guard let status = try fileSystem.status(of: base) else { throw notFound() }
        var found: [Found] = []
        try walk(base, status.kind, patterns[...], status, fileSystem, &found)
        return found
    }

    /// Throws unless the path, up to its first pattern, exists.
    public func check(in fileSystem: any FileSystem) throws(TidemillError) {
        if try fileSystem.status(of: base) == nil { throw notFound() }
    }

    /// The directory in which new files are expected. Files that appear elsewhere (deeper, or below a pattern) are
    /// found by listing.
    public func directories(in fileSystem: any FileSystem) -> [FilePath] {
        guard let status = try? fileSystem.status(of: base) else { return [] }
        return [status.kind == .directory ? base : base.removingLastComponent()]
    }

    private func notFound() -> TidemillError {
        TidemillError(
            .user, "PATH_NOT_FOUND", "path does not exist: \(base.string)",
            hint: "create the directory or correct the option 'path'; a relative path is taken from the project's"
                + " folder")
    }

    private func walk(
        _ at: FilePath, _ kind: FileStatus.Kind, _ rest: ArraySlice<(text: String, pattern: GlobPattern)>,
        _ status: FileStatus?, _ fileSystem: any FileSystem, _ found: inout [Found]
    ) throws(TidemillError) {
        guard let next = rest.first else {
            switch kind {
            case .file:
                let name = at.lastComponent?.string ?? ""
                if nameFilter?.matches(name) ?? true { found.append(Found(path: at.string, status: status)) }
            case .directory: try list(at, isInPartition: false, fileSystem, &found)
            case .other: break
            }
            return
        }
        guard kind == .directory else { return }
        for entry in try entries(at, fileSystem) where next.pattern.matches(entry.name) {
            // As in a shell: a hidden name is matched only by a pattern that says so.
            if FileListing.isHidden(entry.name) && !next.text.hasPrefix(".") && !next.text.hasPrefix("_") { continue }
            try walk(at.appending(entry.name), entry.kind, rest.dropFirst(), nil, fileSystem, &found)
        }
    }

    private func list(
        _ directory: FilePath, isInPartition: Bool, _ fileSystem: any FileSystem, _ found: inout [Found]
    ) throws(TidemillError) {
        for entry in try entries(directory, fileSystem) where !FileListing.isHidden(entry.name) {
            switch entry.kind {
            case .file:
                guard nameFilter?.matches(entry.name) ?? true else { continue }
                found.append(Found(path: directory.appending(entry.name).string, status: nil))
            case .directory:
                if recursive || isInPartition || PartitionDirectories.isPartition(entry.name) {
                    try list(directory.appending(entry.name), isInPartition: true, fileSystem, &found)
                }
            case .other: break
            }
        }
    }

    /// A directory that vanishes during the walk is empty.
    private func entries(
        _ directory: FilePath, _ fileSystem: any FileSystem
    ) throws(TidemillError) -> [DirectoryEntry] {
        do throws(TidemillError) {
            return try fileSystem.entries(of: directory)
        } catch {
            if error.errno == noSuchFile && directory != base { return [] }
            if error.errno == noSuchFile { throw notFound() }
            throw error
        }
    }
}

/// ENOENT.
let noSuchFile: Int32 = 2
