#pragma once

// Stream: an append-only sequence of entries with consumer groups, in memory and as rows.
//
// A stream is always spread, and its key stays when it is empty.
//
//   head     = last-id entries-added:varint max-removed-id floor-id    (as of the last head row)
//   entry    = 'e' ms:u64be seq:u64be -> { name-size:varint name value-size:varint value }
//   group    = 'g' group-name -> group:varint last-id (entries-read + 1):varint
//   consumer = 'm' group:u32be consumer-name
//                -> consumer:varint seen-ms:varint (active-ms + 1):varint
//   pending  = 'p' group:u32be ms:u64be seq:u64be
//                -> consumer:varint delivered-ms:varint delivery-count:varint
//   id       = ms:varint seq:varint
//
// Groups sort before their consumers, these before the pending entries: loading wants them so.
// XADD logs one row, its entry's: an entry beyond the head's last id counts as added after that
// head was written and makes its own id the last one. So whatever removes such an entry, or sets
// what the head says, writes the head anew. No entry stands below the floor: loading begins there.
//
// Commands use StreamKey; nothing else knows of nodes and rows. Groups, consumers and pending
// entries are found and read through the plain structs, and changed through StreamKey only.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <optional>

#include "engine/collection_key.h"
#include "engine/stream_entries.h"
#include "engine/stream_groups.h"

namespace hearth {

std::unique_ptr<Collection> MakeStreamCollection(uint64_t object_id);

struct StreamState {
  StreamId last_id;         // of the entry added last, even when that is gone
  StreamId max_removed_id;  // the greatest that XDEL removed
  uint64_t entries_added = 0;

  friend bool operator==(const StreamState&, const StreamState&) = default;
};

class StreamCollection;

class StreamKey : public CollectionKey {
 public:
  StreamKey(Tx& tx, std::string_view key, const Object* found)
      : CollectionKey(tx, key, found, ObjectType::kStream) {
    // Only new entries do, and a group that is gone: reading and acknowledging write too.
    SetWakesWaiters(false);
  }
  // As in Redis, those who WATCH or track the key are told of its entries, not of its groups nor
  // of what XSETID sets.
  ~StreamKey();

  // All others require that the key exists.
  void CreateEmpty();

  const StreamState& state() const;
  const StreamEntries& entries() const;

  // Requires: id is greater than state().last_id.
  void Add(StreamId id, StreamFields fields);
  // Returns whether it was there.
  bool Remove(StreamId id);
  // Returns how many entries it removed.
  uint64_t Trim(const StreamTrim& trim);
  // Requires: last_id is not below the last entry's.
  void SetState(const StreamState& state);

  // -- Groups.
  const StreamGroups::Map& groups() const;
  StreamGroup* FindGroup(std::string_view name) const;
  // Returns nullptr when it is there.
  StreamGroup* CreateGroup(std::string_view name, StreamId last_id, int64_t entries_read);
  void DestroyGroup(StreamGroup* group);
  void SetGroup(StreamGroup* group, StreamId last_id, int64_t entries_read);
  // Requires: absent. It was seen now and never active.
  StreamConsumer* CreateConsumer(StreamGroup* group, std::string_view name);
  // The same with the times that a dump tells.
  StreamConsumer* RestoreConsumer(StreamGroup* group, std::string_view name, int64_t seen_ms,
                                  int64_t active_ms);
  // Its pending entries go with it.
  void DeleteConsumer(StreamGroup* group, StreamConsumer* consumer);
  // Notes that it was seen now; active: it got an entry.
  void SeeConsumer(StreamGroup* group, StreamConsumer* consumer, bool active);
  // Makes the entry pending at the consumer, wherever it was pending before.
  void Assign(StreamGroup* group, StreamId id, StreamConsumer* consumer, int64_t delivered_ms,
              uint64_t delivery_count);
  // Returns whether it was pending.
  bool Acknowledge(StreamGroup* group, StreamId id);

 private:
  StreamCollection& stream() const;
  void SyncHead();
  void PutGroup(const StreamGroup& group);
  void PutConsumer(const StreamGroup& group, const StreamConsumer& consumer);

  bool entries_changed_ = false;
};

}  // namespace hearth
