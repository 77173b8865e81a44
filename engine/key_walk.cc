// Tested by tests/engine/key_walk_test.cc.
#include "engine/key_walk.h"

#include <algorithm>

#include "engine/cursor.h"
#include "engine/keyspace.h"
#include "engine/shard_lock.h"

namespace hearth {
namespace {

constexpr size_t kRandomPageKeysMax = 1024;
constexpr char kLongHold[] = "a transaction that holds the keys takes long";

// False: it gave way.
bool Lock(std::unique_lock<std::mutex>& lock, ShardLocks locks, const Keyspace& keyspace) {
  if (locks == ShardLocks::kHeld) return true;
  if (locks == ShardLocks::kTake) {
    lock.lock();
    return true;
  }
  if (!LockOrGiveWay(*lock.mutex(), keyspace)) return false;
  lock = std::unique_lock(*lock.mutex(), std::adopt_lock);
  return true;
}

// A stored row of the page that memory may know better.
struct StoredKey {
  uint64_t position;
  std::string key;
  ObjectType type;
  int64_t expire_at_ms;
};

// Rows of one page that stand in the store.
struct StoredPage {
  std::vector<StoredKey> keys;
  uint64_t view_seq = 0;
  uint64_t end = 0;  // positions below are all there; the last position of the shard + 1 at most
  bool to_the_end = false;
};

void AddResident(const Object& object, int64_t now_ms, KeyPage* page) {
  page->barrier = std::max<uint64_t>(page->barrier, object.seq);
  if (object.tombstone()) return;
  const bool has_expired = object.has_expiry() && object.expire_at_ms() <= now_ms;
  (has_expired ? page->expired : page->keys).push_back({std::string(object.key()), object.type});
}

// A page of a shard whose keys are all resident. Requires: the shard's lock.
uint64_t ReadComplete(const Shard& shard, uint32_t db, uint64_t from, size_t count, int64_t now_ms,
                      KeyPage* page) {
  page->barrier = std::max({page->barrier, shard.dbs[db].delete_seq, shard.dbs[db].swap_seq});
  const Table* table = shard.dbs[db].table.get();
  if (table == nullptr) return Table::kWalkEnd;
  std::vector<Table::Placed> objects;
  const uint64_t next = table->Walk(from, count, &objects);
  for (const auto& [position, object] : objects) AddResident(*object, now_ms, page);
  return next;
}

Status ReadStored(Keyspace& keyspace, uint32_t db_id, uint64_t from, uint64_t last, size_t count,
                  StoredPage* page) {
  *page = {};
  page->to_the_end = true;
  bool damaged = false;
  const std::string end_key =
      last == UINT64_MAX ? HeadKey(db_id + 1, 0, {}) : HeadKey(db_id, last + 1, {});
  const Status status = keyspace.store().Scan(
      HeadKey(db_id, from, {}), end_key, &page->view_seq,
      [&](std::string_view row_key, std::string_view row_value) {
        HeadKeyParts key;
        HeadValueParts value;
        damaged = !ParseHeadKey(row_key, &key) || !ParseHeadValue(row_value, &value);
        if (damaged) return false;
        if (page->keys.size() >= count &&
            CursorOf(key.position) != CursorOf(page->keys.back().position)) {
          page->to_the_end = false;
          page->end = PlaceOf(CursorOf(key.position));
          return false;
        }
        page->keys.push_back({key.position, std::string(key.key), value.type, value.expire_at_ms});
        return true;
      });
  if (!status.ok()) return status;
  if (damaged) return Status::Corruption("a head row does not parse");
  return Status::Ok();
}

// Joins stored keys of [from, end) with what memory knows. Requires: the shard's lock.
void Overlay(const Shard& shard, uint32_t db, uint64_t from, uint64_t end_inclusive,
             const StoredPage& stored, int64_t now_ms, KeyPage* page) {
  page->barrier = std::max({page->barrier, shard.dbs[db].delete_seq, shard.dbs[db].swap_seq});
  std::vector<Table::Placed> objects;
  const Table* table = shard.dbs[db].table.get();
  if (table != nullptr) table->WalkRange(from, end_inclusive, &objects);
  for (const auto& [position, object] : objects) AddResident(*object, now_ms, page);
  for (const StoredKey& row : stored.keys) {
    if (table != nullptr && table->Find(row.position, row.key) != nullptr) continue;
    const bool has_expired = row.expire_at_ms != kNoExpiry && row.expire_at_ms <= now_ms;
    (has_expired ? page->expired : page->keys).push_back({row.key, row.type});
  }
}

// Looks at a key in a Tx of its own, as who asks for it would; returns what the look must wait for.
uint64_t DeleteIfExpired(Keyspace& keyspace, const KeyRef& ref, int64_t now_ms) {
  for (const bool was_loaded : {false, true}) {
    Tx tx(keyspace, {&ref, 1}, now_ms, {.give_way = true});
    if (tx.state() == Tx::State::kReady) {
      (void)tx.Peek(ref.db, ref.key);
      return tx.barrier();
    }
    if (tx.state() != Tx::State::kPending || was_loaded) break;
    if (!keyspace.Load({&ref, 1}, /*hot=*/false).ok()) break;
  }
  return 0;  // it stays hidden
}

}  // namespace

std::optional<bool> IsWhollyResident(Keyspace& keyspace, uint32_t db) {
  for (uint32_t index = 0; index < keyspace.shard_count(); ++index) {
    Shard& shard = keyspace.shard(index);
    std::unique_lock lock(shard.mutex, std::defer_lock);
    if (!Lock(lock, ShardLocks::kGiveWay, keyspace)) return std::nullopt;
    if (!shard.dbs[db].complete) return false;
  }
  return true;
}

Status ReadKeyPage(Keyspace& keyspace, uint32_t db, uint64_t from, size_t count_min, int64_t now_ms,
                   KeyPage* page, ShardLocks locks) {
  page->next = 0;
  while (page->keys.size() + page->expired.size() < count_min) {
    const uint32_t index = keyspace.ShardIndex(from);
    Shard& shard = keyspace.shard(index);
    const uint64_t last = keyspace.LastPosition(index);
    const size_t want = count_min - page->keys.size() - page->expired.size();
    uint64_t next;
    std::unique_lock lock(shard.mutex, std::defer_lock);
    if (!Lock(lock, locks, keyspace)) return Status::Busy(kLongHold);
    if (shard.dbs[db].complete) {
      next = ReadComplete(shard, db, from, want, now_ms, page);
    } else {
      StoredPage stored;
      const uint32_t db_id = keyspace.log().DbId(db);
      if (lock.owns_lock()) lock.unlock();
      const Status status = ReadStored(keyspace, db_id, from, last, want, &stored);
      if (!status.ok()) return status;
      if (!Lock(lock, locks, keyspace)) return Status::Busy(kLongHold);
      // Demoted, flushed or swapped since the view was taken: look again.
      if (shard.max_demoted_seq > stored.view_seq || keyspace.log().DbId(db) != db_id) continue;
      const uint64_t end_inclusive = stored.to_the_end ? last : stored.end - 1;
      Overlay(shard, db, from, end_inclusive, stored, now_ms, page);
      next = stored.to_the_end ? Table::kWalkEnd : stored.end;
    }
    if (next == Table::kWalkEnd) {
      if (last == UINT64_MAX) {
        page->next = 0;
        return Status::Ok();
      }
      next = last + 1;
    }
    page->next = from = next;
  }
  return Status::Ok();
}

Status ReadRandomKey(Keyspace& keyspace, uint32_t db, uint64_t random, int64_t now_ms,
                     std::string* key, bool* found, std::vector<KeyInfo>* expired,
                     ShardLocks locks) {
  *found = false;
  size_t count = 1;  // grows where much has expired
  for (uint64_t from : {random, uint64_t{0}}) {
    do {
      KeyPage page;
      const Status status = ReadKeyPage(keyspace, db, from, count, now_ms, &page, locks);
      if (!status.ok()) return status;
      if (expired->size() < kExpiredKeysMax)
        std::ranges::move(page.expired, std::back_inserter(*expired));
      if (!page.keys.empty()) {
        *found = true;
        *key = page.keys[random % page.keys.size()].key;
        return status;
      }
      from = page.next;
      count = std::min(2 * count, kRandomPageKeysMax);
    } while (from != 0);
  }
  return Status::Ok();
}

uint64_t DeleteExpired(Keyspace& keyspace, uint32_t db, const std::vector<KeyInfo>& expired,
                       int64_t now_ms, Tx* tx) {
  if (expired.empty()) return 0;
  if (tx == nullptr) {
    uint64_t barrier = 0;
    if (!Tx(keyspace, {}, now_ms).may_expire()) return barrier;  // the disk need not be asked
    for (const KeyInfo& info : expired) {
      KeyRef ref(db, info.key);
      ref.head_only = true;
      barrier = std::max(barrier, DeleteIfExpired(keyspace, ref, now_ms));
    }
    return barrier;
  }
  tx->BeginCommand(/*write=*/false);
  if (!tx->may_expire()) return 0;
  for (const KeyInfo& info : expired) (void)tx->Peek(db, info.key);
  return tx->barrier();
}

}  // namespace hearth
