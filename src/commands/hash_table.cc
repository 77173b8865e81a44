// Tested by tests/src/commands/hash_test.cc.
//
// The rows of the hash commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print,
// and HSCAN's NOVALUES of 7.4. Those of field expiry stand with their functions.
#include "src/commands/groups.h"
#include "src/commands/hash.h"

namespace hearth {
namespace {

constexpr KeySpec kRwDelete[] = {{.flags = "RW delete"}};

constexpr ArgDoc kHdelArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field", .type = "string", .flags = "multiple"},
};

constexpr std::string_view kHdelHistory[] = {"2.4.0", "Accepts multiple `field` arguments."};

constexpr KeySpec kRo[] = {{.flags = "RO"}};

constexpr ArgDoc kHexistsArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field", .type = "string"},
};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr ArgDoc kHgetallArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr std::string_view kHgetallTips[] = {"nondeterministic_output_order"};

constexpr KeySpec kRwAccessUpdate[] = {{.flags = "RW access update"}};

constexpr ArgDoc kHincrbyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field", .type = "string"},
    {.name = "increment", .type = "integer"},
};

constexpr ArgDoc kHincrbyfloatArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field", .type = "string"},
    {.name = "increment", .type = "double"},
};

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr ArgDoc kHmsetFieldValueArguments[] = {
    {.name = "field", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr ArgDoc kHmsetArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field_value",
     .type = "block",
     .flags = "multiple",
     .children = kHmsetFieldValueArguments},
};

constexpr ArgDoc kHrandfieldOptionsArguments[] = {
    {.name = "count", .type = "integer"},
    {.name = "withvalues", .type = "pure-token", .token = "WITHVALUES", .flags = "optional"},
};

constexpr ArgDoc kHrandfieldArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "options",
     .type = "block",
     .flags = "optional",
     .children = kHrandfieldOptionsArguments},
};

constexpr std::string_view kHrandfieldTips[] = {"nondeterministic_output"};

constexpr ArgDoc kHscanArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "novalues",
     .type = "pure-token",
     .token = "NOVALUES",
     .since = "7.4.0",
     .flags = "optional"},
};

constexpr std::string_view kHsetHistory[] = {"4.0.0",
                                             "Accepts multiple `field` and `value` arguments."};

constexpr KeySpec kRwInsert[] = {{.flags = "RW insert"}};

constexpr ArgDoc kHsetnxArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "field", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr Command kHashCommands[] = {
    {.name = "hdel",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwDelete,
     .data = HDel,
     .members = {.first = 2, .step = 1},
     .summary = "Delete one or more hash fields",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of fields to be removed.",
     .arguments = kHdelArguments,
     .history = kHdelHistory},
    {.name = "hexists",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRo,
     .data = HExists,
     .members = {.first = 2},
     .summary = "Determine if a hash field exists",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHexistsArguments},
    {.name = "hget",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HGet,
     .members = {.first = 2},
     .summary = "Get the value of a hash field",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHexistsArguments},
    {.name = "hgetall",
     .arity = 2,
     .flags = kCmdReadonly,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HGetAll,
     .summary = "Get all the fields and values in a hash",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the size of the hash.",
     .arguments = kHgetallArguments,
     .tips = kHgetallTips},
    {.name = "hincrby",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwAccessUpdate,
     .data = HIncrBy,
     .members = {.first = 2},
     .summary = "Increment the integer value of a hash field by the given number",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHincrbyArguments},
    {.name = "hincrbyfloat",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwAccessUpdate,
     .data = HIncrByFloat,
     .members = {.first = 2},
     .summary = "Increment the float value of a hash field by the given amount",
     .since = "2.6.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHincrbyfloatArguments},
    {.name = "hkeys",
     .arity = 2,
     .flags = kCmdReadonly,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HKeys,
     .summary = "Get all the fields in a hash",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the size of the hash.",
     .arguments = kHgetallArguments,
     .tips = kHgetallTips},
    {.name = "hlen",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRo,
     .data = HLen,
     .summary = "Get the number of fields in a hash",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHgetallArguments},
    {.name = "hmget",
     .arity = -3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HMGet,
     .members = {.first = 2, .step = 1},
     .summary = "Get the values of all the given hash fields",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of fields being requested.",
     .arguments = kHdelArguments},
    {.name = "hmset",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HMSet,
     .members = {.first = 2, .step = 2},
     .summary = "Set multiple hash fields to multiple values",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of fields being set.",
     .arguments = kHmsetArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "4.0.0",
     .replaced_by = "`HSET` with multiple field-value pairs"},
    {.name = "hrandfield",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HRandField,
     .summary = "Get one or multiple random fields from a hash",
     .since = "6.2.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of fields returned",
     .arguments = kHrandfieldArguments,
     .tips = kHrandfieldTips},
    {.name = "hscan",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HScan,
     .summary = "Incrementally iterate hash fields and associated values",
     .since = "2.8.0",
     .group = "hash",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection..",
     .arguments = kHscanArguments,
     .tips = kHrandfieldTips},
    {.name = "hset",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HSet,
     .members = {.first = 2, .step = 2},
     .summary = "Set the string value of a hash field",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1) for each field/value pair added, so O(N) to add N field/value pairs when "
                   "the command is called with multiple field/value pairs.",
     .arguments = kHmsetArguments,
     .history = kHsetHistory},
    {.name = "hsetnx",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwInsert,
     .data = HSetNx,
     .members = {.first = 2},
     .summary = "Set the value of a hash field, only if the field does not exist",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHsetnxArguments},
    {.name = "hstrlen",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRo,
     .data = HStrLen,
     .members = {.first = 2},
     .summary = "Get the length of the value of a hash field",
     .since = "3.2.0",
     .group = "hash",
     .complexity = "O(1)",
     .arguments = kHexistsArguments},
    {.name = "hvals",
     .arity = 2,
     .flags = kCmdReadonly,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HVals,
     .summary = "Get all the values in a hash",
     .since = "2.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the size of the hash.",
     .arguments = kHgetallArguments,
     .tips = kHgetallTips},
};

}  // namespace

std::span<const Command> HashCommands() {
  return kHashCommands;
}

}  // namespace hearth
