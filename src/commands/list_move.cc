// Tested by tests/src/commands/list_move_test.cc.
#include "engine/change_count.h"
#include "src/commands/blocking.h"
#include "src/commands/list.h"
#include "src/effects.h"

namespace hearth {
namespace {

struct MoveEnds {
  ListEnd from, to;
};

std::optional<MoveEnds> ReadMoveEnds(const Args& args, Reply& reply) {
  const auto from = ReadListEnd(args[3], reply);
  if (!from) return std::nullopt;
  const auto to = ReadListEnd(args[4], reply);
  if (!to) return std::nullopt;
  return MoveEnds{*from, *to};
}

// The push comes first, as in Redis.
void NotifyMove(std::string_view source, std::string_view target, MoveEnds ends, Tx& tx) {
  tx.Notify(EventClass::kList, ends.to == ListEnd::kHead ? "lpush" : "rpush", target);
  tx.Notify(EventClass::kList, ends.from == ListEnd::kHead ? "lpop" : "rpop", source);
}

std::string Take(ListKey& list, ListEnd end) {
  const size_t position = end == ListEnd::kHead ? 0 : list.size() - 1;
  std::string element(list.At(position));
  list.Erase(position, 1);
  return element;
}

// Moves an element and answers it; false, with nothing written, when the source is absent.
bool MoveElement(std::string_view source, std::string_view target, MoveEnds ends, Tx& tx,
                 Reply& reply) {
  const Object* source_object;
  const Object* target_object;
  if (!FindList(source, tx, reply, &source_object)) return true;
  if (source_object == nullptr) return false;
  ChangeCount changes(tx);
  if (source == target) {
    changes.Is(1);
    ListKey list(tx, source, source_object);
    const std::string element = Take(list, ends.from);
    list.Push(ends.to, element);
    NotifyMove(source, target, ends, tx);
    reply.Bulk(element);
    return true;
  }
  if (!FindList(target, tx, reply, &target_object)) return true;
  changes.Is(1);
  ListKey list(tx, source, source_object);
  const std::string element = Take(list, ends.from);
  ListKey(tx, target, target_object).Push(ends.to, element);
  NotifyMove(source, target, ends, tx);
  reply.Bulk(element);
  return true;
}

bool MoveOrBlock(const Args& args, MoveEnds ends, Tx& tx, Reply& reply, BlockRequest* request) {
  const auto timeout_ms = ReadTimeoutMs(args.back(), tx.now_ms(), reply);
  if (!timeout_ms) return true;
  request->timeout_ms = *timeout_ms;
  request->null_array_at_once = false;
  const uint64_t changes_before = tx.change_count();
  if (!MoveElement(args[1], args[2], ends, tx, reply)) return false;
  if (tx.change_count() == changes_before) return true;
  if (args.size() == 4) {
    PassOnAs({"RPOPLPUSH", args[1], args[2]});
  } else {
    PassOnAs({"LMOVE", args[1], args[2], args[3], args[4]});
  }
  return true;
}

}  // namespace

// LMOVE source destination LEFT | RIGHT LEFT | RIGHT -> the moved element, or null
void LMove(const Args& args, Tx& tx, Reply& reply) {
  const auto ends = ReadMoveEnds(args, reply);
  if (ends && !MoveElement(args[1], args[2], *ends, tx, reply)) reply.Null();
}

// RPOPLPUSH source destination -> as LMOVE RIGHT LEFT
void RPopLPush(const Args& args, Tx& tx, Reply& reply) {
  const MoveEnds ends{ListEnd::kTail, ListEnd::kHead};
  if (!MoveElement(args[1], args[2], ends, tx, reply)) reply.Null();
}

// BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout -> as LMOVE, when there is one
bool BLMove(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  const auto ends = ReadMoveEnds(args, reply);
  return !ends || MoveOrBlock(args, *ends, tx, reply, request);
}

// BRPOPLPUSH source destination timeout -> as BLMOVE RIGHT LEFT
bool BRPopLPush(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return MoveOrBlock(args, {ListEnd::kTail, ListEnd::kHead}, tx, reply, request);
}

}  // namespace hearth
