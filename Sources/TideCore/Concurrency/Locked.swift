import Glibc

/// A value and the lock under which threads take turns with it. One lock per partition, table or result: never one for
/// a whole engine.
///
/// `Synchronization.Mutex` would do, but its `withLock` does not pass typed errors on.
public final class Locked<Value>: @unchecked Sendable {
    // Sendable: `value` is reached only under the lock.
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline var value: Value

    public init(_ value: Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }
    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inlinable public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
