/// Runs the tasks of an epoch. The pool runs them on threads; the simulated twin on one thread in an order drawn from
/// a seed, so results must not depend on the order.
public protocol Executor: Sendable {
    /// How many tasks run at the same time; `worker` below is 0..<workers.
    var workers: Int { get }
    /// Runs `body(task, worker)` for every task in 0..<count and returns when all have ended. Tasks are claimed in
    /// ascending order. After an error no further task is started; the error of the lowest task is thrown.
    /// Not reentrant: a task must not call `run`.
    func run(tasks count: Int, _ body: @escaping @Sendable (_ task: Int, _ worker: Int) throws(TidemillError) -> Void)
        throws(TidemillError)
    /// Starts work that goes on beside the epochs: on a thread of its own, or in the simulated twin as a whole at some
    /// moment drawn from the seed. It may touch nothing that an epoch changes. Whoever starts it waits for it.
    func startInBackground(_ body: @escaping @Sendable () -> Void) -> any BackgroundWork
}

/// Work that was started beside the epochs. Used by the thread that started it.
public protocol BackgroundWork: AnyObject, Sendable {
    /// True once the body has returned. Polled at the boundaries of epochs, never waited on.
    var isDone: Bool { get }
    /// Returns when the body has.
    func wait()
}
