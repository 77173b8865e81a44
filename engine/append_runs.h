#pragma once

// Append runs: what the append memtable is made of: the blocks of entries that the writer fills,
// and the sorted runs that come of them. append_memtable.h tells the algorithm.
//
// Thread: a Run never changes once it is made; a Block says which calls are the writer's.

#include <rocksdb/memtablerep.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/append_entry.h"
#include "engine/append_memtable.h"

namespace hearth::append {

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
