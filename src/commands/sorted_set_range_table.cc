// Tested by tests/src/commands/sorted_set_range_test.cc.
//
// The rows of the commands for ranges of a sorted set: what COMMAND INFO and COMMAND DOCS of
// Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"

namespace hearth {
namespace {

constexpr KeySpec kZcountKeys[] = {{.flags = "RO access"}};

constexpr ArgDoc kZcountArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "min", .type = "double"},
    {.name = "max", .type = "double"},
};

constexpr ArgDoc kZlexcountArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "min", .type = "string"},
    {.name = "max", .type = "string"},
};

constexpr ArgDoc kZrangeSortbyArguments[] = {
    {.name = "byscore", .type = "pure-token", .token = "BYSCORE"},
    {.name = "bylex", .type = "pure-token", .token = "BYLEX"},
};

constexpr ArgDoc kZrangeOffsetCountArguments[] = {
    {.name = "offset", .type = "integer"},
    {.name = "count", .type = "integer"},
};

constexpr ArgDoc kZrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "string"},
    {.name = "stop", .type = "string"},
    {.name = "sortby",
     .type = "oneof",
     .since = "6.2.0",
     .flags = "optional",
     .children = kZrangeSortbyArguments},
    {.name = "rev", .type = "pure-token", .token = "REV", .since = "6.2.0", .flags = "optional"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .since = "6.2.0",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
};

constexpr std::string_view kZrangeHistory[] = {
    "6.2.0",
    "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.",
};

constexpr ArgDoc kZrangebylexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "min", .type = "string"},
    {.name = "max", .type = "string"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
};

constexpr ArgDoc kZrangebyscoreArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "min", .type = "double"},
    {.name = "max", .type = "double"},
    {.name = "withscores",
     .type = "pure-token",
     .token = "WITHSCORES",
     .since = "2.0.0",
     .flags = "optional"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
};

constexpr std::string_view kZrangebyscoreHistory[] = {
    "2.0.0",
    "Added the `WITHSCORES` modifier.",
};

constexpr KeySpec kZrangestoreKeys[] = {{.flags = "OW update"}, {.flags = "RO access", .index = 2}};

constexpr ArgDoc kZrangestoreArguments[] = {
    {.name = "dst", .type = "key", .key_spec_index = 0},
    {.name = "src", .type = "key", .key_spec_index = 1},
    {.name = "min", .type = "string"},
    {.name = "max", .type = "string"},
    {.name = "sortby", .type = "oneof", .flags = "optional", .children = kZrangeSortbyArguments},
    {.name = "rev", .type = "pure-token", .token = "REV", .flags = "optional"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
};

constexpr KeySpec kZremrangebylexKeys[] = {{.flags = "RW delete"}};

constexpr ArgDoc kZremrangebyrankArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "integer"},
    {.name = "stop", .type = "integer"},
};

constexpr ArgDoc kZrevrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "integer"},
    {.name = "stop", .type = "integer"},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
};

constexpr ArgDoc kZrevrangebylexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "max", .type = "string"},
    {.name = "min", .type = "string"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
};

constexpr ArgDoc kZrevrangebyscoreArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "max", .type = "double"},
    {.name = "min", .type = "double"},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kZrangeOffsetCountArguments},
};

constexpr std::string_view kZrevrangebyscoreHistory[] = {
    "2.1.6",
    "`min` and `max` can be exclusive.",
};

constexpr Command kSortedSetRangeCommands[] = {
    {.name = "zcount",
     .arity = 4,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZCount,
     .summary = "Count the members in a sorted set with scores within the given values",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .arguments = kZcountArguments},
    {.name = "zlexcount",
     .arity = 4,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZLexCount,
     .summary = "Count the number of members in a sorted set between a given lexicographical range",
     .since = "2.8.9",
     .group = "sorted-set",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .arguments = kZlexcountArguments},
    {.name = "zrange",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRange,
     .summary = "Return a range of members in a sorted set",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements returned.",
     .arguments = kZrangeArguments,
     .history = kZrangeHistory},
    {.name = "zrangebylex",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRangeByLex,
     .summary = "Return a range of members in a sorted set, by lexicographical range",
     .since = "2.8.9",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements being returned. If M is constant (e.g. always asking for "
                   "the first 10 elements with LIMIT), you can consider it O(log(N)).",
     .arguments = kZrangebylexArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with the `BYLEX` argument"},
    {.name = "zrangebyscore",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRangeByScore,
     .summary = "Return a range of members in a sorted set, by score",
     .since = "1.0.5",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements being returned. If M is constant (e.g. always asking for "
                   "the first 10 elements with LIMIT), you can consider it O(log(N)).",
     .arguments = kZrangebyscoreArguments,
     .history = kZrangebyscoreHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with the `BYSCORE` argument"},
    {.name = "zrangestore",
     .arity = -5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclSortedSet,
     .key_specs = kZrangestoreKeys,
     .data = ZRangeStore,
     .summary = "Store a range of members from sorted set into another key",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements stored into the destination key.",
     .arguments = kZrangestoreArguments},
    {.name = "zremrangebylex",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclSortedSet,
     .key_specs = kZremrangebylexKeys,
     .data = ZRemRangeByLex,
     .summary = "Remove all members in a sorted set between the given lexicographical range",
     .since = "2.8.9",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements removed by the operation.",
     .arguments = kZlexcountArguments},
    {.name = "zremrangebyrank",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclSortedSet,
     .key_specs = kZremrangebylexKeys,
     .data = ZRemRangeByRank,
     .summary = "Remove all members in a sorted set within the given indexes",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements removed by the operation.",
     .arguments = kZremrangebyrankArguments},
    {.name = "zremrangebyscore",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclSortedSet,
     .key_specs = kZremrangebylexKeys,
     .data = ZRemRangeByScore,
     .summary = "Remove all members in a sorted set within the given scores",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements removed by the operation.",
     .arguments = kZcountArguments},
    {.name = "zrevrange",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRevRange,
     .summary = "Return a range of members in a sorted set, by index, with scores ordered from "
                "high to low",
     .since = "1.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements returned.",
     .arguments = kZrevrangeArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with the `REV` argument"},
    {.name = "zrevrangebylex",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRevRangeByLex,
     .summary = "Return a range of members in a sorted set, by lexicographical range, ordered from "
                "higher to lower strings.",
     .since = "2.8.9",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements being returned. If M is constant (e.g. always asking for "
                   "the first 10 elements with LIMIT), you can consider it O(log(N)).",
     .arguments = kZrevrangebylexArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments"},
    {.name = "zrevrangebyscore",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclSortedSet,
     .key_specs = kZcountKeys,
     .data = ZRevRangeByScore,
     .summary = "Return a range of members in a sorted set, by score, with scores ordered from "
                "high to low",
     .since = "2.2.0",
     .group = "sorted-set",
     .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the "
                   "number of elements being returned. If M is constant (e.g. always asking for "
                   "the first 10 elements with LIMIT), you can consider it O(log(N)).",
     .arguments = kZrevrangebyscoreArguments,
     .history = kZrevrangebyscoreHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments"},
};

}  // namespace

std::span<const Command> SortedSetRangeCommands() {
  return kSortedSetRangeCommands;
}

}  // namespace hearth
