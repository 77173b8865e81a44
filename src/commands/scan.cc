// Tested by tests/src/commands/scan_test.cc.
//
// Commands over a whole database: DBSIZE, KEYS, RANDOMKEY, SCAN. What they do stands in walk.cc;
// here is where it runs. SCAN's cursor (engine/cursor.h) needs no state on the server.
#include <algorithm>

#include "engine/key_walk.h"
#include "engine/keyspace.h"
#include "src/commands/groups.h"
#include "src/commands/walk.h"
#include "src/dispatcher.h"
#include "src/errors.h"
#include "src/replication/replication.h"
#include "src/scripting/script_runner.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// A walk over more keys than this leaves the worker to its other connections.
constexpr size_t kRunNowKeyCountMax = 10'000;

// A script on another worker takes long: the command is run again.
void WaitForScript(Session& session) {
  session.server().DispatcherOf(session.connection().worker()).scripts().WaitForScript(session);
}

void Answer(const WalkAnswer& answer, const Walk& walk, Session& session, Reply& reply) {
  if (answer.status.code() == Status::Code::kBusy) return WaitForScript(session);
  if (!answer.status.ok()) {
    return reply.Error("IOERR a read of the store failed: " + answer.status.message());
  }
  session.WaitForCommit(answer.barrier);
  walk.write(answer, reply);
}

void Run(const std::optional<Walk>& walk, Session& session, Reply& reply) {
  if (!walk) return;
  Keyspace& keyspace = session.server().keyspace();
  if (Tx* tx = session.open_tx()) {  // EXEC has locked every shard
    tx->SawAllRows();
    return Answer(walk->run(keyspace, session.db(), tx->now_ms(), tx, ShardLocks::kHeld), *walk,
                  session, reply);
  }
  const uint32_t db = session.db();
  const int64_t now_ms = session.server().clock().WallMs();
  const uint64_t passed_count = walk->passes_expired ? keyspace.log().ExpiryCount(db) : 0;
  const uint64_t key_count =
      std::min<uint64_t>(walk->key_count_max + passed_count, keyspace.KeyCount(db));
  const auto is_resident = IsWhollyResident(keyspace, db);
  if (!is_resident) return WaitForScript(session);
  const bool run_now = key_count <= kRunNowKeyCountMax && *is_resident;
  const ShardLocks locks = run_now ? ShardLocks::kGiveWay : ShardLocks::kTake;
  const Replication& replication = session.server().replication();
  session.OffThread(
      run_now,
      [&keyspace, db, now_ms, walk, locks] {
        return std::any(walk->run(keyspace, db, now_ms, /*tx=*/nullptr, locks));
      },
      [&session, &replication, generation = replication.data_generation(), walk](std::any& answer,
                                                                                 Reply& reply) {
        if (!replication.HasStayed(generation)) return reply.Error(kErrLoading);
        Answer(std::any_cast<const WalkAnswer&>(answer), *walk, session, reply);
      });
}

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE name] -> the next cursor and keys
void Scan(const Args& args, Session& session, Reply& reply) {
  Run(MakeScan(args, reply), session, reply);
}

// KEYS pattern -> the keys that match
void Keys(const Args& args, Session& session, Reply& reply) {
  Run(MakeKeys(args, reply), session, reply);
}

// RANDOMKEY -> a key, or null when there is none
void RandomKey(const Args& args, Session& session, Reply& reply) {
  Run(MakeRandomKey(args, reply), session, reply);
}

// DBSIZE -> how many keys there are, those counted that expired unnoticed
void DbSize(const Args&, Session& session, Reply& reply) {
  Keyspace& keyspace = session.server().keyspace();
  reply.Integer(static_cast<int64_t>(keyspace.KeyCount(session.db())));
  if (Tx* tx = session.open_tx()) return tx->SawAllRows();
  session.WaitForCommit(keyspace.log().joined_seq());
}

constexpr std::string_view kDbsizeTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};

constexpr ArgDoc kKeysArguments[] = {
    {.name = "pattern", .type = "pattern"},
};

constexpr std::string_view kKeysTips[] = {"request_policy:all_shards",
                                          "nondeterministic_output_order"};

constexpr std::string_view kRandomkeyTips[] = {"request_policy:all_shards",
                                               "nondeterministic_output"};

constexpr ArgDoc kScanArguments[] = {
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "type", .type = "string", .token = "TYPE", .since = "6.0.0", .flags = "optional"},
};

constexpr std::string_view kScanHistory[] = {"6.0.0", "Added the `TYPE` subcommand."};

constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};

constexpr Command kScanCommands[] = {
    {.name = "dbsize",
     .arity = 1,
     .flags = kCmdReadonly | kCmdFast | kCmdLockAll,
     .acl = kAclKeyspace,
     .session = DbSize,
     .summary = "Return the number of keys in the selected database",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .tips = kDbsizeTips},
    {.name = "keys",
     .arity = 2,
     .flags = kCmdReadonly | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous,
     .session = Keys,
     .summary = "Find all keys matching the given pattern",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(N) with N being the number of keys in the database, under the assumption "
                   "that the key names in the database and the given pattern have limited length.",
     .arguments = kKeysArguments,
     .tips = kKeysTips},
    {.name = "randomkey",
     .arity = 1,
     .flags = kCmdReadonly | kCmdLockAll,
     .acl = kAclKeyspace,
     .session = RandomKey,
     .summary = "Return a random key from the keyspace",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .tips = kRandomkeyTips},
    {.name = "scan",
     .arity = -2,
     .flags = kCmdReadonly | kCmdLockAll,
     .acl = kAclKeyspace,
     .session = Scan,
     .summary = "Incrementally iterate the keys space",
     .since = "2.8.0",
     .group = "generic",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection.",
     .arguments = kScanArguments,
     .tips = kScanTips,
     .history = kScanHistory},
};

}  // namespace

std::span<const Command> ScanCommands() {
  return kScanCommands;
}

}  // namespace hearth
