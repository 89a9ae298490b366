@_exported import TideEngine

/// A pipeline as it lies on disk: one `.sql` file, or a folder with Spark's `spark-pipeline.yml`.
public struct Project: Sendable {
    public var name: String
    /// Relative paths in the SQL start here.
    public var directory: FilePath
    /// In path order; `tables.sql` beside the spec first.
    public var scripts: [SourceText]
    public var configuration: [String: String]
    public var database: String
    /// Where the checkpoint goes unless the caller says otherwise.
    public var storage: FilePath
    public var notes: [String]

    /// A project that is put together in memory.
    public init(
        name: String, directory: FilePath, scripts: [SourceText], configuration: [String: String] = [:],
        database: String = "default", storage: FilePath, notes: [String] = []
    ) {
        self.name = name
        self.directory = directory
        self.scripts = scripts
        self.configuration = configuration
        self.database = database
        self.storage = storage
        self.notes = notes
    }

    static let specNames = ["spark-pipeline.yml", "spark-pipeline.yaml"]

    /// - Parameter path: a file, a folder, or nil for the current folder.
    public static func load(_ path: String?, files: any FileSystem) throws(TidemillError) -> Project {
        let given = absolute(FilePath(path ?? "."))
        guard let status = try files.status(of: given) else {
            throw TidemillError(
                .user, "TIDEMILL_PROJECT_NOT_FOUND", "there is no such file or folder: \(given.string)",
                hint: "name a .sql file, or a folder with a spark-pipeline.yml")
        }
        if status.kind == .file { return try single(given, files) }
        for name in specNames where try files.exists(given.appending(name)) {
            return try folder(given, spec: given.appending(name), files)
        }
        throw TidemillError(
            .user, "TIDEMILL_PROJECT_NOT_FOUND",
            "there is neither spark-pipeline.yml nor spark-pipeline.yaml in \(given.string)",
            detail: path == nil ? "no project was named, so the current folder was looked at" : nil,
            hint: hint(given, path, files))
    }

    private static let filesNamedMax = 5

    /// Names the SQL files of the folder: one of them may be meant.
    private static func hint(_ folder: FilePath, _ path: String?, _ files: any FileSystem) -> String {
        let entries = (try? files.entries(of: folder)) ?? []
        let scripts = entries.map(\.name).filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") }.sorted()
        let prefix = path.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
        if scripts.isEmpty { return "name a .sql file, or a folder with a spark-pipeline.yml" }
        let named = scripts.prefix(filesNamedMax).map { prefix + $0 }.joined(separator: ", ")
        return "name a .sql file; there is \(named)\(scripts.count > filesNamedMax ? ", …" : "")"
    }

    /// Whether the folder is a project.
    public static func exists(in directory: FilePath, files: any FileSystem) throws(TidemillError) -> Bool {
        for name in specNames where try files.exists(directory.appending(name)) { return true }
        return false
    }

    private static func single(_ path: FilePath, _ files: any FileSystem) throws(TidemillError) -> Project {
        let directory = path.removingLastComponent()
        let name = path.stem ?? "pipeline"
        return Project(
            name: name, directory: directory, scripts: [try script(path, in: directory, files)], configuration: [:],
            database: "default", storage: directory.appending(".tidemill").appending(name), notes: [])
    }

    private static func folder(
        _ directory: FilePath, spec path: FilePath, _ files: any FileSystem
    ) throws(TidemillError) -> Project {
        let spec = try PipelineSpec.parse(try text(path, files), file: path.string)
        var scripts: [SourceText] = []
        let tables = directory.appending("tables.sql")
        if try files.exists(tables) { scripts.append(try script(tables, in: directory, files)) }
        var notes: [String] = []
        var found = Set<String>()
        for pattern in spec.includes {
            let matches = try PathPattern(pattern).files(under: directory, files)
            if matches.isEmpty { notes.append("no file matches the library pattern \(pattern)") }
            found.formUnion(matches)
        }
        for relative in found.sorted() where relative != "tables.sql" {
            if relative.hasSuffix(".sql") {
                scripts.append(try script(directory.appending(relative), in: directory, files))
            } else {
                notes.append("\(relative) is not SQL and is left to Spark")
            }
        }
        guard !scripts.isEmpty else {
            throw TidemillError(
                .user, "TIDEMILL_NO_SQL", "the project has no SQL file",
                hint: "list them under libraries: - glob: include: transformations/**", place: .file(path.string))
        }
        let name = spec.name ?? directory.lastComponent?.string ?? "pipeline"
        let storage =
            spec.storage.map { resolve($0, in: directory) }
            ?? directory.appending(".tidemill").appending(name)
        return Project(
            name: name, directory: directory, scripts: scripts, configuration: spec.configuration,
            database: spec.database ?? "default", storage: storage, notes: notes)
    }

    /// Paths in errors are shown relative to the project.
    private static func script(
        _ path: FilePath, in directory: FilePath, _ files: any FileSystem
    ) throws(TidemillError) -> SourceText {
        var name = path.string
        if name.hasPrefix(directory.string + "/") { name = String(name.dropFirst(directory.string.count + 1)) }
        return SourceText(name: name, text: try text(path, files))
    }

    private static func text(_ path: FilePath, _ files: any FileSystem) throws(TidemillError) -> String {
        let bytes = try files.contents(of: path, limit: 64 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TidemillError(.user, "TIDEMILL_NOT_UTF8", "the file is not UTF-8 text", place: .file(path.string))
        }
        return text
    }

    /// A path or file URI of the spec or the command line.
    public static func resolve(_ path: String, in directory: FilePath) -> FilePath {
        var text = path
        for scheme in ["file://", "file:"] where text.hasPrefix(scheme) {
            text = String(text.dropFirst(scheme.count))
            break
        }
        return directory.pushing(FilePath(text)).lexicallyNormalized()
    }

    static func absolute(_ path: FilePath) -> FilePath {
        path.isAbsolute ? path.lexicallyNormalized() : currentDirectory().pushing(path).lexicallyNormalized()
    }
}
