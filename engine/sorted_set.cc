// Tested by tests/engine/sorted_set_test.cc.
#include "engine/sorted_set.h"

#include "engine/check.h"
#include "engine/score.h"
#include "engine/sorted_set_collection.h"

namespace hearth {

std::unique_ptr<Collection> MakeSortedSetCollection(uint64_t object_id) {
  return std::make_unique<SortedSetCollection>(object_id);
}

SortedSetCollection& SortedSetKey::spread() const {
  return static_cast<SortedSetCollection&>(collection());
}

size_t SortedSetKey::size() const {
  return is_spread() ? spread().size() : CountPackedScores(packed());
}

std::optional<double> SortedSetKey::Score(std::string_view member) const {
  if (is_spread()) return spread().Score(member);
  const auto place = FindPackedScore(packed(), member);
  return place ? std::optional(place->score) : std::nullopt;
}

std::optional<SortedSetKey::Place> SortedSetKey::Find(std::string_view member) const {
  if (is_spread()) {
    const auto score = spread().Score(member);
    if (!score) return std::nullopt;
    return Place{*spread().Rank({member, *score}), *score};
  }
  const auto place = FindPackedScore(packed(), member);
  if (!place) return std::nullopt;
  return Place{place->rank, place->score};
}

void SortedSetKey::Expect(size_t count, size_t member_size) {
  const CollectionLimits& limits = Limits();
  const bool few = count <= limits.zset_listpack_entries_max;
  if (!exists()) {
    const bool is_listpack = few && member_size <= limits.zset_listpack_value_size_max;
    Create(is_listpack ? Encoding::kListpack : Encoding::kSkiplist);
  } else if (!few) {
    SetEncoding(Encoding::kSkiplist);
  }
}

// The encoding after a member was added, by Redis' rules: it never goes back.
void SortedSetKey::ChooseEncoding(std::string_view added) {
  const CollectionLimits& limits = Limits();
  if (added.size() > limits.zset_listpack_value_size_max ||
      size() > limits.zset_listpack_entries_max) {
    SetEncoding(Encoding::kSkiplist);
  }
}

void SortedSetKey::Put(std::string_view member, double score) {
  if (!exists()) Expect(1, member.size());
  // Redis' listpacks have no -0.
  if (score == 0 && encoding() == Encoding::kListpack) score = 0;
  if (is_spread()) {
    PutSpread(member, score);
  } else {
    const auto place = FindPackedScore(packed(), member);
    SplicePackedScore(packed(), place ? &*place : nullptr, {member, score},
                      [&](size_t offset, size_t remove_size, std::string_view insert) {
                        // Taking the former one out spreads it too, under a new limit.
                        if (is_spread()) return PutSpread(member, score);
                        Splice(offset, remove_size, insert);
                      });
  }
  if (encoding() != Encoding::kSkiplist) ChooseEncoding(member);
}

void SortedSetKey::PutSpread(std::string_view member, double score) {
  char bytes[kScoreSizeMax];
  spread().PutScore({member, score});
  PutRow(member, {bytes, WriteScore(bytes, score)});
}

bool SortedSetKey::Remove(std::string_view member) {
  if (!is_spread()) {
    const auto place = FindPackedScore(packed(), member);
    if (place) Splice(place->offset, place->size, {});
    return place.has_value();
  }
  if (!spread().Remove(member)) return false;
  EraseRow(member);
  return true;
}

void SortedSetKey::RemoveRange(size_t rank, size_t count) {
  if (!exists() || count == 0) return;
  if (!is_spread()) {
    const size_t offset = PackedScoreOffset(packed(), rank);
    const size_t size = PackedScoreOffset(packed().substr(offset), count);
    return Splice(offset, size, {});
  }
  // All: the rows go with the object id.
  if (rank == 0 && count >= size()) return Pack({});
  spread().RemoveRange(rank, count,
                       [this](const ScoredMember& element) { EraseRow(element.member); });
}

size_t SortedSetKey::CountBefore(const SortedSetCut& cut) const {
  return is_spread() ? spread().CountBefore(cut) : CountPackedScoresBefore(packed(), cut);
}

void SortedSetKey::Visit(size_t rank, size_t count, bool reverse, const ScoreVisitor& visit) const {
  if (is_spread()) return spread().Visit(rank, count, reverse, visit);
  VisitPackedScores(packed(), rank, count, reverse, visit);
}

uint64_t SortedSetKey::Walk(uint64_t cursor, size_t count, const ScoreVisitor& visit) const {
  if (is_spread()) return spread().Walk(cursor, count, visit);
  Visit(0, SIZE_MAX, false, visit);
  return 0;
}

}  // namespace hearth
