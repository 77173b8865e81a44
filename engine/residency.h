#pragma once

// Residency: keeps the process within maxmemory by forgetting keys that the store also has, and
// brings keys back in the background after a start.
//
// A key is demoted only when its last change stands in a table file (seq <= flushed_seq), so that
// a later read is one lookup in the sorted files. The hand goes round each shard in position
// order; a key touched since the hand's last pass is spared once a touch (up to three), one that
// came in by a scan and was not touched again is the first to go.
//
// With one of Redis' eviction policies keys are deleted, as Redis would, for what is written. What
// reads alone have loaded beyond the limit is demoted all the same: reading never costs data, nor
// makes writes fail.
//
// Thread:   Tick and Demote from any thread, one at a time; they take one shard lock at a time.
// Limits:   the limit is about RSS: the hot set gives way for memtables, caches and buffers. Under
//           an eviction policy memtables count up to a quarter of the limit, and are flushed there.

#include <atomic>
#include <cstdint>
#include <mutex>

#include "engine/keyspace.h"
#include "engine/process_memory.h"

namespace hearth {

enum class MemoryPolicy : uint8_t {
  kDemote,
  kNoEviction,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
};

class Residency {
 public:
  explicit Residency(Keyspace& keyspace) : keyspace_(keyspace) {}

  // limit 0 = none. Measures memory: excess_bytes() goes by it at once.
  void SetLimit(uint64_t limit_bytes, MemoryPolicy policy, uint32_t samples);
  MemoryPolicy policy() const { return policy_.load(std::memory_order_relaxed); }
  uint64_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }

  // Measures memory and demotes what is over the limit. Called every 100 ms or less by the
  // engine's own thread; asks for a flush when too little is demotable.
  void Tick();
  // Bytes above the limit, by the last measurement less what was evicted since; positive while
  // commands that need memory are to be refused or to evict first. 0 under kDemote.
  int64_t excess_bytes() const { return excess_bytes_.load(std::memory_order_relaxed); }
  void CountEvicted(size_t bytes) { excess_bytes_ -= static_cast<int64_t>(bytes); }
  ProcessMemory memory() const;

  // Demotes about bytes_wanted; returns what it freed.
  size_t Demote(size_t bytes_wanted);
  // Demotes everything that is flushed and committed. Returns the count of keys.
  size_t DemoteAll();

  // Picks a key that the policy would delete next, of so many samples as SetLimit said; false when
  // there is none, or was none a moment ago. Any thread without a Tx.
  bool PickVictim(int64_t now_ms, uint64_t random, uint32_t* db, std::string* key,
                  size_t* size_bytes);

 private:
  // What one step of a demotion did.
  struct Step {
    size_t freed_bytes = 0;
    size_t spared = 0;  // keys whose heat it took
  };
  bool Evicts() const;
  ProcessMemory Measure();
  void HoldReads();
  bool AnyExpires() const;
  uint32_t ShardBySize(uint64_t random) const;
  Step DemoteFrom(Shard& shard, size_t bytes_wanted, bool spare_hot);

  Keyspace& keyspace_;
  std::atomic<uint64_t> limit_bytes_{0};
  std::atomic<MemoryPolicy> policy_{MemoryPolicy::kDemote};
  std::atomic<uint32_t> samples_{5};
  std::atomic<int64_t> excess_bytes_{0};
  std::atomic<size_t> rss_bytes_{0}, allocated_bytes_{0}, active_bytes_{0};
  std::atomic<uint64_t> memtable_bytes_{0};     // under an eviction policy
  std::atomic<int64_t> no_victim_until_ms_{0};  // wall clock
  uint64_t loads_seen_ = 0, loads_owed_ = 0;    // bytes; Tick's
  std::mutex demote_mutex_;
  uint32_t next_shard_ = 0;
};

}  // namespace hearth
