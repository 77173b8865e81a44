// Tested by tests/src/commands/sorted_set_algebra_test.cc.
//
// Unions, intersections and differences of sorted sets and sets. A set's members have the score 1.
// As in Redis the smallest source comes first: that decides how sums are rounded.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/set.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

enum class Operation : uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// A key that is read: a sorted set, a set, or nothing.
class Source {
 public:
  Source(Tx& tx, std::string_view key, const Object* object) : object_(object) {
    if (object != nullptr && object->type == ObjectType::kSet) set_.emplace(tx, key, object);
    if (object != nullptr && object->type == ObjectType::kSortedSet)
      sorted_.emplace(tx, key, object);
    size_ = sorted_ ? sorted_->size() : set_ ? set_->size() : 0;
  }

  // The same for sources that are the same key.
  const Object* object() const { return object_; }
  size_t size() const { return size_; }
  std::optional<double> Score(std::string_view member) const {
    if (sorted_) return sorted_->Score(member);
    return set_ && set_->Contains(member) ? std::optional(1.0) : std::nullopt;
  }
  template <typename Visit>
  void Each(Visit visit) const {
    if (sorted_) sorted_->Visit(0, SIZE_MAX, false, visit);
    if (set_) set_->Each([&](std::string_view member) { visit(ScoredMember{member, 1}); });
  }

  // Before the key is changed. What was visited stays.
  void Close() {
    if (sorted_) sorted_->Close();
    if (set_) set_->Close();
  }

  double weight = 1;

 private:
  const Object* object_;
  std::optional<SortedSetKey> sorted_;
  std::optional<SetKey> set_;
  size_t size_ = 0;
};

struct Query {
  Operation operation = Operation::kUnion;
  bool is_store = false;
  bool is_count = false;  // ZINTERCARD
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  size_t limit = 0;  // of ZINTERCARD; 0 = none
  std::vector<std::unique_ptr<Source>> sources;
};

using Elements = std::vector<ScoredMember>;

double Weighed(const Source& source, double score) {
  const double weighed = source.weight * score;
  return std::isnan(weighed) ? 0 : weighed;
}

void Combine(Aggregate aggregate, double score, double* into) {
  switch (aggregate) {
    case Aggregate::kSum:
      *into += score;
      // Opposite infinities.
      if (std::isnan(*into)) *into = 0;
      break;
    case Aggregate::kMin:
      *into = score < *into ? score : *into;
      break;
    case Aggregate::kMax:
      *into = score > *into ? score : *into;
      break;
  }
}

// numkeys key [key ...]; returns how many arguments they are. Nothing after an error reply.
std::optional<size_t> OpenSources(std::string_view command, const Args& args, Tx& tx, Query* query,
                                  Reply& reply) {
  const auto count = ReadInteger(args[0], reply);
  if (!count) return std::nullopt;
  if (*count < 1) {
    reply.Error("ERR at least 1 input key is needed for '" + std::string(command) + "' command");
    return std::nullopt;
  }
  if (static_cast<uint64_t>(*count) > args.size() - 1) {
    reply.Error(kErrSyntax);
    return std::nullopt;
  }
  for (const std::string_view key : args.subspan(1, static_cast<size_t>(*count))) {
    const Object* object = tx.Find(key);
    if (object != nullptr && object->type != ObjectType::kSortedSet &&
        object->type != ObjectType::kSet) {
      reply.Error(kErrWrongType);
      return std::nullopt;
    }
    tx.NoteSource(key, object != nullptr);
    query->sources.push_back(std::make_unique<Source>(tx, key, object));
  }
  return 1 + query->sources.size();
}

bool TakeWeights(const Args& weights, Query* query, Reply& reply) {
  for (size_t i = 0; i < query->sources.size(); ++i) {
    const auto weight = ParseDouble(weights[i]);
    if (!weight) {
      reply.Error("ERR weight value is not a float");
      return false;
    }
    query->sources[i]->weight = *weight;
  }
  return true;
}

bool TakeAggregate(std::string_view word, Query* query, Reply& reply) {
  if (IsWord(word, "SUM")) {
    query->aggregate = Aggregate::kSum;
  } else if (IsWord(word, "MIN")) {
    query->aggregate = Aggregate::kMin;
  } else if (IsWord(word, "MAX")) {
    query->aggregate = Aggregate::kMax;
  } else {
    reply.Error(kErrSyntax);
    return false;
  }
  return true;
}

bool TakeLimit(std::string_view text, Query* query, Reply& reply) {
  const auto limit = ParseInt64(text);
  if (!limit || *limit < 0) {
    reply.Error("ERR LIMIT can't be negative");
    return false;
  }
  query->limit = static_cast<size_t>(*limit);
  return true;
}

// [WEIGHTS ...] [AGGREGATE ...] [WITHSCORES] [LIMIT n], each where it makes sense.
bool TakeOptions(const Args& args, size_t index, Query* query, Reply& reply) {
  const bool computes = query->operation != Operation::kDifference && !query->is_count;
  const size_t source_count = query->sources.size();
  while (index < args.size()) {
    const std::string_view word = args[index++];
    const size_t left = args.size() - index;
    if (computes && left >= source_count && IsWord(word, "WEIGHTS")) {
      if (!TakeWeights(args.subspan(index, source_count), query, reply)) return false;
      index += source_count;
    } else if (computes && left >= 1 && IsWord(word, "AGGREGATE")) {
      if (!TakeAggregate(args[index++], query, reply)) return false;
    } else if (!query->is_store && !query->is_count && IsWord(word, "WITHSCORES")) {
      query->with_scores = true;
    } else if (query->is_count && left >= 1 && IsWord(word, "LIMIT")) {
      if (!TakeLimit(args[index++], query, reply)) return false;
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

Elements Union(const Query& query) {
  Elements elements;
  std::unordered_map<std::string_view, size_t> places;
  size_t largest = 0;
  for (const auto& source : query.sources) largest = std::max(largest, source->size());
  elements.reserve(largest);
  if (query.sources.size() > 1) places.reserve(largest);
  for (const auto& source : query.sources) {
    source->Each([&](const ScoredMember& element) {
      const double score = Weighed(*source, element.score);
      const auto [place, is_new] = query.sources.size() == 1
                                       ? std::pair(places.end(), true)
                                       : places.try_emplace(element.member, elements.size());
      if (is_new) {
        elements.push_back({element.member, score});
      } else {
        Combine(query.aggregate, score, &elements[place->second].score);
      }
    });
  }
  return elements;
}

// The member's score in all the sources, or nothing when one lacks it.
std::optional<double> ScoreInAll(const Query& query, const ScoredMember& element) {
  double score = Weighed(*query.sources[0], element.score);
  for (size_t i = 1; i < query.sources.size(); ++i) {
    const Source& source = *query.sources[i];
    const auto other = source.object() == query.sources[0]->object() ? std::optional(element.score)
                                                                     : source.Score(element.member);
    if (!other) return std::nullopt;
    Combine(query.aggregate, *other * source.weight, &score);
  }
  return score;
}

Elements Intersection(const Query& query) {
  Elements elements;
  query.sources[0]->Each([&](const ScoredMember& element) {
    if (query.limit > 0 && elements.size() == query.limit) return;
    const auto score = ScoreInAll(query, element);
    if (score) elements.push_back({element.member, *score});
  });
  return elements;
}

Elements Difference(const Query& query) {
  Elements elements;
  query.sources[0]->Each([&](const ScoredMember& element) {
    for (size_t i = 1; i < query.sources.size(); ++i) {
      if (query.sources[i]->Score(element.member)) return;
    }
    elements.push_back(element);
  });
  return elements;
}

Elements Compute(Query* query) {
  if (query->operation == Operation::kDifference) return Difference(*query);
  std::stable_sort(query->sources.begin(), query->sources.end(),
                   [](const auto& a, const auto& b) { return a->size() < b->size(); });
  return query->operation == Operation::kUnion ? Union(*query) : Intersection(*query);
}

// args from numkeys on; nothing after an error reply.
std::optional<Elements> Evaluate(const Args& args, size_t first, Query* query, Tx& tx,
                                 std::string_view command, Reply& reply) {
  const auto taken = OpenSources(command, args.subspan(first), tx, query, reply);
  if (!taken || !TakeOptions(args, first + *taken, query, reply)) return std::nullopt;
  Elements elements = Compute(query);
  if (!query->is_count) std::sort(elements.begin(), elements.end(), IsBefore);
  return elements;
}

void Answer(const Args& args, Operation operation, std::string_view command, Tx& tx, Reply& reply) {
  Query query{.operation = operation};
  const auto elements = Evaluate(args, 1, &query, tx, command, reply);
  if (!elements) return;
  ScoredReply scored(reply, query.with_scores);
  scored.Begin(elements->size());
  for (const ScoredMember& element : *elements) scored.Add(element);
}

void StoreResult(const Args& args, Operation operation, std::string_view command, Tx& tx,
                 Reply& reply) {
  Query query{.operation = operation, .is_store = true};
  const auto elements = Evaluate(args, 2, &query, tx, command, reply);
  if (!elements) return;
  for (const auto& source : query.sources) source->Close();
  StoreSortedSet(tx, args[1], *elements, command);
  reply.Integer(static_cast<int64_t>(elements->size()));
}

}  // namespace

// ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES] -> the
// members of any source
void ZUnion(const Args& args, Tx& tx, Reply& reply) {
  Answer(args, Operation::kUnion, "zunion", tx, reply);
}

// ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES] -> the
// members of all sources
void ZInter(const Args& args, Tx& tx, Reply& reply) {
  Answer(args, Operation::kIntersection, "zinter", tx, reply);
}

// ZDIFF numkeys key [key ...] [WITHSCORES] -> the members of the first source only
void ZDiff(const Args& args, Tx& tx, Reply& reply) {
  Answer(args, Operation::kDifference, "zdiff", tx, reply);
}

// ZINTERCARD numkeys key [key ...] [LIMIT limit] -> how many members all sources share
void ZInterCard(const Args& args, Tx& tx, Reply& reply) {
  Query query{.operation = Operation::kIntersection, .is_count = true};
  const auto elements = Evaluate(args, 1, &query, tx, "zintercard", reply);
  if (elements) reply.Integer(static_cast<int64_t>(elements->size()));
}

// ZUNIONSTORE destination numkeys key ... -> how many members the destination has now
void ZUnionStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Operation::kUnion, "zunionstore", tx, reply);
}

// ZINTERSTORE destination numkeys key ... -> how many members the destination has now
void ZInterStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Operation::kIntersection, "zinterstore", tx, reply);
}

// ZDIFFSTORE destination numkeys key ... -> how many members the destination has now
void ZDiffStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Operation::kDifference, "zdiffstore", tx, reply);
}

}  // namespace hearth
