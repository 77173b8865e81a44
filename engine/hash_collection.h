#pragma once

// HashCollection: the memory of a spread hash; of no concern outside hash.cc.
//
// Small: one buffer of { size:varint name-size:varint name value }, where size is that of what
// comes behind it, so that a walk needs one load a field; no field expires. Big, from
// kSmallFieldsMax fields or Limits().small_size_max bytes on and with the first expiry: a
// MemberTable, whose entries hold value and expiry, and the order in which they expire.
//
// Thread, lifetime, errors: see collection.h.

#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "engine/collection.h"
#include "engine/member_table.h"
#include "engine/packed_hash.h"

namespace hearth {

class HashCollection : public Collection {
 public:
  using Visitor = std::function<void(const HashField& field)>;

  using Collection::Collection;
  ~HashCollection() override;

  size_t size() const override { return is_big_ ? big_->table.size() : count_; }
  size_t memory_bytes() const override;
  bool Put(std::string_view element, std::string_view value) override;
  bool Erase(std::string_view element) override {
    Remove(element);
    return true;
  }
  bool ReadPacked(std::string_view packed) override;
  bool AppendAsPacked(std::string* to) const override;
  void Rows(const RowVisitor& visit) const override;
  void Prefetch(std::span<const std::string_view> members) const override {
    if (is_big_) big_->table.Prefetch(members);
  }
  ElementExpiry element_expiry() const override;

  // The field, whether or not its time has come; its views are good until the next change.
  std::optional<HashField> Find(std::string_view name) const;
  // True when the field is new. Requires: neither name nor value points into the collection.
  bool Set(const HashField& field);
  // False when it is absent. The name may point into the collection.
  bool Remove(std::string_view name);
  // The name of the field that expires first, if its time has come.
  std::optional<std::string_view> FirstDue(int64_t now_ms) const;
  size_t DueCount(int64_t now_ms) const;
  template <typename Visit>
  void Each(Visit visit) const {
    if (is_big_) {
      return big_->table.Each([&](const MemberEntry& entry) { visit(FieldOf(entry)); });
    }
    PackedReader reader(small());
    while (!reader.done()) visit(FieldOf(reader.Next()));
  }
  // As MemberTable::Walk; a small one is walked at once.
  uint64_t Walk(uint64_t cursor, size_t count, const Visitor& visit) const;
  // Uniformly chosen. Requires: not empty.
  HashField Random() const;

  // A field's row value but for the value's own bytes.
  static std::string RowHead(int64_t expire_at_ms);

 private:
  using Timeline = std::set<std::pair<int64_t, const MemberEntry*>>;
  struct Big {
    MemberTable table;
    Timeline timeline;  // the fields that expire
  };
  struct Place {
    std::string_view item;  // without its size
    size_t offset, end_offset;
  };

  static HashField FieldOf(const MemberEntry& entry);
  // Of the small form, without its size.
  static HashField FieldOf(std::string_view item) {
    uint64_t name_size = 0;
    (void)ReadVarint(&item, &name_size);
    return {item.substr(0, name_size), item.substr(name_size)};
  }
  std::string_view small() const { return {bytes_, size_bytes_}; }
  std::optional<Place> FindSmall(std::string_view name) const;
  static size_t SmallSizeOf(const HashField& field);
  bool SetSmall(const HashField& field);
  void Splice(size_t offset, size_t remove_size, std::string_view insert);
  void BecomeBig();
  bool SetBig(const HashField& field);
  void Unlist(const MemberEntry* entry);

  // Behind the base's last member, so that all of a small one are 32 bytes. Of the small form:
  uint32_t is_big_ : 1 = 0;
  uint32_t count_ : 15 = 0;
  uint32_t size_bytes_ : 16 = 0;
  union {
    char* bytes_ = nullptr;
    Big* big_;
  };
};

}  // namespace hearth
