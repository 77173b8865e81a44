// Tested by tests/engine/set_test.cc.
#include "engine/set_collection.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/collection_limits.h"
#include "engine/exact_buffer.h"

namespace hearth {
namespace {

// Redis' usual limits of an intset and of a set that is a listpack.
constexpr size_t kSmallNumbersMax = 512;
constexpr size_t kSmallItemsMax = 128;
static_assert(kSmallItemsMax <= UINT8_MAX && kSmallSizeMaxUsual <= UINT16_MAX);
static_assert(sizeof(SetCollection) == 32);

uint8_t WidthOf(int64_t number) {
  if (number == static_cast<int16_t>(number)) return sizeof(int16_t);
  return number == static_cast<int32_t>(number) ? sizeof(int32_t) : sizeof(int64_t);
}

template <typename Number>
int64_t LoadNumber(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof(number));
  return number;
}

bool FitsSmall(size_t size) {
  return size <= Limits().small_size_max.load(std::memory_order_relaxed);
}

}  // namespace

SetCollection::~SetCollection() {
  has_table() ? delete table_ : std::free(bytes_);
}

size_t SetCollection::size() const {
  if (has_table()) return table_->size();
  return has_numbers() ? size_bytes_ / form_ : item_count_;
}

size_t SetCollection::memory_bytes() const {
  if (has_table()) return sizeof(*this) + sizeof(MemberTable) + table_->memory_bytes();
  return sizeof(*this) + AllocatedSize(bytes_);
}

bool SetCollection::ReadPacked(std::string_view packed) {
  PackedSetReader reader(packed);
  while (!reader.done()) {
    reader.Next();
    if (!reader.ok()) return false;
    Add(reader.member());
  }
  return true;
}

bool SetCollection::AppendAsPacked(std::string* to) const {
  Each([to](std::string_view member, bool) { AppendSetItem(to, member); });
  return true;
}

void SetCollection::Rows(const RowVisitor& visit) const {
  Each([&](std::string_view member, bool) { visit(member, {}); });
}

int64_t SetCollection::NumberAt(size_t index) const {
  const char* from = bytes_ + index * form_;
  switch (form_) {
    case sizeof(int16_t):
      return LoadNumber<int16_t>(from);
    case sizeof(int32_t):
      return LoadNumber<int32_t>(from);
    default:
      return LoadNumber<int64_t>(from);
  }
}

// The place of the first number that is not smaller.
size_t SetCollection::LowerBound(int64_t number) const {
  size_t first = 0;
  for (size_t left = size(); left > 0;) {
    const size_t half = left / 2;
    if (NumberAt(first + half) < number) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return first;
}

bool SetCollection::Contains(std::string_view member) const {
  if (has_table()) return table_->Find(member) != nullptr;
  if (!has_numbers()) return FindSetItem(items(), SetItemOf(member)).has_value();
  const auto number = IntegerOf(member);
  return number && HasNumberAt(LowerBound(*number), *number);
}

void SetCollection::Splice(size_t offset, size_t remove_size, std::string_view insert) {
  bytes_ = SpliceExact(bytes_, size_bytes_, offset, remove_size, insert);
  size_bytes_ = static_cast<uint16_t>(size_bytes_ - remove_size + insert.size());
}

void SetCollection::Widen(uint8_t width) {
  const size_t count = size();
  std::string wider;
  wider.reserve(count * width);
  for (size_t i = 0; i < count; ++i) {
    const int64_t number = NumberAt(i);
    wider.append(reinterpret_cast<const char*>(&number), width);
  }
  Splice(0, size_bytes_, wider);
  form_ = width;
}

// Makes the numbers as wide as one more needs; false when it has become a table instead.
bool SetCollection::MakeRoomForNumber(uint8_t width) {
  width = std::max(width, form_);
  const size_t count = size() + 1;
  if (count > kSmallNumbersMax || !FitsSmall(count * width)) {
    BecomeTable();
    return false;
  }
  if (width > form_) Widen(width);
  return true;
}

// Or a table, where the items would be too many.
void SetCollection::BecomeItems() {
  const size_t count = size();
  std::string items;
  (void)AppendAsPacked(&items);
  if (count >= kSmallItemsMax || !FitsSmall(items.size())) return BecomeTable();
  Splice(0, size_bytes_, items);
  item_count_ = static_cast<uint8_t>(count);
  form_ = kItems;
}

void SetCollection::BecomeTable() {
  auto* table = new MemberTable;
  Each([table](std::string_view member, bool) { table->Insert(MemberEntry::Make(member, 0)); });
  std::free(bytes_);
  table_ = table;
  form_ = kTable;
}

bool SetCollection::Add(std::string_view member) {
  if (!has_table()) {
    const auto number = IntegerOf(member);
    // An empty one takes the form of its first member.
    if (number && form_ == kItems && item_count_ == 0) form_ = WidthOf(*number);
    if (number && has_numbers()) {
      const size_t index = LowerBound(*number);
      if (HasNumberAt(index, *number)) return false;
      if (MakeRoomForNumber(WidthOf(*number))) {
        Splice(index * form_, 0, {reinterpret_cast<const char*>(&*number), form_});
        return true;
      }
    } else if (has_numbers()) {
      BecomeItems();
    }
  }
  if (form_ == kItems) {
    const std::string item = SetItemOf(member);
    if (FindSetItem(items(), item)) return false;
    if (item_count_ < kSmallItemsMax && FitsSmall(size_bytes_ + item.size())) {
      Splice(size_bytes_, 0, item);
      ++item_count_;
      return true;
    }
    BecomeTable();
  }
  if (table_->Find(member) != nullptr) return false;
  table_->Insert(MemberEntry::Make(member, 0));
  return true;
}

// Requires: the member is there.
void SetCollection::RemoveSmall(std::string_view member) {
  if (has_numbers()) return Splice(LowerBound(*IntegerOf(member)) * form_, form_, {});
  const auto place = FindSetItem(items(), SetItemOf(member));
  Splice(place->offset, place->size, {});
  --item_count_;
}

}  // namespace hearth
