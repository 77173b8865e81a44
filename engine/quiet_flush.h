#pragma once

// QuietFlush: writes out a memtable that hardly grows any more.
//
// After a burst of writes up to a whole memtable would stay in memory as long as nobody writes.
// Written out it gives its memory back, its keys can be demoted, and a start has no log to replay.
//
// Thread:   Tick from one at a time.
// Lifetime: within the store's.
// Limits:   a memtable below an eighth of write_buffer_size_bytes stays: small files would pile up.

#include "engine/store.h"

namespace hearth {

class QuietFlush {
 public:
  // How often Tick is to be called.
  static constexpr int64_t kTickEveryUs = 5'000'000;

  explicit QuietFlush(Store& store) : store_(store) {}

  // Starts a flush when the memtable has grown by less than a 64th of its size since the last call.
  void Tick();
  // The flushes it started.
  uint64_t flush_count() const { return flush_count_; }

 private:
  Store& store_;
  uint64_t seen_bytes_ = 0;
  uint64_t flush_count_ = 0;
};

}  // namespace hearth
