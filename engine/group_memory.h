#pragma once

// GroupMemory: makes the resident keys follow one group that was written; what GroupApplier does
// once it holds the locks.
//
// Thread:   the applier's, holding the locks of every shard that the group touches.
// Lifetime: of one group; Finish ends it.
// Errors:   none: what cannot be followed is forgotten.

#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/group.h"
#include "engine/keyspace.h"

namespace hearth {

class GroupMemory {
 public:
  // Rows that one Prefetch looks at: so many misses are waited for together.
  static constexpr size_t kPrefetchRows = 32;

  // locked: a bit for each shard whose lock is held. Requires: the group was written
  // (CommitLog::WriteGroup).
  GroupMemory(Keyspace& keyspace, const Group& group, uint64_t locked, bool warm, int64_t now_ms);

  // Moves databases to the indexes that the group's end gives them. First of all.
  void MoveDbs(const std::vector<uint32_t>& ids_before);
  // A hint: these rows are applied next.
  void Prefetch(std::span<const GroupReader::Row> rows) const;
  void Apply(const GroupReader::Row& row, uint64_t seq);
  // Accounts for what changed. Who watches or waits for anything is told of rows whose key is not
  // known.
  void Finish();
  // Keys that blocked clients may wait for; to be told without locks.
  std::vector<ReadyKey>& ready() { return ready_; }
  // What clients that keep copies are to know; to be told without locks.
  KeyChanges& changes() { return changes_; }

 private:
  // A resident spread collection that the group changes; its memory is accounted for at the end.
  struct Touched {
    Object* object;
    uint32_t db;
    bool dropped = false;  // all its rows were deleted: its head is to follow
  };
  struct Place {
    uint32_t db;
    Shard* shard;
    uint32_t shard_index;
  };
  using Elements = std::map<std::string_view, std::string_view>;

  void PrefetchMembers(std::span<const GroupReader::Row> rows) const;
  bool PlaceOf(uint32_t db_id, uint64_t position, Place* place);
  Touched* Touch(uint32_t db_id, uint64_t object_id);
  void RefreshExpiry(const Place& place, Object* object);
  void Untouch(uint64_t object_id);
  void ApplyElement(const GroupReader::Row& row, uint64_t seq);
  void ApplyElementRange(const GroupReader::Row& row, uint64_t seq);
  void ApplyHead(const GroupReader::Row& row, uint64_t seq);
  void PutHead(const Place& place, const HeadKeyParts& key, const HeadValueParts& value,
               uint64_t seq);
  bool PutSpreadHead(const Place& place, const HeadKeyParts& key, const HeadValueParts& value,
                     uint64_t seq);
  void PutObject(const Place& place, const HeadKeyParts& key, Object* object, Object* old);
  void Release(const Place& place, Object* object);
  void Remove(const Place& place, uint64_t position, std::string_view key, uint64_t seq);
  void Forget(const Place& place, uint64_t position, std::string_view key);
  void Note(uint32_t db, std::string_view key, ObjectType type);
  void NoteChange(uint32_t db, std::string_view key);
  void NoteAll();

  Keyspace& keyspace_;
  const Group& group_;
  const uint64_t locked_;
  const bool warm_;
  const int64_t now_ms_;
  std::vector<uint32_t> ids_;
  std::unordered_map<uint64_t, Touched> touched_;  // by object id
  std::unordered_map<uint64_t, Elements> born_;    // of collections that began in this group
  std::unordered_set<uint64_t> forgotten_;         // object ids
  bool unknown_changed_ = false;
  std::vector<ReadyKey> ready_;
  KeyChanges changes_;
};

}  // namespace hearth
