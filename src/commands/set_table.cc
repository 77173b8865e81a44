// Tested by tests/src/commands/set_test.cc.
//
// The rows of the set commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/set.h"

namespace hearth {
namespace {

constexpr KeySpec kRwInsert[] = {{.flags = "RW insert"}};

constexpr ArgDoc kSaddArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string", .flags = "multiple"},
};

constexpr std::string_view kSaddHistory[] = {"2.4.0", "Accepts multiple `member` arguments."};

constexpr KeySpec kRo[] = {{.flags = "RO"}};

constexpr ArgDoc kScardArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr KeySpec kRoAccessAll[] = {{.flags = "RO access", .last = -1}};

constexpr ArgDoc kKeysArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
};

constexpr std::string_view kSdiffTips[] = {"nondeterministic_output_order"};

constexpr KeySpec kSdiffstoreKeys[] = {{.flags = "OW update"},
                                       {.flags = "RO access", .index = 2, .last = -1}};

constexpr ArgDoc kSdiffstoreArguments[] = {
    {.name = "destination", .type = "key", .key_spec_index = 0},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 1},
};

constexpr KeySpec kRoAccessCounted[] = {
    {.flags = "RO access", .find = KeySpec::Find::kKeyNum, .key_num_index = 0, .first_key = 1}};

constexpr ArgDoc kSintercardArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "limit", .type = "integer", .token = "LIMIT", .flags = "optional"},
};

constexpr KeySpec kSinterstoreKeys[] = {{.flags = "RW update"},
                                        {.flags = "RO access", .index = 2, .last = -1}};

constexpr ArgDoc kSismemberArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string"},
};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr KeySpec kSmoveKeys[] = {{.flags = "RW access delete"},
                                  {.flags = "RW insert", .index = 2}};

constexpr ArgDoc kSmoveArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
    {.name = "member", .type = "string"},
};

constexpr KeySpec kRwAccessDelete[] = {{.flags = "RW access delete"}};

constexpr ArgDoc kSpopArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer", .since = "3.2.0", .flags = "optional"},
};

constexpr std::string_view kSpopTips[] = {"nondeterministic_output"};

constexpr std::string_view kSpopHistory[] = {"3.2.0", "Added the `count` argument."};

constexpr ArgDoc kSrandmemberArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer", .since = "2.6.0", .flags = "optional"},
};

constexpr std::string_view kSrandmemberHistory[] = {"2.6.0",
                                                    "Added the optional `count` argument."};

constexpr KeySpec kRwDelete[] = {{.flags = "RW delete"}};

constexpr ArgDoc kSscanArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr Command kSetCommands[] = {
    {.name = "sadd",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRwInsert,
     .data = SAdd,
     .members = {.first = 2, .step = 1},
     .summary = "Add one or more members to a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(1) for each element added, so O(N) to add N elements when the command is "
                   "called with multiple arguments.",
     .arguments = kSaddArguments,
     .history = kSaddHistory},
    {.name = "scard",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRo,
     .data = SCard,
     .summary = "Get the number of members in a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(1)",
     .arguments = kScardArguments},
    {.name = "sdiff",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccessAll,
     .data = SDiff,
     .summary = "Subtract multiple sets",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the total number of elements in all given sets.",
     .arguments = kKeysArguments,
     .tips = kSdiffTips},
    {.name = "sdiffstore",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclSet,
     .key_specs = kSdiffstoreKeys,
     .data = SDiffStore,
     .summary = "Subtract multiple sets and store the resulting set in a key",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the total number of elements in all given sets.",
     .arguments = kSdiffstoreArguments},
    {.name = "sinter",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccessAll,
     .data = SInter,
     .summary = "Intersect multiple sets",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N*M) worst case where N is the cardinality of the smallest set and M is the "
                   "number of sets.",
     .arguments = kKeysArguments,
     .tips = kSdiffTips},
    {.name = "sintercard",
     .arity = -3,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSet,
     .key_specs = kRoAccessCounted,
     .data = SInterCard,
     .summary = "Intersect multiple sets and return the cardinality of the result",
     .since = "7.0.0",
     .group = "set",
     .complexity = "O(N*M) worst case where N is the cardinality of the smallest set and M is the "
                   "number of sets.",
     .arguments = kSintercardArguments},
    {.name = "sinterstore",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclSet,
     .key_specs = kSinterstoreKeys,
     .data = SInterStore,
     .summary = "Intersect multiple sets and store the resulting set in a key",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N*M) worst case where N is the cardinality of the smallest set and M is the "
                   "number of sets.",
     .arguments = kSdiffstoreArguments},
    {.name = "sismember",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRo,
     .data = SIsMember,
     .members = {.first = 2},
     .summary = "Determine if a given value is a member of a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(1)",
     .arguments = kSismemberArguments},
    {.name = "smembers",
     .arity = 2,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccess,
     .data = SMembers,
     .summary = "Get all the members in a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the set cardinality.",
     .arguments = kScardArguments,
     .tips = kSdiffTips},
    {.name = "smismember",
     .arity = -3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRoAccess,
     .data = SMIsMember,
     .members = {.first = 2, .step = 1},
     .summary = "Returns the membership associated with the given elements for a set",
     .since = "6.2.0",
     .group = "set",
     .complexity = "O(N) where N is the number of elements being checked for membership",
     .arguments = kSaddArguments},
    {.name = "smove",
     .arity = 4,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSet,
     .key_specs = kSmoveKeys,
     .data = SMove,
     .summary = "Move a member from one set to another",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(1)",
     .arguments = kSmoveArguments},
    {.name = "spop",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRwAccessDelete,
     .data = SPop,
     .summary = "Remove and return one or multiple random members from a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "Without the count argument O(1), otherwise O(N) where N is the value of the "
                   "passed count.",
     .arguments = kSpopArguments,
     .tips = kSpopTips,
     .history = kSpopHistory},
    {.name = "srandmember",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccess,
     .data = SRandMember,
     .summary = "Get one or multiple random members from a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "Without the count argument O(1), otherwise O(N) where N is the absolute value "
                   "of the passed count.",
     .arguments = kSrandmemberArguments,
     .tips = kSpopTips,
     .history = kSrandmemberHistory},
    {.name = "srem",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSet,
     .key_specs = kRwDelete,
     .data = SRem,
     .members = {.first = 2, .step = 1},
     .summary = "Remove one or more members from a set",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the number of members to be removed.",
     .arguments = kSaddArguments,
     .history = kSaddHistory},
    {.name = "sscan",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccess,
     .data = SScan,
     .summary = "Incrementally iterate Set elements",
     .since = "2.8.0",
     .group = "set",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection..",
     .arguments = kSscanArguments,
     .tips = kSpopTips},
    {.name = "sunion",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclSet,
     .key_specs = kRoAccessAll,
     .data = SUnion,
     .summary = "Add multiple sets",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the total number of elements in all given sets.",
     .arguments = kKeysArguments,
     .tips = kSdiffTips},
    {.name = "sunionstore",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclSet,
     .key_specs = kSdiffstoreKeys,
     .data = SUnionStore,
     .summary = "Add multiple sets and store the resulting set in a key",
     .since = "1.0.0",
     .group = "set",
     .complexity = "O(N) where N is the total number of elements in all given sets.",
     .arguments = kSdiffstoreArguments},
};

}  // namespace

std::span<const Command> SetCommands() {
  return kSetCommands;
}

}  // namespace hearth
