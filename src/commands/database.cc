// Tested by tests/src/commands/generic_test.cc.
//
// Whole databases: FLUSHALL, FLUSHDB, SWAPDB. Their Tx locks every shard.
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// Flushing takes no longer with SYNC than with ASYNC: memory is given back elsewhere.
bool ReadFlushMode(const Args& args, Reply& reply) {
  const bool is_known = args.size() == 1 ||
                        (args.size() == 2 && (IsWord(args[1], "ASYNC") || IsWord(args[1], "SYNC")));
  if (!is_known) reply.Error(kErrSyntax);
  return is_known;
}

// Also when there was nothing to flush.
void PassOnAlways() {
  if (Effects* const effects = Effects::Current()) effects->Force();
}

}  // namespace

// FLUSHDB [ASYNC | SYNC] -> OK
void FlushDb(const Args& args, Tx& tx, Reply& reply) {
  if (!ReadFlushMode(args, reply)) return;
  PassOnAlways();
  tx.FlushDb(tx.db());
  reply.Ok();
}

// FLUSHALL [ASYNC | SYNC] -> OK
void FlushAll(const Args& args, Tx& tx, Reply& reply) {
  if (!ReadFlushMode(args, reply)) return;
  PassOnAlways();
  for (uint32_t db = 0; db < DbCount(); ++db) tx.FlushDb(db);
  reply.Ok();
}

// SWAPDB index index -> OK; clients of the one see the keys of the other from now on
void SwapDb(const Args& args, Tx& tx, Reply& reply) {
  std::string_view error;
  const auto a = ParseDbIndex(args[1], &error);
  if (!a && error != kErrDbIndex) return reply.Error("ERR invalid first DB index");
  const auto b = ParseDbIndex(args[2], &error);
  if (!b && error != kErrDbIndex) return reply.Error("ERR invalid second DB index");
  if (!a || !b) return reply.Error(kErrDbIndex);
  tx.SwapDb(*a, *b);
  reply.Ok();
}

}  // namespace hearth
