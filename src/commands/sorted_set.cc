// Tested by tests/src/commands/sorted_set_test.cc.
#include "src/commands/sorted_set.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set_add.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// Takes the options from args[2] on; returns where the first score stands.
size_t TakeAddOptions(const Args& args, SortedSetAdd* add) {
  size_t index = 2;
  for (; index < args.size(); ++index) {
    const std::string_view word = args[index];
    if (IsWord(word, "NX")) {
      add->only_new = true;
    } else if (IsWord(word, "XX")) {
      add->only_present = true;
    } else if (IsWord(word, "CH")) {
      add->count_changed = true;
    } else if (IsWord(word, "INCR")) {
      add->increment = true;
    } else if (IsWord(word, "GT")) {
      add->only_greater = true;
    } else if (IsWord(word, "LT")) {
      add->only_less = true;
    } else {
      break;
    }
  }
  return index;
}

// The error in the options, or "".
std::string_view ErrorInOptions(const SortedSetAdd& add, size_t argument_count) {
  if (argument_count == 0 || argument_count % 2 != 0) return kErrSyntax;
  if (add.only_new && add.only_present) {
    return "ERR XX and NX options at the same time are not compatible";
  }
  if (add.only_new + add.only_greater + add.only_less > 1) {
    return "ERR GT, LT, and/or NX options at the same time are not compatible";
  }
  if (add.increment && argument_count > 2) {
    return "ERR INCR option supports a single increment-element pair";
  }
  return {};
}

// ZADD and ZINCRBY, which takes the same options.
void AddFromArgs(const Args& args, SortedSetAdd add, Tx& tx, Reply& reply) {
  const size_t first = TakeAddOptions(args, &add);
  const size_t argument_count = args.size() - first;
  const std::string_view error = ErrorInOptions(add, argument_count);
  if (!error.empty()) return reply.Error(error);
  add.elements.reserve(argument_count / 2);
  for (size_t index = first; index < args.size(); index += 2) {
    const auto score = ParseDouble(args[index]);
    if (!score) return reply.Error(kErrNotFloat);
    add.elements.push_back({args[index + 1], *score});
  }
  AddToSortedSet(args[1], add, tx, reply);
}

// What became of one element of a ZADD.
enum class Added : uint8_t { kNot, kSame, kChanged, kNew, kNan };

// Adds one element by the options; *score becomes its score when it was not refused.
Added AddElement(const SortedSetAdd& add, const ScoredMember& element, SortedSetKey* set,
                 double* score) {
  *score = element.score;
  const auto old_score = set->Score(element.member);
  if (!old_score) {
    if (add.only_present) return Added::kNot;
    set->Put(element.member, *score);
    return Added::kNew;
  }
  if (add.only_new) return Added::kNot;
  if (add.increment) *score += *old_score;
  if (std::isnan(*score)) return Added::kNan;
  if (add.only_less && *score >= *old_score) return Added::kNot;
  if (add.only_greater && *score <= *old_score) return Added::kNot;
  if (*score == *old_score) return Added::kSame;
  set->Put(element.member, *score);
  return Added::kChanged;
}

void ReplyRank(const Args& args, bool reverse, Tx& tx, Reply& reply) {
  if (args.size() > 4) return reply.Error(WrongArity(reverse ? "zrevrank" : "zrank"));
  const bool with_score = args.size() == 4;
  if (with_score && !IsWord(args[3], "WITHSCORE")) return reply.Error(kErrSyntax);
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  const auto place = set.Find(args[2]);
  if (!place) return with_score ? reply.NullArray() : reply.Null();
  const size_t rank = reverse ? set.size() - 1 - place->rank : place->rank;
  if (with_score) reply.Array(2);
  reply.Integer(static_cast<int64_t>(rank));
  if (with_score) reply.Double(place->score);
}

}  // namespace

bool FindSortedSet(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kSortedSet) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

void ScoredReply::Begin(size_t element_count) {
  const bool is_flat = with_scores_ && reply_.protocol() == 2;
  reply_.Array(is_flat ? element_count * 2 : element_count);
}

void ScoredReply::Add(const ScoredMember& element) {
  if (with_scores_ && reply_.protocol() > 2) reply_.Array(2);
  reply_.Bulk(element.member);
  if (with_scores_) reply_.Double(element.score);
}

void StoreSortedSet(Tx& tx, std::string_view key, std::span<const ScoredMember> elements,
                    std::string_view event) {
  size_t size_bytes = 0, size_max = 0;
  for (const ScoredMember& element : elements) {
    size_bytes += element.member.size();
    size_max = std::max(size_max, element.member.size());
  }
  // The old value may be what the members are views into.
  const auto members = std::make_unique<char[]>(size_bytes);
  char* end = members.get();
  for (const ScoredMember& element : elements) {
    end = std::copy(element.member.begin(), element.member.end(), end);
  }
  ChangeCount changes(tx);
  const bool replaces = tx.Delete(key);
  if (elements.empty()) {
    if (replaces) tx.Notify(EventClass::kGeneric, "del", key);
    return;
  }
  changes.Is(1);
  SortedSetKey set(tx, key, nullptr);
  set.Expect(elements.size(), size_max);
  const char* member = members.get();
  for (const ScoredMember& element : elements) {
    set.Put({member, element.member.size()}, element.score);
    member += element.member.size();
  }
  tx.Notify(EventClass::kSortedSet, event, key);
}

void AddToSortedSet(std::string_view key, const SortedSetAdd& add, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(key, tx, reply, &object)) return;
  ChangeCount changes(tx);
  int64_t new_count = 0, changed_count = 0;
  bool refused = true;
  double score = 0;
  if (object != nullptr || !add.only_present) {
    SortedSetKey set(tx, key, object);
    set.Expect(add.elements.size(), add.elements[0].member.size());
    for (const ScoredMember& element : add.elements) {
      const Added added = AddElement(add, element, &set, &score);
      if (added == Added::kNan) return reply.Error("ERR resulting score is not a number (NaN)");
      refused = added == Added::kNot;
      new_count += added == Added::kNew;
      changed_count += added == Added::kChanged;
    }
  }
  changes.Is(static_cast<uint64_t>(new_count + changed_count));
  if (new_count + changed_count > 0) {
    tx.Notify(EventClass::kSortedSet, add.increment ? "zincr" : "zadd", key);
  }
  if (!add.increment) return reply.Integer(new_count + (add.count_changed ? changed_count : 0));
  if (refused) return reply.Null();
  reply.Double(score);
}

// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...] -> how many were added;
// with CH, also those whose score changed; with INCR, the new score, or null when refused
void ZAdd(const Args& args, Tx& tx, Reply& reply) {
  AddFromArgs(args, {}, tx, reply);
}

// ZINCRBY key increment member -> the new score
void ZIncrBy(const Args& args, Tx& tx, Reply& reply) {
  SortedSetAdd add;
  add.increment = true;
  AddFromArgs(args, std::move(add), tx, reply);
}

// ZREM key member [member ...] -> how many were there
void ZRem(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  ChangeCount changes(tx);
  int64_t count = 0;
  if (object != nullptr) {
    SortedSetKey set(tx, args[1], object);
    for (const std::string_view member : args.subspan(2)) count += set.Remove(member);
    changes.Is(static_cast<uint64_t>(count));
    if (count > 0) tx.Notify(EventClass::kSortedSet, "zrem", args[1]);
  }
  reply.Integer(count);
}

// ZCARD key -> how many members there are
void ZCard(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  reply.Integer(static_cast<int64_t>(SortedSetKey(tx, args[1], object).size()));
}

// ZSCORE key member -> its score, or null
void ZScore(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const auto score = SortedSetKey(tx, args[1], object).Score(args[2]);
  score ? reply.Double(*score) : reply.Null();
}

// ZMSCORE key member [member ...] -> the score of each, or null
void ZMScore(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  reply.Array(args.size() - 2);
  for (const std::string_view member : args.subspan(2)) {
    const auto score = set.Score(member);
    score ? reply.Double(*score) : reply.Null();
  }
}

// ZRANK key member [WITHSCORE] -> how many come before it, or null
void ZRank(const Args& args, Tx& tx, Reply& reply) {
  ReplyRank(args, /*reverse=*/false, tx, reply);
}

// ZREVRANK key member [WITHSCORE] -> how many come behind it, or null
void ZRevRank(const Args& args, Tx& tx, Reply& reply) {
  ReplyRank(args, /*reverse=*/true, tx, reply);
}

}  // namespace hearth
