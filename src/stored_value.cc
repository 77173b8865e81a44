// Tested by tests/src/commands/dump_test.cc.
#include "src/stored_value.h"

#include <algorithm>
#include <map>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/list.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "engine/stream.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

RdbStreamId ToRdb(StreamId id) {
  return {id.ms, id.seq};
}
StreamId FromRdb(RdbStreamId id) {
  return {id.ms, id.seq};
}

RdbList ReadList(Tx& tx, std::string_view key, const Object& object) {
  RdbList value;
  const ListKey list(tx, key, &object);
  value.elements.reserve(list.size());
  list.Each(0, list.size(),
            [&](std::string_view element) { value.elements.emplace_back(element); });
  return value;
}

RdbSet ReadSet(Tx& tx, std::string_view key, const Object& object) {
  RdbSet value;
  const SetKey set(tx, key, &object);
  value.members.reserve(set.size());
  set.Each([&](std::string_view member) { value.members.emplace_back(member); });
  return value;
}

RdbSortedSet ReadSortedSet(Tx& tx, std::string_view key, const Object& object) {
  RdbSortedSet value;
  const SortedSetKey set(tx, key, &object);
  value.members.reserve(set.size());
  set.Visit(0, set.size(), /*reverse=*/false, [&](const ScoredMember& element) {
    value.members.emplace_back(element.member, element.score);
  });
  return value;
}

RdbHash ReadHash(Tx& tx, std::string_view key, const Object& object) {
  RdbHash value;
  const HashKey hash(tx, key, &object);
  value.fields.reserve(hash.size());
  hash.Each([&](const HashKey::Field& field) {
    value.fields.push_back({std::string(field.name), std::string(field.value),
                            field.expire_at_ms == kNoExpiry ? -1 : field.expire_at_ms});
  });
  return value;
}

RdbStreamGroup ReadGroup(const StreamGroup& group) {
  RdbStreamGroup value;
  value.name = group.name;
  value.last_id = ToRdb(group.last_id);
  value.entries_read = group.entries_read;
  std::map<const StreamConsumer*, size_t> places;
  for (const auto& [name, consumer] : group.consumers) {
    places[&consumer] = value.consumers.size();
    value.consumers.push_back({name, consumer.seen_ms, consumer.active_ms});
  }
  for (const StreamPending& pending : group.pending) {
    value.pending.push_back({ToRdb(pending.id), pending.delivered_ms, pending.delivery_count,
                             places.at(pending.consumer)});
  }
  return value;
}

RdbStream ReadStream(Tx& tx, std::string_view key, const Object& object) {
  RdbStream value;
  const StreamKey stream(tx, key, &object);
  const StreamEntries& entries = stream.entries();
  value.entries.reserve(entries.size());
  entries.Walk(kStreamIdMin, kStreamIdMax, [&](const StreamEntry& entry) {
    RdbStreamEntry& copy = value.entries.emplace_back();
    copy.id = ToRdb(entry.id());
    copy.fields.reserve(entry.field_count());
    entry.Each([&](std::string_view name, std::string_view field) {
      copy.fields.emplace_back(name, field);
    });
    return true;
  });
  value.first_id = ToRdb(entries.first_id());
  value.last_id = ToRdb(stream.state().last_id);
  value.max_deleted_id = ToRdb(stream.state().max_removed_id);
  value.entries_added = stream.state().entries_added;
  for (const auto& [name, group] : stream.groups()) value.groups.push_back(ReadGroup(group));
  return value;
}

void WriteList(Tx& tx, std::string_view key, const RdbList& value) {
  ListKey list(tx, key, nullptr);
  const std::vector<std::string_view> elements(value.elements.begin(), value.elements.end());
  list.Push(ListEnd::kTail, elements);
}

void WriteSet(Tx& tx, std::string_view key, const RdbSet& value) {
  SetKey set(tx, key, nullptr);
  set.Expect(value.members.size(), value.members.front());
  for (const std::string& member : value.members) set.Add(member);
}

void WriteSortedSet(Tx& tx, std::string_view key, const RdbSortedSet& value) {
  SortedSetKey set(tx, key, nullptr);
  size_t size_max = 0;
  for (const auto& [member, score] : value.members) size_max = std::max(size_max, member.size());
  set.Expect(value.members.size(), size_max);
  for (const auto& [member, score] : value.members) set.Put(member, score);
}

void WriteHash(Tx& tx, std::string_view key, const RdbHash& value) {
  const auto is_due = [&](const RdbHashField& field) {
    return field.expire_at_ms != -1 && field.expire_at_ms <= tx.now_ms() && !tx.sees_expired();
  };
  if (std::all_of(value.fields.begin(), value.fields.end(), is_due)) return;
  HashKey hash(tx, key, nullptr);
  hash.Expect(value.fields.size());
  for (const RdbHashField& field : value.fields) hash.Expect(field.field, field.value);
  for (const RdbHashField& field : value.fields) {
    if (is_due(field)) continue;
    hash.Set(field.field, field.value, field.expire_at_ms == -1 ? kNoExpiry : field.expire_at_ms);
  }
}

// Payloads may say anything; a time before 1970 counts as then.
int64_t SaneMs(int64_t time_ms) {
  return std::max<int64_t>(time_ms, 0);
}

void WriteGroup(StreamKey& stream, const RdbStreamGroup& value) {
  StreamGroup* group = stream.CreateGroup(value.name, FromRdb(value.last_id), value.entries_read);
  HEARTH_CHECK(group != nullptr);
  std::vector<StreamConsumer*> consumers;
  for (const RdbStreamConsumer& consumer : value.consumers) {
    const bool was_active = consumer.active_time_ms != -1;
    consumers.push_back(stream.RestoreConsumer(group, consumer.name, SaneMs(consumer.seen_time_ms),
                                               was_active ? SaneMs(consumer.active_time_ms) : -1));
  }
  for (const RdbStreamPending& pending : value.pending) {
    stream.Assign(group, FromRdb(pending.id), consumers.at(pending.consumer_index),
                  SaneMs(pending.delivery_time_ms), pending.delivery_count);
  }
}

void WriteStream(Tx& tx, std::string_view key, const RdbStream& value) {
  StreamKey stream(tx, key, nullptr);
  stream.CreateEmpty();
  std::vector<std::string_view> fields;
  for (const RdbStreamEntry& entry : value.entries) {
    fields.clear();
    for (const auto& [name, field] : entry.fields) {
      fields.push_back(name);
      fields.push_back(field);
    }
    stream.Add(FromRdb(entry.id), fields);
  }
  stream.SetState({FromRdb(value.last_id), FromRdb(value.max_deleted_id), value.entries_added});
  for (const RdbStreamGroup& group : value.groups) WriteGroup(stream, group);
}

}  // namespace

RdbValue ReadStoredValue(Tx& tx, std::string_view key, const Object& object) {
  switch (object.type) {
    case ObjectType::kString:
      return std::string(object.value());
    case ObjectType::kList:
      return ReadList(tx, key, object);
    case ObjectType::kSet:
      return ReadSet(tx, key, object);
    case ObjectType::kSortedSet:
      return ReadSortedSet(tx, key, object);
    case ObjectType::kHash:
      return ReadHash(tx, key, object);
    case ObjectType::kStream:
      return ReadStream(tx, key, object);
  }
  HEARTH_CHECK(false);
}

void WriteStoredValue(Tx& tx, std::string_view key, const RdbValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    tx.SetString(key, *text, Expiry::None());
  } else if (const auto* list = std::get_if<RdbList>(&value)) {
    WriteList(tx, key, *list);
  } else if (const auto* set = std::get_if<RdbSet>(&value)) {
    WriteSet(tx, key, *set);
  } else if (const auto* sorted_set = std::get_if<RdbSortedSet>(&value)) {
    WriteSortedSet(tx, key, *sorted_set);
  } else if (const auto* hash = std::get_if<RdbHash>(&value)) {
    WriteHash(tx, key, *hash);
  } else {
    WriteStream(tx, key, std::get<RdbStream>(value));
  }
}

std::optional<uint32_t> AccessOfUse(std::optional<int64_t> idle_s, std::optional<int64_t> frequency,
                                    int64_t now_ms) {
  if (UsesLfu()) {
    if (!frequency) return std::nullopt;
    const auto minutes = static_cast<uint32_t>(now_ms / 60'000) & 0xffffff;
    return minutes << 8 | static_cast<uint32_t>(*frequency);
  }
  if (!idle_s) return std::nullopt;
  const int64_t now_s = now_ms / 1000;
  return static_cast<uint32_t>(now_s - std::min(*idle_s, now_s));
}

}  // namespace hearth
