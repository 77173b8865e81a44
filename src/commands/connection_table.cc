// Tested by tests/src/command_commands_test.cc.
//
// The rows of the connection commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0
// print, and two of 7.2.
#include "src/commands/client.h"
#include "src/commands/connection.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr ArgDoc kAuthArguments[] = {
    {.name = "username", .type = "string", .since = "6.0.0", .flags = "optional"},
    {.name = "password", .type = "string"},
};

constexpr std::string_view kAuthHistory[] = {
    "6.0.0",
    "Added ACL style (username and password).",
};

constexpr ArgDoc kClientSetnameArguments[] = {
    {.name = "connection-name", .type = "string"},
};

constexpr ArgDoc kClientReplyOnOffSkipArguments[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"},
    {.name = "skip", .type = "pure-token", .token = "SKIP"},
};

constexpr ArgDoc kClientReplyArguments[] = {
    {.name = "on_off_skip", .type = "oneof", .children = kClientReplyOnOffSkipArguments},
};

constexpr ArgDoc kClientUnblockTimeoutErrorArguments[] = {
    {.name = "timeout", .type = "pure-token", .token = "TIMEOUT"},
    {.name = "error", .type = "pure-token", .token = "ERROR"},
};

constexpr ArgDoc kClientUnblockArguments[] = {
    {.name = "client-id", .type = "integer"},
    {.name = "timeout_error",
     .type = "oneof",
     .flags = "optional",
     .children = kClientUnblockTimeoutErrorArguments},
};

constexpr ArgDoc kClientListNormalMasterReplicaPubsubArguments[] = {
    {.name = "normal", .type = "pure-token", .token = "NORMAL"},
    {.name = "master", .type = "pure-token", .token = "MASTER"},
    {.name = "replica", .type = "pure-token", .token = "REPLICA"},
    {.name = "pubsub", .type = "pure-token", .token = "PUBSUB"},
};

constexpr ArgDoc kClientListIdArguments[] = {
    {.name = "client-id", .type = "integer", .flags = "multiple"},
};

constexpr ArgDoc kClientListArguments[] = {
    {.name = "normal_master_replica_pubsub",
     .type = "oneof",
     .token = "TYPE",
     .since = "5.0.0",
     .flags = "optional",
     .children = kClientListNormalMasterReplicaPubsubArguments},
    {.name = "id",
     .type = "block",
     .token = "ID",
     .since = "6.2.0",
     .flags = "optional",
     .children = kClientListIdArguments},
};

constexpr std::string_view kClientListTips[] = {"nondeterministic_output"};

constexpr std::string_view kClientListHistory[] = {
    "2.8.12",
    "Added unique client `id` field.",
    "5.0.0",
    "Added optional `TYPE` filter.",
    "6.0.0",
    "Added `user` field.",
    "6.2.0",
    "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
    "7.0.0",
    "Added `resp`, `multi-mem`, `rbs` and `rbp` fields.",
    "7.0.3",
    "Added `ssub` field.",
};

constexpr ArgDoc kClientNoEvictEnabledArguments[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"},
};

constexpr ArgDoc kClientNoEvictArguments[] = {
    {.name = "enabled", .type = "oneof", .children = kClientNoEvictEnabledArguments},
};

constexpr ArgDoc kClientPauseModeArguments[] = {
    {.name = "write", .type = "pure-token", .token = "WRITE"},
    {.name = "all", .type = "pure-token", .token = "ALL"},
};

constexpr ArgDoc kClientPauseArguments[] = {
    {.name = "timeout", .type = "integer"},
    {.name = "mode",
     .type = "oneof",
     .since = "6.2.0",
     .flags = "optional",
     .children = kClientPauseModeArguments},
};

constexpr std::string_view kClientPauseHistory[] = {
    "6.2.0",
    "`CLIENT PAUSE WRITE` mode added along with the `mode` option.",
};

constexpr ArgDoc kClientKillFilterNewFormatNormalMasterSlavePubsubArguments[] = {
    {.name = "normal", .type = "pure-token", .token = "NORMAL"},
    {.name = "master", .type = "pure-token", .token = "MASTER", .since = "3.2.0"},
    {.name = "slave", .type = "pure-token", .token = "SLAVE"},
    {.name = "replica", .type = "pure-token", .token = "REPLICA", .since = "5.0.0"},
    {.name = "pubsub", .type = "pure-token", .token = "PUBSUB"},
};

constexpr ArgDoc kClientKillFilterNewFormatArguments[] = {
    {.name = "client-id", .type = "integer", .token = "ID", .since = "2.8.12", .flags = "optional"},
    {.name = "normal_master_slave_pubsub",
     .type = "oneof",
     .token = "TYPE",
     .since = "2.8.12",
     .flags = "optional",
     .children = kClientKillFilterNewFormatNormalMasterSlavePubsubArguments},
    {.name = "username", .type = "string", .token = "USER", .flags = "optional"},
    {.name = "ip:port", .type = "string", .token = "ADDR", .flags = "optional"},
    {.name = "ip:port", .type = "string", .token = "LADDR", .since = "6.2.0", .flags = "optional"},
    {.name = "yes/no", .type = "string", .token = "SKIPME", .flags = "optional"},
};

constexpr ArgDoc kClientKillFilterArguments[] = {
    {.name = "ip:port", .type = "string", .deprecated_since = "2.8.12"},
    {.name = "new-format",
     .type = "oneof",
     .flags = "multiple",
     .children = kClientKillFilterNewFormatArguments},
};

constexpr ArgDoc kClientKillArguments[] = {
    {.name = "filter", .type = "oneof", .children = kClientKillFilterArguments},
};

constexpr std::string_view kClientKillHistory[] = {
    "2.8.12",
    "Added new filter format.",
    "2.8.12",
    "`ID` option.",
    "3.2.0",
    "Added `master` type in for `TYPE` option.",
    "5.0.0",
    "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
    "6.2.0",
    "`LADDR` option.",
};

constexpr ArgDoc kClientSetinfoAttrArguments[] = {
    {.name = "libname", .type = "string", .token = "LIB-NAME"},
    {.name = "libver", .type = "string", .token = "LIB-VER"},
};

constexpr ArgDoc kClientSetinfoArguments[] = {
    {.name = "attr", .type = "oneof", .children = kClientSetinfoAttrArguments},
};

constexpr std::string_view kClientSetinfoTips[] = {"request_policy:all_nodes",
                                                   "response_policy:all_succeeded"};

constexpr ArgDoc kClientCachingModeArguments[] = {
    {.name = "yes", .type = "pure-token", .token = "YES"},
    {.name = "no", .type = "pure-token", .token = "NO"},
};

constexpr ArgDoc kClientCachingArguments[] = {
    {.name = "mode", .type = "oneof", .children = kClientCachingModeArguments},
};

constexpr ArgDoc kClientTrackingStatusArguments[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"},
};

constexpr ArgDoc kClientTrackingArguments[] = {
    {.name = "status", .type = "oneof", .children = kClientTrackingStatusArguments},
    {.name = "client-id", .type = "integer", .token = "REDIRECT", .flags = "optional"},
    {.name = "prefix",
     .type = "string",
     .token = "PREFIX",
     .flags = "optional multiple multiple_token"},
    {.name = "bcast", .type = "pure-token", .token = "BCAST", .flags = "optional"},
    {.name = "optin", .type = "pure-token", .token = "OPTIN", .flags = "optional"},
    {.name = "optout", .type = "pure-token", .token = "OPTOUT", .flags = "optional"},
    {.name = "noloop", .type = "pure-token", .token = "NOLOOP", .flags = "optional"},
};

constexpr Command kClientSubcommands[] = {
    {.name = "client|caching",
     .arity = 3,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientCaching,
     .summary = "Instruct the server about tracking or not keys in the next request",
     .since = "6.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientCachingArguments},
    {.name = "client|getname",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientGetName,
     .summary = "Get the current connection name",
     .since = "2.6.9",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "client|getredir",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientGetRedir,
     .summary = "Get tracking notifications redirection client ID if any",
     .since = "6.0.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "client|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "client|id",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientId,
     .summary = "Returns the client ID for the current connection",
     .since = "5.0.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "client|info",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientInfo,
     .summary = "Returns information about the current client connection.",
     .since = "6.2.0",
     .group = "connection",
     .complexity = "O(1)",
     .tips = kClientListTips},
    {.name = "client|kill",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = kAclConnection,
     .session = ClientKill,
     .summary = "Kill the connection of a client",
     .since = "2.4.0",
     .group = "connection",
     .complexity = "O(N) where N is the number of client connections",
     .arguments = kClientKillArguments,
     .history = kClientKillHistory},
    {.name = "client|list",
     .arity = -2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = kAclConnection,
     .session = ClientList,
     .summary = "Get the list of client connections",
     .since = "2.4.0",
     .group = "connection",
     .complexity = "O(N) where N is the number of client connections",
     .arguments = kClientListArguments,
     .tips = kClientListTips,
     .history = kClientListHistory},
    {.name = "client|no-evict",
     .arity = 3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientNoEvict,
     .summary = "Set client eviction mode for the current connection",
     .since = "7.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientNoEvictArguments},
    {.name = "client|no-touch",
     .arity = 3,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientNoTouch,
     .summary = "Controls whether commands sent by the client affect the LRU/LFU of accessed keys",
     .since = "7.2.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientNoEvictArguments},
    {.name = "client|pause",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientPause,
     .summary = "Stop processing commands from clients for some time",
     .since = "2.9.50",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientPauseArguments,
     .history = kClientPauseHistory},
    {.name = "client|reply",
     .arity = 3,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientReply,
     .summary = "Instruct the server whether to reply to commands",
     .since = "3.2.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientReplyArguments},
    {.name = "client|setinfo",
     .arity = 4,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientSetInfo,
     .summary = "Sets information specific to the client or connection",
     .since = "7.2.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientSetinfoArguments,
     .tips = kClientSetinfoTips},
    {.name = "client|setname",
     .arity = 3,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientSetName,
     .summary = "Set the current connection name",
     .since = "2.6.9",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kClientSetnameArguments},
    {.name = "client|tracking",
     .arity = -3,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = kAclConnection,
     .session = ClientTrackingOnOff,
     .summary = "Enable or disable server assisted client side caching support",
     .since = "6.0.0",
     .group = "connection",
     .complexity = "O(1). Some options may introduce additional complexity.",
     .arguments = kClientTrackingArguments},
    {.name = "client|trackinginfo",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientTrackingInfo,
     .summary =
         "Return information about server assisted client side caching for the current connection",
     .since = "6.2.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "client|unblock",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientUnblock,
     .summary = "Unblock a client blocked in a blocking command from a different connection",
     .since = "5.0.0",
     .group = "connection",
     .complexity = "O(log N) where N is the number of client connections",
     .arguments = kClientUnblockArguments},
    {.name = "client|unpause",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = ClientUnpause,
     .summary = "Resume processing of clients that were paused",
     .since = "6.2.0",
     .group = "connection",
     .complexity = "O(N) Where N is the number of paused clients"},
};

constexpr ArgDoc kEchoArguments[] = {
    {.name = "message", .type = "string"},
};

constexpr ArgDoc kHelloArgumentsUsernamePasswordArguments[] = {
    {.name = "username", .type = "string"},
    {.name = "password", .type = "string"},
};

constexpr ArgDoc kHelloArgumentsArguments[] = {
    {.name = "protover", .type = "integer"},
    {.name = "username_password",
     .type = "block",
     .token = "AUTH",
     .flags = "optional",
     .children = kHelloArgumentsUsernamePasswordArguments},
    {.name = "clientname", .type = "string", .token = "SETNAME", .flags = "optional"},
};

constexpr ArgDoc kHelloArguments[] = {
    {.name = "arguments",
     .type = "block",
     .flags = "optional",
     .children = kHelloArgumentsArguments},
};

constexpr std::string_view kHelloHistory[] = {
    "6.2.0",
    "`protover` made optional; when called without arguments the command reports the current "
    "connection's context.",
};

constexpr ArgDoc kPingArguments[] = {
    {.name = "message", .type = "string", .flags = "optional"},
};

constexpr std::string_view kPingTips[] = {"request_policy:all_shards",
                                          "response_policy:all_succeeded"};

constexpr ArgDoc kSelectArguments[] = {
    {.name = "index", .type = "integer"},
};

constexpr Command kConnectionCommands[] = {
    {.name = "auth",
     .arity = -2,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Auth,
     .summary = "Authenticate to the server",
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(N) where N is the number of passwords defined for the user",
     .arguments = kAuthArguments,
     .history = kAuthHistory},
    {.name = "client",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kClientSubcommands,
     .summary = "A container for client connection commands",
     .since = "2.4.0",
     .group = "connection",
     .complexity = "Depends on subcommand."},
    {.name = "echo",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = Echo,
     .summary = "Echo the given string",
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kEchoArguments},
    {.name = "hello",
     .arity = -1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast | kCmdNoAuth | kCmdAllowBusy,
     .acl = kAclConnection,
     .session = Hello,
     .summary = "Handshake with Redis",
     .since = "6.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kHelloArguments,
     .history = kHelloHistory},
    {.name = "ping",
     .arity = -1,
     .flags = kCmdFast | kCmdInSubscribed,
     .acl = kAclConnection,
     .session = Ping,
     .summary = "Ping the server",
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kPingArguments,
     .tips = kPingTips},
    {.name = "quit",
     .arity = -1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast | kCmdNoAuth | kCmdAllowBusy |
              kCmdNotQueued | kCmdInSubscribed,
     .acl = kAclConnection,
     .session = Quit,
     .summary = "Close the connection",
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "reset",
     .arity = 1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast | kCmdNoAuth | kCmdAllowBusy |
              kCmdNotQueued | kCmdInSubscribed,
     .acl = kAclConnection,
     .session = ResetConnection,
     .summary = "Reset the connection",
     .since = "6.2.0",
     .group = "connection",
     .complexity = "O(1)"},
    {.name = "select",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = Select,
     .summary = "Change the selected database for the current connection",
     .since = "1.0.0",
     .group = "connection",
     .complexity = "O(1)",
     .arguments = kSelectArguments},
};

}  // namespace

std::span<const Command> ConnectionCommands() {
  return kConnectionCommands;
}

}  // namespace hearth
