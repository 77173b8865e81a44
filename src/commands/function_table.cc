// Tested by tests/src/command_commands_test.cc.
//
// The rows of the function commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/function.h"
#include "src/commands/groups.h"
#include "src/commands/script_call_row.h"

namespace hearth {
namespace {

constexpr auto kFcallArguments = ScriptCallArguments("function");

constexpr ArgDoc kFlushModes[] = {
    {.name = "async", .type = "pure-token", .token = "ASYNC"},
    {.name = "sync", .type = "pure-token", .token = "SYNC"},
};

constexpr ArgDoc kFlushArguments[] = {
    {.name = "async", .type = "oneof", .flags = "optional", .children = kFlushModes},
};

constexpr ArgDoc kDeleteArguments[] = {
    {.name = "library-name", .type = "string"},
};

constexpr ArgDoc kListArguments[] = {
    {.name = "library-name-pattern", .type = "string", .token = "LIBRARYNAME", .flags = "optional"},
    {.name = "withcode", .type = "pure-token", .token = "WITHCODE", .flags = "optional"},
};

constexpr ArgDoc kLoadArguments[] = {
    {.name = "replace", .type = "pure-token", .token = "REPLACE", .flags = "optional"},
    {.name = "function-code", .type = "string"},
};

constexpr ArgDoc kRestorePolicies[] = {
    {.name = "flush", .type = "pure-token", .token = "FLUSH"},
    {.name = "append", .type = "pure-token", .token = "APPEND"},
    {.name = "replace", .type = "pure-token", .token = "REPLACE"},
};

constexpr ArgDoc kRestoreArguments[] = {
    {.name = "serialized-value", .type = "string"},
    {.name = "policy", .type = "oneof", .flags = "optional", .children = kRestorePolicies},
};

constexpr std::string_view kChangeTips[] = {"request_policy:all_shards",
                                            "response_policy:all_succeeded"};
constexpr std::string_view kKillTips[] = {"request_policy:all_shards",
                                          "response_policy:one_succeeded"};
constexpr std::string_view kListTips[] = {"nondeterministic_output_order"};
constexpr std::string_view kStatsTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                           "response_policy:special"};

constexpr Command kFunctionSubcommands[] = {
    {.name = "function|delete",
     .arity = 3,
     .flags = kCmdWrite | kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionDelete,
     .summary = "Delete a function by name",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(1)",
     .arguments = kDeleteArguments,
     .tips = kChangeTips},
    {.name = "function|dump",
     .arity = 2,
     .flags = kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionDump,
     .summary = "Dump all functions into a serialized binary payload",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(N) where N is the number of functions"},
    {.name = "function|flush",
     .arity = -2,
     .flags = kCmdWrite | kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionFlush,
     .summary = "Deleting all functions",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(N) where N is the number of functions deleted",
     .arguments = kFlushArguments,
     .tips = kChangeTips},
    {.name = "function|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclScripting,
     .session = FunctionHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(1)"},
    {.name = "function|kill",
     .arity = 2,
     .flags = kCmdNoscript | kCmdAllowBusy,
     .acl = kAclScripting,
     .session = FunctionKill,
     .summary = "Kill the function currently in execution.",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(1)",
     .tips = kKillTips},
    {.name = "function|list",
     .arity = -2,
     .flags = kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionList,
     .summary = "List information about all the functions",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(N) where N is the number of functions",
     .arguments = kListArguments,
     .tips = kListTips},
    {.name = "function|load",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionLoad,
     .summary = "Create a function with the given arguments (name, code, description)",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(1) (considering compilation time is redundant)",
     .arguments = kLoadArguments,
     .tips = kChangeTips},
    {.name = "function|restore",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdNoscript | kCmdLockAll,
     .acl = kAclScripting,
     .session = FunctionRestore,
     .summary = "Restore all the functions on the given payload",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(N) where N is the number of functions on the payload",
     .arguments = kRestoreArguments,
     .tips = kChangeTips},
    {.name = "function|stats",
     .arity = 2,
     .flags = kCmdNoscript | kCmdAllowBusy,
     .acl = kAclScripting,
     .session = FunctionStats,
     .summary =
         "Return information about the function currently running (name, description, duration)",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "O(1)",
     .tips = kStatsTips},
};

constexpr Command FcallRow(Command row, bool read_only) {
  row.since = "7.0.0";
  row.arguments = kFcallArguments;
  return ScriptCallRow(row, read_only, "Depends on the function that is executed.");
}

constexpr Command kFunctionCommands[] = {
    FcallRow({.name = "fcall",
              .key_specs = kScriptCallKeys,
              .session = Fcall,
              .summary = "Invoke a function"},
             /*read_only=*/false),
    FcallRow({.name = "fcall_ro",
              .key_specs = kReadOnlyScriptCallKeys,
              .session = FcallRo,
              .summary = "Invoke a read-only function"},
             /*read_only=*/true),
    {.name = "function",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kFunctionSubcommands,
     .summary = "A container for function commands",
     .since = "7.0.0",
     .group = "scripting",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const Command> FunctionCommands() {
  return kFunctionCommands;
}

}  // namespace hearth
