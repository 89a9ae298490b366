/// Runs tasks one after the other on the calling thread: inside a task of another executor, which must not be entered
/// again.
struct CallerExecutor: Executor {
    var workers: Int { 1 }

    func run(
        tasks count: Int, _ body: @escaping @Sendable (_ task: Int, _ worker: Int) throws(TidemillError) -> Void
    ) throws(TidemillError) {
        for task in 0..<count { try body(task, 0) }
    }

    func startInBackground(_ body: @escaping @Sendable () -> Void) -> any BackgroundWork {
        body()
        return Done()
    }

    private final class Done: BackgroundWork {
        var isDone: Bool { true }
        func wait() {}
    }
}
