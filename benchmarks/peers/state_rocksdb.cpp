// The state workload in RocksDB: batched read-modify-write of 16-byte values (count += 1, sum += v) under 8-byte keys.
//
//   state_rocksdb DIR OPERATIONS KEYS BATCH CACHE_BYTES
//
// Per batch: keys sorted and equal ones combined, one MultiGet, one WriteBatch, one sync of the write-ahead log. Bloom
// filters of 10 bits per key, LZ4, a block cache of CACHE_BYTES. The sequence of keys and values and the checksum of the
// final state are those of benchmarks/State/StateWorkload.swift.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {

uint64_t scramble(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

struct Sequence {
  uint64_t state = 42;
  uint64_t next() { return scramble(state += 0x9E3779B97F4A7C15ull); }
};

struct Change {
  uint64_t key;
  int64_t count;
  int64_t sum;
};

// Keys in byte order are keys in number order, so a sorted batch is sorted for RocksDB as well.
void encodeKey(uint64_t key, char *out) {
  const uint64_t big = __builtin_bswap64(key);
  memcpy(out, &big, 8);
}

void check(const rocksdb::Status &status) {
  if (status.ok()) return;
  fprintf(stderr, "rocksdb: %s\n", status.ToString().c_str());
  exit(1);
}

uint64_t field(const char *file, const char *name) {
  std::ifstream in(file);
  std::string word;
  while (in >> word)
    if (word == name) {
      uint64_t value = 0;
      in >> value;
      return value;
    }
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: state_rocksdb DIR OPERATIONS KEYS BATCH CACHE_BYTES\n");
    return 2;
  }
  const std::string directory = argv[1];
  const uint64_t operations = strtoull(argv[2], nullptr, 10);
  const uint64_t keys = strtoull(argv[3], nullptr, 10);
  const uint64_t batch_size = strtoull(argv[4], nullptr, 10);
  const size_t cache_bytes = strtoull(argv[5], nullptr, 10);

  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  options.IncreaseParallelism(2);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  check(rocksdb::DestroyDB(directory, options));
  rocksdb::DB *opened = nullptr;
  check(rocksdb::DB::Open(options, directory, &opened));
  std::unique_ptr<rocksdb::DB> db(opened);

  Sequence sequence;
  std::vector<Change> changes;
  std::vector<char> key_bytes;
  std::vector<rocksdb::Slice> slices;
  std::vector<rocksdb::PinnableSlice> values;
  std::vector<rocksdb::Status> statuses;
  rocksdb::WriteOptions durable;
  durable.sync = true;

  const auto start = std::chrono::steady_clock::now();
  for (uint64_t done = 0; done < operations;) {
    const uint64_t n = std::min(batch_size, operations - done);
    changes.resize(n);
    for (auto &change : changes) {
      change.key = sequence.next() % keys;
      change.count = 1;
      change.sum = static_cast<int64_t>(sequence.next() >> 44) - (1 << 19);
    }
    std::sort(changes.begin(), changes.end(), [](const Change &a, const Change &b) { return a.key < b.key; });
    size_t distinct = 0;
    for (size_t i = 1; i < n; i++) {
      if (changes[i].key == changes[distinct].key) {
        changes[distinct].count += changes[i].count;
        changes[distinct].sum += changes[i].sum;
      } else {
        changes[++distinct] = changes[i];
      }
    }
    changes.resize(distinct + 1);

    key_bytes.resize(changes.size() * 8);
    slices.resize(changes.size());
    for (size_t i = 0; i < changes.size(); i++) {
      encodeKey(changes[i].key, &key_bytes[i * 8]);
      slices[i] = rocksdb::Slice(&key_bytes[i * 8], 8);
    }
    values.clear();
    values.resize(changes.size());
    statuses.assign(changes.size(), rocksdb::Status());
    db->MultiGet(
        rocksdb::ReadOptions(), db->DefaultColumnFamily(), slices.size(), slices.data(), values.data(),
        statuses.data(), true);
    rocksdb::WriteBatch writes(changes.size() * 40);
    for (size_t i = 0; i < changes.size(); i++) {
      int64_t row[2] = {0, 0};
      if (statuses[i].ok()) {
        memcpy(row, values[i].data(), 16);
      } else if (!statuses[i].IsNotFound()) {
        check(statuses[i]);
      }
      row[0] += changes[i].count;
      row[1] += changes[i].sum;
      check(writes.Put(slices[i], rocksdb::Slice(reinterpret_cast<char *>(row), 16)));
    }
    check(db->Write(durable, &writes));
    done += n;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const uint64_t written = field("/proc/self/io", "wchar:");
  const uint64_t peak = field("/proc/self/status", "VmHWM:");

  uint64_t rows = 0, checksum = 0;
  std::unique_ptr<rocksdb::Iterator> all(db->NewIterator(rocksdb::ReadOptions()));
  for (all->SeekToFirst(); all->Valid(); all->Next()) {
    uint64_t key;
    int64_t row[2];
    memcpy(&key, all->key().data(), 8);
    memcpy(row, all->value().data(), 16);
    key = __builtin_bswap64(key);
    checksum += scramble(key + scramble(static_cast<uint64_t>(row[0]) + scramble(static_cast<uint64_t>(row[1]))));
    rows++;
  }
  check(all->status());
  all.reset();
  printf(
      "rocksdb   %.2f s, %.0f keys/s, %llu MB written, %llu MB peak, %llu rows, checksum %016llx\n", seconds,
      static_cast<double>(operations) / seconds, static_cast<unsigned long long>(written / 1000000),
      static_cast<unsigned long long>(peak * 1024 / 1000000), static_cast<unsigned long long>(rows),
      static_cast<unsigned long long>(checksum));
  check(db->Close());
  return 0;
}
