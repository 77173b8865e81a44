// Tested by tests/engine/hash_test.cc.
#include "engine/hash.h"

#include <algorithm>
#include <set>
#include <vector>

#include "engine/check.h"
#include "engine/member_table.h"
#include "engine/packed.h"
#include "engine/random.h"

namespace hearth {
namespace {

using Field = HashKey::Field;

constexpr uint8_t kFormatPlain = 0;
constexpr uint8_t kFormatExpiring = 1;
constexpr char kRowHasExpiry = 1;
constexpr size_t kExpirySize = sizeof(int64_t);
// An entry is overwritten in place unless that would leave more than this idle, in bytes.
constexpr size_t kIdleSizeMax = 48;
// What the set of expiring fields costs a field: a tree node with a time and an address.
constexpr size_t kTimelineNodeSize = 48;
// Where most fields are past their time, drawing gives way to a walk after so many attempts.
constexpr int kDrawsMax = 64;

// The payload of an entry: { (value-size << 1 | has-expiry):varint [expire-at-ms] value }.
size_t PayloadSize(size_t value_size, int64_t expire_at_ms) {
  size_t size = 1 + value_size + (expire_at_ms == kNoExpiry ? 0 : kExpirySize);
  for (uint64_t rest = uint64_t{value_size} << 1 >> 7; rest != 0; rest >>= 7) ++size;
  return size;
}

void WritePayload(char* to, std::string_view value, int64_t expire_at_ms) {
  uint64_t rest = uint64_t{value.size()} << 1 | (expire_at_ms == kNoExpiry ? 0 : 1);
  for (; rest >= 0x80; rest >>= 7) *to++ = static_cast<char>(rest | 0x80);
  *to++ = static_cast<char>(rest);
  if (expire_at_ms != kNoExpiry) {
    PutFixed64(to, static_cast<uint64_t>(expire_at_ms));
    to += kExpirySize;
  }
  value.copy(to, value.size());
}

Field FieldOf(const MemberEntry& entry) {
  Field field{entry.member(), {}, kNoExpiry};
  const char* from = field.name.data() + field.name.size();
  uint64_t head = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*from++);
    head |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  if ((head & 1) != 0) {
    field.expire_at_ms = static_cast<int64_t>(GetFixed64(from));
    from += kExpirySize;
  }
  field.value = {from, head >> 1};
  return field;
}

// A field's row value but for the value's own bytes.
std::string RowHead(int64_t expire_at_ms) {
  std::string head(1, expire_at_ms == kNoExpiry ? char{0} : kRowHasExpiry);
  if (expire_at_ms != kNoExpiry) AppendFixed64(&head, static_cast<uint64_t>(expire_at_ms));
  return head;
}

// Walks the fields of a packed hash.
class PackedHashReader {
 public:
  explicit PackedHashReader(std::string_view packed)
      : reader_(packed),
        has_expiry_(!packed.empty() && packed[0] == kFormatExpiring),
        ok_(packed.empty() || packed[0] == kFormatPlain || has_expiry_) {
    (void)reader_.NextBytes(packed.empty() ? 0 : 1);
  }

  bool ok() const { return ok_ && reader_.ok(); }
  // Where the next field begins, in bytes; after Next also where its value's size stands.
  size_t offset() const { return reader_.offset(); }
  size_t value_offset() const { return value_offset_; }
  bool Next(Field* field) {
    if (!ok_ || reader_.done()) return false;
    field->expire_at_ms = kNoExpiry;
    if (has_expiry_) {
      const std::string_view bytes = reader_.NextBytes(kExpirySize);
      if (!reader_.ok()) return false;
      field->expire_at_ms = static_cast<int64_t>(GetFixed64(bytes.data()));
    }
    field->name = reader_.Next();
    value_offset_ = reader_.offset();
    field->value = reader_.Next();
    return reader_.ok();
  }

 private:
  PackedReader reader_;
  const bool has_expiry_;
  const bool ok_;
  size_t value_offset_ = 0;
};

bool HasExpiringFormat(std::string_view packed) {
  return !packed.empty() && packed[0] == kFormatExpiring;
}

void AppendField(std::string* to, uint8_t format, const Field& field) {
  if (format == kFormatExpiring) AppendFixed64(to, static_cast<uint64_t>(field.expire_at_ms));
  AppendPacked(to, field.name);
  AppendPacked(to, field.value);
}

std::string PackFields(const std::vector<Field>& fields) {
  if (fields.empty()) return {};
  const bool expires = std::any_of(fields.begin(), fields.end(),
                                   [](const Field& f) { return f.expire_at_ms != kNoExpiry; });
  const uint8_t format = expires ? kFormatExpiring : kFormatPlain;
  std::string packed(1, static_cast<char>(format));
  for (const Field& field : fields) AppendField(&packed, format, field);
  return packed;
}

}  // namespace

class HashCollection : public Collection {
 public:
  using Collection::Collection;

  MemberTable table;

  size_t size() const override { return table.size(); }
  size_t memory_bytes() const override {
    return sizeof(*this) + table.memory_bytes() + timeline_.size() * kTimelineNodeSize;
  }

  bool Put(std::string_view element, std::string_view value) override {
    if (value.empty() || (value[0] & ~kRowHasExpiry) != 0) return false;
    int64_t expire_at_ms = kNoExpiry;
    const bool has_expiry = value[0] == kRowHasExpiry;
    value.remove_prefix(1);
    if (has_expiry) {
      if (value.size() < kExpirySize) return false;
      expire_at_ms = static_cast<int64_t>(GetFixed64(value.data()));
      value.remove_prefix(kExpirySize);
    }
    (void)Set({element, value, expire_at_ms});
    return true;
  }
  bool Erase(std::string_view element) override {
    if (MemberEntry* entry = table.Remove(element)) Free(entry);
    return true;
  }
  // Requires: the entry is in the table.
  void Drop(const MemberEntry* entry) { Free(table.Remove(entry->member())); }
  bool ReadPacked(std::string_view packed) override {
    PackedHashReader reader(packed);
    for (Field field; reader.Next(&field);) (void)Set(field);
    return reader.ok();
  }
  bool AppendAsPacked(std::string* to) const override {
    std::vector<Field> fields;
    table.Each([&](const MemberEntry& entry) { fields.push_back(FieldOf(entry)); });
    to->append(PackFields(fields));
    return true;
  }
  void Rows(const RowVisitor& visit) const override {
    std::string value;
    table.Each([&](const MemberEntry& entry) {
      const Field field = FieldOf(entry);
      value = RowHead(field.expire_at_ms);
      value.append(field.value);
      visit(field.name, value);
    });
  }
  ElementExpiry element_expiry() const override {
    if (timeline_.empty()) return {};
    return {timeline_.begin()->first,
            timeline_.size() == table.size() ? timeline_.rbegin()->first : kNoExpiry};
  }

  // True when the field is new. Requires: the value does not point into the field's entry.
  bool Set(const Field& field) {
    const size_t payload_size = PayloadSize(field.value.size(), field.expire_at_ms);
    MemberEntry* entry = table.Find(field.name);
    const bool is_new = entry == nullptr;
    if (!is_new) Unlist(entry);
    if (!is_new && HasRoom(*entry, payload_size)) {
      WritePayload(entry->payload(), field.value, field.expire_at_ms);
    } else {
      MemberEntry* old = entry;
      entry = MemberEntry::Make(field.name, payload_size);
      WritePayload(entry->payload(), field.value, field.expire_at_ms);
      if (is_new) {
        table.Insert(entry);
      } else {
        table.Replace(old, entry);
      }
    }
    if (field.expire_at_ms != kNoExpiry) timeline_.emplace(field.expire_at_ms, entry);
    return is_new;
  }

  // The field that expires first, or null.
  const MemberEntry* FirstDue(int64_t now_ms) const {
    if (timeline_.empty() || timeline_.begin()->first > now_ms) return nullptr;
    return timeline_.begin()->second;
  }
  size_t DueCount(int64_t now_ms) const {
    size_t count = 0;
    for (auto at = timeline_.begin(); at != timeline_.end() && at->first <= now_ms; ++at) ++count;
    return count;
  }

 private:
  static bool HasRoom(const MemberEntry& entry, size_t payload_size) {
    const auto head_size =
        static_cast<size_t>(entry.payload() - reinterpret_cast<const char*>(&entry));
    const size_t need = head_size + payload_size, room = entry.allocated_size();
    return room >= need && room - need <= kIdleSizeMax;
  }
  void Free(MemberEntry* entry) {
    Unlist(entry);
    MemberEntry::Free(entry);
  }
  void Unlist(const MemberEntry* entry) {
    if (timeline_.empty()) return;
    const int64_t expire_at_ms = FieldOf(*entry).expire_at_ms;
    if (expire_at_ms != kNoExpiry) timeline_.erase({expire_at_ms, entry});
  }

  std::set<std::pair<int64_t, const MemberEntry*>> timeline_;  // the fields that expire
};

std::unique_ptr<Collection> MakeHashCollection(uint64_t object_id) {
  return std::make_unique<HashCollection>(object_id);
}

ElementExpiry PackedHashExpiry(std::string_view packed) {
  ElementExpiry expiry;
  if (!HasExpiringFormat(packed)) return expiry;
  bool some_stay = false;
  PackedHashReader reader(packed);
  for (Field field; reader.Next(&field);) {
    const int64_t at_ms = field.expire_at_ms;
    some_stay |= at_ms == kNoExpiry;
    if (at_ms == kNoExpiry) continue;
    if (expiry.first_ms == kNoExpiry || at_ms < expiry.first_ms) expiry.first_ms = at_ms;
    expiry.last_ms = std::max(expiry.last_ms, at_ms);
  }
  if (some_stay) expiry.last_ms = kNoExpiry;
  return expiry;
}

HashKey::HashKey(Tx& tx, std::string_view key, const Object* found)
    : CollectionKey(tx, key, found, ObjectType::kHash) {
  if (may_expire_elements()) Purge();
}

HashCollection& HashKey::fields() const {
  return static_cast<HashCollection&>(collection());
}

// Deletes fields whose time has come. Some field stays: of a hash without one the key has expired.
void HashKey::Purge() {
  if (!tx().may_expire()) return;
  if (!is_spread()) return PurgePacked();
  const MemberEntry* entry = nullptr;
  bool any_purged = false;
  for (size_t left = kFieldsPurgedMax; left > 0; --left) {
    entry = fields().FirstDue(tx().now_ms());
    if (entry == nullptr) break;
    const std::string_view member = entry->member();
    TellGone({&member, 1});
    EraseRow(member);
    fields().Drop(entry);
    any_purged = true;
  }
  if (any_purged) tx().Notify(EventClass::kHash, "hexpired", object()->key());
  NoteExpiry();
}

void HashKey::PurgePacked() {
  std::vector<Field> kept;
  std::vector<std::string_view> due;
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) {
    if (IsDue(field.expire_at_ms)) {
      due.push_back(field.name);
    } else {
      kept.push_back(field);
    }
  }
  if (due.empty()) return;
  TellGone(due);
  Splice(0, packed().size(), PackFields(kept));
  tx().Notify(EventClass::kHash, "hexpired", object()->key());
  NoteExpiry();
}

// Lets the expiry sweep know whether there is anything for it.
void HashKey::NoteExpiry() {
  const bool expires = ElementExpiryOf(*object()).first_ms != kNoExpiry;
  MarkElementsExpire(expires);
  if (expires && encoding() == Encoding::kListpack) SetEncoding(Encoding::kListpackEx);
}

size_t HashKey::size() const {
  if (is_spread()) {
    return fields().size() - (tx().sees_expired() ? 0 : fields().DueCount(tx().now_ms()));
  }
  size_t count = 0;
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) count += !IsDue(field.expire_at_ms);
  return count;
}

std::optional<Field> HashKey::Find(std::string_view name) const {
  if (is_spread()) {
    const MemberEntry* entry = fields().table.Find(name);
    if (entry == nullptr) return std::nullopt;
    const Field field = FieldOf(*entry);
    return IsDue(field.expire_at_ms) ? std::nullopt : std::optional<Field>(field);
  }
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) {
    if (field.name != name) continue;
    return IsDue(field.expire_at_ms) ? std::nullopt : std::optional<Field>(field);
  }
  return std::nullopt;
}

void HashKey::Expect(size_t count) {
  if (count <= Limits().hash_listpack_entries_max) return;
  Create(Encoding::kHashtable);
  SetEncoding(Encoding::kHashtable);
}

void HashKey::Expect(std::string_view name, std::string_view value) {
  const size_t size_max = Limits().hash_listpack_value_size_max;
  if (name.size() <= size_max && value.size() <= size_max) return;
  Create(Encoding::kHashtable);
  SetEncoding(Encoding::kHashtable);
}

bool HashKey::Set(std::string_view name, std::string_view value, int64_t expire_at_ms) {
  Expect(name, value);
  bool is_new;
  if (is_spread()) {
    is_new = fields().Set({name, value, expire_at_ms});
    if (expire_at_ms == kNoExpiry) {
      PutRow(name, std::string_view("\0", 1), value);
    } else {
      PutRow(name, RowHead(expire_at_ms), value);
    }
  } else {
    is_new = SetPacked(name, value, expire_at_ms);
  }
  if (is_new && encoding() != Encoding::kHashtable && size() > Limits().hash_listpack_entries_max) {
    SetEncoding(Encoding::kHashtable);
  }
  if (may_expire_elements() || expire_at_ms != kNoExpiry) NoteExpiry();
  return is_new;
}

bool HashKey::SetPacked(std::string_view name, std::string_view value, int64_t expire_at_ms) {
  const Field added{name, value, expire_at_ms};
  PackedHashReader reader(packed());
  bool found = false;
  for (Field field; !found && reader.Next(&field);) found = field.name == name;
  if (HasExpiringFormat(packed()) || expire_at_ms != kNoExpiry) {
    RewritePacked(name, &added);
    return !found;
  }
  std::string item;
  if (found) {
    AppendPacked(&item, value);
    Splice(reader.value_offset(), reader.offset() - reader.value_offset(), item);
  } else {
    if (packed().empty()) item.push_back(static_cast<char>(kFormatPlain));
    AppendField(&item, kFormatPlain, added);
    Splice(packed().size(), 0, item);
  }
  return !found;
}

// Packs the fields anew without one and, in its place or at the end, with another.
void HashKey::RewritePacked(std::string_view skipped_name, const Field* added) {
  std::vector<Field> kept;
  bool is_in = added == nullptr;
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) {
    if (field.name != skipped_name) {
      kept.push_back(field);
    } else if (!is_in) {
      kept.push_back(*added);
      is_in = true;
    }
  }
  if (!is_in) kept.push_back(*added);
  Splice(0, packed().size(), PackFields(kept));
}

void HashKey::RemovePacked(std::string_view name) {
  if (HasExpiringFormat(packed())) return RewritePacked(name, nullptr);
  PackedHashReader reader(packed());
  size_t offset = reader.offset();
  Field field;
  while (reader.Next(&field) && field.name != name) offset = reader.offset();
  const size_t size = reader.offset() - offset;
  // An empty hash has no format.
  const bool is_last = size + 1 == packed().size();
  Splice(is_last ? 0 : offset, is_last ? size + 1 : size, {});
}

bool HashKey::Remove(std::string_view name) {
  bool was_there = false, was_due = false;
  if (is_spread()) {
    MemberEntry* entry = fields().table.Find(name);
    was_there = entry != nullptr;
    if (was_there) {
      was_due = IsDue(FieldOf(*entry).expire_at_ms);
      EraseRow(name);
      (void)fields().Erase(name);
    }
  } else {
    PackedHashReader reader(packed());
    for (Field field; !was_there && reader.Next(&field);) {
      was_there = field.name == name;
      was_due = was_there && IsDue(field.expire_at_ms);
    }
    if (was_there) RemovePacked(name);
  }
  if (was_there && may_expire_elements()) NoteExpiry();
  return was_there && !was_due;
}

void HashKey::SetExpiry(std::string_view name, int64_t expire_at_ms) {
  const auto field = Find(name);
  HEARTH_CHECK(field.has_value());
  if (field->expire_at_ms == expire_at_ms) return;
  (void)Set(std::string(name), std::string(field->value), expire_at_ms);
}

void HashKey::Each(const Visitor& visit) const {
  const auto show = [&](const Field& field) {
    if (!IsDue(field.expire_at_ms)) visit(field);
  };
  if (is_spread()) {
    return fields().table.Each([&](const MemberEntry& entry) { show(FieldOf(entry)); });
  }
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) show(field);
}

uint64_t HashKey::Walk(uint64_t cursor, size_t count, const Visitor& visit) const {
  if (is_spread()) {
    return fields().table.Walk(cursor, count, [&](const MemberEntry& entry) {
      const Field field = FieldOf(entry);
      if (!IsDue(field.expire_at_ms)) visit(field);
    });
  }
  Each(visit);
  return 0;
}

HashKey::Field HashKey::Random() const {
  if (is_spread()) {
    for (int draw = 0; draw < kDrawsMax; ++draw) {
      const Field field = FieldOf(*fields().table.Random(RandomBits));
      if (!IsDue(field.expire_at_ms)) return field;
    }
  }
  size_t left = RandomBits() % size();
  Field chosen;
  Each([&](const Field& field) {
    if (left-- == 0) chosen = field;
  });
  return chosen;
}

}  // namespace hearth
