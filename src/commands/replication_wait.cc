// WAIT, WAITAOF. Tested by tests/src/replication/wait_test.cc.
#include "src/commands/groups.h"
#include "src/commands/replication.h"
#include "src/numbers.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

std::optional<int64_t> ReadTimeout(std::string_view argument, int64_t now_ms, Reply& reply) {
  const auto timeout_ms = ParseInt64(argument);
  if (!timeout_ms) {
    reply.Error("ERR timeout is not an integer or out of range");
  } else if (*timeout_ms < 0) {
    reply.Error("ERR timeout is negative");
  } else if (*timeout_ms > INT64_MAX - now_ms) {
    reply.Error("ERR timeout is out of range");
  } else {
    return timeout_ms;
  }
  return std::nullopt;
}

void WaitFor(const WaitingClients::Wish& wish, Session& session, Reply& reply) {
  WaitingClients& waiting = session.server().replication().waiting_clients();
  // Within EXEC nobody waits.
  if (session.in_transaction() || waiting.IsFulfilled(wish)) return waiting.WriteReply(wish, reply);
  waiting.Add(session, wish);
}

// What the client wrote, and what it saw.
uint64_t SeqOf(Session& session) {
  return std::min(session.connection().barrier(), session.server().engine().log().joined_seq());
}

}  // namespace

// WAIT replicas timeout_ms -> how many replicas have applied what this client wrote
void Wait(const Args& args, Session& session, Reply& reply) {
  if (session.server().replication().is_replica()) {
    return reply.Error(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if "
        "a replica is configured to be writable (which is not the default) writes to replicas are "
        "just local and are not propagated.");
  }
  const auto replicas = ReadInteger(args[1], reply);
  if (!replicas) return;
  const auto timeout_ms = ReadTimeout(args[2], session.server().clock().WallMs(), reply);
  if (!timeout_ms) return;
  WaitFor({.seq = SeqOf(session), .replica_count = *replicas, .timeout_ms = *timeout_ms}, session,
          reply);
}

// WAITAOF local replicas timeout_ms -> whether it is on this disk, and on how many replicas'
void WaitAof(const Args& args, Session& session, Reply& reply) {
  Server& server = session.server();
  const auto local = ParseInt64(args[1]);
  if (!local || *local < 0 || *local > 1) {
    return reply.Error(local ? "ERR value is out of range, value must between 0 and 1"
                             : "ERR value is not an integer or out of range");
  }
  const auto replicas = ParseInt64(args[2]);
  if (!replicas || *replicas < 0) {
    return reply.Error(replicas ? "ERR value is out of range, must be positive"
                                : "ERR value is not an integer or out of range");
  }
  const auto timeout_ms = ReadTimeout(args[3], server.clock().WallMs(), reply);
  if (!timeout_ms) return;
  if (server.replication().is_replica()) {
    return reply.Error(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to "
        "replicas are just local and are not propagated.");
  }
  if (*local > 0 && !server.config().Bool("appendonly")) {
    return reply.Error(
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  WaitFor({.seq = SeqOf(session),
           .replica_count = *replicas,
           .timeout_ms = *timeout_ms,
           .synced = true,
           .local_count = *local},
          session, reply);
}

}  // namespace hearth
