#pragma once

// Tx: one command's hold on its keys, and the only way to change them.
//
// The shards of the keys named at construction are locked (ascending) until the Tx ends, and the
// keys are resident. Each change updates memory and records its rows in one call; the rows join
// the commit log before the locks are released, so log order is execution order.
//
// Thread:    the worker that made it. At most one Tx a thread.
// Lifetime:  views and object pointers die with the Tx, and with the next change of their key.
// Errors:    a pending or failed disk read shows in state() right after construction, never later;
//            then nothing may be asked of the Tx but missing() and error().
// Limits:    keys that were not named at construction may not be touched (checked), except under
//            TxScope::kAllShards, where a missing key is read from the disk at once.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/commit_log.h"
#include "engine/key_event.h"
#include "engine/key_ref.h"
#include "engine/object.h"
#include "engine/position.h"
#include "engine/ready_key.h"
#include "engine/status.h"
#include "engine/tracked_keys.h"

namespace hearth {

class Keyspace;
struct Shard;

// What a write does with the key's time to live.
struct Expiry {
  static Expiry None() { return {kNoExpiry, false}; }
  static Expiry Keep() { return {kNoExpiry, true}; }
  static Expiry AtMs(int64_t at_ms) { return {at_ms, false}; }

  int64_t at_ms;
  bool keep;
};

struct TxOptions {
  bool write = false;          // the command may change keys: refused while the log has failed
  bool lock_all = false;       // every shard: FLUSHALL, SWAPDB and their like
  bool read_blocking = false;  // missing keys are read from the disk while the locks are held
  bool touch = true;           // false: reads do not make keys hotter (CLIENT NO-TOUCH)
  bool give_way = false;       // kBusy instead of waiting for a Tx that takes long
  bool expire = true;          // false: expired keys are hidden, not deleted (writes are refused)
  bool see_expired = false;    // nothing counts as expired: who writes has judged that elsewhere
  uint64_t writer = 0;         // the client whose command it is; 0 = none
};

// The encoding that Redis gives a string set by SET.
Encoding EncodingOf(std::string_view value);

class Tx {
 public:
  enum class State {
    kReady,
    kPending,  // missing() are to be loaded first; nothing was changed
    kFailed,   // error(): a read of the store failed
    kRefused,  // a write while the log has failed
    kBusy,     // with give_way: a Tx that holds the shards takes long (Keyspace::SetLongHold)
  };

  // now_ms: the wall clock that expiry is judged by during the whole command.
  Tx(Keyspace& keyspace, std::span<const KeyRef> keys, int64_t now_ms, TxOptions options = {});
  ~Tx();
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  State state() const { return state_; }
  const Status& error() const { return error_; }
  const std::vector<KeyRef>& missing() const { return missing_; }
  // False: writes are refused; a reader that would like to change something leaves it.
  bool may_change() const { return may_change_; }
  int64_t now_ms() const { return now_ms_; }
  // Whether what has expired is deleted when it is met, not only hidden; whether nothing has.
  bool may_expire() const { return options_.expire && (options_.write || !is_paused_); }
  bool sees_expired() const { return options_.see_expired; }
  // Whether reads make keys hotter, from the next on.
  void set_touch(bool touch) { options_.touch = touch; }
  // Another command of this Tx begins: whether reads are those of one that writes (NoteSource,
  // may_expire), and keys deleted before are new again.
  void BeginCommand(bool write) {
    options_.write = write;
    if (!replaced_.empty()) [[unlikely]]
      replaced_.clear();
  }
  // Under lock_all: names the keys of the next command, in place of those before, and makes them
  // resident. kPending: missing() are to be loaded, or, with read_blocking, never; kFailed:
  // error(). Neither ends the Tx. The span outlives the next call.
  State TakeKeys(std::span<const KeyRef> keys, bool read_blocking);
  void RestoreKeys(std::span<const KeyRef> keys) { keys_ = keys; }
  std::span<const KeyRef> keys() const { return keys_; }
  // For a Tx that is given up and run again. Requires: change_count() == 0.
  void DropEvents() { events_.clear(); }
  // Whether a Tx of this thread, or this one, holds every shard.
  static bool ThreadHoldsAll();
  bool locks_all() const { return options_.lock_all; }
  void set_quiet(bool quiet) { is_quiet_ = quiet; }  // those who watch a changed key are not told
  // The reply shows what only all rows together tell (a count of keys).
  void SawAllRows() { Saw(Log().next_seq() - 1); }
  // The command takes long: others need not wait for the log's mutex meanwhile.
  void LetGoOfLog() {
    if (join_) join_->LetGo();
  }
  // The database of the first key; the session's database for kAllShards transactions.
  uint32_t db() const { return db_; }
  void set_db(uint32_t db) { db_ = db; }

  // -- Reading. Keys are of db() unless a database is given.
  // The live object, or nullptr. An expired key is deleted (and its deletion logged) or hidden.
  const Object* Find(std::string_view key) { return Find(db_, key); }
  const Object* Find(uint32_t db, std::string_view key);
  // Like Find, but does not count as a use of the key (OBJECT, TTL, EXISTS, TYPE, DEBUG).
  const Object* Peek(std::string_view key) { return Peek(db_, key); }
  const Object* Peek(uint32_t db, std::string_view key);

  // -- Changing. All return with the change in memory and its rows recorded.
  // Sets the key to a string of any former type. The encoding is what Redis would choose for
  // SET: int, embstr (up to 44 bytes) or raw.
  void SetString(std::string_view key, std::string_view value, Expiry expiry) {
    SetString(key, value, expiry, EncodingOf(value));
  }
  // Where Redis does not look for an integer (INCRBYFLOAT), the caller tells the encoding.
  void SetString(std::string_view key, std::string_view value, Expiry expiry, Encoding encoding);
  // Overwrites value bytes from offset on, growing with zero bytes; an absent key counts as
  // empty. Keeps the expiry; the encoding becomes raw. Returns the new length in bytes. A string
  // that becomes long is spread (long_string.h). bytes may not point into the value.
  // Requires: absent or a string.
  size_t WriteRange(std::string_view key, size_t offset, std::string_view bytes);
  // Requires: present.
  void SetExpiry(std::string_view key, int64_t at_ms);
  // Sets what eviction policies judge by, unlogged (see Object::access). Requires: present.
  void SetAccess(std::string_view key, uint32_t access);
  // Returns whether the key was there.
  bool Delete(std::string_view key) { return Delete(db_, key); }
  bool Delete(uint32_t db, std::string_view key);
  // Copies or moves with value, type and expiry; an existing target is replaced. Moving within a
  // database costs the same for any size.
  // Requires: source present, source and target differ.
  void Copy(const KeyRef& from, const KeyRef& to);
  void Move(const KeyRef& from, const KeyRef& to);

  // Collections are changed through the key classes of their types (collection_key.h).
  // -- Function libraries: rows beside the databases. Require lock_all.
  void PutLibrary(std::string_view name, std::string_view code);
  void DeleteLibrary(std::string_view name);

  // -- Whole databases. Require lock_all.
  void FlushDb(uint32_t db);
  void SwapDb(uint32_t a, uint32_t b);

  // Tells of an event in TellEvents, at the latest when the Tx ends, before its locks are released;
  // name is static. Costs one test of a flag unless events of the class are wanted.
  void Notify(EventClass type, std::string_view name, std::string_view key) {
    Notify(type, name, db_, key);
  }
  void Notify(EventClass type, std::string_view name, uint32_t db, std::string_view key) {
    if ((event_classes_ & static_cast<uint32_t>(type)) == 0) [[likely]]
      return;
    events_.push_back({type, db, name, std::string(key)});
  }
  void TellEvents();

  // Counts a look at a key among the hits or the misses. Find does so by itself, with its event,
  // unless the command may write: this is for Peek, and for a key that a writing command reads.
  void CountLook(std::string_view key, bool is_there);
  // The same, and tells of a miss.
  void NoteLook(std::string_view key, bool is_there);
  // The same, for a key that a command of either kind only reads and that Find found or not.
  void NoteSource(std::string_view key, bool is_there) {
    if (options_.write) NoteLook(key, is_there);
  }

  // What the reply waits for: the log's sequence that holds all that this Tx wrote or saw; 0: none.
  uint64_t barrier() const { return barrier_; }
  // Changes made: rows, but for those that go with their key; and as INFO counts (ChangeCount).
  uint64_t change_count() const { return change_count_; }
  uint64_t counted_changes() const { return change_count_ - uncounted_; }

 private:
  friend class CollectionKey;
  friend class ChangeCount;

  const KeyRef& Ref(uint32_t db, std::string_view key, KeyRef* scratch) const;
  bool LockShards();
  void UnlockShards(bool may_keep = false);
  void EnsureResident();
  bool TryMakeResident(const KeyRef& ref, bool blocking);
  Object* FindObject(const KeyRef& ref);
  Object* FindLive(const KeyRef& ref, bool touch);
  void PutObject(const KeyRef& ref, Object* object, Object* old);
  Object* MakeLong(const KeyRef& ref, std::string_view value, bool expires);
  Object* TakeSpread(const KeyRef& from, Object* source, std::string_view key, bool expires);
  uint64_t LogHead(const KeyRef& ref, const Object& object, int64_t keys, int64_t expires);
  uint64_t LogDelete(const KeyRef& ref, int64_t keys, int64_t expires);
  uint64_t PutElementRow(uint32_t db, uint64_t object_id, std::string_view element,
                         std::string_view value, std::string_view value_rest);
  uint64_t EraseElementRow(uint32_t db, uint64_t object_id, std::string_view element);
  uint64_t EraseElementRows(uint32_t db, uint64_t object_id, std::string_view first,
                            std::string_view last);
  void DropRows(uint32_t db, const Object& object);
  void RemoveObject(const KeyRef& ref, Object* object, uint64_t seq);
  Object* CopyOf(const Object& source, const KeyRef& to);
  void PutCopy(const KeyRef& to, Object* copy);
  // The turn at the log: from the first row until the end, so that all rows stand in one group.
  CommitLog::Join& Log() {
    if (!join_) join_.emplace(log_);
    return *join_;
  }
  void DeleteLive(const KeyRef& ref, Object* object);
  void NotifyNew(const KeyRef& ref);
  // The key was written; blocked clients may wait for what it is or was.
  void NoteReady(const KeyRef& ref, ObjectType type);
  void NoteReadyDb(uint32_t db);
  // The key was changed; clients may watch it or keep copies.
  void NoteChanged(const KeyRef& ref);
  void NoteAllChanged();
  void NoteSwapped(uint32_t a, uint32_t b);
  void Saw(uint64_t seq) {
    if (seq > barrier_) barrier_ = seq;
  }

  Keyspace& keyspace_;
  CommitLog& log_;
  std::optional<CommitLog::Join> join_;
  std::span<const KeyRef> keys_;
  TxOptions options_;
  int64_t now_ms_;
  uint32_t db_ = 0;
  uint32_t event_classes_;
  State state_ = State::kReady;
  uint64_t locked_ = 0;  // a bit a shard
  bool may_change_ = false, is_paused_ = false, is_quiet_ = false;
  uint64_t barrier_ = 0, change_count_ = 0, uncounted_ = 0;  // uncounted_ is modulo 2^64
  Status error_;
  std::vector<KeyRef> missing_;
  std::vector<ReadyKey> ready_;  // written keys, while clients wait
  std::vector<KeyEvent> events_;
  KeyChanges changes_;
  std::vector<std::string> replaced_;  // deleted by this command: no event tells they are new
};

}  // namespace hearth
