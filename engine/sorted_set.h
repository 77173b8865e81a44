#pragma once

// SortedSet: members with scores, ordered by (score, member), in memory and as rows.
//
//   packed  = { member-size:varint member score }, in that order; score: see score.h
//   element = member-bytes; its row's value is the score
//   head    = empty
//
// Commands use SortedSetKey; nothing else knows which form a sorted set has. A spread one is in
// memory packed too while it is small (rows of their own do not make it bigger than in Redis);
// then a MemberTable and a RankedIndex. Everything that takes a range takes ranks; a cut between
// scores or members becomes a rank by CountBefore.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <memory>
#include <optional>
#include <string_view>

#include "engine/collection_key.h"
#include "engine/packed_scores.h"

namespace hearth {

std::unique_ptr<Collection> MakeSortedSetCollection(uint64_t object_id);

class SortedSetCollection;

class SortedSetKey : public CollectionKey {
 public:
  SortedSetKey(Tx& tx, std::string_view key, const Object* found)
      : CollectionKey(tx, key, found, ObjectType::kSortedSet) {}

  size_t size() const;
  std::optional<double> Score(std::string_view member) const;
  struct Place {
    size_t rank;
    double score;
  };
  std::optional<Place> Find(std::string_view member) const;

  // Tells how many members are about to be put in and the size of the longest, or of the first:
  // Redis chooses the encoding by that.
  void Expect(size_t count, size_t member_size);
  // Adds the member or changes its score. Requires: not NaN; member is no view into this set, here
  // and below.
  void Put(std::string_view member, double score);
  bool Remove(std::string_view member);
  void RemoveRange(size_t rank, size_t count);

  size_t CountBefore(const SortedSetCut& cut) const;
  // Visits count elements from the rank on, upwards or downwards, fewer when there are no more.
  // visit may not change the sorted set.
  void Visit(size_t rank, size_t count, bool reverse, const ScoreVisitor& visit) const;
  // Visits about count members from the cursor on, in no order; returns the next cursor, 0 = done.
  // What is there during the whole walk is visited at least once.
  uint64_t Walk(uint64_t cursor, size_t count, const ScoreVisitor& visit) const;

 private:
  SortedSetCollection& spread() const;
  void PutSpread(std::string_view member, double score);
  void ChooseEncoding(std::string_view added);
};

}  // namespace hearth
