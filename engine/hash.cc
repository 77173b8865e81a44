// Tested by tests/engine/hash_test.cc.
#include "engine/hash.h"

#include <algorithm>
#include <vector>

#include "engine/check.h"
#include "engine/hash_collection.h"
#include "engine/random.h"

namespace hearth {
namespace {

using Field = HashKey::Field;

// Where most fields are past their time, drawing gives way to a walk after so many attempts.
constexpr int kDrawsMax = 64;

}  // namespace

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
  bool any_purged = false;
  for (size_t left = kFieldsPurgedMax; left > 0; --left) {
    const auto name = fields().FirstDue(tx().now_ms());
    if (!name) break;
    TellGone({&*name, 1});
    EraseRow(*name);
    fields().Remove(*name);
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
  Splice(0, packed().size(), PackHashFields(kept));
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
    const auto field = fields().Find(name);
    return field && IsDue(field->expire_at_ms) ? std::nullopt : field;
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
      PutRow(name, HashCollection::RowHead(expire_at_ms), value);
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
    if (packed().empty()) item.push_back(static_cast<char>(kHashFormatPlain));
    AppendHashField(&item, kHashFormatPlain, added);
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
  Splice(0, packed().size(), PackHashFields(kept));
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
    const auto field = fields().Find(name);
    was_there = field.has_value();
    if (was_there) {
      was_due = IsDue(field->expire_at_ms);
      EraseRow(name);
      fields().Remove(name);
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
    return fields().Each(show);
  }
  PackedHashReader reader(packed());
  for (Field field; reader.Next(&field);) show(field);
}

uint64_t HashKey::Walk(uint64_t cursor, size_t count, const Visitor& visit) const {
  if (is_spread()) {
    return fields().Walk(cursor, count, [&](const Field& field) {
      if (!IsDue(field.expire_at_ms)) visit(field);
    });
  }
  Each(visit);
  return 0;
}

HashKey::Field HashKey::Random() const {
  if (is_spread()) {
    for (int draw = 0; draw < kDrawsMax; ++draw) {
      const Field field = fields().Random();
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
