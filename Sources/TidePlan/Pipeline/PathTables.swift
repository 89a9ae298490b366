/// csv.`path` and its kin: files read where they lie, without a declaration.
enum PathTables {
    static let formats: Set<String> = ["csv", "json", "parquet", "delta", "text"]

    /// An absolute path; `file:` URIs are taken apart.
    static func resolve(_ path: String, in directory: FilePath) -> String {
        var text = path
        for prefix in ["file://", "file:"] where text.hasPrefix(prefix) {
            text = String(text.dropFirst(prefix.count))
            break
        }
        let written = FilePath(text)
        if written.isAbsolute || text.contains("://") { return text }
        return directory.pushing(written).lexicallyNormalized().string
    }
}
