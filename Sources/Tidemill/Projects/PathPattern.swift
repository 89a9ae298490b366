/// A library pattern of the spec: `*` and `?` within a name, `**` for any number of folders.
struct PathPattern {
    let parts: [String]

    init(_ text: String) { parts = text.split(separator: "/").map(String.init).filter { $0 != "." } }

    /// Matching files as paths relative to `directory`. Hidden names are passed over.
    func files(under directory: FilePath, _ files: any FileSystem) throws(TidemillError) -> [String] {
        var found: [String] = []
        try visit(directory, "", files, depth: 0) { found.append($0) }
        return found.filter { matches($0.split(separator: "/").map(String.init)[...], parts[...]) }
    }

    private func visit(
        _ directory: FilePath, _ prefix: String, _ files: any FileSystem, depth: Int, _ body: (String) -> Void
    ) throws(TidemillError) {
        if depth > 32 { return }
        for entry in try files.entries(of: directory) where !entry.name.hasPrefix(".") {
            let path = prefix.isEmpty ? entry.name : prefix + "/" + entry.name
            switch entry.kind {
            case .file: body(path)
            case .directory where mayLeadTo(path):
                try visit(directory.appending(entry.name), path, files, depth: depth + 1, body)
            default: break
            }
        }
    }

    /// Whether the folder can hold a match, so that data folders beside the SQL are not searched.
    private func mayLeadTo(_ path: String) -> Bool {
        for (name, part) in zip(path.split(separator: "/"), parts) {
            if part == "**" { return true }
            if !wildcard(Array(name.utf8)[...], Array(part.utf8)[...]) { return false }
        }
        return path.split(separator: "/").count < parts.count
    }

    private func matches(_ names: ArraySlice<String>, _ parts: ArraySlice<String>) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        if part == "**" {
            // As in Spark, a final ** stands for the files below.
            if parts.count == 1 { return !names.isEmpty }
            return (0...names.count).contains { matches(names.dropFirst($0), parts.dropFirst()) }
        }
        guard let name = names.first, wildcard(Array(name.utf8)[...], Array(part.utf8)[...]) else { return false }
        return matches(names.dropFirst(), parts.dropFirst())
    }

    private func wildcard(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == UInt8(ascii: "*") {
            return (0...name.count).contains { wildcard(name.dropFirst($0), pattern.dropFirst()) }
        }
        guard let byte = name.first, first == UInt8(ascii: "?") || first == byte else { return false }
        return wildcard(name.dropFirst(), pattern.dropFirst())
    }
}
