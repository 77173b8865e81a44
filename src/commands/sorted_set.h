#pragma once

// The functions of the sorted set commands, and what they share; their rows stand in
// sorted_set_table.cc, sorted_set_range_table.cc and sorted_set_algebra_table.cc.

#include "engine/sorted_set.h"
#include "src/command.h"

namespace hearth {

// The key's sorted set, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindSortedSet(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// Answers a number of elements, with their scores when asked for: one flat array in RESP2, an array
// of pairs in RESP3.
class ScoredReply {
 public:
  ScoredReply(Reply& reply, bool with_scores) : reply_(reply), with_scores_(with_scores) {}

  void Begin(size_t element_count);
  // As often as Begin was told.
  void Add(const ScoredMember& element);

 private:
  Reply& reply_;
  const bool with_scores_;
};

// Puts these elements, of different members and in the order of scores, in the place of what the
// key holds; none of them deletes the key. The members may be views into the old value.
// `event` tells of it; that the key is gone when there are no elements.
void StoreSortedSet(Tx& tx, std::string_view key, std::span<const ScoredMember> elements,
                    std::string_view event);

// sorted_set.cc
void ZAdd(const Args& args, Tx& tx, Reply& reply);
void ZCard(const Args& args, Tx& tx, Reply& reply);
void ZIncrBy(const Args& args, Tx& tx, Reply& reply);
void ZMScore(const Args& args, Tx& tx, Reply& reply);
void ZRank(const Args& args, Tx& tx, Reply& reply);
void ZRem(const Args& args, Tx& tx, Reply& reply);
void ZRevRank(const Args& args, Tx& tx, Reply& reply);
void ZScore(const Args& args, Tx& tx, Reply& reply);

// sorted_set_pop.cc
bool BZMPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool BZPopMax(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool BZPopMin(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
void ZMPop(const Args& args, Tx& tx, Reply& reply);
void ZPopMax(const Args& args, Tx& tx, Reply& reply);
void ZPopMin(const Args& args, Tx& tx, Reply& reply);

// sorted_set_sample.cc
void ZRandMember(const Args& args, Tx& tx, Reply& reply);
void ZScan(const Args& args, Tx& tx, Reply& reply);

// sorted_set_range.cc
void ZCount(const Args& args, Tx& tx, Reply& reply);
void ZLexCount(const Args& args, Tx& tx, Reply& reply);
void ZRange(const Args& args, Tx& tx, Reply& reply);
void ZRangeByLex(const Args& args, Tx& tx, Reply& reply);
void ZRangeByScore(const Args& args, Tx& tx, Reply& reply);
void ZRangeStore(const Args& args, Tx& tx, Reply& reply);
void ZRemRangeByLex(const Args& args, Tx& tx, Reply& reply);
void ZRemRangeByRank(const Args& args, Tx& tx, Reply& reply);
void ZRemRangeByScore(const Args& args, Tx& tx, Reply& reply);
void ZRevRange(const Args& args, Tx& tx, Reply& reply);
void ZRevRangeByLex(const Args& args, Tx& tx, Reply& reply);
void ZRevRangeByScore(const Args& args, Tx& tx, Reply& reply);

// sorted_set_algebra.cc
void ZDiff(const Args& args, Tx& tx, Reply& reply);
void ZDiffStore(const Args& args, Tx& tx, Reply& reply);
void ZInter(const Args& args, Tx& tx, Reply& reply);
void ZInterCard(const Args& args, Tx& tx, Reply& reply);
void ZInterStore(const Args& args, Tx& tx, Reply& reply);
void ZUnion(const Args& args, Tx& tx, Reply& reply);
void ZUnionStore(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
