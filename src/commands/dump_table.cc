// Tested by tests/src/commands/dump_test.cc.
//
// The rows of DUMP and RESTORE: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/generic.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr KeySpec kDumpKeys[] = {{.flags = "RO access"}};

constexpr std::string_view kDumpTips[] = {"nondeterministic_output"};

constexpr ArgDoc kDumpArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr KeySpec kRestoreKeys[] = {{.flags = "OW update"}};

constexpr std::string_view kRestoreHistory[] = {
    "3.0.0", "Added the `REPLACE` modifier.",           "5.0.0", "Added the `ABSTTL` modifier.",
    "5.0.0", "Added the `IDLETIME` and `FREQ` options."};

constexpr ArgDoc kRestoreArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "ttl", .type = "integer"},
    {.name = "serialized-value", .type = "string"},
    {.name = "replace",
     .type = "pure-token",
     .token = "REPLACE",
     .since = "3.0.0",
     .flags = "optional"},
    {.name = "absttl",
     .type = "pure-token",
     .token = "ABSTTL",
     .since = "5.0.0",
     .flags = "optional"},
    {.name = "seconds",
     .type = "integer",
     .token = "IDLETIME",
     .since = "5.0.0",
     .flags = "optional"},
    {.name = "frequency",
     .type = "integer",
     .token = "FREQ",
     .since = "5.0.0",
     .flags = "optional"},
};

constexpr std::string_view kRestoreComplexity =
    "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N "
    "is the number of Redis objects composing the value and M their average size. For small string "
    "values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for "
    "sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets "
    "is O(log(N)).";

constexpr Command kDumpCommands[] = {
    {.name = "dump",
     .arity = 2,
     .flags = kCmdReadonly,
     .acl = kAclKeyspace,
     .key_specs = kDumpKeys,
     .data = Dump,
     .summary = "Return a serialized version of the value stored at the specified key.",
     .since = "2.6.0",
     .group = "generic",
     .complexity =
         "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of "
         "Redis objects composing the value and M their average size. For small string values the "
         "time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
     .arguments = kDumpArguments,
     .tips = kDumpTips},
    {.name = "restore",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclKeyspace | kAclDangerous,
     .key_specs = kRestoreKeys,
     .data = Restore,
     .summary = "Create a key using the provided serialized value, previously obtained using DUMP.",
     .since = "2.6.0",
     .group = "generic",
     .complexity = kRestoreComplexity,
     .arguments = kRestoreArguments,
     .history = kRestoreHistory},
    {.name = "restore-asking",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdAsking,
     .acl = kAclKeyspace | kAclDangerous,
     .key_specs = kRestoreKeys,
     .data = Restore,
     .summary = "An internal command for migrating keys in a cluster",
     .since = "3.0.0",
     .group = "server",
     .complexity = kRestoreComplexity,
     .arguments = kRestoreArguments,
     .history = kRestoreHistory,
     .doc_flags = "syscmd"},
};

}  // namespace

std::span<const Command> DumpCommands() {
  return kDumpCommands;
}

}  // namespace hearth
