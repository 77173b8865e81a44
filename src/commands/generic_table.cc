// Tested by tests/src/commands/generic_test.cc.
//
// The rows of the commands for keys of any type and for whole databases: what COMMAND INFO and
// COMMAND DOCS of Redis 7.0 print.
#include "src/commands/generic.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr KeySpec kCopyKeys[] = {{.flags = "RO access"}, {.flags = "OW update", .index = 2}};

constexpr ArgDoc kCopyArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
    {.name = "destination-db", .type = "integer", .token = "DB", .flags = "optional"},
    {.name = "replace", .type = "pure-token", .token = "REPLACE", .flags = "optional"},
};

constexpr KeySpec kRmDeleteAll[] = {{.flags = "RM delete", .last = -1}};

constexpr ArgDoc kKeysArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
};

constexpr std::string_view kSumOfShards[] = {"request_policy:multi_shard",
                                             "response_policy:agg_sum"};

constexpr KeySpec kRoAll[] = {{.flags = "RO", .last = -1}};

constexpr std::string_view kExistsHistory[] = {"3.0.3", "Accepts multiple `key` arguments."};

constexpr ArgDoc kFlushallAsyncArguments[] = {
    {.name = "async", .type = "pure-token", .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = "pure-token", .token = "SYNC", .since = "6.2.0"},
};

constexpr ArgDoc kFlushArguments[] = {
    {.name = "async", .type = "oneof", .flags = "optional", .children = kFlushallAsyncArguments},
};

constexpr std::string_view kFlushallHistory[] = {
    "4.0.0", "Added the `ASYNC` flushing mode modifier.", "6.2.0",
    "Added the `SYNC` flushing mode modifier."};

constexpr std::string_view kAllShards[] = {"request_policy:all_shards",
                                           "response_policy:all_succeeded"};

constexpr KeySpec kRwAccessUpdate[] = {{.flags = "RW access update"}};

constexpr ArgDoc kMoveArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "db", .type = "integer"},
};

constexpr KeySpec kRoAt2[] = {{.flags = "RO", .index = 2}};

constexpr ArgDoc kKeyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr Command kObjectSubcommands[] = {
    {.name = "object|encoding",
     .arity = 3,
     .flags = kCmdReadonly | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAt2,
     .data = ObjectEncoding,
     .summary = "Inspect the internal encoding of a Redis object",
     .since = "2.2.3",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic},
    {.name = "object|freq",
     .arity = 3,
     .flags = kCmdReadonly | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAt2,
     .data = ObjectFreq,
     .summary = "Get the logarithmic access frequency counter of a Redis object",
     .since = "4.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic},
    {.name = "object|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclKeyspace,
     .data = ObjectHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "6.2.0",
     .group = "generic",
     .complexity = "O(1)"},
    {.name = "object|idletime",
     .arity = 3,
     .flags = kCmdReadonly | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAt2,
     .data = ObjectIdleTime,
     .summary = "Get the time since a Redis object was last accessed",
     .since = "2.2.3",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic},
    {.name = "object|refcount",
     .arity = 3,
     .flags = kCmdReadonly,
     .acl = kAclKeyspace,
     .key_specs = kRoAt2,
     .data = ObjectRefCount,
     .summary = "Get the number of references to the value of the key",
     .since = "2.2.3",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic},
};

constexpr KeySpec kRenameKeys[] = {{.flags = "RW access delete"},
                                   {.flags = "OW update", .index = 2}};

constexpr ArgDoc kRenameArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "newkey", .type = "key", .key_spec_index = 1},
};

constexpr KeySpec kRenamenxKeys[] = {{.flags = "RW access delete"},
                                     {.flags = "OW insert", .index = 2}};

constexpr std::string_view kRenamenxHistory[] = {
    "3.2.0",
    "The command no longer returns an error when source and destination names are the same."};

constexpr ArgDoc kSwapdbArguments[] = {
    {.name = "index1", .type = "integer"},
    {.name = "index2", .type = "integer"},
};

constexpr KeySpec kRo[] = {{.flags = "RO"}};

constexpr Command kGenericCommands[] = {
    {.name = "copy",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclKeyspace,
     .key_specs = kCopyKeys,
     .data = Copy,
     .keys = CopyKeys,
     .summary = "Copy a key",
     .since = "6.2.0",
     .group = "generic",
     .complexity = "O(N) worst case for collections, where N is the number of nested items. O(1) "
                   "for string values.",
     .arguments = kCopyArguments},
    {.name = "del",
     .arity = -2,
     .flags = kCmdWrite | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRmDeleteAll,
     .data = Del,
     .summary = "Delete a key",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(N) where N is the number of keys that will be removed. When a key to remove "
                   "holds a value other than a string, the individual complexity for this key is "
                   "O(M) where M is the number of elements in the list, set, sorted set or hash. "
                   "Removing a single key that holds a string value is O(1).",
     .arguments = kKeysArguments,
     .tips = kSumOfShards},
    {.name = "exists",
     .arity = -2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAll,
     .data = Exists,
     .summary = "Determine if a key exists",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(N) where N is the number of keys to check.",
     .arguments = kKeysArguments,
     .tips = kSumOfShards,
     .history = kExistsHistory},
    {.name = "flushall",
     .arity = -1,
     .flags = kCmdWrite | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous,
     .data = FlushAll,
     .summary = "Remove all keys from all databases",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) where N is the total number of keys in all databases",
     .arguments = kFlushArguments,
     .tips = kAllShards,
     .history = kFlushallHistory},
    {.name = "flushdb",
     .arity = -1,
     .flags = kCmdWrite | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous,
     .data = FlushDb,
     .summary = "Remove all keys from the current database",
     .since = "1.0.0",
     .group = "server",
     .complexity = "O(N) where N is the number of keys in the selected database",
     .arguments = kFlushArguments,
     .tips = kAllShards,
     .history = kFlushallHistory},
    {.name = "move",
     .arity = 3,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclKeyspace,
     .key_specs = kRwAccessUpdate,
     .data = Move,
     .keys = MoveKeys,
     .summary = "Move a key to another database",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kMoveArguments},
    {.name = "object",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kObjectSubcommands,
     .summary = "A container for object introspection commands",
     .since = "2.2.3",
     .group = "generic",
     .complexity = "Depends on subcommand."},
    {.name = "rename",
     .arity = 3,
     .flags = kCmdWrite | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRenameKeys,
     .data = Rename,
     .summary = "Rename a key",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kRenameArguments},
    {.name = "renamenx",
     .arity = 3,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRenamenxKeys,
     .data = RenameNx,
     .summary = "Rename a key, only if the new key does not exist",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kRenameArguments,
     .history = kRenamenxHistory},
    {.name = "swapdb",
     .arity = 3,
     .flags = kCmdWrite | kCmdFast | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous,
     .data = SwapDb,
     .summary = "Swaps two Redis databases",
     .since = "4.0.0",
     .group = "server",
     .complexity =
         "O(N) where N is the count of clients watching or blocking on keys from both databases.",
     .arguments = kSwapdbArguments},
    {.name = "touch",
     .arity = -2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAll,
     .data = Touch,
     .summary =
         "Alters the last access time of a key(s). Returns the number of existing keys specified.",
     .since = "3.2.1",
     .group = "generic",
     .complexity = "O(N) where N is the number of keys that will be touched.",
     .arguments = kKeysArguments,
     .tips = kSumOfShards},
    {.name = "type",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRo,
     .data = Type,
     .summary = "Determine the type stored at key",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "unlink",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRmDeleteAll,
     .data = Del,
     .summary = "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but "
                "non blocking.",
     .since = "4.0.0",
     .group = "generic",
     .complexity = "O(1) for each key removed regardless of its size. Then the command does O(N) "
                   "work in a different thread in order to reclaim memory, where N is the number "
                   "of allocations the deleted objects where composed of.",
     .arguments = kKeysArguments,
     .tips = kSumOfShards},
};

}  // namespace

std::span<const Command> GenericCommands() {
  return kGenericCommands;
}

}  // namespace hearth
