// Tested by tests/src/rdb/rdb_stream_test.cc.
#include <algorithm>

#include "src/rdb/duplicates.h"
#include "src/rdb/listpack.h"
#include "src/rdb/rdb_stream.h"

namespace hearth::rdb {
namespace {

constexpr int64_t kFlagDeleted = 1;
constexpr int64_t kFlagSameFields = 2;
constexpr uint64_t kEntriesReadUnknown = UINT64_MAX;

// Walks over the elements of a listpack; false where it ends or holds something else.
class Cursor {
 public:
  explicit Cursor(const std::vector<PackedElement>& elements) : elements_(elements) {}

  bool Integer(int64_t* value) {
    if (at_ == elements_.size() || !elements_[at_].is_integer) return false;
    *value = elements_[at_++].integer;
    return true;
  }
  bool Text(std::string* value) {
    if (at_ == elements_.size()) return false;
    *value = elements_[at_++].ToString();
    return true;
  }
  // A count of what takes at least one element each.
  bool Count(uint64_t* value) {
    int64_t count;
    if (!Integer(&count) || count < 0) return false;
    *value = static_cast<uint64_t>(count);
    return *value <= elements_.size() - at_;
  }
  size_t at() const { return at_; }
  bool AtEnd() const { return at_ == elements_.size(); }

 private:
  const std::vector<PackedElement>& elements_;
  size_t at_ = 0;
};

struct Master {
  RdbStreamId id;
  std::vector<std::string> fields;
  size_t field_bytes = 0;
  int64_t live_count = 0;
  int64_t deleted_count = 0;
};

bool ReadMaster(Cursor& cursor, Master* master) {
  uint64_t field_count;
  int64_t end = 0;
  if (!cursor.Integer(&master->live_count) || !cursor.Integer(&master->deleted_count) ||
      !cursor.Count(&field_count)) {
    return false;
  }
  master->fields.resize(field_count);
  for (auto& field : master->fields) {
    if (!cursor.Text(&field)) return false;
    master->field_bytes += field.size();
  }
  return cursor.Integer(&end) && end == 0;
}

bool ReadFields(RdbInput& input, Cursor& cursor, const Master& master, bool same_fields,
                RdbStreamEntry* entry) {
  uint64_t count = master.fields.size();
  // A node names the fields once for any number of entries.
  if (same_fields && !input.Expand(master.field_bytes)) return false;
  if (!same_fields && !cursor.Count(&count)) return false;
  entry->fields.resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto& [field, value] = entry->fields[i];
    if (same_fields) field = master.fields[i];
    if ((!same_fields && !cursor.Text(&field)) || !cursor.Text(&value)) return false;
  }
  return count > 0;
}

// One entry, deleted or not.
bool ReadEntry(RdbInput& input, Cursor& cursor, const Master& master, bool* deleted,
               RdbStreamEntry* entry) {
  const size_t start = cursor.at();
  int64_t flags, ms, seq, element_count;
  if (!cursor.Integer(&flags) || !cursor.Integer(&ms) || !cursor.Integer(&seq)) return false;
  if ((flags & ~(kFlagDeleted | kFlagSameFields)) != 0) return false;
  *deleted = (flags & kFlagDeleted) != 0;
  // The difference of two seq may need all 64 bits, so that both sums wrap.
  entry->id = {master.id.ms + static_cast<uint64_t>(ms),
               master.id.seq + static_cast<uint64_t>(seq)};
  if (!ReadFields(input, cursor, master, (flags & kFlagSameFields) != 0, entry)) return false;
  const auto read_count = static_cast<int64_t>(cursor.at() - start);
  return cursor.Integer(&element_count) && element_count == read_count;
}

bool ReadListpacks(RdbInput& input, std::vector<RdbStreamEntry>* entries) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  RdbStreamId previous;
  for (uint64_t i = 0; i < count; ++i) {
    std::string key, storage;
    std::string_view listpack;
    if (!input.String(&key) || !input.View(&storage, &listpack)) return false;
    RdbInput key_input(key);
    RdbStreamId master;
    if (!key_input.RawStreamId(&master) || !key_input.rest().empty()) {
      return input.Fail("a stream's node has no id");
    }
    if (i > 0 && master <= previous) return input.Fail("a stream's nodes are out of order");
    previous = master;
    if (!ReadStreamEntries(input, master, listpack, entries)) return false;
  }
  return true;
}

// What type 15 does not say, as Redis 7 fills it in.
void FillOldStream(RdbStream* stream) {
  stream->max_deleted_id = {};
  stream->entries_added = stream->entries.size();
}

bool ReadCounters(RdbInput& input, RdbType type, RdbStream* stream) {
  uint64_t entry_count;
  if (!input.Length(&entry_count) || !input.LengthStreamId(&stream->last_id)) return false;
  if (entry_count != stream->entries.size()) {
    return input.Fail("a stream does not have the length it announces");
  }
  if (type == kRdbStreamListpacks) {
    FillOldStream(stream);
  } else if (!input.LengthStreamId(&stream->first_id) ||
             !input.LengthStreamId(&stream->max_deleted_id) ||
             !input.Length(&stream->entries_added)) {
    return false;
  }
  // Some releases left it behind after deletions; the entries know better.
  stream->first_id = stream->entries.empty() ? RdbStreamId{} : stream->entries.front().id;
  if (!stream->entries.empty() && stream->entries.back().id > stream->last_id) {
    return input.Fail("a stream has entries behind its last id");
  }
  if (stream->max_deleted_id > stream->last_id) {
    return input.Fail("a stream has deleted entries behind its last id");
  }
  if (stream->entries_added < stream->entries.size() || stream->entries_added > INT64_MAX) {
    return input.Fail("a stream counts fewer entries than it has");
  }
  return true;
}

bool ReadPending(RdbInput& input, std::vector<RdbStreamPending>* pending) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    RdbStreamPending entry;
    if (!input.RawStreamId(&entry.id) || !input.TimeMs(&entry.delivery_time_ms) ||
        !input.Length(&entry.delivery_count)) {
      return false;
    }
    if (!pending->empty() && entry.id <= pending->back().id) {
      return input.Fail("pending entries are out of order");
    }
    pending->push_back(entry);
  }
  return true;
}

// The ids that a consumer is given. Each must be pending, and given to no other consumer.
bool ReadConsumerPending(RdbInput& input, size_t consumer_index, std::vector<bool>* given,
                         std::vector<RdbStreamPending>* pending) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    RdbStreamId id;
    if (!input.RawStreamId(&id)) return false;
    const auto found = std::lower_bound(
        pending->begin(), pending->end(), id,
        [](const RdbStreamPending& entry, const RdbStreamId& wanted) { return entry.id < wanted; });
    if (found == pending->end() || found->id != id) {
      return input.Fail("a consumer has an entry that is not pending");
    }
    const auto index = static_cast<size_t>(found - pending->begin());
    if ((*given)[index]) return input.Fail("two consumers have the same pending entry");
    (*given)[index] = true;
    found->consumer_index = consumer_index;
  }
  return true;
}

bool ReadConsumers(RdbInput& input, RdbType type, RdbStreamGroup* group) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  std::vector<bool> given(group->pending.size());
  for (size_t i = 0; i < count; ++i) {
    RdbStreamConsumer& consumer = group->consumers.emplace_back();
    if (!input.String(&consumer.name) || !input.TimeMs(&consumer.seen_time_ms)) return false;
    // Before Redis 7.2 only being active counted as being seen.
    consumer.active_time_ms = consumer.seen_time_ms;
    if (type == kRdbStreamListpacks3 && !input.TimeMs(&consumer.active_time_ms)) return false;
    if (!ReadConsumerPending(input, i, &given, &group->pending)) return false;
  }
  if (std::find(given.begin(), given.end(), false) != given.end()) {
    return input.Fail("a pending entry has no consumer");
  }
  const bool repeated = HasDuplicates(group->consumers, [](const RdbStreamConsumer& consumer) {
    return std::string_view(consumer.name);
  });
  return !repeated || input.Fail("a group has a consumer twice");
}

// How many entries a group of an old stream has read, where its last id tells: as Redis 7
// estimates it, for a stream of which no deleted entry is known.
int64_t EstimatedEntriesRead(const RdbStream& stream, const RdbStreamId& last_id) {
  const auto added = static_cast<int64_t>(stream.entries_added);
  if (added == 0 || last_id < stream.first_id) return 0;
  if (last_id == stream.last_id) return added;
  return last_id == stream.first_id ? 1 : -1;
}

bool ReadGroup(RdbInput& input, RdbType type, const RdbStream& stream, RdbStreamGroup* group) {
  if (!input.String(&group->name) || !input.LengthStreamId(&group->last_id)) return false;
  if (type == kRdbStreamListpacks) {
    group->entries_read = EstimatedEntriesRead(stream, group->last_id);
  } else {
    uint64_t entries_read;
    if (!input.Length(&entries_read)) return false;
    if (entries_read > INT64_MAX && entries_read != kEntriesReadUnknown) {
      return input.Fail("a group has read more entries than there can be");
    }
    group->entries_read = static_cast<int64_t>(entries_read);
  }
  return ReadPending(input, &group->pending) && ReadConsumers(input, type, group);
}

}  // namespace

bool ReadStreamEntries(RdbInput& input, RdbStreamId master_id, std::string_view listpack,
                       std::vector<RdbStreamEntry>* entries) {
  std::vector<PackedElement> elements;
  if (!ReadListpack(listpack, &elements)) return input.Fail("a packed encoding is damaged");
  Cursor cursor(elements);
  Master master{master_id};
  if (!ReadMaster(cursor, &master)) return input.Fail("a stream's node has no head");
  while (!cursor.AtEnd()) {
    bool deleted = false;
    RdbStreamEntry entry;
    if (!ReadEntry(input, cursor, master, &deleted, &entry)) {
      return input.Fail("a stream's entry is damaged");
    }
    --(deleted ? master.deleted_count : master.live_count);
    if (deleted) continue;
    if (entry.id <= (entries->empty() ? RdbStreamId{} : entries->back().id) ||
        entry.id < master_id) {
      return input.Fail("a stream's entries are out of order");
    }
    entries->push_back(std::move(entry));
  }
  if (master.live_count == 0 && master.deleted_count == 0) return true;
  return input.Fail("a stream's node does not have the entries it announces");
}

bool ReadStream(RdbInput& input, RdbType type, RdbStream* stream) {
  uint64_t group_count;
  if (!ReadListpacks(input, &stream->entries) || !ReadCounters(input, type, stream) ||
      !input.Length(&group_count)) {
    return false;
  }
  for (; group_count > 0; --group_count) {
    if (!ReadGroup(input, type, *stream, &stream->groups.emplace_back())) return false;
  }
  const bool repeated = HasDuplicates(
      stream->groups, [](const RdbStreamGroup& group) { return std::string_view(group.name); });
  return !repeated || input.Fail("a stream has a group twice");
}

}  // namespace hearth::rdb
