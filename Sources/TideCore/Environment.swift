/// The seams, together. Everything that touches the world gets one of these.
public struct Environment: Sendable {
    public var files: any FileSystem
    public var clock: any Clock
    public var random: any Random
    public var executor: any Executor

    public init(files: any FileSystem, clock: any Clock, random: any Random, executor: any Executor) {
        self.files = files
        self.clock = clock
        self.random = random
        self.executor = executor
    }

    /// The real machine with this many worker threads.
    public static func system(workers: Int = processorCount()) -> Environment {
        Environment(
            files: POSIXFileSystem(), clock: SystemClock(), random: SystemRandom(),
            executor: ThreadPool(workers: workers))
    }
}
