// Tested by tests/engine/ttl_sample_test.cc.
#include "engine/ttl_sample.h"

#include "engine/keyspace.h"
#include "engine/random.h"

namespace hearth {

int64_t SampleTtl(Keyspace& keyspace, uint32_t db, int64_t now_ms) {
  if (keyspace.ExpiryCount(db) == 0) return 0;
  const uint64_t random = RandomBits();
  double sum_ms = 0;
  size_t count = 0;
  for (uint32_t turn = 0; turn < keyspace.shard_count() && count < kTtlSampleMax; ++turn) {
    Shard& shard = keyspace.shard(static_cast<uint32_t>((random + turn) % keyspace.shard_count()));
    std::unique_lock lock(shard.mutex, std::defer_lock);
    if (!Tx::ThreadHoldsAll() && !lock.try_lock()) continue;
    const Table* const table = shard.dbs[db].table.get();
    if (table == nullptr) continue;
    size_t looks = 0;
    table->Sample(random >> 8, /*only_expiring=*/false, [&](const Object* object) {
      if (!object->tombstone() && object->has_expiry() && object->expire_at_ms() > now_ms) {
        sum_ms += static_cast<double>(object->expire_at_ms() - now_ms);
        ++count;
      }
      return ++looks < kTtlSampleLooksMax && count < kTtlSampleMax;
    });
  }
  return count == 0 ? 0 : static_cast<int64_t>(sum_ms / static_cast<double>(count));
}

}  // namespace hearth
