// Connection commands. Tested by tests/src/connection_commands_test.cc.
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

void Ping(const Args& args, Session&, Reply& reply) {
  if (args.size() > 2) return reply.Error(WrongArity("ping"));
  args.size() == 2 ? reply.Bulk(args[1]) : reply.Simple("PONG");
}

void Echo(const Args& args, Session&, Reply& reply) {
  reply.Bulk(args[1]);
}

void Select(const Args& args, Session& session, Reply& reply) {
  const auto db = ParseInt64(args[1]);
  if (!db || *db < INT32_MIN || *db > INT32_MAX) return reply.Error(kErrNotInteger);
  if (*db < 0 || *db >= DbCount()) return reply.Error(kErrDbIndex);
  session.set_db(static_cast<uint32_t>(*db));
  reply.Ok();
}

void Quit(const Args&, Session& session, Reply& reply) {
  reply.Ok();
  session.connection().CloseAfterReply();
}

void Reset(const Args&, Session& session, Reply& reply) {
  session.Reset();
  reply.Simple("RESET");
}

// Returns false when the error is written.
bool Authenticate(std::string_view user, std::string_view password, Session& session,
                  Reply& reply) {
  const bool known = user == "default" || user.empty();
  if (!known || (session.server().NeedsPassword() && !session.server().PasswordMatches(password))) {
    reply.Error("WRONGPASS invalid username-password pair or user is disabled.");
    return false;
  }
  session.set_authenticated(true);
  return true;
}

void Auth(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return reply.Error(kErrSyntax);
  if (args.size() == 2 && !session.server().NeedsPassword()) {
    return reply.Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
  }
  const bool named = args.size() == 3;
  if (Authenticate(named ? args[1] : "default", args[named ? 2 : 1], session, reply)) reply.Ok();
}

bool IsPlainName(std::string_view name) {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

// HELLO [version [AUTH user password] [SETNAME name]]
void Hello(const Args& args, Session& session, Reply& reply) {
  int protocol = reply.protocol();
  if (args.size() >= 2) {
    const auto version = ParseInt64(args[1]);
    if (!version) {
      return reply.Error("ERR Protocol version is not an integer or out of range");
    }
    if (*version < 2 || *version > 3) return reply.Error("NOPROTO unsupported protocol version");
    protocol = static_cast<int>(*version);
  }
  std::string_view user, password, name;
  bool auth = false, set_name = false;
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t left = args.size() - 1 - i;
    if (IsWord(args[i], "AUTH") && left >= 2) {
      auth = true;
      user = args[++i];
      password = args[++i];
    } else if (IsWord(args[i], "SETNAME") && left >= 1) {
      set_name = true;
      name = args[++i];
      if (!IsPlainName(name)) {
        return reply.Error(
            "ERR Client names cannot contain spaces, newlines or special characters.");
      }
    } else {
      return reply.Error("ERR Syntax error in HELLO option '" + std::string(args[i]) + "'");
    }
  }
  if (auth && !Authenticate(user, password, session, reply)) return;
  if (!session.authenticated()) {
    return reply.Error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise "
        "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
        "client and select the RESP protocol version at the same time");
  }
  if (set_name) session.name = name;
  reply.SetProtocol(protocol);
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(protocol);
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(session.id()));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

constexpr uint32_t kAlways = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast;

constexpr Command kCommands[] = {
    {.name = "auth",
     .arity = -2,
     .flags = kAlways | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Auth},
    {.name = "echo",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = Echo},
    {.name = "hello",
     .arity = -1,
     .flags = kAlways | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Hello},
    {.name = "ping", .arity = -1, .flags = kCmdFast, .acl = kAclConnection, .session = Ping},
    {.name = "quit",
     .arity = -1,
     .flags = kAlways | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Quit},
    {.name = "reset",
     .arity = 1,
     .flags = kAlways | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Reset},
    {.name = "select",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = Select},
};

}  // namespace

std::span<const Command> ConnectionCommands() {
  return kCommands;
}

}  // namespace hearth
