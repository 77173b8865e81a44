// Tested by tests/src/commands/sorted_set_test.cc.
//
// The rows of the commands for members of one sorted set: what COMMAND INFO and COMMAND DOCS of
// Redis 7.0 print, WITHSCORE of 7.2 added.
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"

namespace hearth {
namespace {

constexpr KeySpec kBzmpopKeys[] = {
    {.flags = "RW access delete", .index = 2, .find = KeySpec::Find::kKeyNum, .first_key = 1}};

constexpr ArgDoc kBzmpopWhereArguments[] = {
    {.name = "min", .type = "pure-token", .token = "MIN"},
    {.name = "max", .type = "pure-token", .token = "MAX"},
};

constexpr ArgDoc kBzmpopArguments[] = {
    {.name = "timeout", .type = "double"},
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "where", .type = "oneof", .children = kBzmpopWhereArguments},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr KeySpec kBzpopmaxKeys[] = {{.flags = "RW access delete", .last = -2}};

constexpr ArgDoc kBzpopmaxArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "timeout", .type = "double"},
};

constexpr std::string_view kBzpopmaxHistory[] = {
    "6.0.0",
    "`timeout` is interpreted as a double instead of an integer.",
};

constexpr KeySpec kZaddKeys[] = {{.flags = "RW update"}};

constexpr ArgDoc kZaddConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
};

constexpr ArgDoc kZaddComparisonArguments[] = {
    {.name = "gt", .type = "pure-token", .token = "GT"},
    {.name = "lt", .type = "pure-token", .token = "LT"},
};

constexpr ArgDoc kZaddScoreMemberArguments[] = {
    {.name = "score", .type = "double"},
    {.name = "member", .type = "string"},
};

constexpr ArgDoc kZaddArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "condition",
     .type = "oneof",
     .since = "3.0.2",
     .flags = "optional",
     .children = kZaddConditionArguments},
    {.name = "comparison",
     .type = "oneof",
     .since = "6.2.0",
     .flags = "optional",
     .children = kZaddComparisonArguments},
    {.name = "change", .type = "pure-token", .token = "CH", .since = "3.0.2", .flags = "optional"},
    {.name = "increment",
     .type = "pure-token",
     .token = "INCR",
     .since = "3.0.2",
     .flags = "optional"},
    {.name = "score_member",
     .type = "block",
     .flags = "multiple",
     .children = kZaddScoreMemberArguments},
};

constexpr std::string_view kZaddHistory[] = {
    "2.4.0", "Accepts multiple elements.",
    "3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options.",
    "6.2.0", "Added the `GT` and `LT` options.",
};

constexpr KeySpec kZcardKeys[] = {{.flags = "RO"}};

constexpr ArgDoc kZcardArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr KeySpec kZincrbyKeys[] = {{.flags = "RW access update"}};

constexpr ArgDoc kZincrbyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "increment", .type = "integer"},
    {.name = "member", .type = "string"},
};

constexpr KeySpec kZmpopKeys[] = {
    {.flags = "RW access delete", .find = KeySpec::Find::kKeyNum, .first_key = 1}};

constexpr ArgDoc kZmpopArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "where", .type = "oneof", .children = kBzmpopWhereArguments},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr KeySpec kZmscoreKeys[] = {{.flags = "RO access"}};

constexpr ArgDoc kZmscoreArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string", .flags = "multiple"},
};

constexpr KeySpec kZpopmaxKeys[] = {{.flags = "RW access delete"}};

constexpr ArgDoc kZpopmaxArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "count", .type = "integer", .flags = "optional"},
};

constexpr ArgDoc kZrandmemberOptionsArguments[] = {
    {.name = "count", .type = "integer"},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
};

constexpr ArgDoc kZrandmemberArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "options",
     .type = "block",
     .flags = "optional",
     .children = kZrandmemberOptionsArguments},
};

constexpr std::string_view kZrandmemberTips[] = {"nondeterministic_output"};

constexpr ArgDoc kZrankArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string"},
    {.name = "withscore",
     .type = "pure-token",
     .token = "WITHSCORE",
     .since = "7.2.0",
     .flags = "optional"},
};

constexpr std::string_view kZrankHistory[] = {
    "7.2.0",
    "Added the optional `WITHSCORE` argument.",
};

constexpr KeySpec kZremKeys[] = {{.flags = "RW delete"}};

constexpr std::string_view kZremHistory[] = {
    "2.4.0",
    "Accepts multiple elements.",
};

constexpr ArgDoc kZscanArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr ArgDoc kZscoreArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string"},
};

constexpr Command kSortedSetCommands[] = {
    {.name = "bzmpop",
     .arity = -5,
     .flags = kCmdWrite | kCmdBlocking | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kBzmpopKeys,
     .blocking = BZMPop,
     .summary =
         "Remove and return members with scores in a sorted set or block until one is available",
     .since = "7.0.0",
     .group = "sorted-set",
     .complexity = "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number "
                   "of elements in the sorted set, and M being the number of elements popped.",
     .arguments = kBzmpopArguments},
    {.name = "bzpopmax",
     .arity = -3,
     .flags = kCmdWrite | kCmdNoscript | kCmdBlocking | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kBzpopmaxKeys,
     .blocking = BZPopMax,
     .summary = "Remove and return the member with the highest score from one or more sorted sets, "
                "or block until one is available",
     .since = "5.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .arguments = kBzpopmaxArguments,
     .history = kBzpopmaxHistory},
    {.name = "bzpopmin",
     .arity = -3,
     .flags = kCmdWrite | kCmdNoscript | kCmdBlocking | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kBzpopmaxKeys,
     .blocking = BZPopMin,
     .summary = "Remove and return the member with the lowest score from one or more sorted sets, "
                "or block until one is available",
     .since = "5.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .arguments = kBzpopmaxArguments,
     .history = kBzpopmaxHistory},
    {.name = "zadd",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZaddKeys,
     .data = ZAdd,
     .members = {.first = 3, .step = 2},
     .summary = "Add one or more members to a sorted set, or update its score if it already exists",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity =
         "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
     .arguments = kZaddArguments,
     .history = kZaddHistory},
    {.name = "zcard",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZcardKeys,
     .data = ZCard,
     .summary = "Get the number of members in a sorted set",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(1)",
     .arguments = kZcardArguments},
    {.name = "zincrby",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZincrbyKeys,
     .data = ZIncrBy,
     .members = {.first = 3},
     .summary = "Increment the score of a member in a sorted set",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)) where N is the number of elements in the sorted set.",
     .arguments = kZincrbyArguments},
    {.name = "zmpop",
     .arity = -4,
     .flags = kCmdWrite | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZmpopKeys,
     .data = ZMPop,
     .summary = "Remove and return members with scores in a sorted set",
     .since = "7.0.0",
     .group = "sorted-set",
     .complexity = "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number "
                   "of elements in the sorted set, and M being the number of elements popped.",
     .arguments = kZmpopArguments},
    {.name = "zmscore",
     .arity = -3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZMScore,
     .members = {.first = 2, .step = 1},
     .summary = "Get the score associated with the given members in a sorted set",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(N) where N is the number of members being requested.",
     .arguments = kZmscoreArguments},
    {.name = "zpopmax",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZpopmaxKeys,
     .data = ZPopMax,
     .summary = "Remove and return members with the highest scores in a sorted set",
     .since = "5.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)*M) with N being the number of elements in the sorted set, and M being "
                   "the number of elements popped.",
     .arguments = kZpopmaxArguments},
    {.name = "zpopmin",
     .arity = -2,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZpopmaxKeys,
     .data = ZPopMin,
     .summary = "Remove and return members with the lowest scores in a sorted set",
     .since = "5.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)*M) with N being the number of elements in the sorted set, and M being "
                   "the number of elements popped.",
     .arguments = kZpopmaxArguments},
    {.name = "zrandmember",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZRandMember,
     .summary = "Get one or multiple random elements from a sorted set",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(N) where N is the number of elements returned",
     .arguments = kZrandmemberArguments,
     .tips = kZrandmemberTips},
    {.name = "zrank",
     .arity = -3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZRank,
     .members = {.first = 2},
     .summary = "Determine the index of a member in a sorted set",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N))",
     .arguments = kZrankArguments,
     .history = kZrankHistory},
    {.name = "zrem",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZremKeys,
     .data = ZRem,
     .members = {.first = 2, .step = 1},
     .summary = "Remove one or more members from a sorted set",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(M*log(N)) with N being the number of elements in the sorted set and M the "
                   "number of elements to be removed.",
     .arguments = kZmscoreArguments,
     .history = kZremHistory},
    {.name = "zrevrank",
     .arity = -3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZRevRank,
     .members = {.first = 2},
     .summary =
         "Determine the index of a member in a sorted set, with scores ordered from high to low",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N))",
     .arguments = kZrankArguments,
     .history = kZrankHistory},
    {.name = "zscan",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZScan,
     .summary = "Incrementally iterate sorted sets elements and associated scores",
     .since = "2.8.0",
     .group = "sorted-set",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection..",
     .arguments = kZscanArguments,
     .tips = kZrandmemberTips},
    {.name = "zscore",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZmscoreKeys,
     .data = ZScore,
     .members = {.first = 2},
     .summary = "Get the score associated with the given member in a sorted set",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(1)",
     .arguments = kZscoreArguments},
};

}  // namespace

std::span<const Command> SortedSetCommands() {
  return kSortedSetCommands;
}

}  // namespace hearth
