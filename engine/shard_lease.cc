// Tested by tests/engine/shard_lease_test.cc.
#include "engine/shard_lease.h"

#include <bit>
#include <utility>

#include "engine/keyspace.h"

namespace hearth {

bool ShardLease::Take(const Keyspace& keyspace, uint64_t shards) {
  if (shards_ == 0) return false;
  if (shards_ == shards && keyspace_ == &keyspace) {
    shards_ = 0;
    return true;
  }
  Unlock();
  return false;
}

bool ShardLease::Keep(Keyspace& keyspace, uint64_t shards, bool are_all) {
  if (!wanted_ || (!are_all && !std::has_single_bit(shards))) return false;
  keyspace_ = &keyspace;
  shards_ = shards;
  return true;
}

void ShardLease::Unlock() {
  for (uint64_t left = std::exchange(shards_, 0); left != 0; left &= left - 1) {
    keyspace_->shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.unlock();
  }
}

}  // namespace hearth
