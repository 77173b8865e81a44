// Tested by tests/engine/set_test.cc.
#include "engine/set.h"

#include <charconv>
#include <optional>

#include "engine/check.h"
#include "engine/packed.h"
#include "engine/random.h"

namespace hearth {
namespace {

class SetCollection : public Collection {
 public:
  using Collection::Collection;

  MemberTable table;

  size_t size() const override { return table.size(); }
  size_t memory_bytes() const override { return sizeof(*this) + table.memory_bytes(); }
  bool Put(std::string_view element, std::string_view value) override {
    if (!value.empty()) return false;
    if (table.Find(element) == nullptr) table.Insert(MemberEntry::Make(element, 0));
    return true;
  }
  bool Erase(std::string_view element) override {
    if (MemberEntry* entry = table.Remove(element)) MemberEntry::Free(entry);
    return true;
  }
  bool ReadPacked(std::string_view packed) override {
    PackedReader reader(packed);
    while (!reader.done()) {
      const std::string_view member = reader.Next();
      if (!reader.ok() || !Put(member, {})) return false;
    }
    return true;
  }
  bool AppendAsPacked(std::string* to) const override {
    table.Each([&](const MemberEntry& entry) { AppendPacked(to, entry.member()); });
    return true;
  }
  void Rows(const RowVisitor& visit) const override {
    table.Each([&](const MemberEntry& entry) { visit(entry.member(), {}); });
  }
};

bool IsInteger(std::string_view text) {
  return EncodingOf(text) == Encoding::kInt;
}

struct Found {
  size_t offset;
  size_t size;
};

// The item's place in the packed bytes, its size included.
std::optional<Found> FindPacked(std::string_view packed, std::string_view member) {
  PackedReader reader(packed);
  while (!reader.done()) {
    const size_t offset = reader.offset();
    if (reader.Next() == member && reader.ok()) return Found{offset, reader.offset() - offset};
  }
  return std::nullopt;
}

size_t CountPacked(std::string_view packed) {
  size_t count = 0;
  for (PackedReader reader(packed); !reader.done(); reader.Next()) ++count;
  return count;
}

}  // namespace

std::unique_ptr<Collection> MakeSetCollection(uint64_t object_id) {
  return std::make_unique<SetCollection>(object_id);
}

const MemberTable& SetKey::table() const {
  return static_cast<const SetCollection&>(collection()).table;
}

MemberTable& SetKey::table() {
  return static_cast<SetCollection&>(collection()).table;
}

size_t SetKey::size() const {
  return is_spread() ? table().size() : CountPacked(packed());
}

bool SetKey::Contains(std::string_view member) const {
  if (is_spread()) return table().Find(member) != nullptr;
  return FindPacked(packed(), member).has_value();
}

void SetKey::Expect(size_t count, std::string_view first) {
  const CollectionLimits& limits = Limits();
  if (!exists()) {
    Create(IsInteger(first) && count <= limits.set_intset_entries_max ? Encoding::kIntset
           : count <= limits.set_listpack_entries_max                 ? Encoding::kListpack
                                                                      : Encoding::kHashtable);
  } else if ((encoding() == Encoding::kListpack && count > limits.set_listpack_entries_max) ||
             (encoding() == Encoding::kIntset && count > limits.set_intset_entries_max)) {
    SetEncoding(Encoding::kHashtable);
  }
}

// The encoding after a member was added, by Redis' rules: it never goes back.
void SetKey::ChooseEncoding(std::string_view added) {
  const CollectionLimits& limits = Limits();
  const auto fits_listpack = [&] {
    return size() <= limits.set_listpack_entries_max &&
           added.size() <= limits.set_listpack_value_size_max;
  };
  switch (encoding()) {
    case Encoding::kIntset:
      if (!IsInteger(added)) {
        SetEncoding(fits_listpack() ? Encoding::kListpack : Encoding::kHashtable);
      } else if (size() > limits.set_intset_entries_max) {
        SetEncoding(Encoding::kHashtable);
      }
      break;
    case Encoding::kListpack:
      if (!fits_listpack()) SetEncoding(Encoding::kHashtable);
      break;
    default:
      break;
  }
}

bool SetKey::Add(std::string_view member) {
  if (!exists()) Expect(1, member);
  if (is_spread()) {
    if (table().Find(member) != nullptr) return false;
    table().Insert(MemberEntry::Make(member, 0));
    PutRow(member, {});
  } else {
    if (FindPacked(packed(), member)) return false;
    std::string item;
    AppendPacked(&item, member);
    Splice(packed().size(), 0, item);
  }
  if (encoding() != Encoding::kHashtable) ChooseEncoding(member);
  return true;
}

bool SetKey::Remove(std::string_view member) {
  if (!is_spread()) {
    const auto found = FindPacked(packed(), member);
    if (found) Splice(found->offset, found->size, {});
    return found.has_value();
  }
  MemberEntry* entry = table().Remove(member);
  if (entry == nullptr) return false;
  EraseRow(entry->member());
  MemberEntry::Free(entry);
  return true;
}

void SetKey::Each(const Visitor& visit) const {
  if (is_spread()) return table().Each([&](const MemberEntry& entry) { visit(entry.member()); });
  for (PackedReader reader(packed()); !reader.done();) visit(reader.Next());
}

uint64_t SetKey::Walk(uint64_t cursor, size_t count, const Visitor& visit) const {
  if (is_spread()) {
    return table().Walk(cursor, count, [&](const MemberEntry& e) { visit(e.member()); });
  }
  Each(visit);
  return 0;
}

std::string_view SetKey::Random() const {
  if (is_spread()) return table().Random(RandomBits)->member();
  size_t left = RandomBits() % size();
  PackedReader reader(packed());
  while (left-- > 0) reader.Next();
  return reader.Next();
}

}  // namespace hearth
