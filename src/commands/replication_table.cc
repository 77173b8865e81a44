// The rows of the replication commands. Tested by tests/src/command_commands_test.cc.
#include "src/commands/groups.h"
#include "src/commands/replication.h"

namespace hearth {
namespace {

constexpr ArgDoc kFailoverTargetArguments[] = {
    {.name = "host", .type = "string"},
    {.name = "port", .type = "integer"},
    {.name = "force", .type = "pure-token", .token = "FORCE", .flags = "optional"},
};
constexpr ArgDoc kFailoverArguments[] = {
    {.name = "target",
     .type = "block",
     .token = "TO",
     .flags = "optional",
     .children = kFailoverTargetArguments},
    {.name = "abort", .type = "pure-token", .token = "ABORT", .flags = "optional"},
    {.name = "milliseconds", .type = "integer", .token = "TIMEOUT", .flags = "optional"},
};
constexpr ArgDoc kPsyncArguments[] = {
    {.name = "replicationid", .type = "string"},
    {.name = "offset", .type = "integer"},
};
constexpr ArgDoc kHostPortArguments[] = {
    {.name = "host", .type = "string"},
    {.name = "port", .type = "integer"},
};
constexpr ArgDoc kNoOneArguments[] = {
    {.name = "no", .type = "pure-token", .token = "NO"},
    {.name = "one", .type = "pure-token", .token = "ONE"},
};
constexpr ArgDoc kReplicaOfChoices[] = {
    {.name = "host-port", .type = "block", .children = kHostPortArguments},
    {.name = "no-one", .type = "block", .children = kNoOneArguments},
};
constexpr ArgDoc kReplicaOfArguments[] = {
    {.name = "args", .type = "oneof", .children = kReplicaOfChoices},
};
constexpr ArgDoc kWaitAofArguments[] = {
    {.name = "numlocal", .type = "integer"},
    {.name = "numreplicas", .type = "integer"},
    {.name = "timeout", .type = "integer"},
};
constexpr std::string_view kWaitAofTips[] = {"request_policy:all_shards",
                                             "response_policy:agg_min"};

// One command with two names.
constexpr Command ReplicaOfRow(Command row) {
  row.arity = 3;
  row.flags = kCmdAdmin | kCmdNoscript | kCmdStale | kCmdNoAsyncLoading | kCmdOutsideTx;
  row.session = ReplicaOf;
  row.summary = "Make the server a replica of another instance, or promote it as master.";
  row.group = "server";
  row.complexity = "O(1)";
  row.arguments = kReplicaOfArguments;
  return row;
}

constexpr Command kReplicationCommands[] = {
    {.name = "failover",
     .arity = -1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdStale | kCmdOutsideTx,
     .acl = 0,
     .session = Failover,
     .summary = "Start a coordinated failover between this server and one of its replicas.",
     .since = "6.2.0",
     .group = "server",
     .complexity = "O(1)",
     .arguments = kFailoverArguments},
    {.name = "psync",
     .arity = -3,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdNoMulti,
     .acl = 0,
     .session = Psync,
     .summary = "Internal command used for replication",
     .since = "2.8.0",
     .group = "server",
     .arguments = kPsyncArguments},
    {.name = "replconf",
     .arity = -1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale | kCmdAllowBusy | kCmdOutsideTx,
     .acl = 0,
     .session = ReplConf,
     .summary = "An internal command for configuring the replication stream",
     .since = "3.0.0",
     .group = "server",
     .complexity = "O(1)",
     .doc_flags = "syscmd"},
    ReplicaOfRow({.name = "replicaof", .since = "5.0.0"}),
    ReplicaOfRow({.name = "slaveof",
                  .since = "1.0.0",
                  .doc_flags = "deprecated",
                  .deprecated_since = "5.0.0",
                  .replaced_by = "`REPLICAOF`"}),
    {.name = "sync",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdNoMulti,
     .acl = 0,
     .session = Sync,
     .summary = "Internal command used for replication",
     .since = "1.0.0",
     .group = "server"},
    {.name = "waitaof",
     .arity = 4,
     .flags = kCmdBlocking | kCmdOutsideTx,
     .acl = kAclConnection,
     .session = WaitAof,
     .summary = "Blocks until all of the preceding write commands sent by the connection are "
                "written to the append-only file of the master and/or replicas.",
     .since = "7.2.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kWaitAofArguments,
     .tips = kWaitAofTips},
};

}  // namespace

std::span<const Command> ReplicationCommands() {
  return kReplicationCommands;
}

}  // namespace hearth
