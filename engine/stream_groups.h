#pragma once

// StreamGroups: the consumer groups of one stream in memory.
//
// A pending entry was delivered to a consumer that has not yet acknowledged it; it stands in its
// group's set and, as a pointer, in its consumer's. Groups and consumers have numbers, which stand
// for their names in rows; a number is used again only after everything of its owner is gone.
//
// Thread:   guarded by its key's shard lock.
// Lifetime: pointers live until the group, consumer or pending entry is removed.

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "engine/stream_id.h"

namespace hearth {

struct StreamConsumer;

struct StreamPending {
  StreamId id;
  // Beside the order by id, so they change in place.
  mutable StreamConsumer* consumer;
  mutable int64_t delivered_ms;
  mutable uint64_t delivery_count;
};

struct StreamPendingOrder {
  using is_transparent = void;
  static const StreamId& IdOf(const StreamPending& pending) { return pending.id; }
  static const StreamId& IdOf(const StreamPending* pending) { return pending->id; }
  static const StreamId& IdOf(const StreamId& id) { return id; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return IdOf(a) < IdOf(b);
  }
};

struct StreamConsumer {
  static constexpr int64_t kNever = -1;

  std::string name;
  uint64_t number = 0;
  int64_t seen_ms = 0;
  int64_t active_ms = kNever;  // when it last got an entry
  std::set<const StreamPending*, StreamPendingOrder> pending;
};

struct StreamGroup {
  static constexpr int64_t kUnknown = -1;

  std::string name;
  uint32_t number = 0;
  StreamId last_id;  // delivered last
  int64_t entries_read = kUnknown;
  std::map<std::string, StreamConsumer, std::less<>> consumers;
  std::map<uint64_t, StreamConsumer*> consumers_by_number;
  std::set<StreamPending, StreamPendingOrder> pending;

  StreamConsumer* FindConsumer(std::string_view consumer_name);
};

class StreamGroups {
 public:
  using Map = std::map<std::string, StreamGroup, std::less<>>;

  StreamGroups() = default;
  StreamGroups(const StreamGroups&) = delete;
  StreamGroups& operator=(const StreamGroups&) = delete;

  const Map& all() const { return groups_; }
  size_t memory_bytes() const { return memory_bytes_; }
  // Groups, consumers and pending entries.
  size_t row_count() const { return row_count_; }

  StreamGroup* Find(std::string_view name);
  StreamGroup* FindByNumber(uint32_t number);
  // The numbers that the next ones get.
  uint32_t FreeNumber() const;
  static uint64_t FreeNumber(const StreamGroup& group);

  // Requires: neither name nor number is taken.
  StreamGroup* Add(std::string_view name, uint32_t number);
  StreamConsumer* AddConsumer(StreamGroup* group, std::string_view name, uint64_t number);
  // Makes the entry pending at the consumer, wherever it was pending before.
  const StreamPending* Assign(StreamGroup* group, StreamId id, StreamConsumer* consumer,
                              int64_t delivered_ms, uint64_t delivery_count);
  // With all that is theirs. The entry may be absent.
  void Remove(StreamGroup* group);
  void RemoveConsumer(StreamGroup* group, StreamConsumer* consumer);
  bool RemovePending(StreamGroup* group, StreamId id);

 private:
  Map groups_;
  std::map<uint32_t, StreamGroup*> by_number_;
  size_t memory_bytes_ = 0;
  size_t row_count_ = 0;
};

}  // namespace hearth
