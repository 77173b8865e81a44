// Tested by tests/src/commands/dump_test.cc.
//
// The rows of DUMP, RESTORE and MIGRATE: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/commands/migrate.h"

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

constexpr KeySpec kMigrateKeys[] = {
    {.flags = "RW access delete", .index = 3},
    {.flags = "RW access delete incomplete",
     .begin = KeySpec::Begin::kKeyword,
     .index = -2,
     .keyword = "KEYS",
     .last = -1},
};

constexpr std::string_view kMigrateHistory[] = {"3.0.0", "Added the `COPY` and `REPLACE` options.",
                                                "3.0.6", "Added the `KEYS` option.",
                                                "4.0.7", "Added the `AUTH` option.",
                                                "6.0.0", "Added the `AUTH2` option."};

constexpr ArgDoc kMigrateKeyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "empty_string", .type = "pure-token", .token = "\"\""},
};

constexpr ArgDoc kMigrateUserArguments[] = {
    {.name = "username", .type = "string"},
    {.name = "password", .type = "string"},
};

constexpr ArgDoc kMigrateAuthArguments[] = {
    {.name = "password", .type = "string", .token = "AUTH", .since = "4.0.7", .flags = "optional"},
    {.name = "username_password",
     .type = "block",
     .token = "AUTH2",
     .since = "6.0.0",
     .flags = "optional",
     .children = kMigrateUserArguments},
};

constexpr ArgDoc kMigrateArguments[] = {
    {.name = "host", .type = "string"},
    {.name = "port", .type = "integer"},
    {.name = "key_or_empty_string", .type = "oneof", .children = kMigrateKeyArguments},
    {.name = "destination-db", .type = "integer"},
    {.name = "timeout", .type = "integer"},
    {.name = "copy", .type = "pure-token", .token = "COPY", .since = "3.0.0", .flags = "optional"},
    {.name = "replace",
     .type = "pure-token",
     .token = "REPLACE",
     .since = "3.0.0",
     .flags = "optional"},
    {.name = "authentication",
     .type = "oneof",
     .flags = "optional",
     .children = kMigrateAuthArguments},
    {.name = "key",
     .type = "key",
     .token = "KEYS",
     .since = "3.0.6",
     .flags = "optional multiple",
     .key_spec_index = 1},
};

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
    {.name = "migrate",
     .arity = -6,
     .flags = kCmdWrite | kCmdMovableKeys,
     .acl = kAclKeyspace | kAclDangerous,
     .key_specs = kMigrateKeys,
     .data = Migrate,
     .places = FindMigrateKeys,
     .summary = "Atomically transfer a key from a Redis instance to another one.",
     .since = "2.6.0",
     .group = "generic",
     .complexity =
         "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the "
         "target instance. See the pages of these commands for time complexity. Also an O(N) data "
         "transfer between the two instances is performed.",
     .arguments = kMigrateArguments,
     .tips = kDumpTips,
     .history = kMigrateHistory},
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
