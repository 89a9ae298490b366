import Glibc

/// Zeroed memory for tables: small pieces from the allocator, pieces of 2 MiB and more as mappings of their own,
/// aligned for huge pages. A random access to a table of a gigabyte in small pages misses the TLB as well as the cache.
///
/// Mapped pieces are cut to size: `posix_memalign` with that alignment keeps up to 2 MiB more per piece. Memory is
/// handed out as a pointer and owned by exactly one table, which gives it back with the size it asked for.
enum LargeMemory {
    static let hugePageBytes = 1 << 21
    private static let pageBytes = 4096

    /// Bytes that a piece of `byteCount` takes.
    static func reservedBytes(_ byteCount: Int) -> Int {
        byteCount < hugePageBytes ? byteCount : (byteCount + pageBytes - 1) & ~(pageBytes - 1)
    }

    static func allocateZeroed(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount < hugePageBytes {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            memset(memory, 0, byteCount)
            return memory
        }
        let size = reservedBytes(byteCount)
        // One huge page more than needed, so that an aligned piece lies inside; the ends go back.
        guard
            let whole = mmap(
                nil, size + hugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            whole != MAP_FAILED
        else { preconditionFailure("out of memory: \(byteCount) bytes") }
        let lead = -Int(bitPattern: whole) & (hugePageBytes - 1)
        if lead > 0 { munmap(whole, lead) }
        munmap(whole + lead + size, hugePageBytes - lead)
        madvise(whole + lead, size, MADV_HUGEPAGE)
        return whole + lead
    }

    static func deallocate(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        if byteCount < hugePageBytes {
            memory.deallocate()
        } else {
            munmap(memory, reservedBytes(byteCount))
        }
    }
}
