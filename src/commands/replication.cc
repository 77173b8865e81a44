// REPLICAOF, ROLE, FAILOVER. Tested by tests/src/commands/replication_test.cc.
#include "src/commands/replication.h"

#include "net/worker.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/import/redis_import.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/replication/replica_sender.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// Answers when the control thread has done it.
Replication::Done AnswerWhenDone(Session& session) {
  return [&worker = session.connection().worker(),
          answer = session.AnswerLater()](const std::string& error) {
    worker.Post([answer, error] {
      answer([&](Reply& reply) { error.empty() ? reply.Ok() : reply.Error(error); });
    });
  };
}

}  // namespace

// REPLICAOF host port | NO ONE
void ReplicaOf(const Args& args, Session& session, Reply& reply) {
  Replication& replication = session.server().replication();
  if (session.server().redis_import().is_due()) return reply.Error(kErrLoading);
  if (replication.failover_state() != FailoverState::kNone) {
    return reply.Error("ERR REPLICAOF not allowed while failing over.");
  }
  const std::string who = "user request from '" + session.Describe() + "'";
  if (IsWord(args[1], "NO") && IsWord(args[2], "ONE")) {
    if (!replication.is_replica()) return reply.Ok();
    return replication.Promote(who, AnswerWhenDone(session));
  }
  if (session.replica_sender() != nullptr && session.replica_sender()->is_attached()) {
    return reply.Error("ERR Command is not valid when client is a replica.");
  }
  const auto port = ParseInt64(args[2]);
  if (!port || *port < 0 || *port > 65535) return reply.Error("ERR Invalid master port");
  const PrimaryAddress address{std::string(args[1]), static_cast<int>(*port)};
  const auto link = replication.link();
  const bool refused = link && link->state() == LinkState::kRefused;
  if (replication.primary() == address && !refused) {
    Log(LogLevel::kNotice,
        "REPLICAOF would result into synchronization with the master we are already connected "
        "with. No operation performed.");
    return reply.Simple("OK Already connected to specified master");
  }
  Log(LogLevel::kNotice,
      "REPLICAOF " + address.host + ":" + std::to_string(address.port) + " enabled (" + who + ")");
  replication.SetPrimary(address, AnswerWhenDone(session));
}

// ROLE -> master, sequence, replicas; or slave, host, port, state, sequence
void Role(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  Replication& replication = server.replication();
  const auto seq = static_cast<int64_t>(server.engine().log().committed_seq());
  if (const auto primary = replication.primary()) {
    const auto link = replication.link();
    const LinkState state = link ? link->state() : LinkState::kConnect;
    reply.Array(5);
    reply.Bulk("slave");
    reply.Bulk(primary->host);
    reply.Integer(primary->port);
    reply.Bulk(LinkStateName(state));
    const auto stream = replication.stream_offsets();
    const int64_t offset = stream ? static_cast<int64_t>(stream->applied) : seq;
    reply.Integer(state == LinkState::kConnected ? offset : -1);
    return;
  }
  std::vector<std::shared_ptr<ReplicaPeer>> online;
  for (auto& peer : replication.replicas().List()) {
    if (peer->state == ReplicaState::kOnline) online.push_back(std::move(peer));
  }
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(seq);
  reply.Array(online.size());
  for (const auto& peer : online) {
    reply.Array(3);
    reply.Bulk(peer->ip);
    reply.Bulk(std::to_string(peer->port));
    reply.Bulk(std::to_string(peer->acked_seq));
  }
}

namespace {

struct FailoverWords {
  Replication::FailoverOptions options;
  bool abort = false;
};

// False: the error is written.
bool ParseFailover(const Args& args, FailoverWords* words, Reply& reply) {
  bool has_timeout = false;
  for (size_t i = 1; i < args.size(); ++i) {
    if (IsWord(args[i], "TIMEOUT") && i + 1 < args.size() && !has_timeout) {
      const auto ms = ReadInteger(args[++i], reply);
      if (!ms) return false;
      if (*ms <= 0) {
        reply.Error("ERR FAILOVER timeout must be greater than 0");
        return false;
      }
      words->options.timeout_ms = *ms;
      has_timeout = true;
    } else if (IsWord(args[i], "TO") && i + 2 < args.size() && !words->options.target) {
      const auto port = ReadInteger(args[i + 2], reply);
      if (!port) return false;
      words->options.target = {std::string(args[i + 1]), static_cast<int>(*port)};
      i += 2;
    } else if (IsWord(args[i], "ABORT") && args.size() == 2) {
      words->abort = true;
    } else if (IsWord(args[i], "FORCE") && !words->options.force) {
      words->options.force = true;
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

}  // namespace

// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT ms]
void Failover(const Args& args, Session& session, Reply& reply) {
  Replication& replication = session.server().replication();
  FailoverWords words;
  if (!ParseFailover(args, &words, reply)) return;
  if (words.abort) {
    if (!replication.AbortFailover("Failover manually aborted")) {
      return reply.Error("ERR No failover in progress.");
    }
    return reply.Ok();
  }
  constexpr std::string_view kInProgress = "ERR FAILOVER already in progress.";
  if (replication.failover_state() != FailoverState::kNone) return reply.Error(kInProgress);
  if (replication.is_replica()) {
    return reply.Error("ERR FAILOVER is not valid when server is a replica.");
  }
  auto peers = replication.replicas().List();
  std::erase_if(peers, [](const auto& peer) { return peer->is_redis; });  // can't take over
  if (peers.empty()) return reply.Error("ERR FAILOVER requires connected replicas.");
  const Replication::FailoverOptions& options = words.options;
  if (options.force && (options.timeout_ms == 0 || !options.target)) {
    return reply.Error(
        "ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  if (options.target) {
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const auto& peer) {
      return peer->ip == options.target->host && peer->port == options.target->port;
    });
    if (found == peers.end()) {
      return reply.Error("ERR FAILOVER target HOST and PORT is not a replica.");
    }
    if ((*found)->state != ReplicaState::kOnline) {
      return reply.Error("ERR FAILOVER target replica is not online.");
    }
  }
  if (!replication.StartFailover(options)) return reply.Error(kInProgress);
  reply.Ok();
}

}  // namespace hearth
