// How a Tx gets hold of its keys: locks, and what memory does not hold.
// Tested by tests/engine/tx_test.cc.
#include <algorithm>
#include <bit>
#include <utility>

#include "engine/check.h"
#include "engine/keyspace.h"
#include "engine/shard_lease.h"
#include "engine/shard_lock.h"
#include "engine/tx.h"

namespace hearth {
namespace {

thread_local bool holds_all = false;

// Where a shard is complete nothing of it may be unread, and a command may move a key there.
bool MayLeaveUnread(Keyspace& keyspace, std::span<const KeyRef> keys) {
  return std::ranges::none_of(keys, [&](const KeyRef& ref) {
    return keyspace.shard(keyspace.ShardIndex(ref.position)).dbs[ref.db].complete;
  });
}

}  // namespace

bool Tx::ThreadHoldsAll() {
  return holds_all;
}

bool Tx::LockShards() {
  if (options_.lock_all) {
    locked_ = ~uint64_t{0} >> (64 - keyspace_.shard_count());
  } else {
    for (const KeyRef& ref : keys_) {
      locked_ |= uint64_t{1} << keyspace_.ShardIndex(ref.position);
    }
  }
  ShardLease* const lease = ShardLease::Current();
  const bool are_leased = lease != nullptr && lease->Take(keyspace_, locked_);
  for (uint64_t left = are_leased ? 0 : locked_; left != 0; left &= left - 1) {
    std::mutex& mutex = keyspace_.shard(static_cast<uint32_t>(std::countr_zero(left))).mutex;
    if (!options_.give_way) {
      mutex.lock();
    } else if (!LockOrGiveWay(mutex, keyspace_)) {
      locked_ &= ~left;
      UnlockShards();
      return false;
    }
  }
  if (options_.lock_all) holds_all = true;
  return true;
}

// may_keep: the thread's lease may have them.
void Tx::UnlockShards(bool may_keep) {
  if (options_.lock_all) holds_all = false;
  ShardLease* const lease = may_keep ? ShardLease::Current() : nullptr;
  if (lease != nullptr && lease->Keep(keyspace_, locked_, options_.lock_all)) return;
  for (uint64_t left = locked_; left != 0; left &= left - 1) {
    keyspace_.shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.unlock();
  }
  locked_ = 0;
}

void Tx::EnsureResident() {
  for (const KeyRef& ref : keys_) {
    Shard& shard = keyspace_.shard(keyspace_.ShardIndex(ref.position));
    const Shard::Db& db = shard.dbs[ref.db];
    if (db.complete) continue;
    const Object* object = db.table ? db.table->Find(ref.position, ref.key) : nullptr;
    if (object != nullptr && !object->unread()) [[likely]]
      continue;
    KeyRef wanted = ref;
    wanted.head_only = ref.head_only && MayLeaveUnread(keyspace_, keys_);
    if (object != nullptr && wanted.head_only) continue;
    if (!TryMakeResident(wanted, options_.read_blocking)) {
      if (state_ == State::kFailed) return;
      missing_.push_back(wanted);
      state_ = State::kPending;
    }
  }
}

Tx::State Tx::TakeKeys(std::span<const KeyRef> keys, bool read_blocking) {
  HEARTH_CHECK(options_.lock_all && state_ == State::kReady);
  keys_ = keys;
  missing_.clear();
  options_.read_blocking = read_blocking;
  EnsureResident();
  return std::exchange(state_, State::kReady);
}

// Asks the store for a key that is not resident, or for the elements of one that is unread. True
// when it is now resident or surely absent.
bool Tx::TryMakeResident(const KeyRef& ref, bool blocking) {
  Shard& shard = keyspace_.shard(keyspace_.ShardIndex(ref.position));
  const uint32_t db_id = log_.DbId(ref.db);
  Bump(shard.counters.misses);
  Keyspace::ReadKey read;
  Status status;
  do {
    if (!ref.head_only) read.object = UnreadAt(shard, ref);
    if (read.object != nullptr && !blocking) return false;
    status =
        blocking ? keyspace_.Read(ref, db_id, &read) : keyspace_.ReadFromMemory(ref, db_id, &read);
    if (status.code() == Status::Code::kBusy && !blocking) return false;
    if (!status.ok()) {
      state_ = State::kFailed;
      error_ = status;
      return false;
    }
    if (read.object == nullptr) {
      Bump(shard.counters.absent_lookups);
      return true;
    }
    // A replica's group that is being written does not wait for this shard's lock: it ends.
  } while (!keyspace_.Install(shard, ref, db_id, std::move(read), /*hot=*/true));
  return true;
}

}  // namespace hearth
