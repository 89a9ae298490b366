#include "include/CTideKernels.h"
#include <malloc.h>
#include <string.h>
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/resource.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#define TIDE_X86 1
#endif

// ---- CRC-32C -------------------------------------------------------------------------------------------------------

// Slicing by eight (Kounavis and Berry, 2005). Table k holds the CRC of a byte followed by k zero bytes.
static uint32_t crc_table[8][256];
__attribute__((constructor)) static void crc_table_fill(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = (c >> 1) ^ ((c & 1) ? 0x82F63B78u : 0);
    crc_table[0][i] = c;
  }
  for (int t = 1; t < 8; t++)
    for (uint32_t i = 0; i < 256; i++)
      crc_table[t][i] = (crc_table[t - 1][i] >> 8) ^ crc_table[0][crc_table[t - 1][i] & 0xff];
}

uint32_t tide_crc32c_portable(uint32_t crc, const uint8_t *p, size_t n) {
  uint32_t c = ~crc;
  while (n >= 8) {
    uint64_t v;
    memcpy(&v, p, 8);
    v ^= c;
    c = crc_table[7][v & 0xff] ^ crc_table[6][(v >> 8) & 0xff] ^ crc_table[5][(v >> 16) & 0xff] ^
        crc_table[4][(v >> 24) & 0xff] ^ crc_table[3][(v >> 32) & 0xff] ^ crc_table[2][(v >> 40) & 0xff] ^
        crc_table[1][(v >> 48) & 0xff] ^ crc_table[0][v >> 56];
    p += 8;
    n -= 8;
  }
  while (n--) c = (c >> 8) ^ crc_table[0][(c ^ *p++) & 0xff];
  return ~c;
}

#if TIDE_X86
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p, size_t n) {
  uint64_t c = (uint32_t)~crc;
  while (n >= 8) {
    uint64_t v;
    memcpy(&v, p, 8);
    c = _mm_crc32_u64(c, v);
    p += 8;
    n -= 8;
  }
  while (n--) c = _mm_crc32_u8((uint32_t)c, *p++);
  return ~(uint32_t)c;
}
#endif

uint32_t tide_crc32c(uint32_t crc, const uint8_t *p, size_t n) {
#if TIDE_X86
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, p, n);
#endif
  return tide_crc32c_portable(crc, p, n);
}

// ---- CSV structural index -----------------------------------------------------------------------------------------
// Per 64 bytes: one bit per byte for delimiters and for quotes. The prefix-xor of the quote bits marks the inside of
// quoted fields (a doubled quote toggles twice, so it stays inside). Source: Langdale and Lemire, "Parsing gigabytes of
// JSON per second", VLDB Journal 2019, part 3.1.

static inline size_t flatten(uint64_t bits, size_t base, uint32_t *out) {
  size_t n = (size_t)__builtin_popcountll(bits);
  // Eight stores without a branch cover almost every word; what they write past n is overwritten by the next word.
  uint64_t b = bits;
  for (int i = 0; i < 8; i++) {
    out[i] = (uint32_t)(base + (size_t)__builtin_ctzll(b | (1ull << 63)));
    b &= b - 1;
  }
  for (size_t i = 8; i < n; i++) {
    out[i] = (uint32_t)(base + (size_t)__builtin_ctzll(b));
    b &= b - 1;
  }
  return n;
}

static inline uint64_t prefix_xor(uint64_t x) {
  x ^= x << 1;
  x ^= x << 2;
  x ^= x << 4;
  x ^= x << 8;
  x ^= x << 16;
  x ^= x << 32;
  return x;
}

size_t tide_csv_index_portable(const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote, uint32_t *out,
                               uint64_t *in_quotes) {
  size_t k = 0;
  int q = *in_quotes != 0;
  int quoting = quote != delimiter;
  for (size_t i = 0; i < n; i++) {
    uint8_t b = p[i];
    if (quoting && b == quote) q = !q;
    else if ((b == delimiter || b == '\n') && !q) out[k++] = (uint32_t)i;
  }
  *in_quotes = q ? ~0ull : 0;
  return k;
}

#if TIDE_X86
#define CSV_INDEX_BODY(...)                                                                                          \
  size_t k = 0;                                                                                                       \
  uint64_t q = *in_quotes;                                                                                            \
  uint8_t tail[64];                                                                                                   \
  for (size_t i = 0; i < n; i += 64) {                                                                                \
    const uint8_t *s = p + i;                                                                                         \
    uint64_t live = ~0ull;                                                                                            \
    if (n - i < 64) {                                                                                                 \
      memset(tail, 0, 64);                                                                                            \
      memcpy(tail, s, n - i);                                                                                         \
      s = tail;                                                                                                       \
      live = (1ull << (n - i)) - 1;                                                                                   \
    }                                                                                                                 \
    uint64_t m, qm;                                                                                                   \
    __VA_ARGS__                                                                                                       \
    m &= live;                                                                                                        \
    qm &= live;                                                                                                       \
    if (delimiter == quote) qm = 0;                                                                                   \
    if (__builtin_expect((qm | q) != 0, 0)) {                                                                         \
      uint64_t inside = prefix_xor(qm) ^ q;                                                                           \
      q = (uint64_t)((int64_t)inside >> 63);                                                                          \
      m &= ~inside;                                                                                                   \
    }                                                                                                                 \
    k += flatten(m, i, out + k);                                                                                      \
  }                                                                                                                   \
  *in_quotes = q;                                                                                                     \
  return k;

__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))) static size_t csv_index_avx2(
    const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote, uint32_t *out, uint64_t *in_quotes) {
  const __m256i d = _mm256_set1_epi8((char)delimiter), l = _mm256_set1_epi8('\n'), t = _mm256_set1_epi8((char)quote);
  CSV_INDEX_BODY({
    __m256i a = _mm256_loadu_si256((const __m256i *)s), b = _mm256_loadu_si256((const __m256i *)(s + 32));
    m = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(a, d), _mm256_cmpeq_epi8(a, l)));
    m |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(b, d), _mm256_cmpeq_epi8(b, l)))
         << 32;
    qm = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, t));
    qm |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, t)) << 32;
  })
}

static size_t csv_index_sse2(const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote, uint32_t *out,
                             uint64_t *in_quotes) {
  const __m128i d = _mm_set1_epi8((char)delimiter), l = _mm_set1_epi8('\n'), t = _mm_set1_epi8((char)quote);
  CSV_INDEX_BODY({
    m = 0;
    qm = 0;
    for (int j = 0; j < 4; j++) {
      __m128i a = _mm_loadu_si128((const __m128i *)(s + 16 * j));
      m |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(a, d), _mm_cmpeq_epi8(a, l))) << (16 * j);
      qm |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, t)) << (16 * j);
    }
  })
}
#endif

size_t tide_csv_index(const uint8_t *p, size_t n, uint8_t delimiter, uint8_t quote, uint32_t *out,
                      uint64_t *in_quotes) {
#if TIDE_X86
  if (__builtin_cpu_supports("avx2")) return csv_index_avx2(p, n, delimiter, quote, out, in_quotes);
  return csv_index_sse2(p, n, delimiter, quote, out, in_quotes);
#else
  return tide_csv_index_portable(p, n, delimiter, quote, out, in_quotes);
#endif
}

// ---- Times --------------------------------------------------------------------------------------------------------
// Loops that compilers turn into four rows a step, if they may use 256 bits: SSE2 compares no 64-bit numbers.

static inline __attribute__((always_inline)) void time_range(
    const int64_t *times, size_t n, int64_t *least, int64_t *greatest) {
  int64_t low = times[0], high = times[0];
  for (size_t i = 1; i < n; i++) {
    low = times[i] < low ? times[i] : low;
    high = times[i] > high ? times[i] : high;
  }
  *least = low;
  *greatest = high;
}

// A distance by eight has 32 bits, and 125 divides what eight of 1000 left.
static inline __attribute__((always_inline)) uint64_t millis_above(const int64_t *times, size_t n, int64_t base) {
  uint64_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += (uint32_t)(((uint64_t)times[i] - (uint64_t)base) >> 3) / 125;
  return sum;
}

void tide_time_range_portable(const int64_t *times, size_t n, int64_t *least, int64_t *greatest) {
  time_range(times, n, least, greatest);
}
uint64_t tide_millis_above_portable(const int64_t *times, size_t n, int64_t base) {
  return millis_above(times, n, base);
}

#if TIDE_X86
__attribute__((target("avx2"))) static void time_range_avx2(
    const int64_t *times, size_t n, int64_t *least, int64_t *greatest) {
  time_range(times, n, least, greatest);
}
__attribute__((target("avx2"))) static uint64_t millis_above_avx2(const int64_t *times, size_t n, int64_t base) {
  return millis_above(times, n, base);
}
#endif

void tide_time_range(const int64_t *times, size_t n, int64_t *least, int64_t *greatest) {
#if TIDE_X86
  if (__builtin_cpu_supports("avx2")) return time_range_avx2(times, n, least, greatest);
#endif
  time_range(times, n, least, greatest);
}

uint64_t tide_millis_above(const int64_t *times, size_t n, int64_t base) {
#if TIDE_X86
  if (__builtin_cpu_supports("avx2")) return millis_above_avx2(times, n, base);
#endif
  return millis_above(times, n, base);
}

// ---- JSON strings -------------------------------------------------------------------------------------------------

size_t tide_json_string_end_portable(const uint8_t *p) {
  size_t i = 0;
  while (p[i] != '"' && p[i] != '\\' && p[i] >= 0x20) i++;
  return i;
}

size_t tide_json_string_end(const uint8_t *p) {
#if TIDE_X86
  // SSE2 is part of x86-64. Most strings end within the first vector, so wider ones win nothing.
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  for (size_t i = 0;; i += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
    __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                               _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
    int bits = _mm_movemask_epi8(hit);
    if (bits) return i + (size_t)__builtin_ctz((unsigned)bits);
  }
#else
  return tide_json_string_end_portable(p);
#endif
}

// ---- UTF-8 --------------------------------------------------------------------------------------------------------

int tide_utf8_valid(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    while (i + 8 <= n) {
      uint64_t v;
      memcpy(&v, p + i, 8);
      if (v & 0x8080808080808080ull) break;
      i += 8;
    }
    if (i >= n) return 1;
    uint8_t b = p[i];
    if (b < 0x80) {
      i += 1;
    } else if (b >= 0xc2 && b <= 0xdf) {
      if (n - i < 2 || (p[i + 1] & 0xc0) != 0x80) return 0;
      i += 2;
    } else if ((b & 0xf0) == 0xe0) {
      if (n - i < 3 || (p[i + 1] & 0xc0) != 0x80 || (p[i + 2] & 0xc0) != 0x80) return 0;
      if (b == 0xe0 && p[i + 1] < 0xa0) return 0;
      if (b == 0xed && p[i + 1] > 0x9f) return 0;
      i += 3;
    } else if (b >= 0xf0 && b <= 0xf4) {
      if (n - i < 4 || (p[i + 1] & 0xc0) != 0x80 || (p[i + 2] & 0xc0) != 0x80 || (p[i + 3] & 0xc0) != 0x80) return 0;
      if (b == 0xf0 && p[i + 1] < 0x90) return 0;
      if (b == 0xf4 && p[i + 1] > 0x8f) return 0;
      i += 4;
    } else {
      return 0;
    }
  }
  return 1;
}

// ---- System calls without a glibc wrapper on every Debian ---------------------------------------------------------

int tide_rename_exchange(const char *a, const char *b) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

int tide_rename_noreplace(const char *a, const char *b) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
}

void tide_set_allocator(size_t kept_bytes, size_t mapped_from_bytes) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, (int)kept_bytes);
    mallopt(M_MMAP_THRESHOLD, (int)mapped_from_bytes);
#else
    (void)kept_bytes;
    (void)mapped_from_bytes;
#endif
}

tide_usage tide_process_usage(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  tide_usage u;
  u.peak_resident_bytes = (int64_t)r.ru_maxrss * 1024;
  u.cpu_micros = (int64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
  return u;
}
