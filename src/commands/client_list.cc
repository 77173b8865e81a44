// CLIENT LIST and CLIENT KILL: every worker looks at its own connections, then the asking
// session answers. Tested by tests/src/client_commands_test.cc.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "net/worker.h"
#include "src/commands/client.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

Session& SessionOf(Connection& connection) {
  return static_cast<Session&>(*connection.handler());
}

enum class ClientType : uint8_t { kNormal, kPubSub, kReplica, kPrimary };

// A type of CLIENT LIST and KILL. nullopt: the error is written.
std::optional<ClientType> ParseType(std::string_view type, Reply& reply) {
  if (IsWord(type, "NORMAL")) return ClientType::kNormal;
  if (IsWord(type, "PUBSUB")) return ClientType::kPubSub;
  if (IsWord(type, "MASTER")) return ClientType::kPrimary;
  if (IsWord(type, "SLAVE") || IsWord(type, "REPLICA")) return ClientType::kReplica;
  reply.Error("ERR Unknown client type '" + std::string(type) + "'");
  return std::nullopt;
}

ClientType TypeOf(Connection& connection) {
  if (SessionOf(connection).is_replica()) return ClientType::kReplica;
  return SessionOf(connection).has_subscribed() ? ClientType::kPubSub : ClientType::kNormal;
}

struct ListFilter {
  std::optional<ClientType> type;
  bool by_id = false;
  std::vector<uint64_t> ids;
};

// False: the error is written.
bool ParseList(const Args& args, ListFilter* filter, Reply& reply) {
  if (args.size() == 4 && IsWord(args[2], "TYPE")) {
    filter->type = ParseType(args[3], reply);
    return filter->type.has_value();
  }
  if (args.size() > 3 && IsWord(args[2], "ID")) {
    filter->by_id = true;
    for (const std::string_view arg : args.subspan(3)) {
      const auto id = ParseInt64(arg);
      if (!id) {
        reply.Error("ERR Invalid client ID");
        return false;
      }
      filter->ids.push_back(static_cast<uint64_t>(*id));
    }
    return true;
  }
  if (args.size() > 2) reply.Error(kErrSyntax);
  return args.size() == 2;
}

// The line of the link to the primary, which is no connection of a worker; "" when there is none.
std::string PrimaryLine(Server& server) {
  const auto link = server.replication().link();
  const std::string local_address = link ? link->local_address() : std::string();
  if (local_address.empty()) return {};
  const int64_t idle_s = (LinkNowUs() - link->last_io_us()) / 1'000'000;
  return "id=0 addr=" + link->host() + ":" + std::to_string(link->port()) +
         " laddr=" + local_address + " fd=-1 name= age=" + std::to_string(idle_s) +
         " idle=" + std::to_string(idle_s) +
         " flags=M db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 "
         "rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=psync user=(superuser) redir=-1 "
         "resp=2 lib-name= lib-ver=\n";
}

// The lines of all workers, gathered.
struct ClientLines {
  std::mutex mutex;
  std::vector<std::pair<uint64_t, std::string>> by_id;
};

// What CLIENT KILL looks for; unset fields match everything.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<uint64_t> max_age_s;
  std::string address, local_address, user_name;
  std::optional<ClientType> type;
  bool skip_me = true;
  bool old_form = false;
};

// One option and its value. False: the error is written.
bool ParseKillOption(std::string_view option, std::string_view value, const AclUsers& users,
                     KillFilter* filter, Reply& reply) {
  const bool is_id = IsWord(option, "ID");
  if (is_id || IsWord(option, "MAXAGE")) {
    const auto number = ParseInt64(value);
    if (!number || *number < 1) {
      reply.Error(is_id ? "ERR client-id should be greater than 0"
                        : "ERR maxage is not an integer or out of range");
      return false;
    }
    (is_id ? filter->id : filter->max_age_s) = static_cast<uint64_t>(*number);
  } else if (IsWord(option, "TYPE")) {
    filter->type = ParseType(value, reply);
    return filter->type.has_value();
  } else if (IsWord(option, "ADDR")) {
    filter->address = value;
  } else if (IsWord(option, "LADDR")) {
    filter->local_address = value;
  } else if (IsWord(option, "USER")) {
    if (!users.Find(value)) {
      reply.Error("ERR No such user '" + std::string(value) + "'");
      return false;
    }
    filter->user_name = value;
  } else if (IsWord(option, "SKIPME") && (IsWord(value, "YES") || IsWord(value, "NO"))) {
    filter->skip_me = IsWord(value, "YES");
  } else {
    reply.Error(kErrSyntax);
    return false;
  }
  return true;
}

// False: the error is written.
bool ParseKill(const Args& args, const AclUsers& users, KillFilter* filter, Reply& reply) {
  if (args.size() == 3) {
    filter->address = args[2];
    filter->skip_me = false;
    filter->old_form = true;
    return true;
  }
  for (size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 >= args.size()) {
      reply.Error(kErrSyntax);
      return false;
    }
    if (!ParseKillOption(args[i], args[i + 1], users, filter, reply)) return false;
  }
  return true;
}

bool Matches(const KillFilter& filter, Connection& connection, uint64_t own_id) {
  if (filter.skip_me && connection.id() == own_id) return false;
  if (filter.id && connection.id() != *filter.id) return false;
  if (connection.handler() == nullptr || SessionOf(connection).applies_stream()) return false;
  if (filter.type && *filter.type != TypeOf(connection)) return false;
  if (!filter.user_name.empty() && filter.user_name != SessionOf(connection).user().name()) {
    return false;
  }
  if (!filter.address.empty() && connection.peer_address() != filter.address) return false;
  if (!filter.local_address.empty() && connection.local_address() != filter.local_address) {
    return false;
  }
  const uint64_t age_s = (connection.worker().NowUs() - connection.accepted_us()) / 1'000'000;
  return !filter.max_age_s || age_s >= *filter.max_age_s;
}

}  // namespace

// CLIENT LIST [TYPE type] [ID id...]
void ClientList(const Args& args, Session& session, Reply& reply) {
  ListFilter filter;
  if (!ParseList(args, &filter, reply)) return;
  const std::string own = session.Describe(&args);
  auto answer = session.AnswerLater();
  auto lines = std::make_shared<ClientLines>();
  session.server().OnAllWorkers(
      session.connection().worker(),
      [filter, lines, own, own_id = session.id()](Worker& worker) {
        worker.ForEachConnection([&](Connection& connection) {
          const uint64_t id = connection.id();
          const bool wanted = !filter.by_id || std::find(filter.ids.begin(), filter.ids.end(),
                                                         id) != filter.ids.end();
          if (!wanted || connection.handler() == nullptr) return;
          if (SessionOf(connection).applies_stream()) return;  // PrimaryLine tells of it
          if (filter.type && *filter.type != TypeOf(connection)) return;
          std::string line = id == own_id ? own : SessionOf(connection).Describe();
          std::lock_guard lock(lines->mutex);
          lines->by_id.emplace_back(id, std::move(line));
        });
      },
      [answer, lines, filter, &server = session.server()] {
        answer([&](Reply& reply) {
          std::sort(lines->by_id.begin(), lines->by_id.end());
          std::string all;
          if (filter.type ? *filter.type == ClientType::kPrimary : !filter.by_id) {
            all = PrimaryLine(server);
          }
          for (const auto& [id, line] : lines->by_id) all += line + "\n";
          reply.Verbatim("txt", all);
        });
      });
}

// CLIENT KILL ip:port | option value [option value...]
void ClientKill(const Args& args, Session& session, Reply& reply) {
  KillFilter filter;
  if (!ParseKill(args, session.server().users(), &filter, reply)) return;
  struct Result {
    std::atomic<int64_t> count{0};
    std::atomic<bool> kill_me{false};
  };
  auto result = std::make_shared<Result>();
  const uint64_t own_id = session.id();
  if (filter.type == ClientType::kPrimary && !filter.id) {
    const auto link = session.server().replication().link();
    if (link && link->Drop()) ++result->count;
  }
  auto answer = session.AnswerLater();
  session.server().OnAllWorkers(
      session.connection().worker(),
      [filter, result, own_id](Worker& worker) {
        worker.ForEachConnection([&](Connection& connection) {
          if (!Matches(filter, connection, own_id)) return;
          ++result->count;
          // The asking client gets its reply first.
          connection.id() == own_id ? void(result->kill_me = true)
                                    : connection.Close("killed by CLIENT KILL");
        });
      },
      [answer, result, old_form = filter.old_form, &session] {
        answer([&](Reply& reply) {
          if (!old_form) {
            reply.Integer(result->count);
          } else if (result->count > 0) {
            reply.Ok();
          } else {
            reply.Error("ERR No such client");
          }
          if (result->kill_me) session.connection().CloseAfterReply();
        });
      });
}

}  // namespace hearth
