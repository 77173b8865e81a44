// Tested by tests/src/command_commands_test.cc.
//
// The rows of the script commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/script.h"
#include "src/commands/script_call_row.h"

namespace hearth {
namespace {

constexpr auto kEvalShaKeys = ScriptCallKeys(kScriptCallFlags, /*notes=*/{});
constexpr auto kEvalShaRoKeys = ScriptCallKeys(kReadOnlyScriptCallFlags, /*notes=*/{});

constexpr auto kEvalArguments = ScriptCallArguments("script");
constexpr auto kEvalShaArguments = ScriptCallArguments("sha1");

constexpr ArgDoc kFlushModes[] = {
    {.name = "async", .type = "pure-token", .token = "ASYNC"},
    {.name = "sync", .type = "pure-token", .token = "SYNC"},
};

constexpr ArgDoc kFlushArguments[] = {
    {.name = "async",
     .type = "oneof",
     .since = "6.2.0",
     .flags = "optional",
     .children = kFlushModes},
};

constexpr std::string_view kFlushHistory[] = {
    "6.2.0",
    "Added the `ASYNC` and `SYNC` flushing mode modifiers.",
};

constexpr ArgDoc kDebugModes[] = {
    {.name = "yes", .type = "pure-token", .token = "YES"},
    {.name = "sync", .type = "pure-token", .token = "SYNC"},
    {.name = "no", .type = "pure-token", .token = "NO"},
};

constexpr ArgDoc kDebugArguments[] = {
    {.name = "mode", .type = "oneof", .children = kDebugModes},
};

constexpr ArgDoc kLoadArguments[] = {
    {.name = "script", .type = "string"},
};

constexpr ArgDoc kExistsArguments[] = {
    {.name = "sha1", .type = "string", .flags = "multiple"},
};

constexpr std::string_view kAllNodesTips[] = {"request_policy:all_nodes",
                                              "response_policy:all_succeeded"};
constexpr std::string_view kExistsTips[] = {"request_policy:all_shards",
                                            "response_policy:agg_logical_and"};
constexpr std::string_view kKillTips[] = {"request_policy:all_shards",
                                          "response_policy:one_succeeded"};

constexpr Command kScriptSubcommands[] = {
    {.name = "script|debug",
     .arity = 3,
     .flags = kCmdNoscript,
     .acl = kAclScripting,
     .session = ScriptDebug,
     .summary = "Set the debug mode for executed scripts.",
     .since = "3.2.0",
     .group = "scripting",
     .complexity = "O(1)",
     .arguments = kDebugArguments},
    {.name = "script|exists",
     .arity = -3,
     .flags = kCmdNoscript,
     .acl = kAclScripting,
     .session = ScriptExists,
     .summary = "Check existence of scripts in the script cache.",
     .since = "2.6.0",
     .group = "scripting",
     .complexity = "O(N) with N being the number of scripts to check (so checking a single script "
                   "is an O(1) operation).",
     .arguments = kExistsArguments,
     .tips = kExistsTips},
    {.name = "script|flush",
     .arity = -2,
     .flags = kCmdNoscript,
     .acl = kAclScripting,
     .session = ScriptFlush,
     .summary = "Remove all the scripts from the script cache.",
     .since = "2.6.0",
     .group = "scripting",
     .complexity = "O(N) with N being the number of scripts in cache",
     .arguments = kFlushArguments,
     .tips = kAllNodesTips,
     .history = kFlushHistory},
    {.name = "script|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclScripting,
     .session = ScriptHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "scripting",
     .complexity = "O(1)"},
    {.name = "script|kill",
     .arity = 2,
     .flags = kCmdNoscript | kCmdAllowBusy,
     .acl = kAclScripting,
     .session = ScriptKill,
     .summary = "Kill the script currently in execution.",
     .since = "2.6.0",
     .group = "scripting",
     .complexity = "O(1)",
     .tips = kKillTips},
    {.name = "script|load",
     .arity = 3,
     .flags = kCmdNoscript | kCmdStale,
     .acl = kAclScripting,
     .session = ScriptLoad,
     .summary = "Load the specified Lua script into the script cache.",
     .since = "2.6.0",
     .group = "scripting",
     .complexity = "O(N) with N being the length in bytes of the script body.",
     .arguments = kLoadArguments,
     .tips = kAllNodesTips},
};

constexpr Command EvalRow(Command row, bool read_only) {
  row.summary =
      read_only ? "Execute a read-only Lua script server side" : "Execute a Lua script server side";
  row.since = read_only ? "7.0.0" : "2.6.0";
  return ScriptCallRow(row, read_only, "Depends on the script that is executed.");
}

constexpr Command kScriptCommands[] = {
    EvalRow({.name = "eval",
             .key_specs = kScriptCallKeys,
             .session = Eval,
             .arguments = kEvalArguments},
            /*read_only=*/false),
    EvalRow({.name = "eval_ro",
             .key_specs = kReadOnlyScriptCallKeys,
             .session = EvalRo,
             .arguments = kEvalArguments},
            /*read_only=*/true),
    EvalRow({.name = "evalsha",
             .key_specs = kEvalShaKeys,
             .session = EvalSha,
             .arguments = kEvalShaArguments},
            /*read_only=*/false),
    EvalRow({.name = "evalsha_ro",
             .key_specs = kEvalShaRoKeys,
             .session = EvalShaRo,
             .arguments = kEvalShaArguments},
            /*read_only=*/true),
    {.name = "script",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kScriptSubcommands,
     .summary = "A container for Lua scripts management commands",
     .since = "2.6.0",
     .group = "scripting",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const Command> ScriptCommands() {
  return kScriptCommands;
}

}  // namespace hearth
