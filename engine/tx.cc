// Tested by tests/engine/tx_test.cc.
#include "engine/tx.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "engine/check.h"
#include "engine/collection.h"
#include "engine/collection_key.h"
#include "engine/keyspace.h"
#include "engine/long_string.h"
#include "engine/unread_collection.h"

namespace hearth {
namespace {

constexpr size_t kEmbstrSizeMax = 44;   // Redis' limit for an embedded string
constexpr size_t kIntSizeMax = 20;      // digits of INT64_MIN with its sign
constexpr size_t kGrowthMax = 1 << 20;  // bytes of spare room that a growing value gets

// Whether the key's time has come, or that of every element it has.
bool HasExpired(const Object& object, int64_t now_ms) {
  if (object.has_expiry() && object.expire_at_ms() <= now_ms) return true;
  if (!object.elements_expire()) return false;
  const int64_t last_ms = ElementExpiryOf(object).last_ms;
  return last_ms != kNoExpiry && last_ms <= now_ms;
}

// How many rows a spread one has at most, as far as is known.
size_t RowCountMax(const Object& object) {
  if (!object.unread()) return object.collection()->row_count();
  if (object.type != ObjectType::kString) return SIZE_MAX;
  return LongStringChunkCount(static_cast<UnreadCollection*>(object.collection())->head());
}

}  // namespace

Encoding EncodingOf(std::string_view value) {
  if (!value.empty() && value.size() <= kIntSizeMax) {
    int64_t number;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool canonical = (value[0] != '0' || value.size() == 1) &&
                           !(value.size() > 1 && value[0] == '-' && value[1] == '0');
    if (error == std::errc() && end == value.data() + value.size() && canonical) {
      return Encoding::kInt;
    }
  }
  return value.size() <= kEmbstrSizeMax ? Encoding::kEmbstr : Encoding::kRaw;
}

Tx::Tx(Keyspace& keyspace, std::span<const KeyRef> keys, int64_t now_ms, TxOptions options)
    : keyspace_(keyspace),
      log_(keyspace.log()),
      keys_(keys),
      options_(options),
      now_ms_(now_ms),
      event_classes_(keyspace.event_classes()) {
  if (!keys.empty()) db_ = keys[0].db;
  if (!LockShards()) {
    state_ = State::kBusy;
    return;
  }
  const bool accepting = log_.accepting();
  const bool is_ruled = keyspace.is_replica() || (keyspace.expiry_held() && !options_.see_expired);
  may_change_ = options_.expire && accepting && !is_ruled;
  options_.expire = may_change_ && !options_.see_expired;
  is_paused_ = keyspace.paused();
  if (!accepting && options_.write) {
    state_ = State::kRefused;
    UnlockShards();
    return;
  }
  EnsureResident();
  if (state_ != State::kReady) UnlockShards();
}

Tx::~Tx() {
  join_.reset();
  // Before another changes the keys: the last event of a key tells of its state.
  const bool tells_events = !events_.empty();
  TellEvents();
  // Whoever is told something else of it may take any lock; so may the delivery of the events.
  const bool tells = tells_events || !changes_.empty() || !ready_.empty();
  UnlockShards(/*may_keep=*/!tells);
  if (!changes_.empty()) [[unlikely]] {
    changes_.writer = options_.writer;
    keyspace_.TellChanges(changes_, barrier_);
  }
  if (!ready_.empty()) [[unlikely]]
    keyspace_.TellReady(std::move(ready_));
}

void Tx::TellEvents() {
  if (events_.empty()) [[likely]]
    return;
  keyspace_.TellEvents(events_, barrier_);
  events_.clear();
}

void Tx::NoteReady(const KeyRef& ref, ObjectType type) {
  if (!keyspace_.has_waiters()) [[likely]]
    return;
  if (type != ObjectType::kList && type != ObjectType::kSortedSet && type != ObjectType::kStream) {
    return;
  }
  const bool again = !ready_.empty() && ready_.back().db == ref.db && ready_.back().key == ref.key;
  if (!again) ready_.push_back({ref.db, std::string(ref.key)});
}

void Tx::NoteReadyDb(uint32_t db) {
  if (keyspace_.has_waiters()) ready_.push_back({db, {}, /*whole_db=*/true});
}

void Tx::NoteChanged(const KeyRef& ref) {
  WatchedKeys& watched = keyspace_.watched_keys();
  if (watched.any() && !is_quiet_) [[unlikely]]
    watched.NoteChange(ref.db, ref.key);
  TrackedKeys& tracked = keyspace_.tracked_keys();
  if (tracked.any() && !changes_.all && !is_quiet_) [[unlikely]]
    tracked.NoteChange(ref.key, &changes_);
}

void Tx::NoteAllChanged() {
  TrackedKeys& tracked = keyspace_.tracked_keys();
  if (tracked.any() && !changes_.all) tracked.NoteAll(&changes_);
}

// Before a swap: a watched key has changed unless both databases lack it.
void Tx::NoteSwapped(uint32_t a, uint32_t b) {
  WatchedKeys& watched = keyspace_.watched_keys();
  if (!watched.any()) return;
  for (const uint32_t db : {a, b}) {
    for (const std::string& key : watched.KeysOf(db)) {
      if (Peek(a, key) != nullptr || Peek(b, key) != nullptr) watched.NoteChange(db, key);
    }
  }
}

const KeyRef& Tx::Ref(uint32_t db, std::string_view key, KeyRef* scratch) const {
  for (const KeyRef& ref : keys_) {
    if (ref.key.data() == key.data() && ref.key.size() == key.size() && ref.db == db) return ref;
    if (keys_.size() > 8) break;  // a long list: hashing is cheaper than looking
  }
  *scratch = KeyRef(db, key);
  HEARTH_CHECK((locked_ >> keyspace_.ShardIndex(scratch->position)) & 1);
  return *scratch;
}

// The resident object, live or tombstone; nullptr = absent.
Object* Tx::FindObject(const KeyRef& ref) {
  Shard& shard = keyspace_.shard(keyspace_.ShardIndex(ref.position));
  Shard::Db& db = shard.dbs[ref.db];
  Object* object = db.table ? db.table->Find(ref.position, ref.key) : nullptr;
  const bool is_lacking = object == nullptr ? !db.complete : object->unread() && !ref.head_only;
  if (is_lacking && options_.lock_all) {
    const bool is_read = TryMakeResident(ref, /*blocking=*/true);
    object = is_read && db.table ? db.table->Find(ref.position, ref.key) : nullptr;
  }
  Saw(db.swap_seq);
  Saw(object != nullptr ? object->seq : db.delete_seq);
  return object;
}

Object* Tx::FindLive(const KeyRef& ref, bool touch) {
  Object* object = FindObject(ref);
  Shard& shard = keyspace_.shard(keyspace_.ShardIndex(ref.position));
  const bool is_read = touch && !options_.write;
  if (object == nullptr || object->tombstone()) {
    if (is_read) {
      Bump(shard.counters.absent_reads);
      Notify(EventClass::kKeyMiss, "keymiss", ref.db, ref.key);
    }
    return nullptr;
  }
  if (!options_.see_expired && HasExpired(*object, now_ms_)) {
    if (is_read) Bump(shard.counters.absent_reads);
    if (may_expire()) {
      Bump(shard.counters.expired);
      const bool object_expired = object->has_expiry() && object->expire_at_ms() <= now_ms_;
      if (GoneListener* const listener = keyspace_.gone_listener()) [[unlikely]]
        listener->OnKeyGone(*this, ref.db, ref.key);
      DeleteLive(ref, object);
      ++uncounted_;
      if (object_expired) {
        Notify(EventClass::kExpired, "expired", ref.db, ref.key);
      } else {
        Notify(EventClass::kHash, "hexpired", ref.db, ref.key);
        Notify(EventClass::kGeneric, "del", ref.db, ref.key);
      }
      if (is_read) Notify(EventClass::kKeyMiss, "keymiss", ref.db, ref.key);
    }
    return nullptr;
  }
  if (is_read) Bump(shard.counters.hits);
  if (touch && options_.touch) keyspace_.Touch(object, now_ms_);
  return object;
}

void Tx::CountLook(std::string_view key, bool is_there) {
  KeyRef scratch(db_, {}, 0);
  ShardCounters& counters =
      keyspace_.shard(keyspace_.ShardIndex(Ref(db_, key, &scratch).position)).counters;
  Bump(is_there ? counters.hits : counters.absent_reads);
}

void Tx::NoteLook(std::string_view key, bool is_there) {
  CountLook(key, is_there);
  if (!is_there) Notify(EventClass::kKeyMiss, "keymiss", key);
}

const Object* Tx::Find(uint32_t db, std::string_view key) {
  KeyRef scratch(db, {}, 0);
  return FindLive(Ref(db, key, &scratch), /*touch=*/true);
}

const Object* Tx::Peek(uint32_t db, std::string_view key) {
  KeyRef scratch(db, {}, 0);
  return FindLive(Ref(db, key, &scratch), /*touch=*/false);
}

uint64_t Tx::LogHead(const KeyRef& ref, const Object& object, int64_t keys, int64_t expires) {
  char prefix[kHeadKeyPrefixSize];
  WriteHeadKeyPrefix(prefix, log_.DbId(ref.db), ref.position);
  char header[kHeadValueHeaderSizeMax];
  const size_t header_size = WriteHeadValueHeader(header, object);
  std::string spread_body;
  if (object.spread()) AppendHeadBody(object, &spread_body);
  const uint64_t seq = Log().Put({prefix, sizeof(prefix)}, object.key(), {header, header_size},
                                 object.spread() ? std::string_view(spread_body) : object.value());
  if (keys != 0 || expires != 0) Log().Count(ref.db, keys, expires);
  ++change_count_;
  Saw(seq);
  NoteChanged(ref);
  return seq;
}

uint64_t Tx::LogDelete(const KeyRef& ref, int64_t keys, int64_t expires) {
  char prefix[kHeadKeyPrefixSize];
  WriteHeadKeyPrefix(prefix, log_.DbId(ref.db), ref.position);
  const uint64_t seq = Log().Delete({prefix, sizeof(prefix)}, ref.key);
  NoteChanged(ref);
  if (keys != 0 || expires != 0) Log().Count(ref.db, keys, expires);
  ++change_count_;
  Saw(seq);
  return seq;
}

uint64_t Tx::PutElementRow(uint32_t db, uint64_t object_id, std::string_view element,
                           std::string_view value, std::string_view value_rest) {
  char prefix[kElementKeyPrefixSize];
  WriteElementKeyPrefix(prefix, log_.DbId(db), object_id);
  const uint64_t seq =
      Log().PutElement({prefix, sizeof(prefix)}, element, kElementRowVersion, value, value_rest);
  ++change_count_;
  Saw(seq);
  return seq;
}

uint64_t Tx::EraseElementRow(uint32_t db, uint64_t object_id, std::string_view element) {
  char prefix[kElementKeyPrefixSize];
  WriteElementKeyPrefix(prefix, log_.DbId(db), object_id);
  const uint64_t seq = Log().Delete({prefix, sizeof(prefix)}, element);
  ++change_count_;
  Saw(seq);
  return seq;
}

uint64_t Tx::EraseElementRows(uint32_t db, uint64_t object_id, std::string_view first,
                              std::string_view last) {
  const uint32_t db_id = log_.DbId(db);
  const uint64_t seq = Log().DeleteRange(
      ElementKey(db_id, object_id, first),
      last.empty() ? ElementKey(db_id, object_id + 1, {}) : ElementKey(db_id, object_id, last));
  ++change_count_;
  Saw(seq);
  return seq;
}

// Deletes the element rows of a spread collection whose head goes or becomes something else.
void Tx::DropRows(uint32_t db, const Object& object) {
  if (!object.spread()) return;
  const Collection& collection = *object.collection();
  const uint64_t changes_before = change_count_;
  if (const size_t count = RowCountMax(object); count > kRowsErasedSinglyMax) {
    EraseElementRows(db, collection.object_id(), {}, {});
  } else if (object.unread()) {
    for (uint32_t index = 0; index < count; ++index) {
      EraseElementRow(db, collection.object_id(), LongStringElement(index));
    }
  } else {
    collection.Rows([&](std::string_view element, std::string_view) {
      EraseElementRow(db, collection.object_id(), element);
    });
  }
  change_count_ = changes_before;
}

// Makes object the key's, in place of old (live, tombstone, the same object, or nullptr).
void Tx::PutObject(const KeyRef& ref, Object* object, Object* old) {
  const uint32_t shard_index = keyspace_.ShardIndex(ref.position);
  Shard& shard = keyspace_.shard(shard_index);
  Table& table = keyspace_.TableOf(shard, shard_index, ref.db);
  NoteReady(ref, object->type);
  if (old != nullptr) NoteReady(ref, old->type);
  if (old == nullptr) {
    table.Insert(ref.position, object);
    shard.AddBytes(ref.db, object->memory_size(), 0);
    return;
  }
  table.Replace(table.FindCell(ref.position, ref.key), object);
  if (old == object) return;
  shard.AddBytes(ref.db, object->memory_size(), old->memory_size());
  Object::Free(old);
}

// A spread object that takes over what another owns; the other is left as an empty string.
Object* Tx::TakeSpread(const KeyRef& from, Object* source, std::string_view key, bool expires) {
  const size_t size = source->memory_size();
  const bool unread = source->unread();
  Object* taken = Object::MakeSpread(key, source->ReleaseCollection(), expires, unread);
  keyspace_.shard(keyspace_.ShardIndex(from.position))
      .AddBytes(from.db, source->memory_size(), size);
  return taken;
}

// A string in rows of its own, which are logged.
Object* Tx::MakeLong(const KeyRef& ref, std::string_view value, bool expires) {
  auto string = MakeLongString(Log().next_seq(), value);
  const uint64_t changes_before = change_count_;
  string->Rows([&](std::string_view element, std::string_view row) {
    PutElementRow(ref.db, string->object_id(), element, row, {});
  });
  change_count_ = changes_before;
  return Object::MakeSpread(ref.key, string.release(), expires);
}

void Tx::SetString(std::string_view key, std::string_view value, Expiry expiry, Encoding encoding) {
  KeyRef scratch(db_, {}, 0);
  const KeyRef& ref = Ref(db_, key, &scratch);
  Object* old = FindObject(ref);
  const bool was_live = old != nullptr && !old->tombstone();
  const bool had_expiry = was_live && old->has_expiry();
  const bool expired = had_expiry && !options_.see_expired && old->expire_at_ms() <= now_ms_;
  const int64_t expire_at_ms =
      expiry.keep ? (had_expiry && !expired ? old->expire_at_ms() : kNoExpiry) : expiry.at_ms;
  const bool expires = expire_at_ms != kNoExpiry;

  Object* object = old;
  if (old != nullptr) DropRows(ref.db, *old);
  const bool elements_expired = old != nullptr && old->elements_expire();
  const bool spreads = encoding == Encoding::kRaw && value.size() > LongValueSizeMin();
  if (!spreads && old != nullptr && old->Suits(value.size(), expires)) {
    std::memmove(object->mutable_value(), value.data(), value.size());
    object->set_value_size(value.size());
    object->flags = 0;
  } else {
    object = spreads ? MakeLong(ref, value, expires)
                     : Object::Make(key, value.data(), value.size(), expires);
    object->access = old != nullptr ? old->access : keyspace_.FreshAccess(now_ms_);
    object->hot = old != nullptr ? old->hot : 0;
  }
  object->type = ObjectType::kString;
  object->encoding = encoding;
  const bool refresh = object->expire_at_ms() != expire_at_ms || elements_expired;
  object->set_expire_at_ms(expire_at_ms);
  if (object != old || refresh) PutObject(ref, object, old);
  keyspace_.Touch(object, now_ms_);
  if (expired) {
    Bump(keyspace_.shard(keyspace_.ShardIndex(ref.position)).counters.expired);
    Notify(EventClass::kExpired, "expired", ref.db, ref.key);
  }
  if (!was_live || expired) NotifyNew(ref);
  object->seq =
      LogHead(ref, *object, was_live ? 0 : 1, int{object->has_expiry()} - int{had_expiry});
}

size_t Tx::WriteRange(std::string_view key, size_t offset, std::string_view bytes) {
  KeyRef scratch(db_, {}, 0);
  const KeyRef& ref = Ref(db_, key, &scratch);
  Object* live = FindLive(ref, /*touch=*/true);
  Object* old = live != nullptr ? live : FindObject(ref);
  HEARTH_CHECK(live == nullptr || live->type == ObjectType::kString);
  const size_t old_size = live != nullptr ? live->value().size() : 0;
  const size_t new_size = std::max(old_size, offset + bytes.size());
  if (new_size > LongStringSizeMin() || (live != nullptr && live->spread())) {
    const uint64_t changes_before = change_count_;
    LongStringKey(*this, ref.key, live).WriteRange(offset, bytes);
    change_count_ = changes_before + 1;  // in however many rows
    return new_size;
  }

  Object* object = old;
  const int64_t expire_at_ms = live != nullptr ? live->expire_at_ms() : kNoExpiry;
  if (old == nullptr || !old->Fits(new_size, /*expires=*/false)) {
    const size_t spare = live != nullptr ? std::min(new_size, kGrowthMax) : 0;
    object = Object::Make(key, nullptr, new_size + spare, expire_at_ms != kNoExpiry);
    if (old_size > 0) std::memcpy(object->mutable_value(), live->value().data(), old_size);
    object->access = old != nullptr ? old->access : keyspace_.FreshAccess(now_ms_);
  }
  if (offset > old_size) std::memset(object->mutable_value() + old_size, 0, offset - old_size);
  std::memmove(object->mutable_value() + offset, bytes.data(), bytes.size());
  object->set_value_size(new_size);
  object->type = ObjectType::kString;
  object->flags = 0;
  object->encoding = Encoding::kRaw;
  object->set_expire_at_ms(expire_at_ms);
  PutObject(ref, object, old);
  if (live == nullptr) NotifyNew(ref);
  object->seq = LogHead(ref, *object, live != nullptr ? 0 : 1, 0);
  return new_size;
}

void Tx::SetExpiry(std::string_view key, int64_t at_ms) {
  KeyRef scratch(db_, {}, 0);
  const KeyRef& ref = Ref(db_, key, &scratch);
  Object* object = FindLive(ref, /*touch=*/false);
  HEARTH_CHECK(object != nullptr);
  const bool had_expiry = object->has_expiry();
  Object* old = object;
  if (at_ms != kNoExpiry && !old->expiry_room) {
    object = old->spread() ? TakeSpread(ref, old, old->key(), /*expires=*/true)
                           : Object::Make(old->key(), old->value().data(), old->value_size(), true);
    object->TakeAttributes(*old);
  }
  object->set_expire_at_ms(at_ms);
  PutObject(ref, object, old);
  object->seq = LogHead(ref, *object, 0, int{object->has_expiry()} - int{had_expiry});
}

void Tx::SetAccess(std::string_view key, uint32_t access) {
  KeyRef scratch(db_, {}, 0);
  Object* object = FindLive(Ref(db_, key, &scratch), /*touch=*/false);
  HEARTH_CHECK(object != nullptr);
  object->access = access;
}

// Deletes a live object and logs it. Afterwards the object is gone or a tombstone.
void Tx::DeleteLive(const KeyRef& ref, Object* object) {
  DropRows(ref.db, *object);
  RemoveObject(ref, object, LogDelete(ref, -1, -int{object->has_expiry()}));
}

// Takes a deleted key's object out of memory; seq is its deletion's.
void Tx::RemoveObject(const KeyRef& ref, Object* object, uint64_t seq) {
  const uint32_t shard_index = keyspace_.ShardIndex(ref.position);
  Shard& shard = keyspace_.shard(shard_index);
  Table& table = keyspace_.TableOf(shard, shard_index, ref.db);
  NoteReady(ref, object->type);
  if (shard.dbs[ref.db].complete) {
    shard.AddBytes(ref.db, 0, object->memory_size());
    Object::Free(table.Remove(ref.position, ref.key));
    shard.dbs[ref.db].delete_seq = seq;
    return;
  }
  Object* tombstone = Object::Make(ref.key, nullptr, 0, /*expires=*/false);
  tombstone->flags = Object::kTombstone;
  tombstone->seq = seq;
  PutObject(ref, tombstone, object);
}

bool Tx::Delete(uint32_t db, std::string_view key) {
  KeyRef scratch(db, {}, 0);
  const KeyRef& ref = Ref(db, key, &scratch);
  Object* object = FindLive(ref, /*touch=*/false);
  if (object == nullptr) return false;
  DeleteLive(ref, object);
  if (event_classes_ & static_cast<uint32_t>(EventClass::kNew)) [[unlikely]]
    replaced_.emplace_back(ref.key);
  return true;
}

// A command that stores a value anew deletes the old one first; the key is not new then.
void Tx::NotifyNew(const KeyRef& ref) {
  if (!replaced_.empty() && std::ranges::find(replaced_, ref.key) != replaced_.end()) return;
  Notify(EventClass::kNew, "new", ref.db, ref.key);
}

// A copy under another key; a spread one gets an object id and logs its rows.
Object* Tx::CopyOf(const Object& source, const KeyRef& to) {
  Object* copy;
  if (!source.spread()) {
    copy = Object::Make(to.key, source.value().data(), source.value_size(), source.has_expiry());
  } else {
    HEARTH_CHECK(!source.unread());
    auto collection = Collection::Make(source.type, Log().next_seq());
    std::string head;
    AppendHeadBody(source, &head);
    bool sound = collection->ReadHead(std::string_view(head).substr(sizeof(uint64_t)));
    const uint64_t changes_before = change_count_;
    source.collection()->Rows([&](std::string_view element, std::string_view value) {
      sound &= collection->Put(element, value);
      PutElementRow(to.db, collection->object_id(), element, value, {});
    });
    change_count_ = changes_before;
    HEARTH_CHECK(sound && collection->FinishLoad());
    copy = Object::MakeSpread(to.key, collection.release(), source.has_expiry());
  }
  copy->TakeAttributes(source);
  return copy;
}

// Makes a finished object the key's and logs its head; an existing one is replaced.
void Tx::PutCopy(const KeyRef& to, Object* copy) {
  (void)FindLive(to, /*touch=*/false);  // what has expired there goes as such
  Object* old = FindObject(to);
  const bool was_live = old != nullptr && !old->tombstone();
  const bool had_expiry = was_live && old->has_expiry();
  if (was_live) DropRows(to.db, *old);
  PutObject(to, copy, old);
  // Also when it replaces another: Redis deletes that one first.
  Notify(EventClass::kNew, "new", to.db, to.key);
  copy->seq = LogHead(to, *copy, was_live ? 0 : 1, int{copy->has_expiry()} - int{had_expiry});
}

void Tx::Copy(const KeyRef& from, const KeyRef& to) {
  const Object* source = FindLive(from, /*touch=*/false);
  HEARTH_CHECK(source != nullptr);
  PutCopy(to, CopyOf(*source, to));
}

void Tx::Move(const KeyRef& from, const KeyRef& to) {
  Object* source = FindLive(from, /*touch=*/false);
  HEARTH_CHECK(source != nullptr);
  if (!source->spread() || from.db != to.db) {
    PutCopy(to, CopyOf(*source, to));
    --change_count_;
    DeleteLive(from, FindObject(from));
    return;
  }
  Object* moved = TakeSpread(from, source, to.key, source->has_expiry());
  moved->TakeAttributes(*source);
  // What fills the memory beside may have passed the new name: the shard is not whole then.
  if (moved->unread()) ++keyspace_.shard(keyspace_.ShardIndex(to.position)).forget_count;
  PutCopy(to, moved);
  --change_count_;
  DeleteLive(from, FindObject(from));
}

void Tx::PutLibrary(std::string_view name, std::string_view code) {
  HEARTH_CHECK(options_.lock_all);
  Saw(Log().Put({&kLibraryTable, 1}, name, {&kLibraryRowVersion, 1}, code));
  ++change_count_;
}

void Tx::DeleteLibrary(std::string_view name) {
  HEARTH_CHECK(options_.lock_all);
  Saw(Log().Delete({&kLibraryTable, 1}, name));
  ++change_count_;
}

void Tx::FlushDb(uint32_t db) {
  HEARTH_CHECK(options_.lock_all);
  NoteAllChanged();
  const uint64_t key_count = keyspace_.KeyCount(db);
  if (key_count == 0) return;
  uint64_t seq;
  {
    const uint32_t old_id = Log().RenewDb(db);
    (void)Log().DeleteRange(HeadKey(old_id, 0, {}), HeadKey(old_id + 1, 0, {}));
    seq = Log().DeleteRange(ElementKey(old_id, 0, {}), ElementKey(old_id + 1, 0, {}));
  }
  Saw(seq);
  NoteReadyDb(db);
  keyspace_.watched_keys().NoteFlush(db);
  change_count_ += key_count;
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    Shard& shard = keyspace_.shard(index);
    Shard::Db& state = shard.dbs[db];
    shard.AddBytes(db, 0, state.bytes);
    if (state.table) keyspace_.FreeLater(std::move(state.table));
    state = Shard::Db();
    state.swap_seq = seq;
  }
}

void Tx::SwapDb(uint32_t a, uint32_t b) {
  HEARTH_CHECK(options_.lock_all);
  if (a == b) return;
  NoteSwapped(a, b);
  NoteAllChanged();
  uint64_t seq;
  { seq = Log().SwapDbs(a, b); }
  Saw(seq);
  NoteReadyDb(a);
  NoteReadyDb(b);
  ++change_count_;
  for (uint32_t index = 0; index < keyspace_.shard_count(); ++index) {
    Shard& shard = keyspace_.shard(index);
    std::swap(shard.dbs[a], shard.dbs[b]);
    shard.dbs[a].swap_seq = shard.dbs[b].swap_seq = seq;
  }
}

}  // namespace hearth
