#pragma once

// TrackedKeys: which clients have read which keys and keep what they read (CLIENT TRACKING), and
// which ask to hear of every key with a prefix (BCAST).
//
// A read registers its keys, and a Tx tells each key that it changes, both under the lock of the
// key's shard: so each read comes before a change, which then finds it registered, or sees it. A
// key that has changed is forgotten at once; who had read it is told when the Tx has ended. As in
// Redis a key is known by its name alone, whatever its database. Demotion changes nothing.
//
// Thread:   any; its locks are taken last, under shard locks and the commit log's turn.
// Lifetime: longer than every Tx.
// Limits:   SetKeysMax; a reader that has gone is forgotten with the keys it has read.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth {

// A client and the worker that has its connection.
struct KeyReader {
  uint64_t id;
  uint32_t worker;
};

// What a Tx has changed that somebody keeps.
struct KeyChanges {
  struct Key {
    std::string name;
    std::vector<KeyReader> readers;
  };

  bool empty() const { return keys.empty() && !all; }

  uint64_t writer = 0;  // the client that did it; 0 = none
  bool all = false;     // whatever anybody keeps is no longer true
  std::vector<Key> keys;
  std::shared_ptr<void> dropped;  // to be freed where that may take its time
};

class TrackedKeys {
 public:
  // Whether anybody wants to be told of anything; exact for a key whose shard is locked.
  bool any() const { return client_count_.load(std::memory_order_relaxed) != 0; }

  // A client begins or ends; behind the last one nothing is kept. What End returns is to be freed
  // where that may take its time.
  void Begin();
  [[nodiscard]] std::shared_ptr<void> End();

  // Registers a read. Other keys make room: they are added to *evicted. Requires: the lock of the
  // key's shard.
  void Remember(std::string_view key, KeyReader reader, KeyChanges* evicted);
  // A key was changed: adds it to *changes when somebody is to know. Requires: as Remember.
  void NoteChange(std::string_view key, KeyChanges* changes);
  // Databases were emptied or exchanged. Requires: every shard is locked.
  void NoteAll(KeyChanges* changes);

  // `tracking-table-max-keys`; 0 = no limit.
  void SetKeysMax(size_t count) { keys_max_.store(count, std::memory_order_relaxed); }
  // Forgets keys above the limit, about `count_max` at most.
  void EvictExcess(size_t count_max, KeyChanges* evicted);

  void AddPrefix(const std::string& prefix, KeyReader reader);
  void RemovePrefix(const std::string& prefix, uint64_t reader_id);
  // Visits each prefix that fits some of the changed keys: its readers, and those keys in order.
  using Keys = std::shared_ptr<const std::vector<std::string>>;
  void ForEachPrefix(
      const KeyChanges& changes,
      const std::function<void(const std::vector<KeyReader>& readers, const Keys& keys)>& visit);

  size_t client_count() const { return client_count_.load(std::memory_order_relaxed); }
  size_t key_count() const { return key_count_.load(std::memory_order_relaxed); }
  // Pairs of a key and a reader.
  size_t item_count() const { return item_count_.load(std::memory_order_relaxed); }
  size_t prefix_count() const;

 private:
  static constexpr size_t kStripeCount = 64;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using Table = std::unordered_map<std::string, std::vector<KeyReader>, Hash, std::equal_to<>>;
  struct alignas(64) Stripe {
    std::mutex mutex;
    Table table;
  };

  Stripe& StripeOf(std::string_view key) { return stripes_[Hash()(key) % kStripeCount]; }
  bool IsFull() const;
  void Take(Stripe& stripe, Table::iterator place, KeyChanges* changes);
  std::shared_ptr<void> TakeAll();
  bool FitsPrefix(std::string_view key);

  std::array<Stripe, kStripeCount> stripes_;
  std::atomic<size_t> client_count_{0}, key_count_{0}, item_count_{0};
  std::atomic<size_t> keys_max_{1'000'000};
  std::mutex begin_mutex_;
  size_t next_stripe_ = 0;  // of EvictExcess, one caller at a time

  mutable std::shared_mutex prefix_mutex_;
  std::atomic<bool> has_prefixes_{false};
  std::map<std::string, std::vector<KeyReader>, std::less<>> prefixes_;
  std::map<size_t, size_t> prefix_sizes_;  // how many prefixes there are of each size
};

}  // namespace hearth
