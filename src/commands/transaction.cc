// MULTI, EXEC, DISCARD, WATCH, UNWATCH. How EXEC runs stands in src/dispatcher_exec.cc.
// Tested by tests/src/transaction_test.cc.
#include "src/transaction.h"

#include "src/commands/groups.h"
#include "src/commands/transaction.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

Dispatcher& DispatcherOf(Session& session) {
  return session.server().DispatcherOf(session.connection().worker());
}

}  // namespace

void Multi(const Args&, Session& session, Reply& reply) {
  if (session.in_transaction()) return reply.Error("ERR MULTI calls can not be nested");
  session.transaction().Open();
  reply.Ok();
}

void Exec(const Args&, Session& session, Reply& reply) {
  if (!session.in_transaction()) return reply.Error("ERR EXEC without MULTI");
  DispatcherOf(session).Exec(session);
}

void Discard(const Args&, Session& session, Reply& reply) {
  if (!session.in_transaction()) return reply.Error("ERR DISCARD without MULTI");
  session.transaction().Discard();
  reply.Ok();
}

// WATCH key [key...] -> OK; the next EXEC does nothing when one of them has changed
void Watch(const Args& args, Session& session, Reply& reply) {
  if (session.in_transaction()) return reply.Error("ERR WATCH inside MULTI is not allowed");
  DispatcherOf(session).Watch(session, args.subspan(1));
}

void Unwatch(const Args&, Session& session, Reply& reply) {
  session.transaction().Unwatch();
  reply.Ok();
}

namespace {

constexpr KeySpec kWatchKeySpecs[] = {{.flags = "RO", .index = 1, .last = -1}};

constexpr ArgDoc kWatchArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
};

// They run whatever the server's state, be it within a script that takes long.
constexpr uint32_t kAlways = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast | kCmdAllowBusy;

constexpr Command kTransactionCommands[] = {
    {.name = "discard",
     .arity = 1,
     .flags = kAlways | kCmdNotQueued,
     .acl = kAclTransaction,
     .session = Discard,
     .summary = "Discard all commands issued after MULTI",
     .since = "2.0.0",
     .group = "transactions",
     .complexity = "O(N), when N is the number of queued commands"},
    {.name = "exec",
     .arity = 1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdSkipSlowlog | kCmdNotQueued,
     .acl = kAclTransaction,
     .session = Exec,
     .summary = "Execute all commands issued after MULTI",
     .since = "1.2.0",
     .group = "transactions",
     .complexity = "Depends on commands in the transaction"},
    {.name = "multi",
     .arity = 1,
     .flags = kAlways | kCmdNotQueued,
     .acl = kAclTransaction,
     .session = Multi,
     .summary = "Mark the start of a transaction block",
     .since = "1.2.0",
     .group = "transactions",
     .complexity = "O(1)"},
    {.name = "unwatch",
     .arity = 1,
     .flags = kAlways,
     .acl = kAclTransaction,
     .session = Unwatch,
     .summary = "Forget about all watched keys",
     .since = "2.2.0",
     .group = "transactions",
     .complexity = "O(1)"},
    {.name = "watch",
     .arity = -2,
     .flags = kAlways | kCmdNotQueued,
     .acl = kAclTransaction,
     .key_specs = kWatchKeySpecs,
     .session = Watch,
     .summary = "Watch the given keys to determine execution of the MULTI/EXEC block",
     .since = "2.2.0",
     .group = "transactions",
     .complexity = "O(1) for every key.",
     .arguments = kWatchArguments},
};

}  // namespace

std::span<const Command> TransactionCommands() {
  return kTransactionCommands;
}

}  // namespace hearth
