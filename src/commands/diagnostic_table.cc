// Tested by tests/src/command_commands_test.cc.
//
// The rows of MONITOR, MODULE and of what a cluster's node knows: what COMMAND INFO and COMMAND
// DOCS of Redis 7.0 print.
#include "src/commands/connection.h"
#include "src/commands/groups.h"
#include "src/commands/introspection.h"

namespace hearth {
namespace {

constexpr ArgDoc kClusterAddslotsArguments[] = {
    {.name = "slot", .type = "integer", .flags = "multiple"},
};

constexpr ArgDoc kClusterAddslotsrangeStartSlotEndSlotArguments[] = {
    {.name = "start-slot", .type = "integer"},
    {.name = "end-slot", .type = "integer"},
};

constexpr ArgDoc kClusterAddslotsrangeArguments[] = {
    {.name = "start-slot_end-slot",
     .type = "block",
     .flags = "multiple",
     .children = kClusterAddslotsrangeStartSlotEndSlotArguments},
};

constexpr std::string_view kClusterBumpepochTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterCountFailureReportsArguments[] = {
    {.name = "node-id", .type = "string"},
};

constexpr std::string_view kClusterCountFailureReportsTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterCountkeysinslotArguments[] = {
    {.name = "slot", .type = "integer"},
};

constexpr ArgDoc kClusterDelslotsArguments[] = {
    {.name = "slot", .type = "integer", .flags = "multiple"},
};

constexpr ArgDoc kClusterDelslotsrangeStartSlotEndSlotArguments[] = {
    {.name = "start-slot", .type = "integer"},
    {.name = "end-slot", .type = "integer"},
};

constexpr ArgDoc kClusterDelslotsrangeArguments[] = {
    {.name = "start-slot_end-slot",
     .type = "block",
     .flags = "multiple",
     .children = kClusterDelslotsrangeStartSlotEndSlotArguments},
};

constexpr ArgDoc kClusterFailoverOptionsArguments[] = {
    {.name = "force", .type = "pure-token", .token = "FORCE"},
    {.name = "takeover", .type = "pure-token", .token = "TAKEOVER"},
};

constexpr ArgDoc kClusterFailoverArguments[] = {
    {.name = "options",
     .type = "oneof",
     .flags = "optional",
     .children = kClusterFailoverOptionsArguments},
};

constexpr ArgDoc kClusterForgetArguments[] = {
    {.name = "node-id", .type = "string"},
};

constexpr ArgDoc kClusterGetkeysinslotArguments[] = {
    {.name = "slot", .type = "integer"},
    {.name = "count", .type = "integer"},
};

constexpr std::string_view kClusterGetkeysinslotTips[] = {"nondeterministic_output"};

constexpr std::string_view kClusterInfoTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterKeyslotArguments[] = {
    {.name = "key", .type = "string"},
};

constexpr std::string_view kClusterLinksTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterMeetArguments[] = {
    {.name = "ip", .type = "string"},
    {.name = "port", .type = "integer"},
    {.name = "cluster_bus_port", .type = "integer", .since = "4.0.0", .flags = "optional"},
};

constexpr std::string_view kClusterMeetHistory[] = {
    "4.0.0", "Added the optional `cluster_bus_port` argument."};

constexpr std::string_view kClusterNodesTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterReplicasArguments[] = {
    {.name = "node-id", .type = "string"},
};

constexpr std::string_view kClusterReplicasTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterReplicateArguments[] = {
    {.name = "node-id", .type = "string"},
};

constexpr ArgDoc kClusterResetHardSoftArguments[] = {
    {.name = "hard", .type = "pure-token", .token = "HARD"},
    {.name = "soft", .type = "pure-token", .token = "SOFT"},
};

constexpr ArgDoc kClusterResetArguments[] = {
    {.name = "hard_soft",
     .type = "oneof",
     .flags = "optional",
     .children = kClusterResetHardSoftArguments},
};

constexpr ArgDoc kClusterSetConfigEpochArguments[] = {
    {.name = "config-epoch", .type = "integer"},
};

constexpr ArgDoc kClusterSetslotSubcommandArguments[] = {
    {.name = "node-id", .type = "string", .token = "IMPORTING"},
    {.name = "node-id", .type = "string", .token = "MIGRATING"},
    {.name = "node-id", .type = "string", .token = "NODE"},
    {.name = "stable", .type = "pure-token", .token = "STABLE"},
};

constexpr ArgDoc kClusterSetslotArguments[] = {
    {.name = "slot", .type = "integer"},
    {.name = "subcommand", .type = "oneof", .children = kClusterSetslotSubcommandArguments},
};

constexpr std::string_view kClusterShardsTips[] = {"nondeterministic_output"};

constexpr ArgDoc kClusterSlavesArguments[] = {
    {.name = "node-id", .type = "string"},
};

constexpr std::string_view kClusterSlavesTips[] = {"nondeterministic_output"};

constexpr std::string_view kClusterSlotsTips[] = {"nondeterministic_output"};

constexpr std::string_view kClusterSlotsHistory[] = {"4.0.0", "Added node IDs.", "7.0.0",
                                                     "Added additional networking metadata field."};

constexpr std::string_view kModuleListTips[] = {"nondeterministic_output_order"};

constexpr ArgDoc kModuleLoadArguments[] = {
    {.name = "path", .type = "string"},
    {.name = "arg", .type = "string", .flags = "optional multiple"},
};

constexpr ArgDoc kModuleLoadexConfigsArguments[] = {
    {.name = "name", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr ArgDoc kModuleLoadexArgsArguments[] = {
    {.name = "arg", .type = "string"},
};

constexpr ArgDoc kModuleLoadexArguments[] = {
    {.name = "path", .type = "string"},
    {.name = "configs",
     .type = "block",
     .token = "CONFIG",
     .flags = "optional multiple multiple_token",
     .children = kModuleLoadexConfigsArguments},
    {.name = "args",
     .type = "block",
     .token = "ARGS",
     .flags = "optional multiple",
     .children = kModuleLoadexArgsArguments},
};

constexpr ArgDoc kModuleUnloadArguments[] = {
    {.name = "name", .type = "string"},
};

constexpr Command kClusterSubcommands[] = {
    {.name = "cluster|addslots",
     .arity = -3,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Assign new hash slots to receiving node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of hash slot arguments",
     .arguments = kClusterAddslotsArguments},
    {.name = "cluster|addslotsrange",
     .arity = -4,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Assign new hash slots to receiving node",
     .since = "7.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of the slots between the start slot and end "
                   "slot arguments.",
     .arguments = kClusterAddslotsrangeArguments},
    {.name = "cluster|bumpepoch",
     .arity = 2,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Advance the cluster config epoch",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .tips = kClusterBumpepochTips},
    {.name = "cluster|count-failure-reports",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Return the number of failure reports active for a given node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the number of failure reports",
     .arguments = kClusterCountFailureReportsArguments,
     .tips = kClusterCountFailureReportsTips},
    {.name = "cluster|countkeysinslot",
     .arity = 3,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Return the number of local keys in the specified hash slot",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterCountkeysinslotArguments},
    {.name = "cluster|delslots",
     .arity = -3,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Set hash slots as unbound in receiving node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of hash slot arguments",
     .arguments = kClusterDelslotsArguments},
    {.name = "cluster|delslotsrange",
     .arity = -4,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Set hash slots as unbound in receiving node",
     .since = "7.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of the slots between the start slot and end "
                   "slot arguments.",
     .arguments = kClusterDelslotsrangeArguments},
    {.name = "cluster|failover",
     .arity = -2,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Forces a replica to perform a manual failover of its master.",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterFailoverArguments},
    {.name = "cluster|flushslots",
     .arity = 2,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Delete a node's own slots information",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "cluster|forget",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Remove a node from the nodes table",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterForgetArguments},
    {.name = "cluster|getkeysinslot",
     .arity = 4,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Return local key names in the specified hash slot",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(log(N)) where N is the number of requested keys",
     .arguments = kClusterGetkeysinslotArguments,
     .tips = kClusterGetkeysinslotTips},
    {.name = "cluster|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "cluster|info",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Provides info about Redis Cluster node state",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .tips = kClusterInfoTips},
    {.name = "cluster|keyslot",
     .arity = 3,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Returns the hash slot of the specified key",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the number of bytes in the key",
     .arguments = kClusterKeyslotArguments},
    {.name = "cluster|links",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Returns a list of all TCP links to and from peer nodes in cluster",
     .since = "7.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of Cluster nodes",
     .tips = kClusterLinksTips},
    {.name = "cluster|meet",
     .arity = -4,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Force a node cluster to handshake with another node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterMeetArguments,
     .history = kClusterMeetHistory},
    {.name = "cluster|myid",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Return the node id",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "cluster|nodes",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Get Cluster config for the node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of Cluster nodes",
     .tips = kClusterNodesTips},
    {.name = "cluster|replicas",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "List replica nodes of the specified master node",
     .since = "5.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterReplicasArguments,
     .tips = kClusterReplicasTips},
    {.name = "cluster|replicate",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Reconfigure a node as a replica of the specified master node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterReplicateArguments},
    {.name = "cluster|reset",
     .arity = -2,
     .flags = kCmdAdmin | kCmdNoscript | kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Reset a Redis Cluster node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the number of known nodes. The command may execute a FLUSHALL "
                   "as a side effect.",
     .arguments = kClusterResetArguments},
    {.name = "cluster|saveconfig",
     .arity = 2,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Forces the node to save cluster state on disk",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "cluster|set-config-epoch",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Set the configuration epoch in a new node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterSetConfigEpochArguments},
    {.name = "cluster|setslot",
     .arity = -4,
     .flags = kCmdAdmin | kCmdStale | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Bind a hash slot to a specific node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterSetslotArguments},
    {.name = "cluster|shards",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Get array of cluster slots to node mappings",
     .since = "7.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of cluster nodes",
     .tips = kClusterShardsTips},
    {.name = "cluster|slaves",
     .arity = 3,
     .flags = kCmdAdmin | kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "List replica nodes of the specified master node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)",
     .arguments = kClusterSlavesArguments,
     .tips = kClusterSlavesTips,
     .doc_flags = "deprecated",
     .deprecated_since = "5.0.0",
     .replaced_by = "`CLUSTER REPLICAS`"},
    {.name = "cluster|slots",
     .arity = 2,
     .flags = kCmdStale,
     .acl = 0,
     .session = ClusterDisabled,
     .summary = "Get array of Cluster slot to node mappings",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(N) where N is the total number of Cluster nodes",
     .tips = kClusterSlotsTips,
     .history = kClusterSlotsHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "7.0.0",
     .replaced_by = "`CLUSTER SHARDS`"},
};

constexpr Command kModuleSubcommands[] = {
    {.name = "module|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = ModuleHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "server",
     .complexity = "O(1)"},
    {.name = "module|list",
     .arity = 2,
     .flags = kCmdAdmin | kCmdNoscript,
     .acl = 0,
     .session = ModuleList,
     .summary = "List all modules loaded by the server",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of loaded modules.",
     .tips = kModuleListTips},
    {.name = "module|load",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ModuleChange,
     .summary = "Load a module",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kModuleLoadArguments},
    {.name = "module|loadex",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ModuleChange,
     .summary = "Load a module with extended parameters",
     .since = "7.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kModuleLoadexArguments},
    {.name = "module|unload",
     .arity = 3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading,
     .acl = 0,
     .session = ModuleChange,
     .summary = "Unload a module",
     .since = "4.0.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kModuleUnloadArguments},
};

constexpr Command kDiagnosticCommands[] = {
    {.name = "asking",
     .arity = 1,
     .flags = kCmdFast,
     .acl = kAclConnection,
     .session = ClusterDisabled,
     .summary = "Sent by cluster clients after an -ASK redirect",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "cluster",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kClusterSubcommands,
     .summary = "A container for cluster commands",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "Depends on subcommand."},
    {.name = "module",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kModuleSubcommands,
     .summary = "A container for module commands",
     .since = "4.0.0",
     .group = "server",
     .complexity = "Depends on subcommand."},
    {.name = "monitor",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale,
     .acl = 0,
     .session = Monitor,
     .summary = "Listen for all requests received by the server in real time",
     .since = "1.0.0",
     .group = "server"},
    {.name = "readonly",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = ClusterDisabled,
     .summary = "Enables read queries for a connection to a cluster replica node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
    {.name = "readwrite",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclConnection,
     .session = ClusterDisabled,
     .summary = "Disables read queries for a connection to a cluster replica node",
     .since = "3.0.0",
     .group = "cluster",
     .complexity = "O(1)"},
};

}  // namespace

std::span<const Command> DiagnosticCommands() {
  return kDiagnosticCommands;
}

}  // namespace hearth
