#pragma once

// WatchedKeys: which keys clients WATCH, and which of the watchers were overtaken by a change.
//
// A Tx tells each key that it changes, at the change and under the lock of the key's shard; a key
// is asked for under that lock too. So a watcher that is unchanged while a Tx holds its keys has
// seen the last state of all of them: what its client reads once a key is registered waits for a
// Tx that changed it before. What only moves between memory and the store (demotion, loading, the
// warm-up) changes nothing.
//
// Thread:   any; the registry's lock is taken last, under shard locks and the commit log's turn.
// Lifetime: longer than every Tx and every watcher's time in it.
// Limits:   the owner's of a watcher (memory_bytes).

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// What is known of a key as it is registered; kUnknown: nobody looked, its shard was held.
enum class Presence : uint8_t { kAbsent, kPresent, kUnknown };

// What one client watches.
class Watcher {
 public:
  using Key = std::pair<uint32_t, std::string>;  // database, key

  // Whether one of the keys has changed since it was registered.
  bool changed() const { return changed_.load(std::memory_order_acquire); }
  // Each with whether it was present then.
  const std::map<Key, Presence>& keys() const { return keys_; }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  friend class WatchedKeys;

  std::map<Key, Presence> keys_;
  std::atomic<bool> changed_{false};
  size_t memory_bytes_ = 0;
};

class WatchedKeys {
 public:
  // Whether anybody watches anything; exact for a key that was registered before the caller locked
  // its shard, or before the client was answered.
  bool any() const { return any_.load(std::memory_order_seq_cst); }

  // Registers a key; one that is watched already stays as it is. Requires: the lock of the key's
  // shard, unless its presence is unknown.
  void Add(Watcher& watcher, uint32_t db, std::string_view key, Presence presence);
  // Ends all that a watcher watches, and forgets whether it was changed.
  void Clear(Watcher& watcher);

  // A key was changed, or a database emptied: then the keys that were present have changed, and
  // those that may have been.
  void NoteChange(uint32_t db, std::string_view key);
  void NoteFlush(uint32_t db);
  // Nobody can tell what has changed.
  void NoteAll();
  // The watched keys of a database.
  std::vector<std::string> KeysOf(uint32_t db) const;

 private:
  mutable std::mutex mutex_;
  std::map<Watcher::Key, std::map<Watcher*, Presence>> watchers_;
  std::atomic<bool> any_{false};
};

}  // namespace hearth
