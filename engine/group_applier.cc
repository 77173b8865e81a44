// Tested by tests/engine/group_applier_test.cc.
#include "engine/group_applier.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/group_memory.h"

namespace hearth {
namespace {

// One round of locks for several groups; with an fsync a group readers would wait too long.
constexpr size_t kRoundGroupsMax = 64;
constexpr size_t kRoundBytesMax = 256 << 10;

}  // namespace

Status GroupApplier::MakePlan(const Group& group, const std::vector<uint32_t>& db_ids,
                              Plan* plan) const {
  std::string error;
  if (!ValidateGroup(group.payload, group.first_seq, keyspace_.db_count(), &plan->state, &error)) {
    return Status::Invalid(error);
  }
  GroupReader reader(group.payload);
  if (reader.count() != group.count) return Status::Invalid("the group's count differs");
  for (size_t db = 0; db < db_ids.size(); ++db) {
    plan->all_shards |= plan->state.dbs[db].id != db_ids[db];
  }
  GroupReader::Row row;
  while (reader.Next(&row)) {
    HeadKeyParts head;
    ElementKeyParts element;
    if (ParseHeadKey(row.key, &head)) {
      if (row.kind == GroupReader::Kind::kDeleteRange) continue;
      plan->shards |= uint64_t{1} << keyspace_.ShardIndex(head.position);
      plan->positions.push_back(head.position);
      HeadValueParts value;
      if (row.kind == GroupReader::Kind::kPut && ParseHeadValue(row.value, &value) &&
          value.spread) {
        plan->object_ids.push_back(value.object_id);
      }
    } else if (ParseElementKey(row.key, &element)) {
      plan->object_ids.push_back(element.object_id);
    } else {
      plan->all_shards |= row.key[0] == kLibraryTable;  // functions run with every shard locked
    }
  }
  std::ranges::sort(plan->object_ids);
  const auto rest = std::ranges::unique(plan->object_ids);
  plan->object_ids.erase(rest.begin(), rest.end());
  return Status::Ok();
}

// The shards of the resident collections that the groups change. Requires: the index' mutex.
uint64_t GroupApplier::OwnersShards(std::span<const Plan> plans) {
  uint64_t shards = 0;
  for (const Plan& plan : plans) {
    for (const uint64_t object_id : plan.object_ids) {
      const ReplicaIndex::Owner* owner = keyspace_.replica_index().Find(object_id);
      if (owner != nullptr) shards |= uint64_t{1} << keyspace_.ShardIndex(owner->position);
    }
  }
  return shards;
}

// Locks what the groups touch and marks it, so that no load installs what is older. Returns a bit
// for each locked shard.
uint64_t GroupApplier::LockShards(std::span<const GroupPtr> groups, std::span<const Plan> plans) {
  ReplicaIndex& index = keyspace_.replica_index();
  const uint64_t all = ~uint64_t{0} >> (64 - keyspace_.shard_count());
  uint64_t wanted = 0;
  for (const Plan& plan : plans) wanted |= plan.all_shards ? all : plan.shards;
  while (true) {
    {
      std::lock_guard lock(index.mutex());
      wanted |= OwnersShards(plans);
    }
    for (uint64_t left = wanted; left != 0; left &= left - 1) {
      keyspace_.shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.lock();
    }
    {
      std::lock_guard lock(index.mutex());
      // A load may have made one resident meanwhile. Nothing may be marked before every lock is
      // held: a reader that holds one waits for the marked group.
      if ((OwnersShards(plans) & ~wanted) == 0) {
        for (size_t i = 0; i < plans.size(); ++i) {
          const uint64_t last_seq = groups[i]->last_seq();
          for (const uint64_t object_id : plans[i].object_ids) index.Mark(object_id, last_seq);
          for (const uint64_t position : plans[i].positions) index.Mark(position, last_seq);
        }
        return wanted;
      }
    }
    for (uint64_t left = wanted; left != 0; left &= left - 1) {
      keyspace_.shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.unlock();
    }
  }
}

Status GroupApplier::WriteAndFollow(const GroupPtr& group, Plan* plan, uint64_t locked,
                                    int64_t now_ms, News* news) {
  std::vector<uint32_t> ids_before;
  for (uint32_t db = 0; db < keyspace_.db_count(); ++db) {
    ids_before.push_back(keyspace_.log().DbId(db));
  }
  Status status = keyspace_.log().WriteGroup(group, std::move(plan->state));
  if (!status.ok()) return status;
  GroupMemory memory(keyspace_, *group, locked, warm_, now_ms);
  memory.MoveDbs(ids_before);
  GroupReader reader(group->payload);
  std::array<GroupReader::Row, GroupMemory::kPrefetchRows> rows;
  uint64_t seq = group->first_seq;
  for (size_t count = rows.size(); count == rows.size();) {
    for (count = 0; count < rows.size() && reader.Next(&rows[count]);) ++count;
    const std::span<const GroupReader::Row> next(rows.data(), count);
    memory.Prefetch(next);
    for (const GroupReader::Row& row : next) memory.Apply(row, seq++);
  }
  memory.Finish();
  std::ranges::move(memory.ready(), std::back_inserter(news->ready));
  if (!memory.changes().empty()) news->changes.push_back(std::move(memory.changes()));
  return status;
}

Status GroupApplier::ApplyRound(std::span<const GroupPtr> groups, std::span<Plan> plans,
                                int64_t now_ms) {
  const uint64_t locked = LockShards(groups, plans);
  News news;
  Status status;
  for (size_t i = 0; i < groups.size() && status.ok(); ++i) {
    status = WriteAndFollow(groups[i], &plans[i], locked, now_ms, &news);
  }
  if (!status.ok()) {
    std::lock_guard lock(keyspace_.replica_index().mutex());
    keyspace_.replica_index().CapMarks(keyspace_.log().committed_seq());
  }
  for (uint64_t left = locked; left != 0; left &= left - 1) {
    keyspace_.shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.unlock();
  }
  if (!news.ready.empty()) keyspace_.TellReady(std::move(news.ready));
  for (const KeyChanges& changes : news.changes) keyspace_.TellChanges(changes, /*barrier=*/0);
  return status;
}

Status GroupApplier::Apply(std::span<const GroupPtr> groups, int64_t now_ms) {
  if (!keyspace_.is_replica()) return Status::Invalid("this is not a replica");
  uint64_t next_seq = keyspace_.log().committed_seq() + 1;
  while (!groups.empty()) {
    std::vector<uint32_t> db_ids;
    for (uint32_t db = 0; db < keyspace_.db_count(); ++db) {
      db_ids.push_back(keyspace_.log().DbId(db));
    }
    std::vector<Plan> plans;
    size_t bytes = 0;
    Status damage;
    while (plans.size() < groups.size() && plans.size() < kRoundGroupsMax &&
           bytes < kRoundBytesMax) {
      const Group& group = *groups[plans.size()];
      if (group.first_seq != next_seq) {
        damage = Status::Invalid("group " + std::to_string(group.first_seq) +
                                 " does not follow on " + std::to_string(next_seq - 1));
        break;
      }
      Plan plan;
      damage = MakePlan(group, db_ids, &plan);
      if (!damage.ok()) break;
      next_seq = group.last_seq() + 1;
      bytes += group.payload.size();
      for (size_t db = 0; db < db_ids.size(); ++db) db_ids[db] = plan.state.dbs[db].id;
      plans.push_back(std::move(plan));
      if (keyspace_.log().policy() == SyncPolicy::kAlways) break;
    }
    if (!plans.empty()) {
      const Status status = ApplyRound(groups.first(plans.size()), plans, now_ms);
      if (!status.ok()) return status;
    }
    if (!damage.ok()) return damage;
    groups = groups.subspan(plans.size());
  }
  return Status::Ok();
}

}  // namespace hearth
