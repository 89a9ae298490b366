/// Waits until something happens: a file became complete in a watched directory, a moment came, or somebody woke it.
/// The only place where a long-running pipeline sleeps.
///
/// `add` and `wait` are called from one thread; `wake` from any.
public protocol Watch: AnyObject, Sendable {
    /// Watches a directory (not what lies below it) from now on. Fine if it is watched already; a directory that cannot
    /// be watched is left to the caller's regular look.
    func add(_ directory: FilePath)
    /// Returns when something happened in a watched directory, when `wake` was called, or after `timeout`; nil waits
    /// for ever. What happened since the last call counts too.
    func wait(timeout: Duration?) throws(TidemillError) -> WatchedFiles
    /// Ends a `wait` that is going on, or else the next one.
    func wake()
}

/// What a `Watch` has seen.
public struct WatchedFiles: Sendable, Hashable {
    /// Closed after writing, or moved into a watched directory: whole.
    public var completed: [FilePath] = []
    /// Made or written to, and not yet closed.
    public var begun: [FilePath] = []
    public init() {}
    public var isEmpty: Bool { completed.isEmpty && begun.isEmpty }
}
