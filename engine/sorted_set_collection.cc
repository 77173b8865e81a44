// Tested by tests/engine/sorted_set_test.cc.
#include "engine/sorted_set_collection.h"

#include <cstdlib>
#include <cstring>

#include "engine/collection_limits.h"
#include "engine/exact_buffer.h"
#include "engine/score.h"

namespace hearth {
namespace {

// A bigger one gets a table and an index.
constexpr size_t kSmallCountMax = 128;
static_assert(kSmallCountMax <= UINT8_MAX && kSmallSizeMaxUsual <= UINT16_MAX);
static_assert(sizeof(SortedSetCollection) == 32);

double ScoreOf(const MemberEntry& entry) {
  double score;
  std::memcpy(&score, entry.payload(), sizeof(score));
  return score;
}

void SetScore(MemberEntry* entry, double score) {
  std::memcpy(entry->payload(), &score, sizeof(score));
}

}  // namespace

SortedSetCollection::~SortedSetCollection() {
  is_big_ ? delete big_ : std::free(bytes_);
}

size_t SortedSetCollection::memory_bytes() const {
  if (is_big_) {
    return sizeof(*this) + sizeof(Big) + big_->table.memory_bytes() + big_->index.memory_bytes();
  }
  return sizeof(*this) + AllocatedSize(bytes_);
}

bool SortedSetCollection::Put(std::string_view element, std::string_view value) {
  double score;
  if (!ReadScore(&value, &score) || !value.empty()) return false;
  PutScore({element, score});
  return true;
}

bool SortedSetCollection::ReadPacked(std::string_view packed) {
  PackedScoreReader reader(packed);
  ScoredMember element;
  while (reader.Next(&element)) PutScore(element);
  return reader.ok();
}

void SortedSetCollection::Rows(const RowVisitor& visit) const {
  Visit(0, size(), false, [&](const ScoredMember& element) {
    char bytes[kScoreSizeMax];
    visit(element.member, {bytes, WriteScore(bytes, element.score)});
  });
}

bool SortedSetCollection::AppendAsPacked(std::string* to) const {
  Visit(0, size(), false, [to](const ScoredMember& element) { AppendPackedScore(to, element); });
  return true;
}

std::optional<double> SortedSetCollection::Score(std::string_view member) const {
  if (is_big_) {
    const MemberEntry* entry = big_->table.Find(member);
    return entry == nullptr ? std::nullopt : std::optional(ScoreOf(*entry));
  }
  const auto place = FindPackedScore(small(), member);
  return place ? std::optional(place->score) : std::nullopt;
}

std::optional<size_t> SortedSetCollection::Rank(const ScoredMember& element) const {
  if (!is_big_) {
    const auto place = FindPackedScore(small(), element.member);
    return place ? std::optional(place->rank) : std::nullopt;
  }
  return big_->index.CountBefore([&](const RankedIndex::Item& item) {
    if (item.score != element.score) return item.score < element.score;
    return item.entry->member() < element.member;
  });
}

void SortedSetCollection::Splice(size_t offset, size_t remove_size, std::string_view insert) {
  bytes_ = SpliceExact(bytes_, size_bytes_, offset, remove_size, insert);
  size_bytes_ = static_cast<uint16_t>(size_bytes_ - remove_size + insert.size());
}

void SortedSetCollection::BecomeBig() {
  char* const bytes = bytes_;
  PackedScoreReader reader(small());
  big_ = new Big;
  is_big_ = true;
  ScoredMember element;
  while (reader.Next(&element)) PutBig(element);
  std::free(bytes);
}

void SortedSetCollection::PutBig(const ScoredMember& element) {
  MemberEntry* entry = big_->table.Find(element.member);
  if (entry != nullptr) {
    big_->index.Erase({ScoreOf(*entry), entry});
  } else {
    entry = MemberEntry::Make(element.member, sizeof(double));
    big_->table.Insert(entry);
  }
  SetScore(entry, element.score);
  big_->index.Insert({element.score, entry});
}

void SortedSetCollection::PutScore(const ScoredMember& element) {
  if (!is_big_) {
    const size_t size_to_be = size_bytes_ + element.member.size() + 2 * kScoreSizeMax;
    const size_t size_max = Limits().small_size_max.load(std::memory_order_relaxed);
    const auto place = FindPackedScore(small(), element.member);
    if (size_to_be <= size_max && size_t{count_} + !place <= kSmallCountMax) {
      if (!place) ++count_;
      return SplicePackedScore(small(), place ? &*place : nullptr, element,
                               [this](size_t offset, size_t remove_size, std::string_view insert) {
                                 Splice(offset, remove_size, insert);
                               });
    }
    BecomeBig();
  }
  PutBig(element);
}

void SortedSetCollection::RemoveBig(const RankedIndex::Item& item) {
  big_->index.Erase(item);
  MemberEntry::Free(big_->table.Remove(item.entry->member()));
}

bool SortedSetCollection::Remove(std::string_view member) {
  if (is_big_) {
    MemberEntry* entry = big_->table.Find(member);
    if (entry != nullptr) RemoveBig({ScoreOf(*entry), entry});
    return entry != nullptr;
  }
  const auto place = FindPackedScore(small(), member);
  if (!place) return false;
  Splice(place->offset, place->size, {});
  --count_;
  return true;
}

void SortedSetCollection::RemoveRange(size_t rank, size_t count, const ScoreVisitor& visit) {
  if (is_big_) {
    for (; count > 0; --count) {
      const RankedIndex::Cursor cursor = big_->index.At(rank);
      if (!cursor.valid()) return;
      const RankedIndex::Item item = cursor.item();
      visit(item.element());
      RemoveBig(item);
    }
    return;
  }
  const size_t offset = PackedScoreOffset(small(), rank);
  PackedScoreReader reader(small().substr(offset));
  ScoredMember element;
  for (; count > 0 && reader.Next(&element); --count, --count_) visit(element);
  Splice(offset, reader.offset(), {});
}

size_t SortedSetCollection::CountBefore(const SortedSetCut& cut) const {
  if (!is_big_) return CountPackedScoresBefore(small(), cut);
  switch (cut.kind) {
    case SortedSetCut::Kind::kStart:
      return 0;
    case SortedSetCut::Kind::kEnd:
      return size();
    case SortedSetCut::Kind::kScore:  // reads no member
      return big_->index.CountBefore([&](const RankedIndex::Item& item) {
        return item.score < cut.score || (cut.behind && item.score == cut.score);
      });
    case SortedSetCut::Kind::kMember:
      return big_->index.CountBefore(
          [&](const RankedIndex::Item& item) { return cut.IsBehind(item.element()); });
  }
  return 0;
}

void SortedSetCollection::Visit(size_t rank, size_t count, bool reverse,
                                const ScoreVisitor& visit) const {
  if (!is_big_) return VisitPackedScores(small(), rank, count, reverse, visit);
  RankedIndex::Cursor cursor = big_->index.At(rank);
  for (; count > 0 && cursor.valid(); --count) {
    visit(cursor.item().element());
    reverse ? cursor.Previous() : cursor.Next();
  }
}

uint64_t SortedSetCollection::Walk(uint64_t cursor, size_t count, const ScoreVisitor& visit) const {
  if (is_big_) {
    return big_->table.Walk(cursor, count, [&](const MemberEntry& entry) {
      visit({entry.member(), ScoreOf(entry)});
    });
  }
  Visit(0, size(), false, visit);
  return 0;
}

}  // namespace hearth
