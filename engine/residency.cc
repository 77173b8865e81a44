// Tested by tests/engine/residency_test.cc.
#include "engine/residency.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/collection.h"

namespace hearth {
namespace {

// Demotion aims a little below the limit, so that it runs in batches.
constexpr uint64_t kTargetPercent = 97;
// A shard is worked on in steps of this many keys, so that its lock is held shortly.
constexpr size_t kKeysAStep = 512;
// Times the hand may go round before a round spares nothing.
constexpr int kRoundsMax = 5;

// Of memtables, a share of the limit beyond which they are flushed early and not counted: no
// eviction frees them.
constexpr uint64_t kMemtableShare = 4;
// Of a limit that has room for a store at all: what evictions leave to the keys at least.
constexpr uint64_t kKeysShare = 8, kLimitWithRoomMin = 8 << 20;
// Objects that a search for a victim passes before one of the few found is good enough.
constexpr size_t kPassedMax = 4096;
// How long after a search through everything the next one is not tried.
constexpr int64_t kNoVictimMs = 100;

bool IsVolatile(MemoryPolicy policy) {
  return policy == MemoryPolicy::kVolatileLru || policy == MemoryPolicy::kVolatileLfu ||
         policy == MemoryPolicy::kVolatileRandom || policy == MemoryPolicy::kVolatileTtl;
}

// The highest goes first.
int64_t VictimScore(MemoryPolicy policy, const Object& object, int64_t now_ms) {
  switch (policy) {
    case MemoryPolicy::kAllKeysLru:
    case MemoryPolicy::kVolatileLru:
      return now_ms / 1000 - object.access + 1;
    case MemoryPolicy::kAllKeysLfu:
    case MemoryPolicy::kVolatileLfu:
      return 256 - (object.access & 0xff);
    case MemoryPolicy::kVolatileTtl:
      return INT64_MAX - object.expire_at_ms();
    default:
      return 1;
  }
}

// One of the databases, by the sizes of their tables. Requires: the shard's lock.
uint32_t DbBySize(const Shard& shard, uint64_t random) {
  size_t total = 0;
  for (const Shard::Db& db : shard.dbs) total += db.table ? db.table->size() : 0;
  if (total == 0) return 0;
  size_t ordinal = (random >> 8) % total;
  for (uint32_t index = 0;; ++index) {
    const Shard::Db& db = shard.dbs[index];
    const size_t size = db.table ? db.table->size() : 0;
    if (ordinal < size) return index;
    ordinal -= size;
  }
}

// A delete without a tombstone that is not yet committed would reappear from the store.
bool MayDemote(Keyspace& keyspace, const Shard::Db& db) {
  return std::max(db.delete_seq, db.swap_seq) <= keyspace.log().committed_seq();
}

// Accounts for an object that the caller's sweep removes.
void Forget(Keyspace& keyspace, Shard& shard, uint32_t db, const Object* object) {
  shard.AddBytes(db, 0, object->memory_size());
  shard.max_demoted_seq = std::max(shard.max_demoted_seq, object->seq);
  if (object->tombstone()) return;
  if (keyspace.is_replica() && object->spread()) {
    std::lock_guard lock(keyspace.replica_index().mutex());
    keyspace.replica_index().Erase(object->collection()->object_id());
  }
  shard.dbs[db].complete = false;
  ++shard.forget_count;
  Bump(shard.counters.demoted);
}

}  // namespace

void Residency::SetLimit(uint64_t limit_bytes, MemoryPolicy policy, uint32_t samples) {
  limit_bytes_ = limit_bytes;
  policy_ = policy;
  samples_ = samples;
  no_victim_until_ms_ = 0;
  (void)Measure();  // the next command is judged by it
}

ProcessMemory Residency::memory() const {
  return {rss_bytes_.load(), allocated_bytes_.load(), active_bytes_.load()};
}

// A replica deletes nothing by itself: it demotes.
bool Residency::Evicts() const {
  return policy_ != MemoryPolicy::kDemote && !keyspace_.is_replica() && !keyspace_.expiry_held();
}

ProcessMemory Residency::Measure() {
  const ProcessMemory memory = ReadProcessMemory();
  rss_bytes_ = memory.rss_bytes;
  allocated_bytes_ = memory.allocated_bytes;
  active_bytes_ = memory.active_bytes;
  const uint64_t limit = limit_bytes_;
  if (limit == 0 || !Evicts()) {
    excess_bytes_ = 0;
  } else {
    const uint64_t used = memory.allocated_bytes != 0 ? memory.allocated_bytes : memory.rss_bytes;
    memtable_bytes_ = keyspace_.store().IntProperty("rocksdb.cur-size-all-mem-tables");
    const uint64_t counted = limit / kMemtableShare;
    const uint64_t uncounted = memtable_bytes_ - std::min(memtable_bytes_.load(), counted);
    int64_t excess =
        static_cast<int64_t>(used - std::min(used, uncounted)) - static_cast<int64_t>(limit);
    // The rest comes and goes with flushes and compactions: a small limit is not for it alone.
    if (policy_ != MemoryPolicy::kNoEviction && limit >= kLimitWithRoomMin) {
      excess = std::min(excess, static_cast<int64_t>(keyspace_.ResidentBytes()) -
                                    static_cast<int64_t>(limit / kKeysShare));
    }
    excess_bytes_ = excess;
  }
  return memory;
}

bool Residency::AnyExpires() const {
  for (uint32_t db = 0; db < keyspace_.db_count(); ++db) {
    if (keyspace_.log().ExpiryCount(db) != 0) return true;
  }
  return false;
}

// One of the shards, by the bytes of their objects.
uint32_t Residency::ShardBySize(uint64_t random) const {
  const size_t total = keyspace_.ResidentBytes();
  size_t ordinal = total == 0 ? 0 : (random >> 16) % total;
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    const size_t size = keyspace_.shard(index).bytes.load(std::memory_order_relaxed);
    if (ordinal < size) return index;
    ordinal -= size;
  }
  return 0;  // less than a moment ago
}

// What commands write is the policy's to evict or refuse. What reads alone have loaded goes back to
// the store, and so do memtables, which no eviction frees.
void Residency::HoldReads() {
  uint64_t loaded = 0;
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    loaded += keyspace_.shard(index).counters.loaded_bytes.load(std::memory_order_relaxed);
  }
  loads_owed_ += loaded - std::exchange(loads_seen_, loaded);
  const int64_t excess = excess_bytes_;
  if (excess <= 0) {
    loads_owed_ = 0;
  } else if (loads_owed_ > 0) {
    const size_t freed = Demote(std::min(loads_owed_, static_cast<uint64_t>(excess)));
    loads_owed_ -= std::min<uint64_t>(loads_owed_, freed);
    CountEvicted(freed);
  }
  Store& store = keyspace_.store();
  if (memtable_bytes_ > limit_bytes_ / kMemtableShare && store.unflushed_memtable_count() == 0) {
    (void)store.Flush(/*wait=*/false);
  }
}

void Residency::Tick() {
  const ProcessMemory memory = Measure();
  const uint64_t limit = limit_bytes_;
  if (limit == 0) return;
  if (Evicts()) return HoldReads();
  // What the allocator has not yet given back counts as freed: it decays within seconds.
  const uint64_t held =
      memory.active_bytes != 0
          ? std::min<uint64_t>(memory.rss_bytes, memory.active_bytes + memory.active_bytes / 32)
          : memory.rss_bytes;
  const uint64_t target = limit * kTargetPercent / 100;
  if (held <= target) return;
  const size_t wanted = held - target;
  const size_t freed = Demote(wanted);
  // One flush at a time: a row of small ones would only make more files.
  if (freed < wanted && keyspace_.store().unflushed_memtable_count() == 0) {
    (void)keyspace_.store().Flush(/*wait=*/false);
  }
  if (memory.rss_bytes > limit) PurgeProcessMemory();
}

// Every database is visited in proportion to its keys, so that all hands come round alike.
Residency::Step Residency::DemoteFrom(Shard& shard, size_t bytes_wanted, bool spare_hot) {
  const uint64_t flushed_seq = keyspace_.store().flushed_seq();
  Step step;
  std::lock_guard lock(shard.mutex);
  double total = 0;
  for (const Shard::Db& state : shard.dbs) {
    if (state.table) total += static_cast<double>(state.table->size());
  }
  for (uint32_t turn = 0; turn < keyspace_.db_count() && step.freed_bytes < bytes_wanted; ++turn) {
    const uint32_t db = shard.demote_db;
    shard.demote_db = (db + 1) % keyspace_.db_count();
    Shard::Db& state = shard.dbs[db];
    if (!state.table || state.table->size() == 0 || !MayDemote(keyspace_, state)) continue;
    const auto size = static_cast<double>(state.table->size());
    state.demote_credit = std::min(state.demote_credit + kKeysAStep * size / total, size);
    if (state.demote_credit < 1) continue;
    const auto keys_max = static_cast<size_t>(state.demote_credit);
    const auto visit = [&](Object* object) {
      if (step.freed_bytes >= bytes_wanted || object->seq > flushed_seq) return SweepAction::kKeep;
      if (spare_hot && object->hot > 0 && !object->tombstone()) {
        --object->hot;
        ++step.spared;
        return SweepAction::kKeep;
      }
      step.freed_bytes += object->memory_size();
      Forget(keyspace_, shard, db, object);
      return SweepAction::kRemove;
    };
    // Whole segments are visited: the credit may become a debt.
    state.demote_credit -=
        static_cast<double>(state.table->Sweep(&state.demote_hand, keys_max, visit));
  }
  return step;
}

size_t Residency::Demote(size_t bytes_wanted) {
  std::lock_guard lock(demote_mutex_);
  size_t freed = 0;
  const uint32_t shard_count = keyspace_.shard_count();
  const size_t steps_a_round = keyspace_.ResidentCount() / kKeysAStep + shard_count * 2;
  for (int round = 0; round < kRoundsMax && freed < bytes_wanted; ++round) {
    bool moved = false;
    for (size_t i = 0; i < steps_a_round && freed < bytes_wanted; ++i) {
      Shard& shard = keyspace_.shard(next_shard_);
      next_shard_ = (next_shard_ + 1) % shard_count;
      const Step step = DemoteFrom(shard, bytes_wanted - freed, round + 1 < kRoundsMax);
      freed += step.freed_bytes;
      moved |= step.freed_bytes > 0 || step.spared > 0;
    }
    if (!moved) break;  // the rest is not flushed yet
  }
  return freed;
}

size_t Residency::DemoteAll() {
  std::lock_guard lock(demote_mutex_);
  size_t count = 0;
  const uint64_t flushed_seq = keyspace_.store().flushed_seq();
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    Shard& shard = keyspace_.shard(index);
    std::lock_guard shard_lock(shard.mutex);
    for (uint32_t db = 0; db < keyspace_.db_count(); ++db) {
      Shard::Db& state = shard.dbs[db];
      if (!state.table || !MayDemote(keyspace_, state)) continue;
      Table::SweepHand hand;
      state.table->Sweep(&hand, state.table->size(), [&](Object* object) {
        if (object->seq > flushed_seq) return SweepAction::kKeep;
        count += object->tombstone() ? 0 : 1;
        Forget(keyspace_, shard, db, object);
        return SweepAction::kRemove;
      });
    }
  }
  return count;
}

bool Residency::PickVictim(int64_t now_ms, uint64_t random, uint32_t* db, std::string* key,
                           size_t* size_bytes) {
  const MemoryPolicy policy = this->policy();
  const bool only_volatile = IsVolatile(policy);
  if (only_volatile && (!AnyExpires() || now_ms < no_victim_until_ms_)) return false;
  const uint32_t shard_count = keyspace_.shard_count(), db_count = keyspace_.db_count();
  const uint32_t first_shard = ShardBySize(random);
  int64_t best_score = -1;
  uint32_t samples_left = std::max(1u, samples_.load());
  size_t passed = 0;
  for (uint32_t step = 0; step < shard_count; ++step) {
    Shard& shard = keyspace_.shard((first_shard + step) % shard_count);
    std::lock_guard lock(shard.mutex);
    const uint32_t first_db = DbBySize(shard, random);
    for (uint32_t turn = 0; turn < db_count; ++turn) {
      const uint32_t index = (first_db + turn) % db_count;
      const Table* table = shard.dbs[index].table.get();
      if (table == nullptr) continue;
      passed += table->Sample(random, only_volatile, [&](const Object* object) {
        if (object->tombstone() || (only_volatile && !object->has_expiry())) return true;
        const int64_t score = VictimScore(policy, *object, now_ms);
        if (score > best_score) {
          best_score = score;
          *db = index;
          *key = object->key();
          *size_bytes = object->memory_size();
        }
        return --samples_left > 0;
      });
      if (samples_left == 0 || (best_score >= 0 && passed > kPassedMax)) return true;
    }
  }
  if (best_score < 0 && passed > kPassedMax) no_victim_until_ms_ = now_ms + kNoVictimMs;
  return best_score >= 0;
}

}  // namespace hearth
