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

bool ShardLease::Keep(Keyspace& keyspace, uint64_t shards) {
  if (!wanted_ || !std::has_single_bit(shards)) return false;
  keyspace_ = &keyspace;
  shards_ = shards;
  return true;
}

void ShardLease::Unlock() {
  keyspace_->shard(static_cast<uint32_t>(std::countr_zero(std::exchange(shards_, 0))))
      .mutex.unlock();
}

}  // namespace hearth
