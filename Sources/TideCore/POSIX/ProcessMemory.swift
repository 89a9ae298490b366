import CTideKernels

/// Settings of the allocator for a process that is Tidemill's own; a host of the library decides for itself.
public enum ProcessMemory {
    /// Lets the allocator keep what is freed, up to 64 MiB per arena, and take blocks below 4 MiB from it.
    ///
    /// Buffers of a batch are larger than glibc's 128 KiB, from which on it maps each block anew and unmaps it when it
    /// is freed: two thirds of the page faults of a catch-up run (42,000 to 14,500; 18.4 M rows, 2026-11-26).
    public static func keepFreedMemory() {
        tide_set_allocator(64 << 20, 4 << 20)
    }
}
