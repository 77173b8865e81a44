// Tested by tests/engine/set_test.cc.
#include "engine/set.h"

#include <bit>
#include <charconv>
#include <optional>

#include "engine/check.h"
#include "engine/codec.h"
#include "engine/random.h"

namespace hearth {
namespace {

constexpr size_t kDigitsMax = 20;  // of an integer, its sign included

bool IsInteger(std::string_view text) {
  return EncodingOf(text) == Encoding::kInt;
}

// A packed member. Equal members have equal items.
void AppendItem(std::string* to, std::string_view member) {
  if (!IsInteger(member)) {
    AppendVarint(to, uint64_t{member.size()} << 1);
    to->append(member);
    return;
  }
  int64_t number = 0;
  std::from_chars(member.data(), member.data() + member.size(), number);
  // Without the bits that only repeat the sign.
  const auto bits = static_cast<uint64_t>(number < 0 ? ~number : number);
  const size_t size = static_cast<size_t>(std::bit_width(bits)) / 8 + 1;
  AppendVarint(to, size << 1 | 1);
  for (size_t i = 0; i < size; ++i) to->push_back(static_cast<char>(number >> (8 * i)));
}

// Walks packed members.
class ItemReader {
 public:
  explicit ItemReader(std::string_view packed) : begin_(packed.data()), rest_(packed) {}

  bool done() const { return rest_.empty(); }
  bool ok() const { return ok_; }
  size_t offset() const { return static_cast<size_t>(rest_.data() - begin_); }
  // The member with its size, as AppendItem wrote it; then member() tells it.
  std::string_view Next() {
    const std::string_view before = rest_;
    uint64_t head;
    if (!ReadVarint(&rest_, &head) || head >> 1 > rest_.size() ||
        ((head & 1) != 0 && (head >> 1 == 0 || head >> 1 > sizeof(uint64_t)))) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    is_integer_ = (head & 1) != 0;
    bytes_ = rest_.substr(0, head >> 1);
    rest_.remove_prefix(bytes_.size());
    return before.substr(0, before.size() - rest_.size());
  }
  bool is_integer() const { return is_integer_; }
  // Dies with the reader and with the next call.
  std::string_view member() {
    if (!is_integer_) return bytes_;
    uint64_t number = bytes_.back() < 0 ? UINT64_MAX : 0;
    for (size_t i = bytes_.size(); i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(bytes_[i - 1]);
    }
    const auto end =
        std::to_chars(digits_, digits_ + sizeof(digits_), static_cast<int64_t>(number)).ptr;
    return {digits_, static_cast<size_t>(end - digits_)};
  }

 private:
  const char* begin_;
  std::string_view rest_;
  std::string_view bytes_;
  bool is_integer_ = false;
  bool ok_ = true;
  char digits_[kDigitsMax];
};

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
    ItemReader reader(packed);
    while (!reader.done()) {
      reader.Next();
      if (!reader.ok() || !Put(reader.member(), {})) return false;
    }
    return true;
  }
  bool AppendAsPacked(std::string* to) const override {
    table.Each([&](const MemberEntry& entry) { AppendItem(to, entry.member()); });
    return true;
  }
  void Rows(const RowVisitor& visit) const override {
    table.Each([&](const MemberEntry& entry) { visit(entry.member(), {}); });
  }
};

struct Found {
  size_t offset;
  size_t size;
};

// The place of an item in the packed bytes.
std::optional<Found> FindPacked(std::string_view packed, std::string_view item) {
  ItemReader reader(packed);
  while (!reader.done()) {
    const size_t offset = reader.offset();
    if (reader.Next() == item && reader.ok()) return Found{offset, item.size()};
  }
  return std::nullopt;
}

std::string ItemOf(std::string_view member) {
  std::string item;
  AppendItem(&item, member);
  return item;
}

size_t CountPacked(std::string_view packed) {
  size_t count = 0;
  for (ItemReader reader(packed); !reader.done(); reader.Next()) ++count;
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
  return FindPacked(packed(), ItemOf(member)).has_value();
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
    const std::string item = ItemOf(member);
    if (FindPacked(packed(), item)) return false;
    members_known_ = false;
    Splice(packed().size(), 0, item);
  }
  if (encoding() != Encoding::kHashtable) ChooseEncoding(member);
  return true;
}

bool SetKey::Remove(std::string_view member) {
  if (!is_spread()) {
    const auto found = FindPacked(packed(), ItemOf(member));
    if (!found) return false;
    members_known_ = false;
    Splice(found->offset, found->size, {});
    return true;
  }
  MemberEntry* entry = table().Remove(member);
  if (entry == nullptr) return false;
  EraseRow(entry->member());
  MemberEntry::Free(entry);
  return true;
}

const std::vector<std::string_view>& SetKey::PackedMembers() const {
  if (members_known_) return members_;
  members_.clear();
  digits_.clear();
  size_t integers = 0;
  for (ItemReader reader(packed()); !reader.done(); integers += reader.is_integer()) reader.Next();
  digits_.reserve(integers * kDigitsMax);
  for (ItemReader reader(packed()); !reader.done();) {
    reader.Next();
    if (!reader.is_integer()) {
      members_.push_back(reader.member());
      continue;
    }
    const size_t at = digits_.size();
    digits_ += reader.member();
    members_.push_back(std::string_view(digits_).substr(at));
  }
  members_known_ = true;
  return members_;
}

void SetKey::Each(const Visitor& visit) const {
  if (is_spread()) return table().Each([&](const MemberEntry& entry) { visit(entry.member()); });
  for (const std::string_view member : PackedMembers()) visit(member);
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
  const auto& members = PackedMembers();
  return members[RandomBits() % members.size()];
}

}  // namespace hearth
