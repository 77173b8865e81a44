#pragma once

// Append runs: what the append memtable is made of: entries and their order, the blocks that the
// writer fills, and the sorted runs that come of them. append_memtable.h tells the algorithm.
//
// Thread: a Run never changes once it is made; a Block says which calls are the writer's.

#include <rocksdb/memtablerep.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/append_memtable.h"

namespace hearth::append {

using rocksdb::Slice;

inline constexpr size_t kTrailerSize = 8;  // an internal key = user key + sequence and type

// ---- Entries and their order ------------------------------------------------------------------

// high and low: a prefix of the key that is made for our rows (rows.h), so that two numbers tell
// nearly all of them apart. A prefix that differs orders as the keys do; one that is equal says
// nothing.
//   prefix = table:1 db-id:2 (position | object-id):5 the next 8 bytes        of 'k' and 'm' rows
// Of a head row the position's other 3 bytes come first among the 8. What does not fit its bytes
// (a database id of 65535 or more, an object id of 2^40 or more) ends the prefix with ones.
struct Entry {
  uint64_t high;
  uint64_t low;
  const char* row;
};

inline uint64_t BigEndian64(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap64(value);
}

// Bytes of a key that make its prefix.
inline constexpr size_t kPrefixKeySize = 21;

inline Entry MakePrefix(const char* key, const char* row) {
  constexpr uint64_t kOnes = ~uint64_t{0};
  const auto table = static_cast<uint64_t>(static_cast<unsigned char>(key[0]));
  if (table != 'k' && table != 'm') return {BigEndian64(key), BigEndian64(key + 8), row};
  const uint64_t db_id = BigEndian64(key) << 8 >> 32;
  if (db_id >= 0xffff) return {table << 56 | kOnes >> 8, kOnes, row};
  const uint64_t high = table << 56 | db_id << 40, id = BigEndian64(key + 5);
  if (table == 'k') return {high | id >> 24, BigEndian64(key + 10), row};
  if (id >= kOnes >> 24) return {high | kOnes >> 24, kOnes, row};
  return {high | id, BigEndian64(key + 13), row};
}

inline Entry MakeEntry(const char* user_key, size_t size, const char* row) {
  if (size >= kPrefixKeySize) return MakePrefix(user_key, row);
  char padded[kPrefixKeySize] = {};
  std::memcpy(padded, user_key, size);
  return MakePrefix(padded, row);
}

// A row is: varint32 size of the internal key, internal key, varint32 size of the value, value.
inline Slice InternalKeyOfRow(const char* row) {
  const auto* byte = reinterpret_cast<const unsigned char*>(row);
  uint32_t size = 0;
  int shift = 0;
  do {
    size |= static_cast<uint32_t>(*byte & 127) << shift;
    shift += 7;
  } while (*byte++ & 128);
  return {reinterpret_cast<const char*>(byte), size};
}

inline Entry EntryOfRow(const char* row) {
  const Slice key = InternalKeyOfRow(row);
  return MakeEntry(key.data(), key.size() - kTrailerSize, row);
}

// As RocksDB's comparator of internal keys over a bytewise one: the newest first among equals.
inline int CompareInternalKeys(const Slice& a, const Slice& b) {
  const Slice user_a(a.data(), a.size() - kTrailerSize), user_b(b.data(), b.size() - kTrailerSize);
  if (const int order = user_a.compare(user_b); order != 0) return order;
  uint64_t trailer_a, trailer_b;  // little-endian
  std::memcpy(&trailer_a, user_a.data() + user_a.size(), kTrailerSize);
  std::memcpy(&trailer_b, user_b.data() + user_b.size(), kTrailerSize);
  return trailer_a > trailer_b ? -1 : trailer_a < trailer_b ? 1 : 0;
}

struct EntryLess {
  bool operator()(const Entry& a, const Entry& b) const {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return CompareInternalKeys(InternalKeyOfRow(a.row), InternalKeyOfRow(b.row)) < 0;
  }
};

// What a Seek looks for; row is unused.
struct Target {
  explicit Target(const Slice& key)
      : internal_key(key), prefix(MakeEntry(key.data(), key.size() - kTrailerSize, nullptr)) {}
  int CompareTo(const Entry& entry) const {
    if (entry.high != prefix.high) return prefix.high < entry.high ? -1 : 1;
    if (entry.low != prefix.low) return prefix.low < entry.low ? -1 : 1;
    return CompareInternalKeys(internal_key, InternalKeyOfRow(entry.row));
  }
  Slice internal_key;
  Entry prefix;
};

// ---- Runs ------------------------------------------------------------------------------------

class EntryArray {
 public:
  explicit EntryArray(size_t count) : entries_(new Entry[count]), count_(count) {}

  Entry* begin() { return entries_.get(); }
  Entry* end() { return entries_.get() + count_; }
  const Entry* begin() const { return entries_.get(); }
  const Entry* end() const { return entries_.get() + count_; }
  size_t count() const { return count_; }

 private:
  std::unique_ptr<Entry[]> entries_;
  size_t count_;
};

// Sorted and never changed again.
using Run = std::shared_ptr<const EntryArray>;

// Rows often come in order already, or in the opposite one: a queue's ends, keys by number.
inline Run SortedCopy(const Entry* entries, size_t count) {
  const EntryLess less;
  const Entry* const end = entries + count;
  auto run = std::make_shared<EntryArray>(count);
  if (std::is_sorted(std::reverse_iterator(end), std::reverse_iterator(entries), less)) {
    std::reverse_copy(entries, end, run->begin());
    return run;
  }
  std::copy(entries, end, run->begin());
  if (!std::is_sorted(entries, end, less)) std::sort(run->begin(), run->end(), less);
  return run;
}

// Both hold an entry at least.
inline Run Merged(Run a, Run b) {
  const EntryLess less;
  auto run = std::make_shared<EntryArray>(a->count() + b->count());
  if (less(*b->begin(), *a->begin())) std::swap(a, b);
  if (less(a->end()[-1], *b->begin())) {
    std::copy(b->begin(), b->end(), std::copy(a->begin(), a->end(), run->begin()));
  } else {
    std::merge(a->begin(), a->end(), b->begin(), b->end(), run->begin(), less);
  }
  return run;
}

// ---- Blocks ----------------------------------------------------------------------------------

// Entries in order of arrival. The writer appends; anyone may sort a copy and publish it.
class Block {
 public:
  Block() : entries_(new Entry[kAppendBlockEntries]) {}
  ~Block() { delete sorted_.load(std::memory_order_acquire); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // The writer's. Append returns the new count.
  size_t Append(const Entry& entry) {
    const size_t count = count_.load(std::memory_order_relaxed);
    entries_[count] = entry;
    count_.store(count + 1, std::memory_order_release);
    return count + 1;
  }
  void Complete(std::shared_ptr<Block> next) {
    next_ = std::move(next);
    complete_.store(true, std::memory_order_release);
  }

  // Anyone's.
  const Entry* entries() const { return entries_.get(); }
  size_t count() const { return count_.load(std::memory_order_acquire); }
  // Complete: nothing will be appended, and next() is what it will ever be.
  bool complete() const { return complete_.load(std::memory_order_acquire); }
  std::shared_ptr<Block> next() const { return complete() ? next_ : nullptr; }
  Run sorted() const {
    const Run* run = sorted_.load(std::memory_order_acquire);
    return run != nullptr ? *run : nullptr;
  }
  // False when another thread published its sorted copy first.
  bool PublishSorted(Run run) {
    auto mine = std::make_unique<Run>(std::move(run));
    Run* expected = nullptr;
    if (!sorted_.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel)) {
      return false;
    }
    mine.release();
    return true;
  }

  // The open block as its readers left it: runs that cover its first entries. Readers only.
  struct Pieces {
    size_t covered_count = 0;
    std::vector<Run> runs;
  };
  Pieces ReadPieces() {
    std::lock_guard lock(pieces_mutex_);
    return pieces_;
  }
  void PublishPieces(const Pieces& pieces) {
    std::lock_guard lock(pieces_mutex_);
    if (pieces.covered_count > pieces_.covered_count) pieces_ = pieces;
  }

 private:
  const std::unique_ptr<Entry[]> entries_;
  std::atomic<size_t> count_{0};
  std::atomic<bool> complete_{false};
  std::shared_ptr<Block> next_;
  std::atomic<Run*> sorted_{nullptr};
  std::mutex pieces_mutex_;
  Pieces pieces_;
};

// ---- Views -----------------------------------------------------------------------------------

struct TieredRun {
  Run run;
  size_t tier;
};

// What the sorter has published: runs, and the first block that is not among them.
struct Version {
  std::vector<TieredRun> runs;
  std::shared_ptr<Block> tail;
};

// All that a reader needs to see one moment of the table.
struct View {
  std::shared_ptr<const Version> version;
  std::vector<Run> tail_runs;
};

}  // namespace hearth::append
