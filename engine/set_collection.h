#pragma once

// SetCollection: the memory of a spread set; of no concern outside set.cc.
//
// Three forms, none of which goes back:
//   numbers: a sorted array of integers, all of 2, 4 or 8 bytes, while every member is one;
//   items:   one buffer, packed as packed_set.h says;
//   table:   a MemberTable, from kSmallNumbersMax or kSmallItemsMax members or
//            Limits().small_size_max bytes on.
//
// Thread, lifetime, errors: see collection.h.

#include <optional>

#include "engine/collection.h"
#include "engine/member_table.h"
#include "engine/packed_set.h"

namespace hearth {

class SetCollection : public Collection {
 public:
  using Collection::Collection;
  ~SetCollection() override;

  size_t size() const override;
  size_t memory_bytes() const override;
  bool Put(std::string_view element, std::string_view value) override {
    if (value.empty()) Add(element);
    return value.empty();
  }
  bool Erase(std::string_view element) override {
    Remove(element, [](std::string_view) {});
    return true;
  }
  bool ReadPacked(std::string_view packed) override;
  bool AppendAsPacked(std::string* to) const override;
  void Rows(const RowVisitor& visit) const override;
  void Prefetch(std::span<const std::string_view> members) const override {
    if (has_table()) table_->Prefetch(members);
  }

  bool Contains(std::string_view member) const;
  // False when the member was there.
  bool Add(std::string_view member);
  // Visits the member before it goes; false when it is absent. It may point into the collection.
  template <typename Visit>
  bool Remove(std::string_view member, Visit visit) {
    if (has_table()) {
      MemberEntry* entry = table_->Remove(member);
      if (entry != nullptr) visit(entry->member()), MemberEntry::Free(entry);
      return entry != nullptr;
    }
    if (!Contains(member)) return false;
    visit(member);
    RemoveSmall(member);
    return true;
  }

  bool has_table() const { return form_ == kTable; }
  bool has_numbers() const { return form_ > kTable; }
  // Requires: has_table.
  const MemberTable& table() const { return *table_; }
  // None in the other forms.
  std::string_view items() const {
    return form_ == kItems ? std::string_view(bytes_, size_bytes_) : std::string_view();
  }
  // Requires: has_numbers, index < size().
  int64_t NumberAt(size_t index) const;
  // visit(member, is_integer): the view of an integer dies with the call.
  template <typename Visit>
  void Each(Visit visit) const {
    if (has_table()) {
      return table_->Each([&](const MemberEntry& entry) { visit(entry.member(), false); });
    }
    char digits[kDigitsMax];
    for (size_t i = 0; has_numbers() && i < size(); ++i) {
      visit(WriteDigits(digits, NumberAt(i)), true);
    }
    for (PackedSetReader reader(items()); !reader.done();) {
      reader.Next();
      visit(reader.member(), reader.is_integer());
    }
  }

 private:
  // What form_ may be beside the width of the numbers in bytes.
  static constexpr uint8_t kItems = 0, kTable = 1;

  void Splice(size_t offset, size_t remove_size, std::string_view insert);
  size_t LowerBound(int64_t number) const;
  bool HasNumberAt(size_t index, int64_t number) const {
    return index < size() && NumberAt(index) == number;
  }
  void RemoveSmall(std::string_view member);
  bool MakeRoomForNumber(uint8_t width);
  void Widen(uint8_t width);
  void BecomeItems();
  void BecomeTable();

  // Behind the base's last member, so that all of a small one are 32 bytes.
  uint8_t form_ = kItems;
  uint8_t item_count_ = 0;
  uint16_t size_bytes_ = 0;  // of numbers or items
  union {
    char* bytes_ = nullptr;
    MemberTable* table_;
  };
};

}  // namespace hearth
