// Tested by tests/engine/set_test.cc.
#include "engine/set.h"

#include <xxhash.h>

#include <bit>

#include "engine/check.h"
#include "engine/cursor.h"
#include "engine/random.h"
#include "engine/set_collection.h"

namespace hearth {
namespace {

// Beyond so many look-ups in a small set it is indexed first.
constexpr int kLookupsByWalk = 4;

bool IsInteger(std::string_view text) {
  return EncodingOf(text) == Encoding::kInt;
}

}  // namespace

std::unique_ptr<Collection> MakeSetCollection(uint64_t object_id) {
  return std::make_unique<SetCollection>(object_id);
}

SetCollection& SetKey::members() const {
  return static_cast<SetCollection&>(collection());
}

size_t SetKey::size() const {
  if (views_known_) return views_.size();
  return is_spread() ? members().size() : CountSetItems(packed());
}

bool SetKey::Contains(std::string_view member) const {
  if (HasIndexOfOwn()) return members().Contains(member);
  if (lookups_ < kLookupsByWalk) {
    ++lookups_;
    return FindSetItem(packed_items(), SetItemOf(member)).has_value();
  }
  PrepareIndex();
  const size_t mask = index_.size() - 1;
  for (size_t i = XXH3_64bits(member.data(), member.size());; ++i) {
    const uint32_t place = index_[i & mask];
    if (place == 0 || views_[place - 1] == member) return place != 0;
  }
}

// Lets many look-ups in one small set cost no walk each.
void SetKey::PrepareIndex() const {
  PrepareViews();
  if (!index_.empty()) return;
  index_.resize(std::bit_ceil(2 * views_.size() + 1));
  const size_t mask = index_.size() - 1;
  for (size_t view = 0; view < views_.size(); ++view) {
    size_t i = XXH3_64bits(views_[view].data(), views_[view].size());
    while (index_[i & mask] != 0) ++i;
    index_[i & mask] = static_cast<uint32_t>(view + 1);
  }
}

void SetKey::ForgetViews() {
  views_known_ = false;
  index_.clear();
  lookups_ = 0;
  has_drawn_ = false;
}

// The items of a set that is walked whatever is looked for in it.
std::string_view SetKey::packed_items() const {
  return is_spread() ? members().items() : packed();
}

bool SetKey::HasIndexOfOwn() const {
  return is_spread() && (members().has_table() || members().has_numbers());
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
    if (!members().Add(member)) return false;
    PutRow(member, {});
  } else {
    const std::string item = SetItemOf(member);
    if (FindSetItem(packed(), item)) return false;
    Splice(packed().size(), 0, item);
  }
  ForgetViews();
  if (encoding() != Encoding::kHashtable) ChooseEncoding(member);
  return true;
}

bool SetKey::Remove(std::string_view member) {
  if (is_spread()) {
    if (!members().Remove(member, [this](std::string_view gone) { EraseRow(gone); })) return false;
  } else {
    const auto found = FindSetItem(packed(), SetItemOf(member));
    if (!found) return false;
    Splice(found->offset, found->size, {});
  }
  ForgetViews();
  return true;
}

// Takes down views of all members, or room for them where they are numbers, each of which has a
// place of its own.
void SetKey::PrepareViews() const {
  if (views_known_) return;
  views_known_ = true;
  views_.clear();
  if (is_spread() && members().has_numbers()) {
    views_.resize(members().size());
    digits_ = std::make_unique_for_overwrite<char[]>(views_.size() * kDigitsMax);
    return;
  }
  size_t count = 0, integer_count = 0;
  for (PackedSetReader reader(packed_items()); !reader.done(); ++count) {
    reader.Next();
    integer_count += reader.is_integer();
  }
  digits_ = std::make_unique_for_overwrite<char[]>(integer_count * kDigitsMax);
  char* to = digits_.get();
  views_.reserve(count);
  for (PackedSetReader reader(packed_items()); !reader.done();) {
    reader.Next();
    std::string_view member = reader.member();
    if (reader.is_integer()) {
      member.copy(to, member.size());
      member = {to, member.size()};
      to += kDigitsMax;
    }
    views_.push_back(member);
  }
}

std::string_view SetKey::ViewAt(size_t index) const {
  std::string_view& view = views_[index];
  // A number's is written when it is asked for.
  if (view.data() == nullptr) {
    view = WriteDigits(digits_.get() + index * kDigitsMax, members().NumberAt(index));
  }
  return view;
}

void SetKey::Each(const Visitor& visit) const {
  if (is_spread() && members().has_table()) {
    return members().table().Each([&](const MemberEntry& entry) { visit(entry.member()); });
  }
  PrepareViews();
  for (size_t i = 0; i < views_.size(); ++i) visit(ViewAt(i));
}

uint64_t SetKey::Walk(uint64_t cursor, size_t count, const Visitor& visit) const {
  if (is_spread() && members().has_table()) {
    return members().table().Walk(cursor, count, [&](const MemberEntry& e) { visit(e.member()); });
  }
  // A cursor is of a walk that began when it had a table.
  Each([&](std::string_view member) {
    if (cursor == 0 || CursorOf(MemberTable::HashOf(member)) >= cursor) visit(member);
  });
  return 0;
}

std::string_view SetKey::Random() const {
  if (is_spread() && members().has_table()) {
    return members().table().Random(RandomBits)->member();
  }
  const size_t index = RandomBits() % size();
  if (!views_known_ && !HasIndexOfOwn() && !has_drawn_) {
    has_drawn_ = true;
    // One draw costs no views of all, unless it is an integer.
    PackedSetReader reader(packed_items());
    for (size_t left = index + 1; left > 0; --left) reader.Next();
    if (!reader.is_integer()) return reader.member();
  }
  PrepareViews();
  return ViewAt(index);
}

}  // namespace hearth
