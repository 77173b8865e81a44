// Tested by tests/src/commands/list_test.cc.
//
// The rows of the list commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/list.h"

namespace hearth {
namespace {

constexpr KeySpec kSourceAndTarget[] = {
    {.flags = "RW access delete"},
    {.flags = "RW insert", .index = 2},
};

constexpr ArgDoc kEndArguments[] = {
    {.name = "left", .type = "pure-token", .token = "LEFT"},
    {.name = "right", .type = "pure-token", .token = "RIGHT"},
};

constexpr ArgDoc kBLMoveArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
    {.name = "wherefrom", .type = "oneof", .children = kEndArguments},
    {.name = "whereto", .type = "oneof", .children = kEndArguments},
    {.name = "timeout", .type = "double"},
};

constexpr KeySpec kTimeoutAndCountedKeys[] = {
    {.flags = "RW access delete",
     .index = 2,
     .find = KeySpec::Find::kKeyNum,
     .key_num_index = 0,
     .first_key = 1},
};

constexpr ArgDoc kBLMPopArguments[] = {
    {.name = "timeout", .type = "double"},
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "where", .type = "oneof", .children = kEndArguments},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr KeySpec kKeysBeforeTimeout[] = {
    {.flags = "RW access delete", .last = -2},
};

constexpr ArgDoc kBLPopArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "timeout", .type = "double"},
};

constexpr std::string_view kTimeoutHistory[] = {
    "6.0.0",
    "`timeout` is interpreted as a double instead of an integer.",
};

constexpr ArgDoc kBRPopLPushArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
    {.name = "timeout", .type = "double"},
};

constexpr KeySpec kRoAccess[] = {
    {.flags = "RO access"},
};

constexpr ArgDoc kLIndexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "index", .type = "integer"},
};

constexpr KeySpec kRwInsert[] = {
    {.flags = "RW insert"},
};

constexpr ArgDoc kLInsertWhereArguments[] = {
    {.name = "before", .type = "pure-token", .token = "BEFORE"},
    {.name = "after", .type = "pure-token", .token = "AFTER"},
};

constexpr ArgDoc kLInsertArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "where", .type = "oneof", .children = kLInsertWhereArguments},
    {.name = "pivot", .type = "string"},
    {.name = "element", .type = "string"},
};

constexpr KeySpec kRo[] = {
    {.flags = "RO"},
};

constexpr ArgDoc kKeyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr ArgDoc kLMoveArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
    {.name = "wherefrom", .type = "oneof", .children = kEndArguments},
    {.name = "whereto", .type = "oneof", .children = kEndArguments},
};

constexpr KeySpec kCountedKeys[] = {
    {.flags = "RW access delete",
     .find = KeySpec::Find::kKeyNum,
     .key_num_index = 0,
     .first_key = 1},
};

constexpr ArgDoc kLMPopArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "where", .type = "oneof", .children = kEndArguments},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr KeySpec kRwAccessDelete[] = {
    {.flags = "RW access delete"},
};

constexpr ArgDoc kLPopArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer", .since = "6.2.0", .flags = "optional"},
};

constexpr std::string_view kLPopHistory[] = {
    "6.2.0",
    "Added the `count` argument.",
};

constexpr ArgDoc kLPosArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "element", .type = "string"},
    {.name = "rank", .type = "integer", .token = "RANK", .flags = "optional"},
    {.name = "num-matches", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "len", .type = "integer", .token = "MAXLEN", .flags = "optional"},
};

constexpr ArgDoc kLPushArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "element", .type = "string", .flags = "multiple"},
};

constexpr std::string_view kLPushHistory[] = {
    "2.4.0",
    "Accepts multiple `element` arguments.",
};

constexpr std::string_view kLPushXHistory[] = {
    "4.0.0",
    "Accepts multiple `element` arguments.",
};

constexpr ArgDoc kLRangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "integer"},
    {.name = "stop", .type = "integer"},
};

constexpr KeySpec kRwDelete[] = {
    {.flags = "RW delete"},
};

constexpr ArgDoc kLRemArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer"},
    {.name = "element", .type = "string"},
};

constexpr KeySpec kRwUpdate[] = {
    {.flags = "RW update"},
};

constexpr ArgDoc kLSetArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "index", .type = "integer"},
    {.name = "element", .type = "string"},
};

constexpr ArgDoc kRPopLPushArguments[] = {
    {.name = "source", .type = "key", .key_spec_index = 0},
    {.name = "destination", .type = "key", .key_spec_index = 1},
};

constexpr Command kListCommands[] = {
    {.name = "blmove",
     .arity = 6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdNoscript | kCmdBlocking,
     .acl = kAclList,
     .key_specs = kSourceAndTarget,
     .blocking = BLMove,
     .summary = "Pop an element from a list, push it to another list and return it; or block until "
                "one is available",
     .since = "6.2.0",
     .group = "list",
     .complexity = "O(1)",
     .arguments = kBLMoveArguments},
    {.name = "blmpop",
     .arity = -5,
     .flags = kCmdWrite | kCmdBlocking | kCmdMovableKeys,
     .acl = kAclList,
     .key_specs = kTimeoutAndCountedKeys,
     .blocking = BLMPop,
     .summary = "Pop elements from a list, or block until one is available",
     .since = "7.0.0",
     .group = "list",
     .complexity =
         "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
     .arguments = kBLMPopArguments},
    {.name = "blpop",
     .arity = -3,
     .flags = kCmdWrite | kCmdNoscript | kCmdBlocking,
     .acl = kAclList,
     .key_specs = kKeysBeforeTimeout,
     .blocking = BLPop,
     .summary = "Remove and get the first element in a list, or block until one is available",
     .since = "2.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of provided keys.",
     .arguments = kBLPopArguments,
     .history = kTimeoutHistory},
    {.name = "brpop",
     .arity = -3,
     .flags = kCmdWrite | kCmdNoscript | kCmdBlocking,
     .acl = kAclList,
     .key_specs = kKeysBeforeTimeout,
     .blocking = BRPop,
     .summary = "Remove and get the last element in a list, or block until one is available",
     .since = "2.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of provided keys.",
     .arguments = kBLPopArguments,
     .history = kTimeoutHistory},
    {.name = "brpoplpush",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdNoscript | kCmdBlocking,
     .acl = kAclList,
     .key_specs = kSourceAndTarget,
     .blocking = BRPopLPush,
     .summary = "Pop an element from a list, push it to another list and return it; or block until "
                "one is available",
     .since = "2.2.0",
     .group = "list",
     .complexity = "O(1)",
     .arguments = kBRPopLPushArguments,
     .history = kTimeoutHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments"},
    {.name = "lindex",
     .arity = 3,
     .flags = kCmdReadonly,
     .acl = kAclList,
     .key_specs = kRoAccess,
     .data = LIndex,
     .summary = "Get an element from a list by its index",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of elements to traverse to get to the element at "
                   "index. This makes asking for the first or the last element of the list O(1).",
     .arguments = kLIndexArguments},
    {.name = "linsert",
     .arity = 5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclList,
     .key_specs = kRwInsert,
     .data = LInsert,
     .summary = "Insert an element before or after another element in a list",
     .since = "2.2.0",
     .group = "list",
     .complexity =
         "O(N) where N is the number of elements to traverse before seeing the value pivot. This "
         "means that inserting somewhere on the left end on the list (head) can be considered O(1) "
         "and inserting somewhere on the right end (tail) is O(N).",
     .arguments = kLInsertArguments},
    {.name = "llen",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclList,
     .key_specs = kRo,
     .data = LLen,
     .summary = "Get the length of a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "lmove",
     .arity = 5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclList,
     .key_specs = kSourceAndTarget,
     .data = LMove,
     .summary = "Pop an element from a list, push it to another list and return it",
     .since = "6.2.0",
     .group = "list",
     .complexity = "O(1)",
     .arguments = kLMoveArguments},
    {.name = "lmpop",
     .arity = -4,
     .flags = kCmdWrite | kCmdMovableKeys,
     .acl = kAclList,
     .key_specs = kCountedKeys,
     .data = LMPop,
     .summary = "Pop elements from a list",
     .since = "7.0.0",
     .group = "list",
     .complexity =
         "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
     .arguments = kLMPopArguments},
    {.name = "lpop",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwAccessDelete,
     .data = LPop,
     .summary = "Remove and get the first elements in a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of elements returned",
     .arguments = kLPopArguments,
     .history = kLPopHistory},
    {.name = "lpos",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclList,
     .key_specs = kRoAccess,
     .data = LPos,
     .summary = "Return the index of matching elements on a list",
     .since = "6.0.6",
     .group = "list",
     .complexity = "O(N) where N is the number of elements in the list, for the average case. When "
                   "searching for elements near the head or the tail of the list, or when the "
                   "MAXLEN option is provided, the command may run in constant time.",
     .arguments = kLPosArguments},
    {.name = "lpush",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwInsert,
     .data = LPush,
     .summary = "Prepend one or multiple elements to a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(1) for each element added, so O(N) to add N elements when the command is "
                   "called with multiple arguments.",
     .arguments = kLPushArguments,
     .history = kLPushHistory},
    {.name = "lpushx",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwInsert,
     .data = LPushX,
     .summary = "Prepend an element to a list, only if the list exists",
     .since = "2.2.0",
     .group = "list",
     .complexity = "O(1) for each element added, so O(N) to add N elements when the command is "
                   "called with multiple arguments.",
     .arguments = kLPushArguments,
     .history = kLPushXHistory},
    {.name = "lrange",
     .arity = 4,
     .flags = kCmdReadonly,
     .acl = kAclList,
     .key_specs = kRoAccess,
     .data = LRange,
     .summary = "Get a range of elements from a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(S+N) where S is the distance of start offset from HEAD for small lists, from "
                   "nearest end (HEAD or TAIL) for large lists; and N is the number of elements in "
                   "the specified range.",
     .arguments = kLRangeArguments},
    {.name = "lrem",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclList,
     .key_specs = kRwDelete,
     .data = LRem,
     .summary = "Remove elements from a list",
     .since = "1.0.0",
     .group = "list",
     .complexity =
         "O(N+M) where N is the length of the list and M is the number of elements removed.",
     .arguments = kLRemArguments},
    {.name = "lset",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclList,
     .key_specs = kRwUpdate,
     .data = LSet,
     .summary = "Set the value of an element in a list by its index",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(N) where N is the length of the list. Setting either the first or the last "
                   "element of the list is O(1).",
     .arguments = kLSetArguments},
    {.name = "ltrim",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclList,
     .key_specs = kRwDelete,
     .data = LTrim,
     .summary = "Trim a list to the specified range",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of elements to be removed by the operation.",
     .arguments = kLRangeArguments},
    {.name = "rpop",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwAccessDelete,
     .data = RPop,
     .summary = "Remove and get the last elements in a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(N) where N is the number of elements returned",
     .arguments = kLPopArguments,
     .history = kLPopHistory},
    {.name = "rpoplpush",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclList,
     .key_specs = kSourceAndTarget,
     .data = RPopLPush,
     .summary = "Remove the last element in a list, prepend it to another list and return it",
     .since = "1.2.0",
     .group = "list",
     .complexity = "O(1)",
     .arguments = kRPopLPushArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments"},
    {.name = "rpush",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwInsert,
     .data = RPush,
     .summary = "Append one or multiple elements to a list",
     .since = "1.0.0",
     .group = "list",
     .complexity = "O(1) for each element added, so O(N) to add N elements when the command is "
                   "called with multiple arguments.",
     .arguments = kLPushArguments,
     .history = kLPushHistory},
    {.name = "rpushx",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclList,
     .key_specs = kRwInsert,
     .data = RPushX,
     .summary = "Append an element to a list, only if the list exists",
     .since = "2.2.0",
     .group = "list",
     .complexity = "O(1) for each element added, so O(N) to add N elements when the command is "
                   "called with multiple arguments.",
     .arguments = kLPushArguments,
     .history = kLPushXHistory},
};

}  // namespace

std::span<const Command> ListCommands() {
  return kListCommands;
}

}  // namespace hearth
