// Connection commands. Tested by tests/src/connection_commands_test.cc.
#include "src/commands/connection.h"

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr std::string_view kBadName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Returns false when the error is written.
bool Authenticate(std::string_view name, std::string_view password, std::string_view command_name,
                  Session& session, Reply& reply) {
  AclUserPtr user = session.server().users().Authenticate(name, password);
  if (!user) {
    session.NoteFailedLogIn(name, command_name);
    reply.Error("WRONGPASS invalid username-password pair or user is disabled.");
    return false;
  }
  session.LogIn(std::move(user));
  return true;
}

// What HELLO asks for beside the protocol.
struct HelloOptions {
  bool auth = false, set_name = false;
  std::string_view user, password, name;
};

// False: the error is written.
bool ParseHello(const Args& args, HelloOptions* options, Reply& reply) {
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t left = args.size() - 1 - i;
    if (IsWord(args[i], "AUTH") && left >= 2) {
      options->auth = true;
      options->user = args[++i];
      options->password = args[++i];
    } else if (IsWord(args[i], "SETNAME") && left >= 1) {
      options->set_name = true;
      options->name = args[++i];
      if (!IsPlainName(options->name)) {
        reply.Error(kBadName);
        return false;
      }
    } else {
      reply.Error("ERR Syntax error in HELLO option '" + std::string(args[i]) + "'");
      return false;
    }
  }
  return true;
}

void DescribeServer(Session& session, Reply& reply) {
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(reply.protocol());
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(session.id()));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
}

}  // namespace

bool IsPlainName(std::string_view name) {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

void Ping(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 2) return reply.Error(WrongArity("ping"));
  if (session.has_subscribed() && reply.protocol() == 2) {  // in the form of a message
    reply.Array(2);
    reply.Bulk("pong");
    return reply.Bulk(args.size() == 2 ? args[1] : "");
  }
  args.size() == 2 ? reply.Bulk(args[1]) : reply.Simple("PONG");
}

void Echo(const Args& args, Session&, Reply& reply) {
  reply.Bulk(args[1]);
}

void Select(const Args& args, Session& session, Reply& reply) {
  std::string_view error;
  const auto db = ParseDbIndex(args[1], &error);
  if (!db) return reply.Error(error);
  session.set_db(*db);
  reply.Ok();
}

void Quit(const Args&, Session& session, Reply& reply) {
  reply.Ok();
  session.connection().CloseAfterReply();
}

void ResetConnection(const Args&, Session& session, Reply& reply) {
  session.Reset();
  reply.Simple("RESET");
}

void Monitor(const Args&, Session& session, Reply& reply) {
  if (session.in_transaction()) {
    return reply.Error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  }
  session.BecomeMonitor();
  reply.Ok();
}

// AUTH [user] password
void Auth(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return reply.Error(kErrSyntax);
  if (args.size() == 2 && session.server().users().default_has_no_password()) {
    return reply.Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
  }
  const bool named = args.size() == 3;
  if (Authenticate(named ? args[1] : "default", args.back(), args[0], session, reply)) {
    reply.Ok();
  }
}

// HELLO [version [AUTH user password] [SETNAME name]]
void Hello(const Args& args, Session& session, Reply& reply) {
  int protocol = reply.protocol();
  if (args.size() >= 2) {
    const auto version = ParseInt64(args[1]);
    if (!version) return reply.Error("ERR Protocol version is not an integer or out of range");
    if (*version < 2 || *version > 3) return reply.Error("NOPROTO unsupported protocol version");
    protocol = static_cast<int>(*version);
  }
  HelloOptions options;
  if (!ParseHello(args, &options, reply)) return;
  if (options.auth && !Authenticate(options.user, options.password, args[0], session, reply))
    return;
  if (!session.authenticated()) {
    return reply.Error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time");
  }
  if (options.set_name) session.name = options.name;
  reply.SetProtocol(protocol);
  DescribeServer(session, reply);
}

}  // namespace hearth
