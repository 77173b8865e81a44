#pragma once

// GroupApplier: writes a primary's groups into a replica's store and its resident keys.
//
// A group is written verbatim, as one WAL record at the same sequence; then, under the locks of all
// shards it touches, the resident keys follow row by row through what loading uses (ReadHead, Put,
// Erase): a reader sees none of a group's changes to the keys it locks, or all of them. Keys that
// are not resident stay so, unless their shard is complete or `warm` asks for them; whatever cannot
// be followed in memory is forgotten, because the store knows it.
//
// An element's row names its object id, not its key: as long as the engine is a replica the
// keyspace knows where resident spread collections are (replica_index.h).
//
// Thread:   one at a time.
// Errors:   Invalid: the group does not follow on committed_seq, or is damaged; nothing was
//           written. Else the log has failed, as after any failed write.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/group.h"
#include "engine/keyspace.h"
#include "engine/status.h"

namespace hearth {

class GroupApplier {
 public:
  explicit GroupApplier(Keyspace& keyspace) : keyspace_(keyspace) {}

  // Whether keys that are not resident become so when they are written.
  void SetWarm(bool warm) { warm_ = warm; }
  // In order; ends with the first error.
  Status Apply(std::span<const std::shared_ptr<const Group>> groups, int64_t now_ms);

 private:
  // What is to be told without locks.
  struct News {
    std::vector<ReadyKey> ready;
    std::vector<KeyChanges> changes;
  };
  // What a group touches, found before it is written.
  struct Plan {
    StoreState state;                  // after it
    bool all_shards = false;           // databases go, come or change places
    uint64_t shards = 0;               // a bit each, of head rows
    std::vector<uint64_t> object_ids;  // ascending
    std::vector<uint64_t> positions;   // of head rows
  };
  using GroupPtr = std::shared_ptr<const Group>;

  Status MakePlan(const Group& group, const std::vector<uint32_t>& db_ids, Plan* plan) const;
  Status ApplyRound(std::span<const GroupPtr> groups, std::span<Plan> plans, int64_t now_ms);
  uint64_t LockShards(std::span<const GroupPtr> groups, std::span<const Plan> plans);
  uint64_t OwnersShards(std::span<const Plan> plans);
  Status WriteAndFollow(const GroupPtr& group, Plan* plan, uint64_t locked, int64_t now_ms,
                        News* news);

  Keyspace& keyspace_;
  std::atomic<bool> warm_{true};
};

}  // namespace hearth
