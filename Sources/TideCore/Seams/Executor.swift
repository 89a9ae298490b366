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
}
