// Tested by tests/engine/engine_test.cc and tests/engine/tx_test.cc.
#include "engine/keyspace.h"

#include <bit>
#include <random>

#include "engine/check.h"
#include "engine/collection.h"
#include "engine/collection_limits.h"
#include "engine/stored_keys.h"
#include "engine/unread_collection.h"

namespace hearth {
namespace {

// Below this many keys everything stays in the caches anyway.
constexpr size_t kPrefetchKeysMin = 4096 / kShardCountMax;
// Redis: new keys begin with this logarithmic counter so that they are not evicted at once.
constexpr uint32_t kLfuInitial = 5;
constexpr uint32_t kLfuMax = 255;
// Of elements that are read although nobody asks for them.
constexpr size_t kFewBytesMax = 1 << 20;
// Of keys that are read ahead; whoever wants the others waits for them.
constexpr size_t kAheadBytesMax = 1 << 20;

uint32_t ThreadRandom() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return static_cast<uint32_t>(generator());
}

uint32_t LfuMinutes(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 60'000) & 0xffffff;
}

// Whether nothing but its elements tells how long a collection lives.
bool MayStayUnread(const HeadValueParts& parts) {
  return parts.spread && (parts.type != ObjectType::kHash || parts.fields_stay);
}

// Head and elements as one view shows them.
Status ReadSpread(Store& store, const KeyRef& ref, uint32_t db_id, Keyspace::ReadKey* read) {
  StoreView view(store);
  read->view_seq = view.seq();
  std::string row;
  Status status = view.Get(HeadKey(db_id, ref.position, ref.key), &row);
  if (status.IsNotFound()) return Status::Ok();
  if (!status.ok()) return status;
  HeadValueParts parts;
  if (!ParseHeadValue(row, &parts)) return Status::Corruption("a head row does not parse");
  const bool may_stay_unread = ref.head_only && MayStayUnread(parts);
  if (may_stay_unread && parts.type == ObjectType::kString) {
    read->object.reset(ObjectFromHead(ref.key, parts, /*unread=*/true));
    return Status::Ok();
  }
  read->object.reset(ObjectFromHead(ref.key, parts));
  if (read->object == nullptr) return Status::Corruption("a collection's head does not parse");
  if (!parts.spread) return Status::Ok();
  Collection* const collection = read->object->collection();
  if (!may_stay_unread) return ReadElements(view, db_id, collection);
  status = ReadElements(view, db_id, collection, Limits().few_rows_max, kFewBytesMax);
  if (status.code() != Status::Code::kBusy) return status;
  read->object.reset(ObjectFromHead(ref.key, parts, /*unread=*/true));
  return Status::Ok();
}

// The elements of what is unread.
Status ReadUnread(Store& store, uint32_t db_id, Keyspace::ReadKey* read) {
  const Object& unread = *read->object;
  StoreView view(store);
  read->view_seq = view.seq();
  auto whole = Collection::Make(unread.type, unread.collection()->object_id());
  if (!whole->ReadHead(static_cast<const UnreadCollection*>(unread.collection())->head())) {
    return Status::Corruption("a collection's head does not parse");
  }
  const Status status = ReadElements(view, db_id, whole.get());
  if (status.ok()) read->object->Fill(whole.release());
  read->fills = true;
  return status;
}

// Reads a key and makes it resident; adds what it takes there to *bytes.
Status LoadOne(Keyspace& keyspace, const KeyRef& ref, bool hot, bool with_elements, size_t* bytes) {
  // On a replica a group may overtake the read.
  for (bool installed = false; !installed;) {
    const uint32_t db_id = keyspace.log().DbId(ref.db);
    Keyspace::ReadKey read;
    Shard& shard = keyspace.shard(keyspace.ShardIndex(ref.position));
    if (!ref.head_only) {
      std::lock_guard lock(shard.mutex);
      read.object = UnreadAt(shard, ref);
    }
    const Status status = keyspace.Read(ref, db_id, &read, with_elements);
    if (!status.ok() || read.object == nullptr) return status;
    *bytes += read.object->memory_size();
    std::lock_guard lock(shard.mutex);
    Bump(shard.counters.loads);
    installed = keyspace.Install(shard, ref, db_id, std::move(read), hot);
    if (!installed) std::this_thread::yield();
  }
  return Status::Ok();
}

}  // namespace

Keyspace::Keyspace(Store& store, CommitLog& log, uint32_t db_count, uint32_t shard_count)
    : store_(store), log_(log), db_count_(db_count), shard_count_(shard_count) {
  HEARTH_CHECK(std::has_single_bit(shard_count) && shard_count <= kShardCountMax);
  slot_shift_ = std::countr_zero(kSlotCount / shard_count);
  for (uint32_t i = 0; i < shard_count; ++i) {
    shards_.push_back(std::make_unique<Shard>());
    shards_.back()->dbs.resize(db_count);
  }
  gravedigger_ = std::thread([this] {
    std::unique_lock lock(graveyard_mutex_);
    while (true) {
      graveyard_wanted_.wait(lock, [this] { return stopping_ || !graveyard_.empty(); });
      if (stopping_) return;
      std::unique_ptr<Table> table = std::move(graveyard_.back());
      graveyard_.pop_back();
      lock.unlock();
      table.reset();
      lock.lock();
    }
  });
}

Keyspace::~Keyspace() {
  {
    std::lock_guard lock(graveyard_mutex_);
    stopping_ = true;
  }
  graveyard_wanted_.notify_all();
  gravedigger_.join();
}

void Keyspace::FreeLater(std::unique_ptr<Table> table) {
  {
    std::lock_guard lock(graveyard_mutex_);
    graveyard_.push_back(std::move(table));
  }
  graveyard_wanted_.notify_one();
}

// Shifted twice: by all 64 bits it would be undefined, and one shard's slots take them all.
uint64_t Keyspace::FirstPosition(uint32_t shard_index) const {
  return uint64_t{shard_index} << slot_shift_ << kPositionHashBits;
}

uint64_t Keyspace::LastPosition(uint32_t shard_index) const {
  return FirstPosition(shard_index + 1) - 1;  // beyond the last shard: 0 - 1
}

Table& Keyspace::TableOf(Shard& shard, uint32_t shard_index, uint32_t db) {
  std::unique_ptr<Table>& table = shard.dbs[db].table;
  if (!table) table = std::make_unique<Table>(shard_index << slot_shift_, 1u << slot_shift_);
  return *table;
}

// All locks are taken before the first look and kept to the last: a lock between two looks would
// have each wait for the cache misses of the one before.
void Keyspace::Prefetch(std::span<const KeyRef> keys) {
  const auto is_first = [&](const KeyRef& ref) { return ref.position == keys[0].position; };
  if (std::ranges::all_of(keys, is_first)) return;  // nothing to overlap
  uint64_t locked = 0;
  uint64_t tried = 0;
  for (const KeyRef& ref : keys) {
    const uint32_t index = ShardIndex(ref.position);
    const uint64_t bit = uint64_t{1} << index;
    if ((tried & bit) == 0 && shard(index).mutex.try_lock()) locked |= bit;
    tried |= bit;
  }
  const auto for_each_table = [&](auto look) {
    for (const KeyRef& ref : keys) {
      const uint32_t index = ShardIndex(ref.position);
      if ((locked >> index & 1) == 0) continue;
      const Table* table = shard(index).dbs[ref.db].table.get();
      if (table != nullptr && table->size() > kPrefetchKeysMin) look(*table, ref.position);
    }
  };
  for_each_table([](const Table& table, uint64_t at) { table.PrefetchRecord(at); });
  for_each_table([](const Table& table, uint64_t at) { table.PrefetchCell(at); });
  for_each_table([](const Table& table, uint64_t at) { table.PrefetchObject(at); });
  for (uint64_t left = locked; left != 0; left &= left - 1) {
    shard(static_cast<uint32_t>(std::countr_zero(left))).mutex.unlock();
  }
}

Status Keyspace::ReadFromMemory(const KeyRef& ref, uint32_t db_id, ReadKey* read) {
  std::string row;
  read->epoch = epoch();
  read->view_seq = store_.LatestSeq();
  const Status status =
      store_.Get(HeadKey(db_id, ref.position, ref.key), Store::Tier::kMemoryOnly, &row);
  if (status.IsNotFound()) return Status::Ok();
  if (!status.ok()) return status;
  HeadValueParts parts;
  if (!ParseHeadValue(row, &parts)) return Status::Corruption("a head row does not parse");
  const bool unread = parts.spread && parts.type == ObjectType::kString && ref.head_only;
  if (parts.spread && !unread) return Status::Busy("a spread collection");
  read->object.reset(ObjectFromHead(ref.key, parts, unread));
  return Status::Ok();
}

Status Keyspace::Read(const KeyRef& ref, uint32_t db_id, ReadKey* read, bool with_elements) {
  read->epoch = epoch();
  if (read->object != nullptr)
    return with_elements ? ReadUnread(store_, db_id, read) : Status::Busy("");
  std::string row;
  read->view_seq = store_.LatestSeq();
  const Status status = store_.Get(HeadKey(db_id, ref.position, ref.key), Store::Tier::kDisk, &row);
  if (status.IsNotFound()) return Status::Ok();
  if (!status.ok()) return status;
  HeadValueParts parts;
  if (!ParseHeadValue(row, &parts)) return Status::Corruption("a head row does not parse");
  if (!parts.spread) {
    read->object.reset(ObjectFromHead(ref.key, parts));
    return Status::Ok();
  }
  return with_elements ? ReadSpread(store_, ref, db_id, read) : Status::Busy("a spread collection");
}

Status Keyspace::Load(std::span<const KeyRef> keys, bool hot) {
  for (const KeyRef& ref : keys) {
    size_t bytes = 0;
    if (Status status = LoadOne(*this, ref, hot, /*with_elements=*/true, &bytes); !status.ok()) {
      return status;
    }
  }
  return Status::Ok();
}

void Keyspace::LoadAhead(std::span<const KeyRef> keys) {
  size_t bytes = 0;
  for (const KeyRef& ref : keys) {
    (void)LoadOne(*this, ref, /*hot=*/true, /*with_elements=*/false, &bytes);
    if (bytes > kAheadBytesMax) return;
  }
}

std::vector<KeyRef> Keyspace::Unknown(std::span<const KeyRef> keys, size_t count_max) {
  std::vector<KeyRef> unknown;
  for (const KeyRef& ref : keys) {
    if (unknown.size() == count_max) break;
    Shard& shard = this->shard(ShardIndex(ref.position));
    const std::unique_lock lock(shard.mutex, std::try_to_lock);
    if (!lock.owns_lock() || shard.dbs[ref.db].complete) continue;
    const Table* table = shard.dbs[ref.db].table.get();
    if (table == nullptr || table->Find(ref.position, ref.key) == nullptr) unknown.push_back(ref);
  }
  return unknown;
}

bool Keyspace::Install(Shard& shard, const KeyRef& ref, uint32_t db_id, ReadKey read, bool hot) {
  // What was forgotten or deleted without a tombstone after the view was taken may not come back.
  if (log_.DbId(ref.db) != db_id || shard.dbs[ref.db].complete || read.epoch != epoch()) {
    return true;
  }
  if (shard.max_demoted_seq > read.view_seq) return true;
  Table& table = TableOf(shard, ShardIndex(ref.position), ref.db);
  Object* const there = table.Find(ref.position, ref.key);
  if (read.fills || there != nullptr) {
    if (there == nullptr || !there->unread()) return true;
    if (read.object->unread() || !read.object->spread()) return true;
    if (there->collection()->object_id() != read.object->collection()->object_id()) return true;
  } else if (shard.dbs[ref.db].delete_seq > read.view_seq) {
    return true;
  }
  if (is_replica() && !IndexRead(ref, db_id, read)) return false;
  if (there != nullptr) {
    const size_t size = there->memory_size();
    there->Fill(read.object->ReleaseCollection());
    shard.AddBytes(ref.db, there->memory_size(), size);
    Bump(shard.counters.loaded_bytes, there->memory_size() - size);
    return true;
  }
  Object* object = read.object.release();
  object->hot = hot ? 1 : 0;
  object->access = FreshAccess(log_.clock().WallMs());
  if (ElementExpiryOf(*object).first_ms != kNoExpiry) {
    object->flags |= Object::kElementsExpire;
    NoteElementsExpire();
  }
  table.Insert(ref.position, object);
  shard.AddBytes(ref.db, object->memory_size(), 0);
  Bump(shard.counters.loaded_bytes, object->memory_size());
  return true;
}

// Lets the groups find what is about to become resident; false when one has overtaken the read.
bool Keyspace::IndexRead(const KeyRef& ref, uint32_t db_id, const ReadKey& read) {
  std::lock_guard lock(replica_index_.mutex());
  if (replica_index_.IsStale(ref.position, read.view_seq)) return false;
  if (!read.object->spread()) return true;
  const uint64_t object_id = read.object->collection()->object_id();
  if (replica_index_.IsStale(object_id, read.view_seq)) return false;
  replica_index_.Put(object_id, {db_id, ref.position, std::string(ref.key)});
  return true;
}

ObjectPointer UnreadAt(const Shard& shard, const KeyRef& ref) {
  const Table* table = shard.dbs[ref.db].table.get();
  const Object* const there = table == nullptr ? nullptr : table->Find(ref.position, ref.key);
  if (there == nullptr || !there->unread()) return nullptr;
  const auto& unread = static_cast<const UnreadCollection&>(*there->collection());
  ObjectPointer copy(Object::MakeSpread(ref.key,
                                        new UnreadCollection(unread.object_id(), unread.head()),
                                        there->has_expiry(), /*unread=*/true));
  copy->TakeAttributes(*there);
  return copy;
}

void Keyspace::SetReplica(bool replica) {
  std::vector<std::unique_lock<std::mutex>> locks;
  for (const auto& shard : shards_) locks.emplace_back(shard->mutex);
  std::lock_guard index_lock(replica_index_.mutex());
  replica_index_.Clear();
  is_replica_ = replica;
  if (!replica) return;
  for (const auto& shard : shards_) {
    for (uint32_t db = 0; db < db_count_; ++db) {
      Table* table = shard->dbs[db].table.get();
      if (table == nullptr) continue;
      Table::SweepHand hand;
      table->Sweep(&hand, table->size(), [&](Object* object) {
        if (object->spread()) {
          replica_index_.Put(object->collection()->object_id(),
                             {log_.DbId(db), object->position(), std::string(object->key())});
        }
        return SweepAction::kKeep;
      });
    }
  }
}

void Keyspace::ForgetAll() {
  ++epoch_;
  for (const auto& shard : shards_) {
    for (uint32_t db = 0; db < db_count_; ++db) {
      shard->AddBytes(db, 0, shard->dbs[db].bytes);
      if (shard->dbs[db].table) FreeLater(std::move(shard->dbs[db].table));
      shard->dbs[db] = Shard::Db();
      shard->dbs[db].complete = log_.KeyCount(db) == 0;
    }
    shard->max_demoted_seq = 0;
    ++shard->forget_count;
  }
  watched_keys_.NoteAll();
  KeyChanges changes;
  tracked_keys_.NoteAll(&changes);
  TellChanges(changes, /*barrier=*/0);
  std::lock_guard lock(replica_index_.mutex());
  replica_index_.Clear();
  replica_index_.ClearMarks();
}

void Keyspace::ForgetUncommittedIn(Shard& shard, uint64_t committed_seq) {
  for (uint32_t db = 0; db < db_count_; ++db) {
    Shard::Db& state = shard.dbs[db];
    if (state.delete_seq > committed_seq) state.complete = false;
    state.delete_seq = std::min(state.delete_seq, committed_seq);
    state.swap_seq = std::min(state.swap_seq, committed_seq);
    if (!state.table) continue;
    Table::SweepHand hand;
    state.table->Sweep(&hand, state.table->size(), [&](Object* object) {
      if (object->seq <= committed_seq) return SweepAction::kKeep;
      shard.AddBytes(db, 0, object->memory_size());
      state.complete = false;
      return SweepAction::kRemove;
    });
  }
}

void Keyspace::ForgetUncommitted() {
  std::vector<std::unique_lock<std::mutex>> locks;
  for (const auto& shard : shards_) locks.emplace_back(shard->mutex);
  const uint64_t committed_seq = log_.committed_seq();
  std::vector<uint32_t> ids_before(db_count_);
  for (uint32_t db = 0; db < db_count_; ++db) ids_before[db] = log_.DbId(db);
  log_.DropUncommitted();
  watched_keys_.NoteAll();
  KeyChanges changes;
  tracked_keys_.NoteAll(&changes);
  TellChanges(changes, /*barrier=*/0);
  for (uint32_t db = 0; db < db_count_; ++db) {
    if (ids_before[db] == log_.DbId(db)) continue;
    for (const auto& shard : shards_) {  // an uncommitted FLUSHDB or SWAPDB: read all anew
      shard->AddBytes(db, 0, shard->dbs[db].bytes);
      if (shard->dbs[db].table) FreeLater(std::move(shard->dbs[db].table));
      shard->dbs[db].complete = false;
    }
  }
  for (const auto& shard : shards_) ++shard->forget_count;
  for (const auto& shard : shards_) ForgetUncommittedIn(*shard, committed_seq);
}

void Keyspace::MarkIncomplete() {
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    for (uint32_t db = 0; db < db_count_; ++db) {
      if (log_.KeyCount(db) > 0) shard->dbs[db].complete = false;
    }
  }
}

void Keyspace::SetEvictionClock(EvictionClock clock, uint32_t lfu_log_factor,
                                uint32_t lfu_decay_minutes) {
  eviction_clock_ = clock;
  lfu_log_factor_ = lfu_log_factor;
  lfu_decay_minutes_ = lfu_decay_minutes;
}

uint32_t Keyspace::FreshAccess(int64_t now_ms) const {
  if (eviction_clock_.load(std::memory_order_relaxed) != EvictionClock::kLfu) {
    return static_cast<uint32_t>(now_ms / 1000);
  }
  return LfuMinutes(now_ms) << 8 | kLfuInitial;
}

// LFU: the logarithmic counter with decay that Redis documents for its LFU policies
// ("Key eviction", redis.io): it grows with probability 1 / ((counter - 5) * factor + 1).
void Keyspace::Touch(Object* object, int64_t now_ms) {
  if (object->hot < Object::kHotMax) ++object->hot;
  if (eviction_clock_.load(std::memory_order_relaxed) != EvictionClock::kLfu) {
    object->access = static_cast<uint32_t>(now_ms / 1000);
    return;
  }
  const uint32_t now = LfuMinutes(now_ms);
  uint32_t counter = object->access & 0xff;
  const uint32_t decay = lfu_decay_minutes_.load(std::memory_order_relaxed);
  const uint32_t idle = (now - (object->access >> 8)) & 0xffffff;
  const uint32_t periods = decay == 0 ? 0 : idle / decay;
  counter = periods > counter ? 0 : counter - periods;
  if (counter < kLfuMax) {
    const uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
    const uint32_t odds = base * lfu_log_factor_.load(std::memory_order_relaxed) + 1;
    if (ThreadRandom() % odds == 0) ++counter;
  }
  object->access = now << 8 | counter;
}

size_t Keyspace::ResidentBytes() const {
  size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->bytes.load(std::memory_order_relaxed);
  return sum;
}

namespace {

// Not when a script asks, which holds all shards.
std::unique_lock<std::mutex> LockForReading(Shard& shard) {
  return Tx::ThreadHoldsAll() ? std::unique_lock<std::mutex>() : std::unique_lock(shard.mutex);
}

}  // namespace

size_t Keyspace::ResidentCount() {
  size_t sum = 0;
  for (const auto& shard : shards_) {
    const auto lock = LockForReading(*shard);
    for (const Shard::Db& db : shard->dbs) sum += db.table ? db.table->size() : 0;
  }
  return sum;
}

size_t Keyspace::TableOverheadBytes() {
  size_t sum = 0;
  for (const auto& shard : shards_) {
    const auto lock = LockForReading(*shard);
    for (const Shard::Db& db : shard->dbs) sum += db.table ? db.table->overhead_bytes() : 0;
  }
  return sum;
}

uint64_t Keyspace::CounterSum(std::atomic<uint64_t> ShardCounters::*counter) const {
  uint64_t sum = 0;
  for (const auto& shard : shards_) {
    sum += (shard->counters.*counter).load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace hearth
