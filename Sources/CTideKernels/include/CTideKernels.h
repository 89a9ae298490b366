// Byte-level kernels that need instruction sets Swift cannot dispatch on at run time. Every function has a portable
// twin (suffix _portable) that tests hold it against; the public name picks the best one for the running CPU.
#ifndef TIDE_KERNELS_H
#define TIDE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, RFC 3720 appendix B.4). `crc` is 0 to start, or the
// result so far to continue. `bytes` may be unaligned; `count` may be 0.
uint32_t tide_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);
uint32_t tide_crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t count);

// Writes the offsets of `delimiter` and '\n' bytes that stand outside quotes to `out` (room for count + 64 entries)
// and returns how many there are. Without quoting pass quote == delimiter. `*in_quotes` is 0 outside and ~0 inside a
// quoted field; it carries over to the next block. Reads at most 63 bytes past `bytes + count` (never uses them).
size_t tide_csv_index(const uint8_t *bytes, size_t count, uint8_t delimiter, uint8_t quote,
                      uint32_t *out, uint64_t *in_quotes);
size_t tide_csv_index_portable(const uint8_t *bytes, size_t count, uint8_t delimiter, uint8_t quote,
                               uint32_t *out, uint64_t *in_quotes);

// Index of the first byte that ends or interrupts a JSON string: a quote, a backslash or a control character below
// 0x20. There must be one; reads at most 15 bytes past it.
size_t tide_json_string_end(const uint8_t *bytes);
size_t tide_json_string_end_portable(const uint8_t *bytes);

// The least and the greatest of `count` > 0 times.
void tide_time_range(const int64_t *times, size_t count, int64_t *least, int64_t *greatest);
void tide_time_range_portable(const int64_t *times, size_t count, int64_t *least, int64_t *greatest);

// The sum of (time - base) / 1000, rounded down, over times that lie less than 8 · 2^32 above `base`, a multiple of
// 1000. `count` is below 2^32.
uint64_t tide_millis_above(const int64_t *times, size_t count, int64_t base);
uint64_t tide_millis_above_portable(const int64_t *times, size_t count, int64_t base);

// 1 if the bytes are well-formed UTF-8 (RFC 3629), else 0.
int tide_utf8_valid(const uint8_t *bytes, size_t count);

static inline void tide_prefetch_write(const void *address) { __builtin_prefetch(address, 1, 3); }
static inline void tide_prefetch_read(const void *address) { __builtin_prefetch(address, 0, 3); }

// Atomically exchanges two directory entries (renameat2 with RENAME_EXCHANGE). 0, or -1 with errno.
int tide_rename_exchange(const char *a, const char *b);
// Renames `a` to `b`, failing with EEXIST if `b` exists. 0, or -1 with errno.
int tide_rename_noreplace(const char *a, const char *b);
// Resident set high-water mark and CPU time of this process.
typedef struct { int64_t peak_resident_bytes; int64_t cpu_micros; } tide_usage;
tide_usage tide_process_usage(void);
// Settings of the C library's allocator: how much free memory an arena keeps, and from which size on a block is mapped.
void tide_set_allocator(size_t kept_bytes, size_t mapped_from_bytes);

#endif
