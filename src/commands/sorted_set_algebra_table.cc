// Tested by tests/src/commands/sorted_set_algebra_test.cc.
//
// The rows of the commands that combine sorted sets: what COMMAND INFO and COMMAND DOCS of
// Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"

namespace hearth {
namespace {

constexpr KeySpec kZdiffKeys[] = {
    {.flags = "RO access", .find = KeySpec::Find::kKeyNum, .first_key = 1}};

constexpr ArgDoc kZdiffArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
};

constexpr KeySpec kZdiffstoreKeys[] = {
    {.flags = "OW update"},
    {.flags = "RO access", .index = 2, .find = KeySpec::Find::kKeyNum, .first_key = 1}};

constexpr ArgDoc kZdiffstoreArguments[] = {
    {.name = "destination", .type = "key", .key_spec_index = 0},
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 1},
};

constexpr ArgDoc kZinterAggregateArguments[] = {
    {.name = "sum", .type = "pure-token", .token = "SUM"},
    {.name = "min", .type = "pure-token", .token = "MIN"},
    {.name = "max", .type = "pure-token", .token = "MAX"},
};

constexpr ArgDoc kZinterArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "weight", .type = "integer", .token = "WEIGHTS", .flags = "optional multiple"},
    {.name = "aggregate",
     .type = "oneof",
     .token = "AGGREGATE",
     .flags = "optional",
     .children = kZinterAggregateArguments},
    {.name = "withscores", .type = "pure-token", .token = "WITHSCORES", .flags = "optional"},
};

constexpr ArgDoc kZintercardArguments[] = {
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "limit", .type = "integer", .token = "LIMIT", .flags = "optional"},
};

constexpr ArgDoc kZinterstoreArguments[] = {
    {.name = "destination", .type = "key", .key_spec_index = 0},
    {.name = "numkeys", .type = "integer"},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 1},
    {.name = "weight", .type = "integer", .token = "WEIGHTS", .flags = "optional multiple"},
    {.name = "aggregate",
     .type = "oneof",
     .token = "AGGREGATE",
     .flags = "optional",
     .children = kZinterAggregateArguments},
};

constexpr Command kSortedSetAlgebraCommands[] = {
    {.name = "zdiff",
     .arity = -3,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffKeys,
     .data = ZDiff,
     .summary = "Subtract multiple sorted sets",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(L + (N-K)log(N)) worst case where L is the total number of elements in all "
                   "the sets, N is the size of the first set, and K is the size of the result set.",
     .arguments = kZdiffArguments},
    {.name = "zdiffstore",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffstoreKeys,
     .data = ZDiffStore,
     .summary = "Subtract multiple sorted sets and store the resulting sorted set in a new key",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(L + (N-K)log(N)) worst case where L is the total number of elements in all "
                   "the sets, N is the size of the first set, and K is the size of the result set.",
     .arguments = kZdiffstoreArguments},
    {.name = "zinter",
     .arity = -3,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffKeys,
     .data = ZInter,
     .summary = "Intersect multiple sorted sets",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K "
                   "being the number of input sorted sets and M being the number of elements in "
                   "the resulting sorted set.",
     .arguments = kZinterArguments},
    {.name = "zintercard",
     .arity = -3,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffKeys,
     .data = ZInterCard,
     .summary = "Intersect multiple sorted sets and return the cardinality of the result",
     .since = "7.0.0",
     .group = "sorted-set",
     .complexity = "O(N*K) worst case with N being the smallest input sorted set, K being the "
                   "number of input sorted sets.",
     .arguments = kZintercardArguments},
    {.name = "zinterstore",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffstoreKeys,
     .data = ZInterStore,
     .summary = "Intersect multiple sorted sets and store the resulting sorted set in a new key",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K "
                   "being the number of input sorted sets and M being the number of elements in "
                   "the resulting sorted set.",
     .arguments = kZinterstoreArguments},
    {.name = "zunion",
     .arity = -3,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffKeys,
     .data = ZUnion,
     .summary = "Add multiple sorted sets",
     .since = "6.2.0",
     .group = "sorted-set",
     .complexity = "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, "
                   "and M being the number of elements in the resulting sorted set.",
     .arguments = kZinterArguments},
    {.name = "zunionstore",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclSortedSet,
     .key_specs = kZdiffstoreKeys,
     .data = ZUnionStore,
     .summary = "Add multiple sorted sets and store the resulting sorted set in a new key",
     .since = "2.0.0",
     .group = "sorted-set",
     .complexity = "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, "
                   "and M being the number of elements in the resulting sorted set.",
     .arguments = kZinterstoreArguments},
};

}  // namespace

std::span<const Command> SortedSetAlgebraCommands() {
  return kSortedSetAlgebraCommands;
}

}  // namespace hearth
