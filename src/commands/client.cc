// CLIENT and its subcommands. Tested by tests/src/client_commands_test.cc.
#include <atomic>
#include <optional>
#include <vector>

#include "net/worker.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

Session& SessionOf(Connection& connection) {
  return static_cast<Session&>(*connection.handler());
}

bool IsPlainName(std::string_view name) {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

void Id(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(session.id()));
}

void Info(const Args&, Session& session, Reply& reply) {
  reply.Verbatim("txt", session.Describe() + "\n");
}

void GetName(const Args&, Session& session, Reply& reply) {
  session.name.empty() ? reply.Null() : reply.Bulk(session.name);
}

void SetName(const Args& args, Session& session, Reply& reply) {
  if (!IsPlainName(args[2])) {
    return reply.Error("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  session.name = args[2];
  reply.Ok();
}

void SetInfo(const Args& args, Session& session, Reply& reply) {
  const bool is_name = IsWord(args[2], "LIB-NAME");
  if (!is_name && !IsWord(args[2], "LIB-VER")) {
    return reply.Error("ERR Unrecognized option '" + std::string(args[2]) + "'");
  }
  if (!IsPlainName(args[3])) {
    return reply.Error(std::string(is_name ? "ERR lib-name" : "ERR lib-ver") +
                       " cannot contain spaces, newlines or special characters.");
  }
  (is_name ? session.library_name : session.library_version) = args[3];
  reply.Ok();
}

// The types that CLIENT LIST and KILL know. nullopt = none of them.
std::optional<bool> IsNormalType(std::string_view type) {
  if (IsWord(type, "NORMAL")) return true;
  if (IsWord(type, "MASTER") || IsWord(type, "SLAVE") || IsWord(type, "REPLICA") ||
      IsWord(type, "PUBSUB")) {
    return false;
  }
  return std::nullopt;
}

// CLIENT LIST [TYPE type] [ID id...]
void List(const Args& args, Session& session, Reply& reply) {
  bool none = false;
  auto ids = std::make_shared<std::vector<uint64_t>>();
  bool by_id = false;
  if (args.size() == 4 && IsWord(args[2], "TYPE")) {
    const auto normal = IsNormalType(args[3]);
    if (!normal) return reply.Error("ERR Unknown client type '" + std::string(args[3]) + "'");
    none = !*normal;
  } else if (args.size() > 3 && IsWord(args[2], "ID")) {
    by_id = true;
    for (const std::string_view arg : args.subspan(3)) {
      const auto id = ParseInt64(arg);
      if (!id || *id < 1) return reply.Error("ERR Invalid client ID");
      ids->push_back(static_cast<uint64_t>(*id));
    }
  } else if (args.size() > 2) {
    return reply.Error(kErrSyntax);
  }
  auto answer = session.AnswerLater();
  session.server().OnAllWorkers(
      session.connection().worker(),
      [none, by_id, ids](Worker& worker, std::string* out) {
        if (none) return;
        worker.ForEachConnection([&](Connection& connection) {
          const uint64_t id = connection.id();
          if (by_id && std::find(ids->begin(), ids->end(), id) == ids->end()) return;
          if (connection.handler() != nullptr) *out += SessionOf(connection).Describe() + "\n";
        });
      },
      [answer](const std::string& all) {
        answer([&all](Reply& reply) { reply.Verbatim("txt", all); });
      });
}

// What CLIENT KILL looks for; unset fields match everything.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<uint64_t> max_age_s;
  std::string address, local_address;
  std::optional<bool> normal;
  bool unknown_user = false;
  bool skip_me = true;
  bool old_form = false;
};

// False: the error is written.
bool ParseKill(const Args& args, KillFilter* filter, Reply& reply) {
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
    const std::string_view value = args[i + 1];
    if (IsWord(args[i], "ID") || IsWord(args[i], "MAXAGE")) {
      const auto number = ParseInt64(value);
      const bool is_id = IsWord(args[i], "ID");
      if (!number || *number < 1) {
        reply.Error(is_id ? "ERR client-id should be greater than 0"
                          : "ERR maxage is not an integer or out of range");
        return false;
      }
      (is_id ? filter->id : filter->max_age_s) = static_cast<uint64_t>(*number);
    } else if (IsWord(args[i], "TYPE")) {
      filter->normal = IsNormalType(value);
      if (!filter->normal) {
        reply.Error("ERR Unknown client type '" + std::string(value) + "'");
        return false;
      }
    } else if (IsWord(args[i], "ADDR")) {
      filter->address = value;
    } else if (IsWord(args[i], "LADDR")) {
      filter->local_address = value;
    } else if (IsWord(args[i], "USER")) {
      if (value != "default") {
        reply.Error("ERR No such user '" + std::string(value) + "'");
        return false;
      }
    } else if (IsWord(args[i], "SKIPME") && (IsWord(value, "YES") || IsWord(value, "NO"))) {
      filter->skip_me = IsWord(value, "YES");
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

bool Matches(const KillFilter& filter, Connection& connection, uint64_t own_id) {
  if (filter.skip_me && connection.id() == own_id) return false;
  if (filter.id && connection.id() != *filter.id) return false;
  if (filter.normal && !*filter.normal) return false;
  if (!filter.address.empty() && connection.peer_address() != filter.address) return false;
  if (!filter.local_address.empty() && connection.local_address() != filter.local_address) {
    return false;
  }
  return !filter.max_age_s ||
         (connection.worker().NowUs() - connection.accepted_us()) / 1'000'000 >= *filter.max_age_s;
}

void Kill(const Args& args, Session& session, Reply& reply) {
  KillFilter filter;
  if (!ParseKill(args, &filter, reply)) return;
  auto count = std::make_shared<std::atomic<int64_t>>(0);
  const uint64_t own_id = session.id();
  auto answer = session.AnswerLater();
  auto kill_me = std::make_shared<std::atomic<bool>>(false);
  session.server().OnAllWorkers(
      session.connection().worker(),
      [filter, count, own_id, kill_me](Worker& worker, std::string*) {
        worker.ForEachConnection([&](Connection& connection) {
          if (!Matches(filter, connection, own_id)) return;
          ++*count;
          // The asking client gets its reply first.
          connection.id() == own_id ? void(*kill_me = true)
                                    : connection.Close("killed by CLIENT KILL");
        });
      },
      [answer, count, filter, kill_me, &session](const std::string&) {
        answer([&](Reply& reply) {
          if (filter.old_form) {
            *count > 0 ? reply.Ok() : reply.Error("ERR No such client");
          } else {
            reply.Integer(*count);
          }
          if (*kill_me) session.connection().CloseAfterReply();
        });
      });
}

void Pause(const Args& args, Session& session, Reply& reply) {
  const auto ms = ParseInt64(args[2]);
  bool only_writes = false;
  if (args.size() == 4) {
    only_writes = IsWord(args[3], "WRITE");
    if (!only_writes && !IsWord(args[3], "ALL")) {
      return reply.Error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  int64_t until_ms;
  if (!ms) return reply.Error("ERR timeout is not an integer or out of range");
  if (*ms < 0) return reply.Error("ERR timeout is negative");
  if (__builtin_add_overflow(session.server().clock().WallMs(), *ms, &until_ms)) {
    return reply.Error("ERR timeout is out of range");
  }
  session.server().PauseClients(until_ms, only_writes);
  reply.Ok();
}

void Unpause(const Args&, Session& session, Reply& reply) {
  session.server().UnpauseClients();
  reply.Ok();
}

// ON or OFF; anything else is a syntax error.
std::optional<bool> ParseOnOff(std::string_view word) {
  if (IsWord(word, "ON")) return true;
  if (IsWord(word, "OFF")) return false;
  return std::nullopt;
}

void NoEvict(const Args& args, Session& session, Reply& reply) {
  const auto on = ParseOnOff(args[2]);
  if (!on) return reply.Error(kErrSyntax);
  session.no_evict = *on;
  reply.Ok();
}

void NoTouch(const Args& args, Session& session, Reply& reply) {
  const auto on = ParseOnOff(args[2]);
  if (!on) return reply.Error(kErrSyntax);
  session.no_touch = *on;
  reply.Ok();
}

void ReplyCommand(const Args& args, Session& session, Reply& reply) {
  if (IsWord(args[2], "ON")) {
    session.SetReplyMode(ReplyMode::kOn);
    reply.Ok();
  } else if (IsWord(args[2], "OFF")) {
    session.SetReplyMode(ReplyMode::kOff);
  } else if (IsWord(args[2], "SKIP")) {
    if (!reply.muted()) session.SetReplyMode(ReplyMode::kSkipNext);
  } else {
    reply.Error(kErrSyntax);
  }
}

void GetRedir(const Args&, Session&, Reply& reply) {
  reply.Integer(-1);
}

void TrackingInfo(const Args&, Session&, Reply& reply) {
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(1);
  reply.Bulk("off");
  reply.Bulk("redirect");
  reply.Integer(-1);
  reply.Bulk("prefixes");
  reply.Array(0);
}

void Unblock(const Args& args, Session&, Reply& reply) {
  if (!ParseInt64(args[2])) return reply.Error(kErrNotInteger);
  if (args.size() == 4 && !IsWord(args[3], "TIMEOUT") && !IsWord(args[3], "ERROR")) {
    return reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  reply.Integer(0);  // no command of this server blocks yet
}

void Help(const Args&, Session&, Reply& reply) {
  ReplyHelp("CLIENT",
            {"GETNAME",
             "    Return the name of the current connection.",
             "GETREDIR",
             "    Return the client ID we are redirecting to when tracking is enabled.",
             "ID",
             "    Return the ID of the current connection.",
             "INFO",
             "    Return information about the current client connection.",
             "KILL <ip:port>",
             "    Kill connection made from <ip:port>.",
             "KILL <option> <value> [<option> <value> [...]]",
             "    Kill connections. Options are: ADDR, LADDR, TYPE, USER, SKIPME, ID, MAXAGE.",
             "LIST [options ...]",
             "    Return information about client connections. Options are TYPE and ID.",
             "NO-EVICT (ON|OFF)",
             "    Protect current client connection from eviction.",
             "NO-TOUCH (ON|OFF)",
             "    Will not touch LRU/LFU stats when this mode is on.",
             "PAUSE <timeout> [WRITE|ALL]",
             "    Suspend all, or just write, clients for <timout> milliseconds.",
             "REPLY (ON|OFF|SKIP)",
             "    Control the replies sent to the current connection.",
             "SETINFO <option> <value>",
             "    Set client meta attr: LIB-NAME or LIB-VER.",
             "SETNAME <name>",
             "    Assign the name <name> to the current connection.",
             "TRACKINGINFO",
             "    Report tracking status for the current connection.",
             "UNBLOCK <clientid> [TIMEOUT|ERROR]",
             "    Unblock the specified blocked client.",
             "UNPAUSE",
             "    Stop the current client pause, resuming traffic."},
            reply);
}

constexpr uint32_t kAnytime = kCmdNoscript | kCmdLoading | kCmdStale;
constexpr uint32_t kAdminAnytime = kCmdAdmin | kAnytime;

constexpr Command kSubcommands[] = {
    {.name = "client|getname",
     .arity = 2,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = GetName},
    {.name = "client|getredir",
     .arity = 2,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = GetRedir},
    {.name = "client|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = Help},
    {.name = "client|id", .arity = 2, .flags = kAnytime, .acl = kAclConnection, .session = Id},
    {.name = "client|info", .arity = 2, .flags = kAnytime, .acl = kAclConnection, .session = Info},
    {.name = "client|kill",
     .arity = -3,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = Kill},
    {.name = "client|list",
     .arity = -2,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = List},
    {.name = "client|no-evict",
     .arity = 3,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = NoEvict},
    {.name = "client|no-touch",
     .arity = 3,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = NoTouch},
    {.name = "client|pause",
     .arity = -3,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = Pause},
    {.name = "client|reply",
     .arity = 3,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = ReplyCommand},
    {.name = "client|setinfo",
     .arity = 4,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = SetInfo},
    {.name = "client|setname",
     .arity = 3,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = SetName},
    {.name = "client|trackinginfo",
     .arity = 2,
     .flags = kAnytime,
     .acl = kAclConnection,
     .session = TrackingInfo},
    {.name = "client|unblock",
     .arity = -3,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = Unblock},
    {.name = "client|unpause",
     .arity = 2,
     .flags = kAdminAnytime,
     .acl = kAclConnection | kAclDangerous,
     .session = Unpause},
};

constexpr Command kCommands[] = {
    {.name = "client", .arity = -2, .flags = 0, .acl = kAclSlow, .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> ClientCommands() {
  return kCommands;
}

}  // namespace hearth
