// Tested by tests/src/command_commands_test.cc.
//
// The rows of the server commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0
// print.
#include "src/commands/groups.h"
#include "src/commands/replication.h"
#include "src/commands/server_commands.h"

namespace hearth {
namespace {

constexpr ArgDoc kBgsaveArguments[] = {
    {.name = "schedule",
     .type = "pure-token",
     .token = "SCHEDULE",
     .since = "3.2.2",
     .flags = "optional"},
};

constexpr std::string_view kBgsaveHistory[] = {
    "3.2.2",
    "Added the `SCHEDULE` option.",
};

constexpr ArgDoc kConfigGetParameterArguments[] = {
    {.name = "parameter", .type = "string"},
};

constexpr ArgDoc kConfigGetArguments[] = {
    {.name = "parameter",
     .type = "block",
     .flags = "multiple",
     .children = kConfigGetParameterArguments},
};

constexpr std::string_view kConfigGetHistory[] = {
    "7.0.0",
    "Added the ability to pass multiple pattern parameters in one call",
};

constexpr ArgDoc kConfigSetParameterValueArguments[] = {
    {.name = "parameter", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr ArgDoc kConfigSetArguments[] = {
    {.name = "parameter_value",
     .type = "block",
     .flags = "multiple",
     .children = kConfigSetParameterValueArguments},
};

constexpr std::string_view kConfigSetTips[] = {"request_policy:all_nodes",
                                               "response_policy:all_succeeded"};

constexpr std::string_view kConfigSetHistory[] = {
    "7.0.0",
    "Added the ability to set multiple parameters in one call.",
};

constexpr Command kConfigSubcommands[] = {
    {.name = "config|get",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = ConfigGet,
     .summary = "Get the values of configuration parameters",
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .arguments = kConfigGetArguments,
     .history = kConfigGetHistory},
    {.name = "config|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = ConfigHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "config|resetstat",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = 0,
     .session = ConfigResetStat,
     .summary = "Reset the stats returned by INFO",
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "config|rewrite",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = 0,
     .session = ConfigRewrite,
     .summary = "Rewrite the configuration file with the in memory configuration",
     .since = "2.8.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "config|set",
     .arity = -4,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdOutsideTx,
     .acl = 0,
     .session = ConfigSet,
     .summary = "Set configuration parameters to the given values",
     .since = "2.0.0",
     .group = "server",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .arguments = kConfigSetArguments,
     .tips = kConfigSetTips,
     .history = kConfigSetHistory},
};

constexpr ArgDoc kInfoArguments[] = {
    {.name = "section", .type = "string", .flags = "optional multiple"},
};

constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};

constexpr std::string_view kInfoHistory[] = {
    "7.0.0",
    "Added support for taking multiple section arguments.",
};

constexpr std::string_view kLastsaveTips[] = {"nondeterministic_output"};

constexpr ArgDoc kLolwutArguments[] = {
    {.name = "version", .type = "integer", .token = "VERSION", .flags = "optional"},
};

constexpr ArgDoc kShutdownNosaveSaveArguments[] = {
    {.name = "nosave", .type = "pure-token", .token = "NOSAVE"},
    {.name = "save", .type = "pure-token", .token = "SAVE"},
};

constexpr ArgDoc kShutdownArguments[] = {
    {.name = "nosave_save",
     .type = "oneof",
     .flags = "optional",
     .children = kShutdownNosaveSaveArguments},
    {.name = "now", .type = "pure-token", .token = "NOW", .since = "7.0.0", .flags = "optional"},
    {.name = "force",
     .type = "pure-token",
     .token = "FORCE",
     .since = "7.0.0",
     .flags = "optional"},
    {.name = "abort",
     .type = "pure-token",
     .token = "ABORT",
     .since = "7.0.0",
     .flags = "optional"},
};

constexpr std::string_view kShutdownHistory[] = {
    "7.0.0",
    "Added the `NOW`, `FORCE` and `ABORT` modifiers.",
};

constexpr ArgDoc kWaitArguments[] = {
    {.name = "numreplicas", .type = "integer"},
    {.name = "timeout", .type = "integer"},
};

constexpr std::string_view kWaitTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr Command kServerCommands[] = {
    {.name = "bgrewriteaof",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdOutsideTx,
     .acl = 0,
     .session = BgRewriteAof,
     .summary = "Asynchronously rewrite the append-only file",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "bgsave",
     .arity = -1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdOutsideTx,
     .acl = 0,
     .session = BgSave,
     .summary = "Asynchronously save the dataset to disk",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kBgsaveArguments,
     .history = kBgsaveHistory},
    {.name = "config",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kConfigSubcommands,
     .summary = "A container for server configuration commands",
     .since = "2.0.0",
     .group = "server",
     .complexity = "Depends on subcommand."},
    {.name = "debug",
     .arity = -2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdProtected | kCmdOutsideTx,
     .acl = 0,
     .session = Debug,
     .summary = "A container for debugging commands",
     .since = "1.0.0",
     .group = "server",
     .complexity = "Depends on subcommand.",
     .doc_flags = "syscmd"},
    {.name = "info",
     .arity = -1,
     .flags = kCmdLoading | kCmdStale | kCmdOutsideTx | kCmdInScripts,
     .acl = kAclDangerous,
     .session = Info,
     .summary = "Get information and statistics about the server",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kInfoArguments,
     .tips = kInfoTips,
     .history = kInfoHistory},
    {.name = "lastsave",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclAdmin | kAclDangerous,
     .session = LastSave,
     .summary = "Get the UNIX time stamp of the last successful save to disk",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(1)",
     .tips = kLastsaveTips},
    {.name = "lolwut",
     .arity = -1,
     .flags = kCmdReadonly | kCmdFast,
     .acl = 0,
     .session = Lolwut,
     .summary = "Display some computer art and the Redis version",
     .since = "5.0.0",
     .group = "server",
     .arguments = kLolwutArguments},
    {.name = "role",
     .arity = 1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclAdmin | kAclDangerous,
     .session = Role,
     .summary = "Return the role of the instance in the context of replication",
     .since = "2.8.12",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "save",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdNoMulti,
     .acl = 0,
     .session = SaveSnapshot,
     .summary = "Synchronously save the dataset to disk",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) where N is the total number of keys in all databases"},
    {.name = "shutdown",
     .arity = -1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdNoMulti | kCmdAllowBusy,
     .acl = 0,
     .session = ShutdownServer,
     .summary = "Synchronously save the dataset to disk and then shut down the server",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) when saving, where N is the total number of keys in all databases when "
                   "saving data, otherwise O(1)",
     .arguments = kShutdownArguments,
     .history = kShutdownHistory},
    {.name = "time",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = 0,
     .session = Time,
     .summary = "Return the current server time",
     .since = "2.6.0",
     .group = "server",
     .complexity = "O(1)",
     .tips = kLastsaveTips},
    {.name = "wait",
     .arity = 3,
     .flags = kCmdNoscript | kCmdOutsideTx,
     .acl = kAclConnection,
     .session = Wait,
     .summary = "Wait for the synchronous replication of all the write commands sent in the "
                "context of the current connection",
     .since = "3.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kWaitArguments,
     .tips = kWaitTips},
};

}  // namespace

std::span<const Command> ServerCommands() {
  return kServerCommands;
}

}  // namespace hearth
