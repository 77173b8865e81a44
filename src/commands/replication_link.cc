// REPLCONF, PSYNC, SYNC: what a replica's link sends (src/replication/group_follower.h).
// Tested by tests/src/commands/replication_test.cc.
#include "net/worker.h"
#include "src/commands/groups.h"
#include "src/commands/replication.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/replication/replica_sender.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// What a Redis takes for "try later", not at once.
constexpr std::string_view kErrNotFromReplica =
    "NOMASTERLINK this server follows another Hearth: a Redis can't follow it, only its primary "
    "(an RDB "
    "file alone, redis-cli --rdb, it gives)";
constexpr size_t kIpSizeMax = 255;

// REPLCONF ACK seq [FACK seq]: no reply.
void TakeAck(const Args& args, Session& session) {
  ReplicaSender* sender = session.replica_sender();
  const auto applied = ParseInt64(args[2]);
  const auto synced = args.size() >= 5 && IsWord(args[3], "FACK") ? ParseInt64(args[4]) : applied;
  if (sender == nullptr || !applied || !synced || *applied < 0 || *synced < 0) return;
  sender->Ack(static_cast<uint64_t>(*applied), static_cast<uint64_t>(*synced));
}

// REPLCONF files checkpoint | chunk checkpoint file offset size: answered by frames.
// False: it is neither, or the client does not follow.
bool TakeFileRequest(const Args& args, Session& session) {
  ReplicaSender* sender = session.replica_sender();
  if (sender == nullptr || !sender->is_attached()) return false;
  if (IsWord(args[1], "FILES") && args.size() == 3) {
    sender->SendFiles(args[2]);
    return true;
  }
  if (!IsWord(args[1], "CHUNK") || args.size() != 6) return false;
  const auto file = ParseInt64(args[3]), offset = ParseInt64(args[4]), size = ParseInt64(args[5]);
  if (!file || !offset || !size || *file < 0 || *offset < 0 || *size < 0) return false;
  sender->SendChunk(args[2], static_cast<uint64_t>(*file), static_cast<uint64_t>(*offset),
                    static_cast<uint64_t>(*size));
  return true;
}

// REPLCONF events classes: no reply. False: the client does not follow.
bool TakeEvents(const Args& args, Session& session) {
  ReplicaSender* sender = session.replica_sender();
  if (sender == nullptr || !sender->is_attached() || !IsWord(args[1], "EVENTS")) return false;
  const auto classes = ParseInt64(args[2]);
  if (classes && *classes >= 0) sender->WantEvents(static_cast<uint32_t>(*classes));
  return true;
}

// REPLCONF rdb-filter-only "" | functions: what the file is to hold. False: it has answered.
bool TakeFilter(std::string_view value, Session& session, Reply& reply) {
  bool functions_only = false;
  const auto words = SplitWords(value);
  if (!words) {
    reply.Error("ERR Missing rdb-filter-only values");
    return false;
  }
  for (const std::string& word : *words) {
    if (!IsWord(word, "FUNCTIONS")) {
      reply.Error("ERR Unsupported rdb-filter-only option: " + word);
      return false;
    }
    functions_only = true;
  }
  session.MakeReplicaSender().wishes().functions_only = functions_only;
  return true;
}

// Whether a client may begin to follow as replicas of Redis do. False: it has answered.
bool MayFollow(Session& session, Reply& reply) {
  ReplicaSender& sender = session.MakeReplicaSender();
  if (sender.is_attached()) return false;
  if (session.server().replication().is_loading()) {
    reply.Error(kErrLoading);
  } else if (session.server().engine().is_replica() && !sender.wishes().rdb_only) {
    reply.Error(kErrNotFromReplica);
  } else {
    return true;
  }
  return false;
}

// One option and its value. False: it has answered.
bool TakeOption(std::string_view option, std::string_view value, Session& session, Reply& reply) {
  if (IsWord(option, "LISTENING-PORT")) {
    const auto port = ReadInteger(value, reply);
    if (!port) return false;
    session.MakeReplicaSender().SetPort(static_cast<int>(*port));
  } else if (IsWord(option, "IP-ADDRESS")) {
    if (value.size() > kIpSizeMax) {
      reply.Error("ERR REPLCONF ip-address provided by replica instance is too long: " +
                  std::to_string(value.size()) + " bytes");
      return false;
    }
    session.MakeReplicaSender().SetIp(value);
  } else if (IsWord(option, "CAPA") || IsWord(option, "VERSION")) {
    // What is sent is what the oldest understand.
  } else if (IsWord(option, "HEARTH")) {
    session.MakeReplicaSender().set_is_hearth();
  } else if (IsWord(option, "REPLICA-ID")) {
    if (session.MakeReplicaSender().set_id(value)) return true;
    reply.Error("ERR REPLCONF replica-id is not an id");
    return false;
  } else if (IsWord(option, "RDB-ONLY")) {
    const auto only = ReadInteger(value, reply);
    if (!only) return false;
    session.MakeReplicaSender().wishes().rdb_only = *only == 1;
  } else if (IsWord(option, "RDB-FILTER-ONLY")) {
    return TakeFilter(value, session, reply);
  } else {
    reply.Error("ERR Unrecognized REPLCONF option: " + std::string(option));
    return false;
  }
  return true;
}

// Whether the other end of a connection is this server's own link.
bool IsOwnLink(Session& session) {
  const auto link = session.server().replication().link();
  return link != nullptr && link->local_address() == session.connection().peer_address();
}

}  // namespace

void ReplConf(const Args& args, Session& session, Reply& reply) {
  if (args.size() >= 3 && IsWord(args[1], "ACK")) return TakeAck(args, session);
  if (args.size() >= 3 && IsWord(args[1], "GETACK")) return;
  if (args.size() >= 3 && TakeFileRequest(args, session)) return;
  if (args.size() == 3 && TakeEvents(args, session)) return;
  if (args.size() % 2 == 0) return reply.Error(kErrSyntax);
  for (size_t i = 1; i < args.size(); i += 2) {
    if (!TakeOption(args[i], args[i + 1], session, reply)) return;
  }
  reply.Ok();
}

// PSYNC id sequence [FAILOVER]
void Psync(const Args& args, Session& session, Reply& reply) {
  const auto next = ReadInteger(args[2], reply);
  if (!next) return;
  ReplicaSender* sender = session.replica_sender();
  if (sender == nullptr || !sender->is_hearth()) {
    if (!MayFollow(session, reply)) return;
    return session.replica_sender()->PsyncRedis(args[1], *next);
  }
  if (sender->is_attached()) return;
  Replication& replication = session.server().replication();
  if (replication.is_loading()) return reply.Error(kErrLoading);
  if (IsOwnLink(session)) return reply.Error("ERR a server does not follow itself");
  const uint64_t next_seq = *next < 0 ? 0 : static_cast<uint64_t>(*next);
  if (args.size() < 4 || !IsWord(args[3], "FAILOVER")) return sender->Psync(args[1], next_seq);

  // The primary hands over to this replica.
  Log(LogLevel::kWarning, "Failover request received for replid " + std::string(args[1]) + ".");
  if (!replication.is_replica()) {
    return reply.Error("ERR PSYNC FAILOVER can't be sent to a master.");
  }
  if (session.server().engine().log().history().id != args[1]) {
    return reply.Error("ERR PSYNC FAILOVER replid must match my replid.");
  }
  auto answer = session.AnswerLater();
  replication.Promote("failover request from '" + session.Describe() + "'",
                      [&worker = session.connection().worker(), answer, &session,
                       id = std::string(args[1]), next_seq](const std::string& error) {
                        worker.Post([answer, error, &session, id, next_seq] {
                          answer([&](Reply& reply) {
                            if (!error.empty()) return reply.Error(error);
                            session.replica_sender()->Psync(id, next_seq);
                          });
                        });
                      });
}

// SYNC
void Sync(const Args&, Session& session, Reply& reply) {
  if (MayFollow(session, reply)) session.replica_sender()->SyncRedis();
}

}  // namespace hearth
