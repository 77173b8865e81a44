// Tested by tests/src/commands/sorted_set_range_test.cc.
//
// Commands over ranges by rank, score or member. A range is parsed first, then becomes ranks of the
// sorted set as it is: [first, first + count).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

enum class RangeBy : uint8_t { kRank, kScore, kLex };

struct Range {
  RangeBy by = RangeBy::kRank;
  int64_t first_rank = 0;  // negative ones count from the end, -1 is the last
  int64_t last_rank = 0;   // included
  SortedSetCut from = {};  // by score or member
  SortedSetCut to = {};
};

struct RangeQuery {
  Range range;
  bool reverse = false;
  bool with_scores = false;
  int64_t offset = 0;  // LIMIT; negative = nothing is left
  int64_t limit = -1;  // negative = no limit
};

struct Ranks {
  size_t first = 0;
  size_t count = 0;
};

// 1.5, (1.5, -inf: what strtod reads, all of it; an empty text is 0.
bool ParseScoreCut(std::string_view text, bool is_end, SortedSetCut* cut) {
  const bool is_open = !text.empty() && text[0] == '(';
  if (is_open) text.remove_prefix(1);
  const std::string copy(text);
  char* end;
  cut->kind = SortedSetCut::Kind::kScore;
  cut->score = std::strtod(copy.c_str(), &end);
  cut->behind = is_end != is_open;
  return *end == '\0' && !std::isnan(cut->score);
}

// -, +, [member, (member
bool ParseLexCut(std::string_view text, bool is_end, SortedSetCut* cut) {
  if (text.empty()) return false;
  const char kind = text[0];
  if (kind == '-' || kind == '+') {
    cut->kind = kind == '-' ? SortedSetCut::Kind::kStart : SortedSetCut::Kind::kEnd;
    return text.size() == 1;
  }
  cut->kind = SortedSetCut::Kind::kMember;
  cut->member = text.substr(1);
  cut->behind = is_end != (kind == '(');
  return kind == '(' || kind == '[';
}

// False after an error reply.
bool ParseRange(RangeBy by, std::string_view min, std::string_view max, Range* range,
                Reply& reply) {
  range->by = by;
  if (by == RangeBy::kRank) {
    const auto first = ReadInteger(min, reply);
    const auto last = first ? ReadInteger(max, reply) : std::nullopt;
    if (!last) return false;
    range->first_rank = *first;
    range->last_rank = *last;
    return true;
  }
  if (by == RangeBy::kScore) {
    if (ParseScoreCut(min, false, &range->from) && ParseScoreCut(max, true, &range->to)) {
      return true;
    }
    reply.Error("ERR min or max is not a float");
    return false;
  }
  if (ParseLexCut(min, false, &range->from) && ParseLexCut(max, true, &range->to)) return true;
  reply.Error("ERR min or max not valid string range item");
  return false;
}

Ranks RanksBetween(int64_t first, int64_t last, size_t set_size) {
  const auto size = static_cast<int64_t>(set_size);
  if (first < 0) first = std::max<int64_t>(first + size, 0);
  if (last < 0) last += size;
  last = std::min(last, size - 1);
  if (first > last) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(last - first + 1)};
}

Ranks RanksOf(const Range& range, const SortedSetKey& set) {
  if (range.by == RangeBy::kRank) {
    return RanksBetween(range.first_rank, range.last_rank, set.size());
  }
  const size_t first = set.CountBefore(range.from);
  const size_t last = set.CountBefore(range.to);
  return {first, last > first ? last - first : 0};
}

// What a query asks for, as ranks to visit from the first on, downwards when reversed.
Ranks RanksOf(const RangeQuery& query, const SortedSetKey& set) {
  Ranks ranks = RanksOf(query.range, set);
  if (query.range.by == RangeBy::kRank) {
    if (query.reverse) ranks.first = set.size() - 1 - ranks.first;
    return ranks;
  }
  if (query.offset < 0) return {};
  const size_t skipped = std::min(static_cast<size_t>(query.offset), ranks.count);
  if (query.reverse) {
    ranks.first += ranks.count - 1 - skipped;
  } else {
    ranks.first += skipped;
  }
  ranks.count -= skipped;
  if (query.limit >= 0) ranks.count = std::min(ranks.count, static_cast<size_t>(query.limit));
  return ranks;
}

// What a command's name says of its query, before its options do.
struct RangeForm {
  size_t first_arg = 1;  // the key's
  bool takes_form = false;
  bool takes_scores = true;
  RangeBy by = RangeBy::kRank;
  bool reverse = false;
};

// Takes the options behind the range. False after an error reply.
bool TakeRangeOptions(const Args& args, const RangeForm& form, RangeQuery* query, bool* has_limit,
                      Reply& reply) {
  for (size_t index = form.first_arg + 3; index < args.size(); ++index) {
    const std::string_view word = args[index];
    const bool takes_by = form.takes_form && query->range.by == RangeBy::kRank;
    if (form.takes_scores && IsWord(word, "WITHSCORES")) {
      query->with_scores = true;
    } else if (IsWord(word, "LIMIT") && index + 2 < args.size()) {
      const auto offset = ReadInteger(args[index + 1], reply);
      const auto limit = offset ? ReadInteger(args[index + 2], reply) : std::nullopt;
      if (!limit) return false;
      query->offset = *offset;
      query->limit = *limit;
      *has_limit = *limit != -1;
      index += 2;
    } else if (form.takes_form && !query->reverse && IsWord(word, "REV")) {
      query->reverse = true;
    } else if (takes_by && IsWord(word, "BYLEX")) {
      query->range.by = RangeBy::kLex;
    } else if (takes_by && IsWord(word, "BYSCORE")) {
      query->range.by = RangeBy::kScore;
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

// False after an error reply.
bool ParseQuery(const Args& args, const RangeForm& form, RangeQuery* query, Reply& reply) {
  query->range.by = form.by;
  query->reverse = form.reverse;
  bool has_limit = false;
  if (!TakeRangeOptions(args, form, query, &has_limit, reply)) return false;
  const RangeBy by = query->range.by;
  if (has_limit && by == RangeBy::kRank) {
    reply.Error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (query->with_scores && by == RangeBy::kLex) {
    reply.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  std::string_view min = args[form.first_arg + 1], max = args[form.first_arg + 2];
  if (query->reverse && by != RangeBy::kRank) std::swap(min, max);
  return ParseRange(by, min, max, &query->range, reply);
}

void ReplyRange(const Args& args, const RangeForm& form, Tx& tx, Reply& reply) {
  RangeQuery query;
  const Object* object;
  if (!ParseQuery(args, form, &query, reply)) return;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Array(0);
  const SortedSetKey set(tx, args[1], object);
  const Ranks ranks = RanksOf(query, set);
  ScoredReply elements(reply, query.with_scores);
  elements.Begin(ranks.count);
  set.Visit(ranks.first, ranks.count, query.reverse,
            [&](const ScoredMember& element) { elements.Add(element); });
}

void ReplyCount(const Args& args, RangeBy by, Tx& tx, Reply& reply) {
  Range range;
  const Object* object;
  if (!ParseRange(by, args[2], args[3], &range, reply)) return;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  reply.Integer(static_cast<int64_t>(RanksOf(range, set).count));
}

void RemoveRange(const Args& args, RangeBy by, std::string_view event, Tx& tx, Reply& reply) {
  Range range;
  const Object* object;
  if (!ParseRange(by, args[2], args[3], &range, reply)) return;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  ChangeCount changes(tx);
  SortedSetKey set(tx, args[1], object);
  const Ranks ranks = RanksOf(range, set);
  set.RemoveRange(ranks.first, ranks.count);
  changes.Is(ranks.count);
  if (ranks.count > 0) tx.Notify(EventClass::kSortedSet, event, args[1]);
  reply.Integer(static_cast<int64_t>(ranks.count));
}

}  // namespace

// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES] -> the members
// from start to stop, which are ranks, scores or members
void ZRange(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.takes_form = true}, tx, reply);
}

// ZREVRANGE key start stop [WITHSCORES] -> members by rank, from the highest score down
void ZRevRange(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.reverse = true}, tx, reply);
}

// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] -> members by score
void ZRangeByScore(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.by = RangeBy::kScore}, tx, reply);
}

// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] -> the same downwards
void ZRevRangeByScore(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.by = RangeBy::kScore, .reverse = true}, tx, reply);
}

// ZRANGEBYLEX key min max [LIMIT offset count] -> members in their order, all scores being equal
void ZRangeByLex(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.by = RangeBy::kLex}, tx, reply);
}

// ZREVRANGEBYLEX key max min [LIMIT offset count] -> the same downwards
void ZRevRangeByLex(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, {.by = RangeBy::kLex, .reverse = true}, tx, reply);
}

// ZRANGESTORE dst src start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] -> how many members
// dst has now
void ZRangeStore(const Args& args, Tx& tx, Reply& reply) {
  RangeQuery query;
  const Object* object;
  const RangeForm form{.first_arg = 2, .takes_form = true, .takes_scores = false};
  if (!ParseQuery(args, form, &query, reply)) return;
  if (!FindSortedSet(args[2], tx, reply, &object)) return;
  tx.NoteSource(args[2], object != nullptr);
  std::vector<ScoredMember> elements;
  {
    const SortedSetKey source(tx, args[2], object);
    const Ranks ranks = RanksOf(query, source);
    elements.reserve(ranks.count);
    source.Visit(ranks.first, ranks.count, query.reverse,
                 [&](const ScoredMember& element) { elements.push_back(element); });
  }
  if (query.reverse) std::reverse(elements.begin(), elements.end());
  StoreSortedSet(tx, args[1], elements, "zrangestore");
  reply.Integer(static_cast<int64_t>(elements.size()));
}

// ZCOUNT key min max -> how many members have a score in the range
void ZCount(const Args& args, Tx& tx, Reply& reply) {
  ReplyCount(args, RangeBy::kScore, tx, reply);
}

// ZLEXCOUNT key min max -> how many members are in the range, all scores being equal
void ZLexCount(const Args& args, Tx& tx, Reply& reply) {
  ReplyCount(args, RangeBy::kLex, tx, reply);
}

// ZREMRANGEBYRANK key start stop -> how many members were taken out
void ZRemRangeByRank(const Args& args, Tx& tx, Reply& reply) {
  RemoveRange(args, RangeBy::kRank, "zremrangebyrank", tx, reply);
}

// ZREMRANGEBYSCORE key min max -> how many members were taken out
void ZRemRangeByScore(const Args& args, Tx& tx, Reply& reply) {
  RemoveRange(args, RangeBy::kScore, "zremrangebyscore", tx, reply);
}

// ZREMRANGEBYLEX key min max -> how many members were taken out
void ZRemRangeByLex(const Args& args, Tx& tx, Reply& reply) {
  RemoveRange(args, RangeBy::kLex, "zremrangebylex", tx, reply);
}

}  // namespace hearth
