// Tested by tests/engine/stream_test.cc.
#include "engine/stream.h"

#include "engine/check.h"

namespace hearth {
namespace {

constexpr char kEntry = 'e';
constexpr char kGroup = 'g';
constexpr char kMember = 'm';
constexpr char kPending = 'p';
// After so many removals at the front the head notes a new floor.
constexpr uint32_t kFloorLagMax = 256;

void AppendBig(std::string* to, StreamId id) {
  char bytes[16];
  PutBigEndian64(bytes, id.ms);
  PutBigEndian64(bytes + 8, id.seq);
  to->append(bytes, sizeof(bytes));
}

void AppendBig(std::string* to, uint32_t number) {
  char bytes[4];
  PutBigEndian32(bytes, number);
  to->append(bytes, sizeof(bytes));
}

std::string EntryElement(StreamId id) {
  std::string element(1, kEntry);
  AppendBig(&element, id);
  return element;
}

std::string GroupElement(const StreamGroup& group) {
  return kGroup + group.name;
}

std::string ConsumerElement(const StreamGroup& group, const StreamConsumer& consumer) {
  std::string element(1, kMember);
  AppendBig(&element, group.number);
  return element + consumer.name;
}

std::string PendingElement(uint32_t group, StreamId id) {
  std::string element(1, kPending);
  AppendBig(&element, group);
  AppendBig(&element, id);
  return element;
}

// Where the rows of a kind begin for a group; for group + 1, where they end.
std::string GroupPart(char kind, uint32_t group) {
  std::string element(1, kind);
  AppendBig(&element, group);
  return element;
}

bool ReadBig(std::string_view* from, StreamId* id) {
  if (from->size() < 16) return false;
  *id = {GetBigEndian64(from->data()), GetBigEndian64(from->data() + 8)};
  from->remove_prefix(16);
  return true;
}

bool ReadBig(std::string_view* from, uint32_t* number) {
  if (from->size() < 4) return false;
  *number = GetBigEndian32(from->data());
  from->remove_prefix(4);
  return true;
}

void AppendId(std::string* to, StreamId id) {
  AppendVarint(to, id.ms);
  AppendVarint(to, id.seq);
}

bool ReadId(std::string_view* from, StreamId* id) {
  return ReadVarint(from, &id->ms) && ReadVarint(from, &id->seq);
}

std::string GroupValue(const StreamGroup& group) {
  std::string value;
  AppendVarint(&value, group.number);
  AppendId(&value, group.last_id);
  AppendVarint(&value, static_cast<uint64_t>(group.entries_read) + 1);
  return value;
}

std::string ConsumerValue(const StreamConsumer& consumer) {
  std::string value;
  AppendVarint(&value, consumer.number);
  AppendVarint(&value, static_cast<uint64_t>(consumer.seen_ms));
  AppendVarint(&value, static_cast<uint64_t>(consumer.active_ms) + 1);
  return value;
}

std::string PendingValue(const StreamPending& pending) {
  std::string value;
  AppendVarint(&value, pending.consumer->number);
  AppendVarint(&value, static_cast<uint64_t>(pending.delivered_ms));
  AppendVarint(&value, pending.delivery_count);
  return value;
}

}  // namespace

class StreamCollection : public Collection {
 public:
  using Collection::Collection;

  StreamEntries entries;
  StreamGroups groups;
  StreamState state;         // as it is
  StreamState stored_state;  // as the head row has it
  StreamId stored_floor;
  uint32_t removed_in_front = 0;  // since the floor was stored

  size_t size() const override { return entries.size(); }
  size_t row_count() const override { return entries.size() + groups.row_count(); }
  size_t memory_bytes() const override {
    return sizeof(*this) + entries.memory_bytes() + groups.memory_bytes();
  }
  bool ReadPacked(std::string_view packed) override { return packed.empty(); }
  void AppendHead(std::string* to) const override;
  bool ReadHead(std::string_view head) override;
  void LoadBounds(std::string* first, std::string* last) const override;
  bool Put(std::string_view element, std::string_view value) override;
  bool Erase(std::string_view element) override;
  void Rows(const RowVisitor& visit) const override;

  void CountAdded(StreamId id) {
    if (id <= state.last_id) return;
    state.last_id = id;
    // XSETID may say any number; as in Redis, it is shown as a signed one.
    if (state.entries_added < uint64_t{INT64_MAX}) ++state.entries_added;
  }

 private:
  bool PutEntry(std::string_view element, std::string_view value);
  bool PutGroup(std::string_view name, std::string_view value);
  bool PutConsumer(std::string_view element, std::string_view value);
  bool PutPending(std::string_view element, std::string_view value);
};

void StreamCollection::AppendHead(std::string* to) const {
  AppendId(to, stored_state.last_id);
  AppendVarint(to, stored_state.entries_added);
  AppendId(to, stored_state.max_removed_id);
  AppendId(to, stored_floor);
}

bool StreamCollection::ReadHead(std::string_view head) {
  StreamState read;
  if (!ReadId(&head, &read.last_id) || !ReadVarint(&head, &read.entries_added) ||
      !ReadId(&head, &read.max_removed_id) || !ReadId(&head, &stored_floor) || !head.empty()) {
    return false;
  }
  // A head that says the same of the stream (its expiry changed) leaves what was added since.
  if (read == stored_state) return true;
  state = stored_state = read;
  // Nor does one that was changed before the last additions of its transaction.
  entries.Walk(read.last_id, kStreamIdMax, [this](const StreamEntry& entry) {
    CountAdded(entry.id());
    return true;
  });
  return true;
}

// All other rows sort behind the entries.
void StreamCollection::LoadBounds(std::string* first, std::string* last) const {
  *first = EntryElement(stored_floor);
  last->clear();
}

bool StreamCollection::PutEntry(std::string_view element, std::string_view value) {
  StreamId id;
  if (!ReadBig(&element, &id) || !element.empty()) return false;
  std::vector<std::string_view> fields;
  PackedReader reader(value);
  while (!reader.done()) fields.push_back(reader.Next());
  if (!reader.ok() || fields.empty() || fields.size() % 2 != 0) return false;
  if (!entries.EndsBefore(id)) return entries.Contains(id);
  entries.Append(id, fields);
  CountAdded(id);
  return true;
}

bool StreamCollection::PutGroup(std::string_view name, std::string_view value) {
  uint64_t number, entries_read;
  StreamId last_id;
  if (!ReadVarint(&value, &number) || !ReadId(&value, &last_id) ||
      !ReadVarint(&value, &entries_read) || !value.empty() || number > UINT32_MAX) {
    return false;
  }
  StreamGroup* group = groups.Find(name);
  if (group == nullptr) {
    if (groups.FindByNumber(static_cast<uint32_t>(number)) != nullptr) return false;
    group = groups.Add(name, static_cast<uint32_t>(number));
  }
  group->last_id = last_id;
  group->entries_read = static_cast<int64_t>(entries_read - 1);
  return group->number == number;
}

bool StreamCollection::PutConsumer(std::string_view element, std::string_view value) {
  uint32_t group_number;
  uint64_t number, seen_ms, active_ms;
  if (!ReadBig(&element, &group_number) || !ReadVarint(&value, &number) ||
      !ReadVarint(&value, &seen_ms) || !ReadVarint(&value, &active_ms) || !value.empty()) {
    return false;
  }
  StreamGroup* group = groups.FindByNumber(group_number);
  if (group == nullptr) return false;
  StreamConsumer* consumer = group->FindConsumer(element);
  if (consumer == nullptr) {
    if (group->consumers_by_number.contains(number)) return false;
    consumer = groups.AddConsumer(group, element, number);
  }
  consumer->seen_ms = static_cast<int64_t>(seen_ms);
  consumer->active_ms = static_cast<int64_t>(active_ms - 1);
  return consumer->number == number;
}

bool StreamCollection::PutPending(std::string_view element, std::string_view value) {
  uint32_t group_number;
  StreamId id;
  uint64_t number, delivered_ms, delivery_count;
  if (!ReadBig(&element, &group_number) || !ReadBig(&element, &id) || !element.empty() ||
      !ReadVarint(&value, &number) || !ReadVarint(&value, &delivered_ms) ||
      !ReadVarint(&value, &delivery_count) || !value.empty()) {
    return false;
  }
  StreamGroup* group = groups.FindByNumber(group_number);
  if (group == nullptr) return false;
  const auto consumer = group->consumers_by_number.find(number);
  if (consumer == group->consumers_by_number.end()) return false;
  groups.Assign(group, id, consumer->second, static_cast<int64_t>(delivered_ms), delivery_count);
  return true;
}

bool StreamCollection::Put(std::string_view element, std::string_view value) {
  if (element.empty()) return false;
  const std::string_view rest = element.substr(1);
  switch (element[0]) {
    case kEntry:
      return PutEntry(rest, value);
    case kGroup:
      return PutGroup(rest, value);
    case kMember:
      return PutConsumer(rest, value);
    case kPending:
      return PutPending(rest, value);
    default:
      return false;
  }
}

bool StreamCollection::Erase(std::string_view element) {
  if (element.empty()) return false;
  const char kind = element[0];
  std::string_view rest = element.substr(1);
  StreamId id;
  if (kind == kEntry) {
    if (!ReadBig(&rest, &id)) return false;
    entries.Remove(id);
    return true;
  }
  if (kind == kGroup) {
    if (StreamGroup* group = groups.Find(rest)) groups.Remove(group);
    return true;
  }
  uint32_t number;
  if ((kind != kMember && kind != kPending) || !ReadBig(&rest, &number)) return false;
  StreamGroup* group = groups.FindByNumber(number);
  if (group == nullptr) return true;
  if (kind == kMember) {
    StreamConsumer* consumer = group->FindConsumer(rest);
    if (consumer != nullptr) groups.RemoveConsumer(group, consumer);
    return true;
  }
  if (!ReadBig(&rest, &id)) return false;
  groups.RemovePending(group, id);
  return true;
}

// Groups before their consumers before their pending entries: Put wants them so.
void StreamCollection::Rows(const RowVisitor& visit) const {
  std::string value;
  entries.Walk(kStreamIdMin, kStreamIdMax, [&](const StreamEntry& entry) {
    value.clear();
    entry.Each([&](std::string_view name, std::string_view field_value) {
      AppendPacked(&value, name);
      AppendPacked(&value, field_value);
    });
    visit(EntryElement(entry.id()), value);
    return true;
  });
  for (const auto& [name, group] : groups.all()) {
    visit(GroupElement(group), GroupValue(group));
    for (const auto& [consumer_name, consumer] : group.consumers) {
      visit(ConsumerElement(group, consumer), ConsumerValue(consumer));
    }
    for (const StreamPending& pending : group.pending) {
      visit(PendingElement(group.number, pending.id), PendingValue(pending));
    }
  }
}

std::unique_ptr<Collection> MakeStreamCollection(uint64_t object_id) {
  return std::make_unique<StreamCollection>(object_id);
}

StreamCollection& StreamKey::stream() const {
  return static_cast<StreamCollection&>(collection());
}

const StreamState& StreamKey::state() const {
  return stream().state;
}

const StreamEntries& StreamKey::entries() const {
  return stream().entries;
}

StreamKey::~StreamKey() {
  tx().set_quiet(!entries_changed_);
  Close();
  tx().set_quiet(false);
}

void StreamKey::CreateEmpty() {
  entries_changed_ = true;
  Create(Encoding::kStream);
  Spread();
}

// Lets the head row say what is; it is logged when the key is closed.
void StreamKey::SyncHead() {
  StreamCollection& to = stream();
  to.stored_state = to.state;
  // Whatever is added to an empty stream is greater than its last id.
  to.stored_floor = to.entries.size() > 0 ? to.entries.first_id() : to.state.last_id;
  to.removed_in_front = 0;
  MarkHead();
}

void StreamKey::Add(StreamId id, StreamFields fields) {
  HEARTH_CHECK(id > state().last_id);
  SetWakesWaiters(true);
  entries_changed_ = true;
  stream().entries.Append(id, fields);
  stream().CountAdded(id);
  char element[17];
  element[0] = kEntry;
  PutBigEndian64(element + 1, id.ms);
  PutBigEndian64(element + 9, id.seq);
  thread_local std::string value;
  value.clear();
  for (const std::string_view string : fields) AppendPacked(&value, string);
  PutRow({element, sizeof(element)}, value);
}

bool StreamKey::Remove(StreamId id) {
  StreamCollection& to = stream();
  const bool is_first = to.entries.first_id() == id;
  if (!to.entries.Remove(id)) return false;
  entries_changed_ = true;
  EraseRow(EntryElement(id));
  bool sync = id > to.stored_state.last_id || (is_first && ++to.removed_in_front >= kFloorLagMax);
  if (id > to.state.max_removed_id) {
    to.state.max_removed_id = id;
    sync = true;
  }
  if (sync) SyncHead();
  return true;
}

uint64_t StreamKey::Trim(const StreamTrim& trim) {
  if (trim.by == StreamTrim::By::kNothing) return 0;
  StreamCollection& to = stream();
  const StreamTrimmed trimmed = to.entries.Trim(trim);
  if (trimmed.count == 0) return 0;
  entries_changed_ = true;
  const bool as_range = trimmed.ids.size() > kRowsErasedSinglyMax;
  if (as_range) {
    EraseRows(EntryElement(trimmed.first), trimmed.last == kStreamIdMax
                                               ? std::string(1, kEntry + 1)
                                               : EntryElement(trimmed.last.Next()));
  } else {
    for (const StreamId id : trimmed.ids) EraseRow(EntryElement(id));
  }
  to.removed_in_front += static_cast<uint32_t>(trimmed.ids.size());
  if (as_range || trimmed.last > to.stored_state.last_id || to.removed_in_front >= kFloorLagMax) {
    SyncHead();
  }
  return trimmed.count;
}

void StreamKey::SetState(const StreamState& state) {
  HEARTH_CHECK(state.last_id >= entries().last_id());
  stream().state = state;
  SyncHead();
}

const StreamGroups::Map& StreamKey::groups() const {
  return stream().groups.all();
}

StreamGroup* StreamKey::FindGroup(std::string_view name) const {
  return stream().groups.Find(name);
}

void StreamKey::PutGroup(const StreamGroup& group) {
  PutRow(GroupElement(group), GroupValue(group));
}

void StreamKey::PutConsumer(const StreamGroup& group, const StreamConsumer& consumer) {
  PutRow(ConsumerElement(group, consumer), ConsumerValue(consumer));
}

StreamGroup* StreamKey::CreateGroup(std::string_view name, StreamId last_id, int64_t entries_read) {
  if (FindGroup(name) != nullptr) return nullptr;
  StreamGroup* group = stream().groups.Add(name, stream().groups.FreeNumber());
  group->last_id = last_id;
  group->entries_read = entries_read;
  PutGroup(*group);
  return group;
}

void StreamKey::DestroyGroup(StreamGroup* group) {
  const uint32_t number = group->number;
  SetWakesWaiters(true);
  if (group->pending.size() > kRowsErasedSinglyMax) {
    EraseRows(GroupPart(kPending, number), GroupPart(kPending, number + 1));
  } else {
    for (const StreamPending& pending : group->pending) {
      EraseRow(PendingElement(number, pending.id));
    }
  }
  for (const auto& [name, consumer] : group->consumers) EraseRow(ConsumerElement(*group, consumer));
  EraseRow(GroupElement(*group));
  stream().groups.Remove(group);
}

void StreamKey::SetGroup(StreamGroup* group, StreamId last_id, int64_t entries_read) {
  if (group->last_id == last_id && group->entries_read == entries_read) return;
  group->last_id = last_id;
  group->entries_read = entries_read;
  PutGroup(*group);
}

StreamConsumer* StreamKey::CreateConsumer(StreamGroup* group, std::string_view name) {
  return RestoreConsumer(group, name, tx().now_ms(), StreamConsumer::kNever);
}

StreamConsumer* StreamKey::RestoreConsumer(StreamGroup* group, std::string_view name,
                                           int64_t seen_ms, int64_t active_ms) {
  StreamConsumer* consumer =
      stream().groups.AddConsumer(group, name, StreamGroups::FreeNumber(*group));
  consumer->seen_ms = seen_ms;
  consumer->active_ms = active_ms;
  PutConsumer(*group, *consumer);
  return consumer;
}

void StreamKey::DeleteConsumer(StreamGroup* group, StreamConsumer* consumer) {
  for (const StreamPending* pending : consumer->pending) {
    EraseRow(PendingElement(group->number, pending->id));
  }
  EraseRow(ConsumerElement(*group, *consumer));
  stream().groups.RemoveConsumer(group, consumer);
}

void StreamKey::SeeConsumer(StreamGroup* group, StreamConsumer* consumer, bool active) {
  const int64_t now_ms = tx().now_ms();
  if (consumer->seen_ms == now_ms && (!active || consumer->active_ms == now_ms)) return;
  consumer->seen_ms = now_ms;
  if (active) consumer->active_ms = now_ms;
  PutConsumer(*group, *consumer);
}

void StreamKey::Assign(StreamGroup* group, StreamId id, StreamConsumer* consumer,
                       int64_t delivered_ms, uint64_t delivery_count) {
  const StreamPending* pending =
      stream().groups.Assign(group, id, consumer, delivered_ms, delivery_count);
  PutRow(PendingElement(group->number, id), PendingValue(*pending));
}

bool StreamKey::Acknowledge(StreamGroup* group, StreamId id) {
  if (!stream().groups.RemovePending(group, id)) return false;
  EraseRow(PendingElement(group->number, id));
  return true;
}

}  // namespace hearth
