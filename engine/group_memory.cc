// Tested by tests/engine/group_applier_test.cc.
#include "engine/group_memory.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/collection.h"

namespace hearth {
namespace {

bool MayBeWaitedFor(ObjectType type) {
  return type == ObjectType::kList || type == ObjectType::kSortedSet || type == ObjectType::kStream;
}

}  // namespace

GroupMemory::GroupMemory(Keyspace& keyspace, const Group& group, uint64_t locked, bool warm,
                         int64_t now_ms)
    : keyspace_(keyspace), group_(group), locked_(locked), warm_(warm), now_ms_(now_ms) {
  for (uint32_t db = 0; db < keyspace.db_count(); ++db) ids_.push_back(keyspace.log().DbId(db));
}

void GroupMemory::MoveDbs(const std::vector<uint32_t>& ids_before) {
  if (ids_before == ids_) return;
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    Shard& shard = keyspace_.shard(index);
    std::vector<Shard::Db> before = std::move(shard.dbs);
    shard.dbs = std::vector<Shard::Db>(ids_.size());
    for (size_t db = 0; db < ids_.size(); ++db) {
      const auto found = std::ranges::find(ids_before, ids_[db]);
      if (found != ids_before.end()) {
        shard.dbs[db] = std::move(before[static_cast<size_t>(found - ids_before.begin())]);
      }
      if (ids_before[db] != ids_[db]) shard.dbs[db].swap_seq = group_.last_seq();
    }
    size_t bytes = 0;
    for (const Shard::Db& db : shard.dbs) bytes += db.bytes;
    shard.bytes.store(bytes, std::memory_order_relaxed);
    for (Shard::Db& db : before) {
      if (db.table) keyspace_.FreeLater(std::move(db.table));
    }
  }
  {
    std::lock_guard lock(keyspace_.replica_index().mutex());
    keyspace_.replica_index().KeepDbs(ids_);
  }
  NoteAll();
  for (uint32_t db = 0; db < ids_.size() && keyspace_.has_waiters(); ++db) {
    if (ids_before[db] != ids_[db]) ready_.push_back({db, {}, /*whole_db=*/true});
  }
}

// False for a database that is gone by the group's end.
bool GroupMemory::PlaceOf(uint32_t db_id, uint64_t position, Place* place) {
  const auto found = std::ranges::find(ids_, db_id);
  if (found == ids_.end()) return false;
  place->db = static_cast<uint32_t>(found - ids_.begin());
  place->shard_index = keyspace_.ShardIndex(position);
  place->shard = &keyspace_.shard(place->shard_index);
  return true;
}

void GroupMemory::NoteChange(uint32_t db, std::string_view key) {
  WatchedKeys& watched = keyspace_.watched_keys();
  if (watched.any()) watched.NoteChange(db, key);
  TrackedKeys& tracked = keyspace_.tracked_keys();
  if (tracked.any()) tracked.NoteChange(key, &changes_);
}

// Any key of any database may have changed.
void GroupMemory::NoteAll() {
  keyspace_.watched_keys().NoteAll();
  if (keyspace_.tracked_keys().any()) keyspace_.tracked_keys().NoteAll(&changes_);
}

void GroupMemory::Note(uint32_t db, std::string_view key, ObjectType type) {
  NoteChange(db, key);
  if (keyspace_.has_waiters() && MayBeWaitedFor(type)) ready_.push_back({db, std::string(key)});
}

// The resident collection with the object id, or null. Its memory is out of the account until
// Finish. One in a shard that is not locked was loaded since the group was written, with its rows.
GroupMemory::Touched* GroupMemory::Touch(uint32_t db_id, uint64_t object_id) {
  const auto known = touched_.find(object_id);
  if (known != touched_.end()) return &known->second;
  Place place;
  Object* object = nullptr;
  {
    std::lock_guard lock(keyspace_.replica_index().mutex());
    const ReplicaIndex::Owner* owner = keyspace_.replica_index().Find(object_id);
    if (owner == nullptr || !PlaceOf(db_id, owner->position, &place)) return nullptr;
    if ((locked_ >> place.shard_index & 1) == 0) return nullptr;
    const Table* table = place.shard->dbs[place.db].table.get();
    if (table != nullptr) object = table->Find(owner->position, owner->key);
  }
  if (object == nullptr || !object->spread() || object->collection()->object_id() != object_id) {
    return nullptr;
  }
  Note(place.db, object->key(), object->type);
  if (object->unread()) {
    Forget(place, object->position(), std::string(object->key()));
    return nullptr;
  }
  place.shard->AddBytes(place.db, 0, object->collection()->memory_bytes());
  return &touched_.emplace(object_id, Touched{object, place.db}).first->second;
}

// As Keyspace::Prefetch; the applier holds the locks.
void GroupMemory::Prefetch(std::span<const GroupReader::Row> rows) const {
  struct Target {
    const Table* table;
    uint64_t position;
  };
  std::array<Target, kPrefetchRows> targets;
  size_t count = 0;
  for (const GroupReader::Row& row : rows.first(std::min(rows.size(), targets.size()))) {
    HeadKeyParts key;
    if (row.kind == GroupReader::Kind::kDeleteRange || !ParseHeadKey(row.key, &key)) continue;
    const auto found = std::ranges::find(ids_, key.db_id);
    if (found == ids_.end()) continue;
    const Shard& shard = keyspace_.shard(keyspace_.ShardIndex(key.position));
    const Table* table = shard.dbs[static_cast<size_t>(found - ids_.begin())].table.get();
    if (table != nullptr) targets[count++] = {table, key.position};
  }
  const std::span<const Target> found(targets.data(), count);
  for (const Target& target : found) target.table->PrefetchRecord(target.position);
  for (const Target& target : found) target.table->PrefetchCell(target.position);
  for (const Target& target : found) target.table->PrefetchObject(target.position);
  PrefetchMembers(rows);
}

// Of collections that this group has changed before: what they are is known.
void GroupMemory::PrefetchMembers(std::span<const GroupReader::Row> rows) const {
  if (touched_.empty()) return;
  std::array<std::string_view, kPrefetchRows> members;
  size_t count = 0;
  uint64_t object_id = 0;
  const auto fetch = [&] {
    if (count < 2) return;
    const auto touched = touched_.find(object_id);
    if (touched == touched_.end() || touched->second.dropped) return;
    touched->second.object->collection()->Prefetch({members.data(), count});
  };
  for (const GroupReader::Row& row : rows.first(std::min(rows.size(), members.size()))) {
    ElementKeyParts key;
    if (row.kind == GroupReader::Kind::kDeleteRange || !ParseElementKey(row.key, &key)) continue;
    if (key.object_id != object_id) {
      fetch();
      object_id = key.object_id;
      count = 0;
    }
    members[count++] = key.element;
  }
  fetch();
}

void GroupMemory::Apply(const GroupReader::Row& row, uint64_t seq) {
  const bool is_range = row.kind == GroupReader::Kind::kDeleteRange;
  if (row.key[0] == kHeadTable && !is_range) return ApplyHead(row, seq);
  if (row.key[0] == kElementTable && !is_range) return ApplyElement(row, seq);
  if (row.key[0] == kElementTable) return ApplyElementRange(row, seq);
  if (row.key[0] == kLibraryTable) return keyspace_.NoteLibraries();
  // A range of heads is a database that goes: MoveDbs. The state row: WriteGroup.
}

void GroupMemory::ApplyElement(const GroupReader::Row& row, uint64_t seq) {
  ElementKeyParts key;
  std::string_view value;
  (void)ParseElementKey(row.key, &key);
  const bool is_put = row.kind == GroupReader::Kind::kPut;
  if (is_put) (void)ParseElementValue(row.value, &value);
  Touched* touched = Touch(key.db_id, key.object_id);
  if (touched == nullptr) {
    if (key.object_id < group_.first_seq || forgotten_.contains(key.object_id)) {
      unknown_changed_ = true;
    } else if (is_put) {
      born_[key.object_id][key.element] = value;
    } else {
      born_[key.object_id].erase(key.element);
    }
    return;
  }
  if (touched->dropped) return;
  Object* object = touched->object;
  Collection* collection = object->collection();
  object->seq = seq;
  const bool sound = is_put ? collection->Put(key.element, value) : collection->Erase(key.element);
  if (!is_put) collection->CountErasedRow();
  if (sound) return;
  Place place;
  if (PlaceOf(key.db_id, object->position(), &place)) {
    Forget(place, object->position(), std::string(object->key()));
  }
}

void GroupMemory::ApplyElementRange(const GroupReader::Row& row, uint64_t seq) {
  ElementKeyParts from, to;
  if (!ParseElementKey(row.key, &from) || !ParseElementKey(row.value, &to)) return;
  if (from.db_id != to.db_id) return;  // a database that goes
  const bool to_the_end = to.object_id != from.object_id;
  Touched* touched = Touch(from.db_id, from.object_id);
  if (touched == nullptr) {
    if (from.object_id < group_.first_seq) {
      unknown_changed_ = true;
      return;
    }
    Elements& elements = born_[from.object_id];
    elements.erase(elements.lower_bound(from.element),
                   to_the_end ? elements.end() : elements.lower_bound(to.element));
    return;
  }
  touched->object->seq = seq;
  if (to_the_end && from.element.empty()) {
    touched->dropped = true;
    return;
  }
  Collection* collection = touched->object->collection();
  std::vector<std::string> erased;
  collection->Rows([&](std::string_view element, std::string_view) {
    if (element >= from.element && (to_the_end || element < to.element)) {
      erased.emplace_back(element);
    }
  });
  for (const std::string& element : erased) (void)collection->Erase(element);
}

void GroupMemory::ApplyHead(const GroupReader::Row& row, uint64_t seq) {
  HeadKeyParts key;
  Place place;
  (void)ParseHeadKey(row.key, &key);
  if (!PlaceOf(key.db_id, key.position, &place)) return;
  if (row.kind == GroupReader::Kind::kDelete) return Remove(place, key.position, key.key, seq);
  HeadValueParts value;
  (void)ParseHeadValue(row.value, &value);
  if (!value.spread) {
    PutHead(place, key, value, seq);
  } else if (!PutSpreadHead(place, key, value, seq)) {
    Forget(place, key.position, key.key);
  }
  Note(place.db, key.key, value.type);
}

// A string or a packed collection.
void GroupMemory::PutHead(const Place& place, const HeadKeyParts& key, const HeadValueParts& value,
                          uint64_t seq) {
  Shard::Db& db = place.shard->dbs[place.db];
  Object* old = db.table ? db.table->Find(key.position, key.key) : nullptr;
  if (old == nullptr && !db.complete && !warm_) {
    ++place.shard->forget_count;  // what warms the shard may have passed it
    return;
  }
  const bool expires = value.expire_at_ms != kNoExpiry;
  Object* object = old;
  const bool had_expiry_bit = old != nullptr && (old->has_expiry() || old->elements_expire());
  if (old != nullptr && old->Suits(value.value.size(), expires)) {
    value.value.copy(object->mutable_value(), value.value.size());
    object->set_value_size(value.value.size());
    object->flags = 0;
    object->type = value.type;
    object->encoding = value.encoding;
    object->set_expire_at_ms(value.expire_at_ms);
  } else {
    object = ObjectFromHead(key.key, value);
  }
  object->seq = seq;
  if (ElementExpiryOf(*object).first_ms != kNoExpiry) {
    object->flags |= Object::kElementsExpire;
    keyspace_.NoteElementsExpire();
  }
  if (object != old) {
    PutObject(place, key, object, old);
  } else if (had_expiry_bit || object->has_expiry() || object->elements_expire()) {
    RefreshExpiry(place, object);
  }
}

// False when memory does not know what the collection holds.
bool GroupMemory::PutSpreadHead(const Place& place, const HeadKeyParts& key,
                                const HeadValueParts& value, uint64_t seq) {
  Shard::Db& db = place.shard->dbs[place.db];
  Object* old = db.table ? db.table->Find(key.position, key.key) : nullptr;
  const bool expires = value.expire_at_ms != kNoExpiry;
  Object* object = nullptr;
  if (Touched* touched = Touch(key.db_id, value.object_id)) {
    Object* holder = touched->object;
    if (touched->dropped || !holder->collection()->ReadHead(value.value)) return false;
    holder->seq = seq;
    if (holder == old && (old->expiry_room || !expires)) {
      old->type = value.type;
      old->encoding = value.encoding;
      old->set_expire_at_ms(value.expire_at_ms);
      RefreshExpiry(place, old);
      return true;
    }
    Place from;
    const uint64_t from_position = holder->position();
    if (!PlaceOf(key.db_id, from_position, &from)) return false;
    const std::string from_key(holder->key());
    Untouch(value.object_id);
    from.shard->AddBytes(from.db, 0, holder->memory_size());
    object = Object::MakeSpread(key.key, holder->ReleaseCollection(), expires);
    from.shard->AddBytes(from.db, holder->memory_size(), 0);
    // A renamed key's old name goes with a row of its own.
    if (holder != old) Remove(from, from_position, from_key, seq);
  } else if (value.object_id >= group_.first_seq && !forgotten_.contains(value.object_id)) {
    if (old == nullptr && !db.complete && !warm_) {
      ++place.shard->forget_count;
      return true;
    }
    object = ObjectFromHead(key.key, value);
    if (object == nullptr) return false;
    bool sound = true;
    for (const auto& [element, bytes] : born_[value.object_id]) {
      sound = sound && object->collection()->Put(element, bytes);
    }
    born_.erase(value.object_id);
    if (!sound || !object->collection()->FinishLoad()) {
      Object::Free(object);
      return false;
    }
  } else {
    return false;
  }
  object->type = value.type;
  object->encoding = value.encoding;
  object->set_expire_at_ms(value.expire_at_ms);
  object->seq = seq;
  if (ElementExpiryOf(*object).first_ms != kNoExpiry) {
    object->flags |= Object::kElementsExpire;
    keyspace_.NoteElementsExpire();
  }
  // Removing the old name may have made the table, never this key.
  PutObject(place, key, object, db.table ? db.table->Find(key.position, key.key) : nullptr);
  return true;
}

// After a change of an object's expiry or of kElementsExpire in place.
void GroupMemory::RefreshExpiry(const Place& place, Object* object) {
  Table& table = *place.shard->dbs[place.db].table;
  table.Replace(table.FindCell(object->position(), object->key()), object);
}

// Puts a collection's memory back into the account.
void GroupMemory::Untouch(uint64_t object_id) {
  const auto found = touched_.find(object_id);
  if (found == touched_.end()) return;
  const auto [object, db, dropped] = found->second;
  keyspace_.shard(keyspace_.ShardIndex(object->position()))
      .AddBytes(db, object->collection()->memory_bytes(), 0);
  touched_.erase(found);
}

// The object leaves memory; the caller frees it.
void GroupMemory::Release(const Place& place, Object* object) {
  if (object->spread()) {
    const uint64_t object_id = object->collection()->object_id();
    Untouch(object_id);
    std::lock_guard lock(keyspace_.replica_index().mutex());
    keyspace_.replica_index().Erase(object_id);
  }
  place.shard->AddBytes(place.db, 0, object->memory_size());
}

void GroupMemory::PutObject(const Place& place, const HeadKeyParts& key, Object* object,
                            Object* old) {
  Table& table = keyspace_.TableOf(*place.shard, place.shard_index, place.db);
  object->access = old != nullptr ? old->access : keyspace_.FreshAccess(now_ms_);
  object->hot = old != nullptr ? old->hot : 0;
  if (old != nullptr) {
    Release(place, old);
    table.Replace(table.FindCell(key.position, key.key), object);
    Object::Free(old);
  } else {
    table.Insert(key.position, object);
  }
  place.shard->AddBytes(place.db, object->memory_size(), 0);
  if (!object->spread()) return;
  std::lock_guard lock(keyspace_.replica_index().mutex());
  keyspace_.replica_index().Put(object->collection()->object_id(),
                                {key.db_id, key.position, std::string(key.key)});
}

// As Tx::RemoveObject.
void GroupMemory::Remove(const Place& place, uint64_t position, std::string_view key,
                         uint64_t seq) {
  Shard::Db& db = place.shard->dbs[place.db];
  Object* object = db.table ? db.table->Find(position, key) : nullptr;
  if (object == nullptr) {
    NoteChange(place.db, key);
    if (db.complete) db.delete_seq = seq;
    return;
  }
  Note(place.db, key, object->type);
  if (db.complete) {
    Release(place, object);
    Object::Free(db.table->Remove(position, key));
    db.delete_seq = seq;
    return;
  }
  Object* tombstone = Object::Make(key, nullptr, 0, /*expires=*/false);
  tombstone->flags = Object::kTombstone;
  tombstone->seq = seq;
  PutObject(place, {ids_[place.db], position, key}, tombstone, object);
}

// Leaves the key to the store.
void GroupMemory::Forget(const Place& place, uint64_t position, std::string_view key) {
  Shard::Db& db = place.shard->dbs[place.db];
  Object* object = db.table ? db.table->Find(position, key) : nullptr;
  if (object != nullptr) {
    if (object->spread()) forgotten_.insert(object->collection()->object_id());
    Release(place, object);
    Object::Free(db.table->Remove(position, key));
  }
  db.complete = false;
  ++place.shard->forget_count;
  place.shard->max_demoted_seq = std::max(place.shard->max_demoted_seq, group_.last_seq());
}

void GroupMemory::Finish() {
  std::vector<std::pair<Place, Object*>> lost;
  for (auto& [object_id, touched] : touched_) {
    Object* object = touched.object;
    Place place{touched.db, nullptr, keyspace_.ShardIndex(object->position())};
    place.shard = &keyspace_.shard(place.shard_index);
    place.shard->AddBytes(place.db, object->collection()->memory_bytes(), 0);
    if (touched.dropped) {
      lost.emplace_back(place, object);
      continue;
    }
    const bool expire = ElementExpiryOf(*object).first_ms != kNoExpiry;
    if (expire == object->elements_expire()) continue;
    object->flags ^= Object::kElementsExpire;
    RefreshExpiry(place, object);
    if (expire) keyspace_.NoteElementsExpire();
  }
  touched_.clear();
  for (const auto& [place, object] : lost) {
    Forget(place, object->position(), std::string(object->key()));
  }
  if (!unknown_changed_) return;
  NoteAll();
  for (uint32_t db = 0; db < ids_.size() && keyspace_.has_waiters(); ++db) {
    ready_.push_back({db, {}, /*whole_db=*/true});
  }
}

}  // namespace hearth
