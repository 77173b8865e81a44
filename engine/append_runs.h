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
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/append_memtable.h"

namespace hearth::append {

using rocksdb::Slice;
using KeyComparator = rocksdb::MemTableRep::KeyComparator;

inline constexpr size_t kTrailerSize = 8;  // an internal key = user key + sequence and type
inline constexpr size_t kPrefixSize = 16;

// ---- Entries and their order ------------------------------------------------------------------

// high and low: the first 16 bytes of the user key, big-endian, padded with zeros. A padded prefix
// that differs orders as the keys do; one that is equal says nothing.
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

inline Entry MakeEntry(const char* user_key, size_t size, const char* row) {
  if (size >= kPrefixSize) return {BigEndian64(user_key), BigEndian64(user_key + 8), row};
  char padded[kPrefixSize] = {};
  std::memcpy(padded, user_key, size);
  return {BigEndian64(padded), BigEndian64(padded + 8), row};
}

// A row is: varint32 size of the internal key, internal key, varint32 size of the value, value.
inline Entry EntryOfRow(const char* row) {
  const auto* byte = reinterpret_cast<const unsigned char*>(row);
  uint32_t size = 0;
  int shift = 0;
  do {
    size |= static_cast<uint32_t>(*byte & 127) << shift;
    shift += 7;
  } while (*byte++ & 128);
  return MakeEntry(reinterpret_cast<const char*>(byte), size - kTrailerSize, row);
}

class EntryLess {
 public:
  explicit EntryLess(const KeyComparator& compare) : compare_(compare) {}
  bool operator()(const Entry& a, const Entry& b) const {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return compare_(a.row, b.row) < 0;
  }

 private:
  const KeyComparator& compare_;
};

// What a Seek looks for; row is unused.
struct Target {
  explicit Target(const Slice& key)
      : internal_key(key), prefix(MakeEntry(key.data(), key.size() - kTrailerSize, nullptr)) {}
  int CompareTo(const Entry& entry, const KeyComparator& compare) const {
    if (entry.high != prefix.high) return prefix.high < entry.high ? -1 : 1;
    if (entry.low != prefix.low) return prefix.low < entry.low ? -1 : 1;
    return -compare(entry.row, internal_key);
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

inline Run SortedCopy(const Entry* entries, size_t count, EntryLess less) {
  auto run = std::make_shared<EntryArray>(count);
  std::copy_n(entries, count, run->begin());
  std::sort(run->begin(), run->end(), less);
  return run;
}

inline Run Merged(const Run& a, const Run& b, EntryLess less) {
  auto run = std::make_shared<EntryArray>(a->count() + b->count());
  std::merge(a->begin(), a->end(), b->begin(), b->end(), run->begin(), less);
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
