// Tested by tests/engine/residency_test.cc.
#include "engine/residency.h"

#include <algorithm>
#include <bit>

#include "engine/collection.h"

namespace hearth {
namespace {

// Demotion aims a little below the limit, so that it runs in batches.
constexpr uint64_t kTargetPercent = 97;
// A shard is worked on in steps of this many keys, so that its lock is held shortly.
constexpr size_t kKeysAStep = 512;
// Times the hand may go round before a round spares nothing.
constexpr int kRoundsMax = 5;

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
  ++shard.demotion_count;
  Bump(shard.counters.demoted);
}

}  // namespace

void Residency::SetLimit(uint64_t limit_bytes, MemoryPolicy policy, uint32_t samples) {
  limit_bytes_ = limit_bytes;
  policy_ = policy;
  samples_ = samples;
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
    excess_bytes_ = static_cast<int64_t>(used) - static_cast<int64_t>(limit);
  }
  return memory;
}

void Residency::Tick() {
  const ProcessMemory memory = Measure();
  const uint64_t limit = limit_bytes_;
  if (limit == 0 || Evicts()) return;
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
  const bool only_volatile =
      policy == MemoryPolicy::kVolatileLru || policy == MemoryPolicy::kVolatileLfu ||
      policy == MemoryPolicy::kVolatileRandom || policy == MemoryPolicy::kVolatileTtl;
  const uint32_t shard_count = keyspace_.shard_count();
  int64_t best_score = -1;
  uint32_t samples_left = std::max(1u, samples_.load());
  for (uint32_t step = 0; step < shard_count * keyspace_.db_count() && samples_left > 0; ++step) {
    Shard& shard = keyspace_.shard(static_cast<uint32_t>((random + step) % shard_count));
    const auto index =
        static_cast<uint32_t>((random / shard_count + step / shard_count) % keyspace_.db_count());
    std::lock_guard lock(shard.mutex);
    Table* table = shard.dbs[index].table.get();
    if (table == nullptr || table->size() == 0) continue;
    const auto consider = [&](Object* object) {
      if (object->tombstone() || samples_left == 0) return SweepAction::kKeep;
      if (only_volatile && !object->has_expiry()) return SweepAction::kKeep;
      --samples_left;
      int64_t score = 0;
      switch (policy) {
        case MemoryPolicy::kAllKeysLru:
        case MemoryPolicy::kVolatileLru:
          score = now_ms / 1000 - object->access + 1;
          break;
        case MemoryPolicy::kAllKeysLfu:
        case MemoryPolicy::kVolatileLfu:
          score = 256 - (object->access & 0xff);
          break;
        case MemoryPolicy::kVolatileTtl:
          score = INT64_MAX - object->expire_at_ms();
          break;
        default:
          score = 1;
      }
      if (score > best_score) {
        best_score = score;
        *db = index;
        *key = object->key();
        *size_bytes = object->memory_size();
      }
      return SweepAction::kKeep;
    };
    Table::SweepHand hand{keyspace_.FirstPosition((random + step) % shard_count) +
                          (random * 0x9e3779b97f4a7c15ull >> (64 - kPositionHashBits))};
    if (only_volatile) {
      table->SweepExpiring(&hand, samples_left, consider);
    } else {
      table->Sweep(&hand, samples_left, consider);
    }
  }
  return best_score >= 0;
}

}  // namespace hearth
