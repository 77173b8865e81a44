#pragma once

// SortedSetCollection: the memory of a spread sorted set; of no concern outside sorted_set.cc.
//
// Small: one buffer, packed as packed_scores.h says. Big: a MemberTable, whose entries hold their
// score as eight bytes, and a RankedIndex over the same entries.
//
// Thread, lifetime, errors: see collection.h.

#include <optional>

#include "engine/collection.h"
#include "engine/packed_scores.h"
#include "engine/ranked_index.h"

namespace hearth {

class SortedSetCollection : public Collection {
 public:
  using Collection::Collection;
  ~SortedSetCollection() override;

  size_t size() const override { return is_big_ ? big_->table.size() : count_; }
  size_t memory_bytes() const override;
  bool Put(std::string_view element, std::string_view value) override;
  bool Erase(std::string_view element) override {
    Remove(element);
    return true;
  }
  bool ReadPacked(std::string_view packed) override;
  void Rows(const RowVisitor& visit) const override;
  void Prefetch(std::span<const std::string_view> members) const override {
    if (is_big_) big_->table.Prefetch(members);
  }
  bool AppendAsPacked(std::string* to) const override;

  std::optional<double> Score(std::string_view member) const;
  std::optional<size_t> Rank(const ScoredMember& element) const;
  void PutScore(const ScoredMember& element);
  bool Remove(std::string_view member);
  // Visits each element before it goes.
  void RemoveRange(size_t rank, size_t count, const ScoreVisitor& visit);
  size_t CountBefore(const SortedSetCut& cut) const;
  void Visit(size_t rank, size_t count, bool reverse, const ScoreVisitor& visit) const;
  uint64_t Walk(uint64_t cursor, size_t count, const ScoreVisitor& visit) const;

 private:
  struct Big {
    MemberTable table;
    RankedIndex index;
  };

  std::string_view small() const { return {bytes_, size_bytes_}; }
  void Splice(size_t offset, size_t remove_size, std::string_view insert);
  void BecomeBig();
  void PutBig(const ScoredMember& element);
  void RemoveBig(const RankedIndex::Item& item);

  // Behind the base's last member, so that all of a small one are 32 bytes.
  bool is_big_ = false;
  uint8_t count_ = 0;  // of the small form, as size_bytes_
  uint16_t size_bytes_ = 0;
  union {
    char* bytes_ = nullptr;
    Big* big_;
  };
};

}  // namespace hearth
