@_exported import TideConnectorAPI
import Synchronization

/// How a stored table is written.
public struct TableOptions: Sendable {
    /// How long a version that was swapped out stays for readers in the middle of it.
    public var readerGrace: Duration = .seconds(60)
    public var rowGroupRows = 128 << 10
    /// Files are closed, and merged, at about this size.
    public var fileBytesTarget: Int64 = 128 << 20
    /// Prepared files up to this size travel inside the commit record.
    public var inlineBytesMax = 1 << 20
    /// How many files of one size class are merged into one.
    public var mergeFanIn = 8
    public init() {}

    var mergePlan: MergePlan { MergePlan(targetBytes: fileBytesTarget, fanIn: mergeFanIn) }
    /// Row groups below this are decoded and gathered into larger ones when files are merged.
    var rowGroupRowsTiny: Int { rowGroupRows / 4 }
}

/// Results of parallel tasks, one slot per task.
final class TaskResults<Value: Sendable>: Sendable {
    private let slots: Mutex<[Value?]>
    init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }
    subscript(_ task: Int) -> Value? {
        get { slots.withLock { $0[task] } }
        set { slots.withLock { $0[task] = newValue } }
    }
}

extension Mutex where Value: ~Copyable {
    /// `withLock` for bodies with typed errors.
    borrowing func locked<R>(_ body: (inout Value) throws(TidemillError) -> R) throws(TidemillError) -> R {
        let result: Result<R, TidemillError> = withLock { value in
            do throws(TidemillError) { return .success(try body(&value)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
