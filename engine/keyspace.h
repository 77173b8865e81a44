#pragma once

// Keyspace: the resident keys of all databases, split by slot into shards with a lock each.
//
// A key is resident (live or tombstone), absent for sure (its shard is complete: all that the store
// holds of the database there is resident), or unknown: then the store is asked.
//
// Thread:   a shard's fields are guarded by its mutex; shards are locked in ascending order.
// Lifetime: longer than every Tx and every load.
// Errors:   reads of the store return Status; a damaged row is corruption, never an absent key.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/commit_log.h"
#include "engine/gone_listener.h"
#include "engine/object.h"
#include "engine/ready_key.h"
#include "engine/replica_index.h"
#include "engine/store.h"
#include "engine/table.h"
#include "engine/tracked_keys.h"
#include "engine/tx.h"
#include "engine/watched_keys.h"

namespace hearth {

inline constexpr uint32_t kShardCountMax = 64;

enum class EvictionClock : uint8_t { kHand, kLru, kLfu };

// Counts a shard's events; read without its lock.
struct ShardCounters {
  std::atomic<uint64_t> hits{0}, absent_reads{0};      // as Redis counts hits and misses
  std::atomic<uint64_t> misses{0}, absent_lookups{0};  // questions to the store
  std::atomic<uint64_t> loads{0}, demoted{0}, evicted{0}, expired{0}, loaded_bytes{0};
};

// Adds to a counter that only the holder of the shard's lock writes.
inline void Bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

struct Shard {
  struct Db {
    std::unique_ptr<Table> table;
    bool complete = true;
    size_t bytes = 0;         // allocated for its objects
    uint64_t delete_seq = 0;  // of the last key that left without a tombstone
    uint64_t swap_seq = 0;    // of the last FLUSHDB or SWAPDB
    Table::SweepHand demote_hand, expire_hand;
    double demote_credit = 0;  // keys that the demotion may still visit in its turn
  };

  alignas(64) std::mutex mutex;
  std::vector<Db> dbs;           // by database index
  uint64_t max_demoted_seq = 0;  // greatest seq of an object demoted since the start
  uint64_t forget_count = 0;     // what fills the memory beside may have passed by what left it
  std::atomic<size_t> bytes{0};  // of all databases; read without the lock

  void AddBytes(uint32_t db, size_t add, size_t remove) {
    dbs[db].bytes += add - remove;
    bytes.store(bytes.load(std::memory_order_relaxed) + add - remove, std::memory_order_relaxed);
  }

  uint32_t demote_db = 0;  // where the next step of the demotion begins
  ShardCounters counters;
};

class Keyspace {
 public:
  Keyspace(Store& store, CommitLog& log, uint32_t db_count, uint32_t shard_count);
  ~Keyspace();

  Store& store() { return store_; }
  CommitLog& log() { return log_; }
  uint32_t db_count() const { return db_count_; }
  uint32_t shard_count() const { return shard_count_; }
  Shard& shard(uint32_t index) { return *shards_[index]; }
  uint32_t ShardIndex(uint64_t position) const { return SlotOfPosition(position) >> slot_shift_; }
  // Positions of a shard: [first, last].
  uint64_t FirstPosition(uint32_t shard_index) const;
  uint64_t LastPosition(uint32_t shard_index) const;

  uint64_t KeyCount(uint32_t db) const { return log_.KeyCount(db); }
  uint64_t ExpiryCount(uint32_t db) const { return log_.ExpiryCount(db); }

  // A hint: the keys of the next commands. One whose shard somebody has locked is skipped.
  void Prefetch(std::span<const KeyRef> keys);

  // A key as the store has it; without an object when it has none.
  struct ReadKey {
    ObjectPointer object;
    uint64_t view_seq = 0;  // what the read saw
    uint64_t epoch = 0;     // of the store that was read
    bool fills = false;     // elements alone were read, for what is unread
  };
  // Reads a key from the disk, and of a spread collection all its elements, or nothing: Busy. With
  // head_only a big one is left unread; with one in read (UnreadAt), that is what gets elements.
  Status Read(const KeyRef& ref, uint32_t db_id, ReadKey* read, bool with_elements = true);
  // The same without the disk: Busy when it needs it, and for what is spread but unread strings.
  Status ReadFromMemory(const KeyRef& ref, uint32_t db_id, ReadKey* read);
  // Reads keys from the disk and makes them resident. Any thread without a Tx.
  Status Load(std::span<const KeyRef> keys, bool hot = true);
  // The same for keys that somebody will ask for soon: small ones, as far as it goes.
  void LoadAhead(std::span<const KeyRef> keys);
  // Those that memory knows nothing of, but where somebody else holds the shard. Not within a Tx.
  std::vector<KeyRef> Unknown(std::span<const KeyRef> keys, size_t count_max);
  // Makes what was read resident, unless the key changed since. False: it is to be read again (a
  // replica's group may have changed it in the store alone). Requires: the shard's lock.
  bool Install(Shard& shard, const KeyRef& ref, uint32_t db_id, ReadKey read, bool hot);

  // While clients wait for keys, each Tx that wrote what they may wait for (lists, sorted sets,
  // streams, whole databases) tells the listener at its end, on its thread, its locks released.
  // Set before the first Tx; has_waiters changes under the shard locks of the awaited keys.
  void SetReadyListener(std::function<void(std::vector<ReadyKey>)> listener) {
    ready_listener_ = std::move(listener);
  }
  void SetHasWaiters(bool has) { has_waiters_.store(has, std::memory_order_relaxed); }
  bool has_waiters() const { return has_waiters_.load(std::memory_order_relaxed); }
  void TellReady(std::vector<ReadyKey> keys) {
    if (ready_listener_) ready_listener_(std::move(keys));
  }

  // By a Tx that holds every shard and takes long (a script): who has given way need not wait.
  void SetLongHold(bool holds) { long_hold_.store(holds, std::memory_order_release); }
  bool long_hold() const { return long_hold_.load(std::memory_order_acquire); }

  // The keys that clients WATCH.
  WatchedKeys& watched_keys() { return watched_keys_; }
  // The keys that clients keep copies of. Each Tx that changed some tells them, as above, with the
  // sequence that holds the changes.
  TrackedKeys& tracked_keys() { return tracked_keys_; }
  using ChangeListener = std::function<void(const KeyChanges& changes, uint64_t barrier)>;
  void SetChangeListener(ChangeListener listener) { change_listener_ = std::move(listener); }
  void TellChanges(const KeyChanges& changes, uint64_t barrier) {
    if (change_listener_) change_listener_(changes, barrier);
  }
  // Each Tx that gathered events of the classes (a set of EventClass bits) tells them at its end,
  // its shards locked, with the sequence that holds what they speak of.
  using EventListener = std::function<void(const std::vector<KeyEvent>&, uint64_t barrier)>;
  void SetEventListener(EventListener listener) { event_listener_ = std::move(listener); }
  void SetEventClasses(uint32_t classes) {
    event_classes_.store(classes, std::memory_order_release);
  }
  uint32_t event_classes() const { return event_classes_.load(std::memory_order_acquire); }
  void TellEvents(const std::vector<KeyEvent>& events, uint64_t barrier) {
    if (event_listener_) event_listener_(events, barrier);
  }

  // Null: nobody is told. Changed while every shard is locked.
  void SetGoneListener(GoneListener* listener) { gone_listener_ = listener; }
  GoneListener* gone_listener() const { return gone_listener_; }

  // Forgets every change that was not committed. Requires: the log has failed and is idle.
  void ForgetUncommitted();
  // Marks every shard as possibly incomplete (a store that holds keys was opened).
  void MarkIncomplete();

  // The notions of heat that policies need; set with maxmemory-policy.
  void SetEvictionClock(EvictionClock clock, uint32_t lfu_log_factor, uint32_t lfu_decay_minutes);
  EvictionClock eviction_clock() const { return eviction_clock_.load(std::memory_order_relaxed); }
  void Touch(Object* object, int64_t now_ms);
  uint32_t FreshAccess(int64_t now_ms) const;

  size_t ResidentBytes() const;
  size_t ResidentCount();
  size_t TableOverheadBytes();
  uint64_t CounterSum(std::atomic<uint64_t> ShardCounters::*counter) const;

  // A replica's keyspace is changed by groups (group_applier.h). Takes every shard's lock.
  void SetReplica(bool replica);
  bool is_replica() const { return is_replica_.load(std::memory_order_relaxed); }
  // While held, what expires is only hidden, and nothing evicted: another server sends deletions.
  void SetExpiryHeld(bool held) { expiry_held_.store(held, std::memory_order_release); }
  bool expiry_held() const { return expiry_held_.load(std::memory_order_acquire); }
  // While paused, what expires is hidden from reads, and deleted only by a write that got by.
  void SetPaused(bool paused) { paused_.store(paused, std::memory_order_release); }
  bool paused() const { return paused_.load(std::memory_order_acquire); }
  ReplicaIndex& replica_index() { return replica_index_; }
  // The store holds something else now: nothing is resident. Requires: every shard's lock.
  void ForgetAll();
  // Loads that began before ForgetAll install nothing.
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // How often a replica's groups changed the function libraries. Changed with every shard locked.
  uint64_t library_epoch() const { return library_epoch_.load(std::memory_order_relaxed); }
  void NoteLibraries() { library_epoch_.fetch_add(1, std::memory_order_relaxed); }

  // Compares every resident object with its row, and the counts with the store. Returns the
  // differences as text, empty when there are none. Requires: nothing writes meanwhile.
  Status VerifyAgainstStore(std::string* differences);

  // Whether a collection with elements that expire was ever resident: what the expiry sweep asks.
  bool elements_expire() const { return elements_expire_.load(std::memory_order_relaxed); }
  void NoteElementsExpire() { elements_expire_.store(true, std::memory_order_relaxed); }

  Table& TableOf(Shard& shard, uint32_t shard_index, uint32_t db);
  // Hands detached tables to be freed away from the workers.
  void FreeLater(std::unique_ptr<Table> table);

 private:
  bool IndexRead(const KeyRef& ref, uint32_t db_id, const ReadKey& read);
  void ForgetUncommittedIn(Shard& shard, uint64_t committed_seq);

  Store& store_;
  CommitLog& log_;
  uint32_t db_count_;
  uint32_t shard_count_;
  int slot_shift_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::function<void(std::vector<ReadyKey>)> ready_listener_;
  std::atomic<bool> has_waiters_{false};
  std::atomic<bool> long_hold_{false};
  WatchedKeys watched_keys_;
  TrackedKeys tracked_keys_;
  ChangeListener change_listener_;
  std::atomic<bool> is_replica_{false};
  std::atomic<bool> expiry_held_{false};
  std::atomic<bool> paused_{false};
  std::atomic<uint64_t> epoch_{0};
  std::atomic<uint64_t> library_epoch_{0};
  ReplicaIndex replica_index_;
  EventListener event_listener_;
  std::atomic<uint32_t> event_classes_{0};
  GoneListener* gone_listener_ = nullptr;
  std::atomic<EvictionClock> eviction_clock_{EvictionClock::kHand};
  std::atomic<bool> elements_expire_{false};
  std::atomic<uint32_t> lfu_log_factor_{10};
  std::atomic<uint32_t> lfu_decay_minutes_{1};

  std::mutex graveyard_mutex_;
  std::condition_variable graveyard_wanted_;
  std::vector<std::unique_ptr<Table>> graveyard_;
  bool stopping_ = false;
  std::thread gravedigger_;
};

// A copy of the key's object if that is unread, else null. Requires: the shard's lock.
ObjectPointer UnreadAt(const Shard& shard, const KeyRef& ref);

}  // namespace hearth
