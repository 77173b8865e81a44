// Tested by tests/src/commands/string_test.cc.
//
// The rows of the string commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/string.h"

namespace hearth {
namespace {

constexpr KeySpec kRwInsert[] = {{.flags = "RW insert"}};

constexpr ArgDoc kKeyValueArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "value", .type = "string"},
};

constexpr KeySpec kRwAccessUpdate[] = {{.flags = "RW access update"}};

constexpr ArgDoc kKeyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr ArgDoc kDecrbyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "decrement", .type = "integer"},
};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr KeySpec kRwAccessDelete[] = {{.flags = "RW access delete"}};

constexpr KeySpec kGetexKeys[] = {
    {.flags = "RW access update", .notes = "RW and UPDATE because it changes the TTL"}};

constexpr ArgDoc kGetexExpirationArguments[] = {
    {.name = "seconds", .type = "integer", .token = "EX"},
    {.name = "milliseconds", .type = "integer", .token = "PX"},
    {.name = "unix-time-seconds", .type = "unix-time", .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = "unix-time", .token = "PXAT"},
    {.name = "persist", .type = "pure-token", .token = "PERSIST"},
};

constexpr ArgDoc kGetexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "expiration",
     .type = "oneof",
     .flags = "optional",
     .children = kGetexExpirationArguments},
};

constexpr ArgDoc kGetrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "integer"},
    {.name = "end", .type = "integer"},
};

constexpr ArgDoc kIncrbyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "increment", .type = "integer"},
};

constexpr ArgDoc kIncrbyfloatArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "increment", .type = "double"},
};

constexpr KeySpec kRoAccessAll[] = {{.flags = "RO access", .last = -1}};

constexpr ArgDoc kKeysArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
};

constexpr std::string_view kEachShard[] = {"request_policy:multi_shard"};

constexpr KeySpec kOwUpdatePairs[] = {{.flags = "OW update", .last = -1, .step = 2}};

constexpr ArgDoc kMsetArguments[] = {
    {.name = "key_value", .type = "block", .flags = "multiple", .children = kKeyValueArguments},
};

constexpr std::string_view kAllOfShards[] = {"request_policy:multi_shard",
                                             "response_policy:all_succeeded"};

constexpr KeySpec kOwInsertPairs[] = {{.flags = "OW insert", .last = -1, .step = 2}};

constexpr std::string_view kMsetnxTips[] = {"request_policy:multi_shard",
                                            "response_policy:agg_min"};

constexpr KeySpec kOwUpdate[] = {{.flags = "OW update"}};

constexpr ArgDoc kPsetexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "milliseconds", .type = "integer"},
    {.name = "value", .type = "string"},
};

constexpr KeySpec kSetKeys[] = {{.flags = "RW access update variable_flags",
                                 .notes = "RW and ACCESS due to the optional `GET` argument"}};

constexpr ArgDoc kSetConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
    {.name = "comparison-value", .type = "string", .token = "IFEQ", .since = "8.4.0"},
};

constexpr ArgDoc kSetExpirationArguments[] = {
    {.name = "seconds", .type = "integer", .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = "integer", .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds", .type = "unix-time", .token = "EXAT", .since = "6.2.0"},
    {.name = "unix-time-milliseconds", .type = "unix-time", .token = "PXAT", .since = "6.2.0"},
    {.name = "keepttl", .type = "pure-token", .token = "KEEPTTL", .since = "6.0.0"},
};

constexpr KeySpec kMsetexKeys[] = {{.flags = "OW update",
                                    .find = KeySpec::Find::kKeyNum,
                                    .step = 2,
                                    .key_num_index = 0,
                                    .first_key = 1}};

constexpr ArgDoc kMsetexConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
};

constexpr ArgDoc kMsetexExpirationArguments[] = {
    {.name = "seconds", .type = "integer", .token = "EX"},
    {.name = "milliseconds", .type = "integer", .token = "PX"},
    {.name = "unix-time-seconds", .type = "unix-time", .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = "unix-time", .token = "PXAT"},
    {.name = "keepttl", .type = "pure-token", .token = "KEEPTTL"},
};

constexpr ArgDoc kMsetexArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "data", .type = "block", .flags = "multiple", .children = kKeyValueArguments},
    {.name = "condition",
     .type = "oneof",
     .flags = "optional",
     .children = kMsetexConditionArguments},
    {.name = "expiration",
     .type = "oneof",
     .flags = "optional",
     .children = kMsetexExpirationArguments},
};

constexpr ArgDoc kSetArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "value", .type = "string"},
    {.name = "condition",
     .type = "oneof",
     .since = "2.6.12",
     .flags = "optional",
     .children = kSetConditionArguments},
    {.name = "get", .type = "pure-token", .token = "GET", .since = "6.2.0", .flags = "optional"},
    {.name = "expiration",
     .type = "oneof",
     .flags = "optional",
     .children = kSetExpirationArguments},
};

constexpr std::string_view kSetHistory[] = {
    "2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options.",
    "6.0.0",  "Added the `KEEPTTL` option.",
    "6.2.0",  "Added the `GET`, `EXAT` and `PXAT` option.",
    "7.0.0",  "Allowed the `NX` and `GET` options to be used together.",
    "8.4.0",  "Added the `IFEQ` option."};

constexpr ArgDoc kSetexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "seconds", .type = "integer"},
    {.name = "value", .type = "string"},
};

constexpr KeySpec kOwInsert[] = {{.flags = "OW insert"}};

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr ArgDoc kSetrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "offset", .type = "integer"},
    {.name = "value", .type = "string"},
};

constexpr KeySpec kRo[] = {{.flags = "RO"}};

constexpr Command kStringCommands[] = {
    {.name = "append",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwInsert,
     .data = Append,
     .summary = "Append a value to a key",
     .since = "2.0.0",
     .group = "string",
     .complexity =
         "O(1). The amortized time complexity is O(1) assuming the appended value is small and the "
         "already present value is of any size, since the dynamic string library used by Redis "
         "will double the free space available on every reallocation.",
     .arguments = kKeyValueArguments},
    {.name = "decr",
     .arity = 2,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = Decr,
     .summary = "Decrement the integer value of a key by one",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "decrby",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = DecrBy,
     .summary = "Decrement the integer value of a key by the given number",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kDecrbyArguments},
    {.name = "get",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclString,
     .key_specs = kRoAccess,
     .data = Get,
     .summary = "Get the value of a key",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "getdel",
     .arity = 2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessDelete,
     .data = GetDel,
     .summary = "Get the value of a key and delete the key",
     .since = "6.2.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "getex",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclString,
     .key_specs = kGetexKeys,
     .data = GetEx,
     .summary = "Get the value of a key and optionally set its expiration",
     .since = "6.2.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kGetexArguments},
    {.name = "getrange",
     .arity = 4,
     .flags = kCmdReadonly,
     .acl = kAclString,
     .key_specs = kRoAccess,
     .data = GetRange,
     .summary = "Get a substring of the string stored at a key",
     .since = "2.4.0",
     .group = "string",
     .complexity =
         "O(N) where N is the length of the returned string. The complexity is ultimately "
         "determined by the returned length, but because creating a substring from an existing "
         "string is very cheap, it can be considered O(1) for small strings.",
     .arguments = kGetrangeArguments},
    {.name = "getset",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = GetSet,
     .summary = "Set the string value of a key and return its old value",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyValueArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`SET` with the `!GET` argument"},
    {.name = "incr",
     .arity = 2,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = Incr,
     .summary = "Increment the integer value of a key by one",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "incrby",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = IncrBy,
     .summary = "Increment the integer value of a key by the given amount",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kIncrbyArguments},
    {.name = "incrbyfloat",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclString,
     .key_specs = kRwAccessUpdate,
     .data = IncrByFloat,
     .summary = "Increment the float value of a key by the given amount",
     .since = "2.6.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kIncrbyfloatArguments},
    {.name = "mget",
     .arity = -2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclString,
     .key_specs = kRoAccessAll,
     .data = MGet,
     .summary = "Get the values of all the given keys",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(N) where N is the number of keys to retrieve.",
     .arguments = kKeysArguments,
     .tips = kEachShard},
    {.name = "mset",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kOwUpdatePairs,
     .data = MSet,
     .summary = "Set multiple keys to multiple values",
     .since = "1.0.1",
     .group = "string",
     .complexity = "O(N) where N is the number of keys to set.",
     .arguments = kMsetArguments,
     .tips = kAllOfShards},
    {.name = "msetex",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclString,
     .key_specs = kMsetexKeys,
     .data = MSetEx,
     .summary = "Atomically creates or modifies the string values of one or more keys, and "
                "optionally set their expiration.",
     .since = "8.4.0",
     .group = "string",
     .complexity = "O(N) where N is the number of keys to set.",
     .arguments = kMsetexArguments,
     .tips = kAllOfShards},
    {.name = "msetnx",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kOwInsertPairs,
     .data = MSetNx,
     .summary = "Set multiple keys to multiple values, only if none of the keys exist",
     .since = "1.0.1",
     .group = "string",
     .complexity = "O(N) where N is the number of keys to set.",
     .arguments = kMsetArguments,
     .tips = kMsetnxTips},
    {.name = "psetex",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kOwUpdate,
     .data = PSetEx,
     .summary = "Set the value and expiration in milliseconds of a key",
     .since = "2.6.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kPsetexArguments},
    {.name = "set",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kSetKeys,
     .data = Set,
     .places = FindSetKey,
     .asks_for_value = SetAsksForValue,
     .summary = "Set the string value of a key",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kSetArguments,
     .history = kSetHistory},
    {.name = "setex",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kOwUpdate,
     .data = SetEx,
     .summary = "Set the value and expiration of a key",
     .since = "2.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kSetexArguments},
    {.name = "setnx",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast | kCmdHeadOnly,
     .acl = kAclString,
     .key_specs = kOwInsert,
     .data = SetNx,
     .summary = "Set the value of a key, only if the key does not exist",
     .since = "1.0.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyValueArguments},
    {.name = "setrange",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclString,
     .key_specs = kRwUpdate,
     .data = SetRange,
     .summary = "Overwrite part of a string at key starting at the specified offset",
     .since = "2.2.0",
     .group = "string",
     .complexity = "O(1), not counting the time taken to copy the new string in place. Usually, "
                   "this string is very small so the amortized complexity is O(1). Otherwise, "
                   "complexity is O(M) with M being the length of the value argument.",
     .arguments = kSetrangeArguments},
    {.name = "strlen",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclString,
     .key_specs = kRo,
     .data = StrLen,
     .summary = "Get the length of the value stored in a key",
     .since = "2.2.0",
     .group = "string",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "substr",
     .arity = 4,
     .flags = kCmdReadonly,
     .acl = kAclString,
     .key_specs = kRoAccess,
     .data = GetRange,
     .summary = "Get a substring of the string stored at a key",
     .since = "1.0.0",
     .group = "string",
     .complexity =
         "O(N) where N is the length of the returned string. The complexity is ultimately "
         "determined by the returned length, but because creating a substring from an existing "
         "string is very cheap, it can be considered O(1) for small strings.",
     .arguments = kGetrangeArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "2.0.0",
     .replaced_by = "`GETRANGE`"},
};

}  // namespace

std::span<const Command> StringCommands() {
  return kStringCommands;
}

}  // namespace hearth
