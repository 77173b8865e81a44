// CLIENT for the asking connection itself, and pauses. Tested by
// tests/src/client_commands_test.cc.
#include "src/commands/client.h"

#include <optional>

#include "src/commands/connection.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// ON or OFF; anything else is a syntax error.
std::optional<bool> ParseOnOff(std::string_view word) {
  if (IsWord(word, "ON")) return true;
  if (IsWord(word, "OFF")) return false;
  return std::nullopt;
}

}  // namespace

void ClientId(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(session.id()));
}

void ClientInfo(const Args& args, Session& session, Reply& reply) {
  reply.Verbatim("txt", session.Describe(&args) + "\n");
}

void ClientGetName(const Args&, Session& session, Reply& reply) {
  session.name.empty() ? reply.Null() : reply.Bulk(session.name);
}

void ClientSetName(const Args& args, Session& session, Reply& reply) {
  if (!IsPlainName(args[2])) {
    return reply.Error("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  session.name = args[2];
  reply.Ok();
}

// CLIENT SETINFO LIB-NAME name | LIB-VER version
void ClientSetInfo(const Args& args, Session& session, Reply& reply) {
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

// CLIENT PAUSE ms [WRITE | ALL]
void ClientPause(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 4) return reply.Error(WrongSubcommand("CLIENT", args[1]));
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
  session.server().pause_gate().Pause(until_ms, only_writes);
  reply.Ok();
}

void ClientUnpause(const Args&, Session& session, Reply& reply) {
  session.server().pause_gate().Unpause();
  reply.Ok();
}

void ClientNoEvict(const Args& args, Session& session, Reply& reply) {
  const auto on = ParseOnOff(args[2]);
  if (!on) return reply.Error(kErrSyntax);
  session.no_evict = *on;
  reply.Ok();
}

void ClientNoTouch(const Args& args, Session& session, Reply& reply) {
  const auto on = ParseOnOff(args[2]);
  if (!on) return reply.Error(kErrSyntax);
  session.no_touch = *on;
  reply.Ok();
}

void ClientReply(const Args& args, Session& session, Reply& reply) {
  if (IsWord(args[2], "ON")) {
    session.SetReplyMode(ReplyMode::kOn);
    reply.Ok();
  } else if (IsWord(args[2], "OFF")) {
    session.SetReplyMode(ReplyMode::kOff);
  } else if (IsWord(args[2], "SKIP")) {
    session.SkipNextReply();
  } else {
    reply.Error(kErrSyntax);
  }
}

// CLIENT UNBLOCK id [TIMEOUT | ERROR]
void ClientUnblock(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 4) return reply.Error(WrongSubcommand("CLIENT", args[1]));
  if (args.size() == 4 && !IsWord(args[3], "TIMEOUT") && !IsWord(args[3], "ERROR")) {
    return reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const auto id = ParseInt64(args[2]);
  if (!id) return reply.Error(kErrNotInteger);
  const bool with_error = args.size() == 4 && IsWord(args[3], "ERROR");
  BlockedClients& blocked = session.server().blocked_clients();
  WaitingClients& waiting = session.server().replication().waiting_clients();
  const bool unblocked = *id > 0 && (blocked.Unblock(static_cast<uint64_t>(*id), with_error) ||
                                     waiting.Unblock(static_cast<uint64_t>(*id), with_error));
  reply.Integer(unblocked ? 1 : 0);
}

void ClientHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("CLIENT",
            {"CACHING (YES|NO)",
             "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
             "GETREDIR",
             "    Return the client ID we are redirecting to when tracking is enabled.",
             "GETNAME",
             "    Return the name of the current connection.",
             "ID",
             "    Return the ID of the current connection.",
             "INFO",
             "    Return information about the current client connection.",
             "KILL <ip:port>",
             "    Kill connection made from <ip:port>.",
             "KILL <option> <value> [<option> <value> [...]]",
             "    Kill connections. Options are:",
             "    * ADDR (<ip:port>|<unixsocket>:0)",
             "      Kill connections made from the specified address",
             "    * LADDR (<ip:port>|<unixsocket>:0)",
             "      Kill connections made to specified local address",
             "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
             "      Kill connections by type.",
             "    * USER <username>",
             "      Kill connections authenticated by <username>.",
             "    * SKIPME (YES|NO)",
             "      Skip killing current connection (default: yes).",
             "    * ID <client-id>",
             "      Kill connections by client id.",
             "    * MAXAGE <maxage>",
             "      Kill connections older than the specified age.",
             "LIST [options ...]",
             "    Return information about client connections. Options:",
             "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
             "      Return clients of specified type.",
             "UNPAUSE",
             "    Stop the current client pause, resuming traffic.",
             "PAUSE <timeout> [WRITE|ALL]",
             "    Suspend all, or just write, clients for <timeout> milliseconds.",
             "REPLY (ON|OFF|SKIP)",
             "    Control the replies sent to the current connection.",
             "SETNAME <name>",
             "    Assign the name <name> to the current connection.",
             "UNBLOCK <clientid> [TIMEOUT|ERROR]",
             "    Unblock the specified blocked client.",
             "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
             "         [OPTIN] [OPTOUT] [NOLOOP]",
             "    Control server assisted client side caching.",
             "TRACKINGINFO",
             "    Report tracking status for the current connection.",
             "NO-EVICT (ON|OFF)",
             "    Protect current client connection from eviction.",
             "NO-TOUCH (ON|OFF)",
             "    Will not touch LRU/LFU stats when this mode is on.",
             "SETINFO <option> <value>",
             "    Set client meta attr. Options are:",
             "    * LIB-NAME: the client lib name.",
             "    * LIB-VER: the client lib version."},
            reply);
}

}  // namespace hearth
