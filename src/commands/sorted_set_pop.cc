// Tested by tests/src/commands/sorted_set_pop_test.cc.
//
// Commands that take the first or last members out, waiting for some when told to.
#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/change_count.h"
#include "src/commands/blocking.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

enum class End : uint8_t { kMin, kMax };

std::string_view VerbOf(End end) {
  return end == End::kMax ? "ZPOPMAX" : "ZPOPMIN";
}

// Takes count elements out and visits each before.
void Pop(std::string_view key, SortedSetKey* set, End end, size_t count, Tx& tx,
         const ScoreVisitor& visit) {
  const size_t size = set->size();
  const bool is_max = end == End::kMax;
  count = std::min(count, size);
  set->Visit(is_max ? size - 1 : 0, count, is_max, visit);
  set->RemoveRange(is_max ? size - count : 0, count);
  tx.Notify(EventClass::kSortedSet, is_max ? "zpopmax" : "zpopmin", key);
}

void PopOne(std::string_view key, const Object* object, End end, Tx& tx, Reply& reply) {
  SortedSetKey set(tx, key, object);
  Pop(key, &set, end, 1, tx, [&](const ScoredMember& element) {
    reply.Bulk(element.member);
    reply.Double(element.score);
  });
}

void PopFromKey(const Args& args, End end, Tx& tx, Reply& reply) {
  if (args.size() > 3) return reply.Error(kErrSyntax);
  int64_t count = 1;
  const bool has_count = args.size() == 3;
  if (has_count) {
    const auto number = ParseInt64(args[2]);
    if (!number || *number < 0) return reply.Error("ERR value is out of range, must be positive");
    count = *number;
  }
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  if (object == nullptr || count == 0) return reply.Array(0);
  if (!has_count) {
    reply.Array(2);
    return PopOne(args[1], object, end, tx, reply);
  }
  ChangeCount changes(tx);
  SortedSetKey set(tx, args[1], object);
  const size_t popped = std::min(static_cast<size_t>(count), set.size());
  changes.Is(popped);
  ScoredReply elements(reply, /*with_scores=*/true);
  elements.Begin(popped);
  Pop(args[1], &set, end, static_cast<size_t>(count), tx,
      [&](const ScoredMember& element) { elements.Add(element); });
}

// The first of the keys that is there, or nullptr. False after a WRONGTYPE reply.
bool FindFirst(const Args& keys, Tx& tx, Reply& reply, std::string_view* key,
               const Object** object) {
  *object = nullptr;
  for (const std::string_view candidate : keys) {
    if (!FindSortedSet(candidate, tx, reply, object)) return false;
    *key = candidate;
    if (*object != nullptr) return true;
  }
  return true;
}

struct MultiPop {
  Args keys;
  End end = End::kMin;
  int64_t count = 1;
};

// numkeys key [key ...] MIN | MAX [COUNT count]. False after an error reply.
bool ParseMultiPop(const Args& args, MultiPop* pop, Reply& reply) {
  const auto fail = [&](std::string_view error) {
    reply.Error(error);
    return false;
  };
  const auto key_count = ParseInt64(args[0]);
  if (!key_count || *key_count < 1) return fail("ERR numkeys should be greater than 0");
  if (static_cast<uint64_t>(*key_count) >= args.size() - 1) return fail(kErrSyntax);
  pop->keys = args.subspan(1, static_cast<size_t>(*key_count));
  size_t index = 1 + pop->keys.size();
  if (IsWord(args[index], "MAX")) {
    pop->end = End::kMax;
  } else if (!IsWord(args[index], "MIN")) {
    return fail(kErrSyntax);
  }
  if (++index == args.size()) return true;
  if (!IsWord(args[index], "COUNT") || index + 1 == args.size()) return fail(kErrSyntax);
  const auto count = ParseInt64(args[index + 1]);
  if (!count || *count < 1) return fail("ERR count should be greater than 0");
  if (index + 2 != args.size()) return fail(kErrSyntax);
  pop->count = *count;
  return true;
}

// Answers the key's name and pairs. False when no key is there; nothing is written then.
bool PopFromFirst(const MultiPop& pop, Tx& tx, Reply& reply) {
  std::string_view key;
  const Object* object;
  if (!FindFirst(pop.keys, tx, reply, &key, &object)) return true;
  if (object == nullptr) return false;
  ChangeCount changes(tx);
  SortedSetKey set(tx, key, object);
  const size_t popped = std::min(static_cast<size_t>(pop.count), set.size());
  changes.Is(popped);
  PassOnAs({VerbOf(pop.end), key, std::to_string(popped)});
  reply.Array(2);
  reply.Bulk(key);
  reply.Array(popped);
  Pop(key, &set, pop.end, static_cast<size_t>(pop.count), tx, [&](const ScoredMember& element) {
    reply.Array(2);
    reply.Bulk(element.member);
    reply.Double(element.score);
  });
  return true;
}

bool PopOrWait(const Args& args, End end, Tx& tx, Reply& reply, BlockRequest* request) {
  const auto timeout_ms = ReadTimeoutMs(args.back(), tx.now_ms(), reply);
  if (!timeout_ms) return true;
  request->timeout_ms = *timeout_ms;
  request->type = ObjectType::kSortedSet;
  std::string_view key;
  const Object* object;
  if (!FindFirst(args.subspan(1, args.size() - 2), tx, reply, &key, &object)) return true;
  if (object == nullptr) return false;
  PassOnAs({VerbOf(end), key});
  reply.Array(3);
  reply.Bulk(key);
  PopOne(key, object, end, tx, reply);
  return true;
}

}  // namespace

// ZPOPMIN key [count] -> the members with the lowest scores, which are taken out
void ZPopMin(const Args& args, Tx& tx, Reply& reply) {
  PopFromKey(args, End::kMin, tx, reply);
}

// ZPOPMAX key [count] -> the members with the highest scores, which are taken out
void ZPopMax(const Args& args, Tx& tx, Reply& reply) {
  PopFromKey(args, End::kMax, tx, reply);
}

// ZMPOP numkeys key [key ...] MIN | MAX [COUNT count] -> the first key that is there and members
// taken out of it, or null
void ZMPop(const Args& args, Tx& tx, Reply& reply) {
  MultiPop pop;
  if (!ParseMultiPop(args.subspan(1), &pop, reply)) return;
  if (!PopFromFirst(pop, tx, reply)) reply.NullArray();
}

// BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]: ZMPOP that waits
bool BZMPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  MultiPop pop;
  if (!ParseMultiPop(args.subspan(2), &pop, reply)) return true;
  const auto timeout_ms = ReadTimeoutMs(args[1], tx.now_ms(), reply);
  if (!timeout_ms) return true;
  request->timeout_ms = *timeout_ms;
  request->type = ObjectType::kSortedSet;
  return PopFromFirst(pop, tx, reply);
}

// BZPOPMIN key [key ...] timeout -> the first key that is there, the member with the lowest score
// and the score; waits for one
bool BZPopMin(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return PopOrWait(args, End::kMin, tx, reply, request);
}

// BZPOPMAX key [key ...] timeout: the highest score
bool BZPopMax(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return PopOrWait(args, End::kMax, tx, reply, request);
}

}  // namespace hearth
