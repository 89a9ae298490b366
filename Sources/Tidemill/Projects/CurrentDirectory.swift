import Glibc

/// The folder the process was started in.
public func currentDirectory() -> FilePath {
    guard let raw = getcwd(nil, 0) else { return FilePath("/") }
    defer { free(raw) }
    return FilePath(String(cString: raw))
}
