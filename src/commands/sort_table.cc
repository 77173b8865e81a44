// Tested by tests/src/commands/sort_test.cc.
//
// The rows of the sort commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/sort.h"

namespace hearth {
namespace {

constexpr KeySpec kSortKeys[] = {
    {.flags = "RO access"},
    {.flags = "RO access",
     .begin = KeySpec::Begin::kUnknown,
     .find = KeySpec::Find::kUnknown,
     .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names "
              "derive from the content of the key we sort"},
    {.flags = "OW update",
     .begin = KeySpec::Begin::kUnknown,
     .find = KeySpec::Find::kUnknown,
     .notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword can "
              "appear anywhere in the argument array"},
};

constexpr ArgDoc kSortOffsetCountArguments[] = {
    {.name = "offset", .type = "integer"},
    {.name = "count", .type = "integer"},
};

constexpr ArgDoc kSortOrderArguments[] = {
    {.name = "asc", .type = "pure-token", .token = "ASC"},
    {.name = "desc", .type = "pure-token", .token = "DESC"},
};

constexpr ArgDoc kSortArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "pattern", .type = "pattern", .token = "BY", .flags = "optional", .key_spec_index = 1},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kSortOffsetCountArguments},
    {.name = "pattern",
     .type = "pattern",
     .token = "GET",
     .flags = "optional multiple multiple_token",
     .key_spec_index = 1},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kSortOrderArguments},
    {.name = "sorting", .type = "pure-token", .token = "ALPHA", .flags = "optional"},
    {.name = "destination",
     .type = "key",
     .token = "STORE",
     .flags = "optional",
     .key_spec_index = 2},
};

constexpr KeySpec kSortRoKeys[] = {
    {.flags = "RO access"},
    {.flags = "RO access",
     .begin = KeySpec::Begin::kUnknown,
     .find = KeySpec::Find::kUnknown,
     .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names "
              "derive from the content of the key we sort"},
};

constexpr ArgDoc kSortRoArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "pattern", .type = "pattern", .token = "BY", .flags = "optional", .key_spec_index = 1},
    {.name = "offset_count",
     .type = "block",
     .token = "LIMIT",
     .flags = "optional",
     .children = kSortOffsetCountArguments},
    {.name = "pattern",
     .type = "pattern",
     .token = "GET",
     .flags = "optional multiple multiple_token",
     .key_spec_index = 1},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kSortOrderArguments},
    {.name = "sorting", .type = "pure-token", .token = "ALPHA", .flags = "optional"},
};

constexpr Command kSortCommands[] = {
    {.name = "sort",
     .arity = -2,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
     .key_specs = kSortKeys,
     .data = Sort,
     .places = FindSortKeys,
     .locks_all = HasSortPatterns,
     .summary = "Sort the elements in a list, set or sorted set",
     .since = "1.0.0",
     .group = "generic",
     .complexity =
         "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the "
         "number of returned elements. When the elements are not sorted, complexity is O(N).",
     .arguments = kSortArguments},
    {.name = "sort_ro",
     .arity = -2,
     .flags = kCmdReadonly | kCmdMovableKeys,
     .acl = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
     .key_specs = kSortRoKeys,
     .data = SortRo,
     .locks_all = HasSortPatterns,
     .summary = "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
     .since = "7.0.0",
     .group = "generic",
     .complexity =
         "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the "
         "number of returned elements. When the elements are not sorted, complexity is O(N).",
     .arguments = kSortRoArguments},
};

}  // namespace

std::span<const Command> SortCommands() {
  return kSortCommands;
}

}  // namespace hearth
