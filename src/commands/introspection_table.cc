// Tested by tests/src/command_commands_test.cc.
//
// The rows of the commands that look into the server: what COMMAND INFO and COMMAND DOCS of
// Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/introspection.h"

namespace hearth {
namespace {

constexpr ArgDoc kCommandListFilterbyArguments[] = {
    {.name = "module-name", .type = "string", .token = "MODULE"},
    {.name = "category", .type = "string", .token = "ACLCAT"},
    {.name = "pattern", .type = "pattern", .token = "PATTERN"},
};

constexpr ArgDoc kCommandListArguments[] = {
    {.name = "filterby",
     .type = "oneof",
     .token = "FILTERBY",
     .flags = "optional",
     .children = kCommandListFilterbyArguments},
};

constexpr std::string_view kCommandListTips[] = {"nondeterministic_output_order"};

constexpr ArgDoc kCommandInfoArguments[] = {
    {.name = "command-name", .type = "string", .flags = "optional multiple"},
};

constexpr std::string_view kCommandInfoHistory[] = {
    "7.0.0",
    "Allowed to be called with no argument to get info on all commands.",
};

constexpr Command kCommandSubcommands[] = {
    {.name = "command|count",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandCount,
     .summary = "Get total number of Redis commands",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "command|docs",
     .arity = -2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandDocs,
     .summary = "Get array of specific Redis command documentation",
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of commands to look up",
     .arguments = kCommandInfoArguments,
     .tips = kCommandListTips},
    {.name = "command|getkeys",
     .arity = -4,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandGetKeys,
     .summary = "Extract keys given a full Redis command",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(N) where N is the number of arguments to the command"},
    {.name = "command|getkeysandflags",
     .arity = -4,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandGetKeysAndFlags,
     .summary = "Extract keys and access flags given a full Redis command",
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of arguments to the command"},
    {.name = "command|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "command|info",
     .arity = -2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandInfo,
     .summary = "Get array of specific Redis command details, or all when no argument is given.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(N) where N is the number of commands to look up",
     .arguments = kCommandInfoArguments,
     .tips = kCommandListTips,
     .history = kCommandInfoHistory},
    {.name = "command|list",
     .arity = -2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandList,
     .summary = "Get an array of Redis command names",
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(N) where N is the total number of Redis commands",
     .arguments = kCommandListArguments,
     .tips = kCommandListTips},
};

constexpr ArgDoc kLatencyResetArguments[] = {
    {.name = "event", .type = "string", .flags = "optional multiple"},
};

constexpr std::string_view kLatencyResetTips[] = {"request_policy:all_nodes",
                                                  "response_policy:all_succeeded"};

constexpr ArgDoc kLatencyGraphArguments[] = {
    {.name = "event", .type = "string"},
};

constexpr std::string_view kLatencyGraphTips[] = {
    "nondeterministic_output", "request_policy:all_nodes", "response_policy:special"};

constexpr ArgDoc kLatencyHistogramArguments[] = {
    {.name = "command", .type = "string", .flags = "optional multiple"},
};

constexpr Command kLatencySubcommands[] = {
    {.name = "latency|doctor",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyDoctor,
     .summary = "Return a human readable latency analysis report.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .tips = kLatencyGraphTips},
    {.name = "latency|graph",
     .arity = 3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyGraph,
     .summary = "Return a latency graph for the event.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kLatencyGraphArguments,
     .tips = kLatencyGraphTips},
    {.name = "latency|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyHelp,
     .summary = "Show helpful text about the different subcommands.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "latency|histogram",
     .arity = -2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyHistogram,
     .summary = "Return the cumulative distribution of latencies of a subset of commands or all.",
     .since = "7.0.0",
     .group = "server",
     .complexity =
         "O(N) where N is the number of commands with latency information being retrieved.",
     .arguments = kLatencyHistogramArguments,
     .tips = kLatencyGraphTips},
    {.name = "latency|history",
     .arity = 3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyHistory,
     .summary = "Return timestamp-latency samples for the event.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kLatencyGraphArguments,
     .tips = kLatencyGraphTips},
    {.name = "latency|latest",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyLatest,
     .summary = "Return the latest latency samples for all events.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .tips = kLatencyGraphTips},
    {.name = "latency|reset",
     .arity = -2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = LatencyReset,
     .summary = "Reset latency data for one or more events.",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kLatencyResetArguments,
     .tips = kLatencyResetTips},
};

constexpr std::string_view kMemoryStatsTips[] = {
    "nondeterministic_output", "request_policy:all_shards", "response_policy:special"};

constexpr KeySpec kMemoryUsageKeys[] = {{.flags = "RO", .index = 2}};

constexpr ArgDoc kMemoryUsageArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer", .token = "SAMPLES", .flags = "optional"},
};

constexpr std::string_view kMemoryPurgeTips[] = {"request_policy:all_shards",
                                                 "response_policy:all_succeeded"};

constexpr Command kMemorySubcommands[] = {
    {.name = "memory|doctor",
     .arity = 2,
     .flags = 0,
     .acl = 0,
     .session = MemoryDoctor,
     .summary = "Outputs memory problems report",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .tips = kMemoryStatsTips},
    {.name = "memory|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = MemoryHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "memory|malloc-stats",
     .arity = 2,
     .flags = kCmdOutsideTx | kCmdInScripts,
     .acl = 0,
     .session = MemoryMallocStats,
     .summary = "Show allocator internal stats",
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .tips = kMemoryStatsTips},
    {.name = "memory|purge",
     .arity = 2,
     .flags = kCmdOutsideTx | kCmdInScripts,
     .acl = 0,
     .session = MemoryPurge,
     .summary = "Ask the allocator to release memory",
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on how much memory is allocated, could be slow",
     .tips = kMemoryPurgeTips},
    {.name = "memory|stats",
     .arity = 2,
     .flags = kCmdOutsideTx | kCmdInScripts,
     .acl = 0,
     .session = MemoryStats,
     .summary = "Show memory usage details",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .tips = kMemoryStatsTips},
    {.name = "memory|usage",
     .arity = -3,
     .flags = kCmdReadonly | kCmdNoTouch,
     .acl = 0,
     .key_specs = kMemoryUsageKeys,
     .data = MemoryUsage,
     .summary = "Estimate the memory usage of a key",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of samples.",
     .arguments = kMemoryUsageArguments},
};

constexpr std::string_view kSlowlogLenTips[] = {
    "request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"};

constexpr ArgDoc kSlowlogGetArguments[] = {
    {.name = "count", .type = "integer", .flags = "optional"},
};

constexpr std::string_view kSlowlogGetTips[] = {"request_policy:all_nodes",
                                                "nondeterministic_output"};

constexpr std::string_view kSlowlogGetHistory[] = {
    "4.0.0",
    "Added client IP address, port and name to the reply.",
};

constexpr Command kSlowlogSubcommands[] = {
    {.name = "slowlog|get",
     .arity = -2,
     .flags = kCmdAdmin | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = SlowlogGet,
     .summary = "Get the slow log's entries",
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(N) where N is the number of entries returned",
     .arguments = kSlowlogGetArguments,
     .tips = kSlowlogGetTips,
     .history = kSlowlogGetHistory},
    {.name = "slowlog|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = SlowlogHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "6.2.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "slowlog|len",
     .arity = 2,
     .flags = kCmdAdmin | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = SlowlogLen,
     .summary = "Get the slow log's length",
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(1)",
     .tips = kSlowlogLenTips},
    {.name = "slowlog|reset",
     .arity = 2,
     .flags = kCmdAdmin | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = SlowlogReset,
     .summary = "Clear all entries from the slow log",
     .since = "2.2.12",
     .group = "server",
     .complexity = "O(N) where N is the number of entries in the slowlog",
     .tips = kLatencyResetTips},
};

constexpr Command kIntrospectionCommands[] = {
    {.name = "command",
     .arity = -1,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclConnection,
     .session = CommandAll,
     .subcommands = kCommandSubcommands,
     .summary = "Get array of Redis command details",
     .since = "2.8.13",
     .group = "server",
     .complexity = "O(N) where N is the total number of Redis commands",
     .tips = kCommandListTips},
    {.name = "latency",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kLatencySubcommands,
     .summary = "A container for latency diagnostics commands",
     .since = "2.8.13",
     .group = "server",
     .complexity = "Depends on subcommand."},
    {.name = "memory",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kMemorySubcommands,
     .summary = "A container for memory diagnostics commands",
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on subcommand."},
    {.name = "slowlog",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kSlowlogSubcommands,
     .summary = "A container for slow log commands",
     .since = "2.2.12",
     .group = "server",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const Command> IntrospectionCommands() {
  return kIntrospectionCommands;
}

}  // namespace hearth
