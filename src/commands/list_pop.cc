// Tested by tests/src/commands/list_pop_test.cc.
#include <algorithm>

#include "engine/change_count.h"
#include "src/commands/blocking.h"
#include "src/commands/groups.h"
#include "src/commands/list.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

void NotifyPop(std::string_view key, ListEnd end, Tx& tx) {
  tx.Notify(EventClass::kList, end == ListEnd::kHead ? "lpop" : "rpop", key);
}

// Answers the popped element. Requires: the object is the key's list.
void PopOne(std::string_view key, const Object* object, ListEnd end, Tx& tx, Reply& reply) {
  ListKey list(tx, key, object);
  const size_t position = end == ListEnd::kHead ? 0 : list.size() - 1;
  reply.Bulk(list.At(position));
  list.Erase(position, 1);
  NotifyPop(key, end, tx);
}

// Answers an array of up to count_max popped elements. Requires: as PopOne, count_max > 0.
void PopMany(std::string_view key, const Object* object, ListEnd end, int64_t count_max, Tx& tx,
             Reply& reply) {
  ChangeCount changes(tx);
  {
    ListKey list(tx, key, object);
    const size_t size = list.size();
    const size_t count = std::min(size, static_cast<size_t>(count_max));
    changes.Is(count);
    const auto write = [&](std::string_view element) { reply.Bulk(element); };
    reply.Array(count);
    NotifyPop(key, end, tx);
    if (end == ListEnd::kHead) {
      list.Each(0, count, write);
    } else {
      list.EachBackward(size - 1, count, write);
    }
    if (count < size) return list.Erase(end == ListEnd::kHead ? 0 : size - count, count);
  }
  tx.Delete(key);
  tx.Notify(EventClass::kGeneric, "del", key);
}

void Pop(const Args& args, ListEnd end, Tx& tx, Reply& reply) {
  std::optional<int64_t> count;
  if (args.size() > 3) {
    return reply.Error(WrongArity(end == ListEnd::kHead ? "lpop" : "rpop"));
  }
  if (args.size() == 3) {
    count = ParseInt64(args[2]);
    if (count.value_or(-1) < 0) {
      return reply.Error("ERR value is out of range, must be positive");
    }
  }
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr) return count ? reply.NullArray() : reply.Null();
  if (!count) return PopOne(args[1], object, end, tx, reply);
  if (*count == 0) return reply.Array(0);
  PopMany(args[1], object, end, *count, tx, reply);
}

void PassOnPop(std::string_view key, ListEnd end, std::optional<int64_t> count, size_t size) {
  const std::string_view verb = end == ListEnd::kHead ? "LPOP" : "RPOP";
  if (!count) return PassOnAs({verb, key});
  PassOnAs({verb, key, std::to_string(std::min(size, static_cast<size_t>(*count)))});
}

// Writes the reply of a pop from the first key that holds a list; false when none does.
// With a count: the key and an array of elements; without: the key and the element.
bool PopFirst(const Args& keys, ListEnd end, std::optional<int64_t> count, Tx& tx, Reply& reply) {
  for (const std::string_view key : keys) {
    const Object* object;
    if (!FindList(key, tx, reply, &object)) return true;
    if (object == nullptr) continue;
    reply.Array(2);
    reply.Bulk(key);
    if (Effects::Current() != nullptr) [[unlikely]]
      PassOnPop(key, end, count, ListKey(tx, key, object).size());
    if (count) {
      PopMany(key, object, end, *count, tx, reply);
    } else {
      PopOne(key, object, end, tx, reply);
    }
    return true;
  }
  return false;
}

bool BlockingPop(const Args& args, ListEnd end, Tx& tx, Reply& reply, BlockRequest* request) {
  const auto timeout_ms = ReadTimeoutMs(args.back(), tx.now_ms(), reply);
  if (!timeout_ms) return true;
  request->timeout_ms = *timeout_ms;
  return PopFirst(args.subspan(1, args.size() - 2), end, std::nullopt, tx, reply);
}

// What LMPOP and BLMPOP say: numkeys key... LEFT | RIGHT [COUNT count].
struct ManyPop {
  Args keys;
  ListEnd end = ListEnd::kHead;
  int64_t count = 1;
};

std::optional<ManyPop> ReadManyPop(const Args& args, Reply& reply) {
  ManyPop pop;
  const auto key_count = ParseInt64(args[0]);
  if (key_count.value_or(0) < 1) {
    reply.Error("ERR numkeys should be greater than 0");
    return std::nullopt;
  }
  if (static_cast<uint64_t>(*key_count) > args.size() - 2) {
    reply.Error(kErrSyntax);
    return std::nullopt;
  }
  pop.keys = args.subspan(1, static_cast<size_t>(*key_count));
  const Args rest = args.subspan(1 + pop.keys.size());
  const auto end = ReadListEnd(rest[0], reply);
  if (!end) return std::nullopt;
  pop.end = *end;
  if (rest.size() == 1) return pop;
  if (rest.size() < 3 || !IsWord(rest[1], "COUNT")) {
    reply.Error(kErrSyntax);
    return std::nullopt;
  }
  pop.count = ParseInt64(rest[2]).value_or(0);
  if (pop.count < 1) {
    reply.Error("ERR count should be greater than 0");
    return std::nullopt;
  }
  if (rest.size() == 3) return pop;
  reply.Error(kErrSyntax);
  return std::nullopt;
}

}  // namespace

// LPOP key [count] -> the first element, or null; with a count an array, or a null array
void LPop(const Args& args, Tx& tx, Reply& reply) {
  Pop(args, ListEnd::kHead, tx, reply);
}

// RPOP key [count] -> as LPOP, from the tail
void RPop(const Args& args, Tx& tx, Reply& reply) {
  Pop(args, ListEnd::kTail, tx, reply);
}

// LMPOP numkeys key... LEFT | RIGHT [COUNT count] -> the first key that is there and up to count
// of its elements; a null array when none is
void LMPop(const Args& args, Tx& tx, Reply& reply) {
  const auto pop = ReadManyPop(args.subspan(1), reply);
  if (pop && !PopFirst(pop->keys, pop->end, pop->count, tx, reply)) reply.NullArray();
}

// BLMPOP timeout numkeys key... LEFT | RIGHT [COUNT count] -> as LMPOP, when there is one
bool BLMPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  const auto pop = ReadManyPop(args.subspan(2), reply);
  if (!pop) return true;
  const auto timeout_ms = ReadTimeoutMs(args[1], tx.now_ms(), reply);
  if (!timeout_ms) return true;
  request->timeout_ms = *timeout_ms;
  return PopFirst(pop->keys, pop->end, pop->count, tx, reply);
}

// BLPOP key... timeout -> the first key that is there and its first element
bool BLPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return BlockingPop(args, ListEnd::kHead, tx, reply, request);
}

// BRPOP key... timeout -> as BLPOP, from the tail
bool BRPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return BlockingPop(args, ListEnd::kTail, tx, reply, request);
}

}  // namespace hearth
