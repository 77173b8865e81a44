// Tested by tests/src/commands/stream_table_test.cc.
//
// The rows of the subcommands of XGROUP and XINFO: what COMMAND INFO and
// COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/stream.h"

namespace hearth {
namespace {

constexpr KeySpec kRwInsertAt2[] = {{.flags = "RW insert", .index = 2}};

constexpr ArgDoc kXgroupCreateIdArguments[] = {
    {.name = "id", .type = "string"},
    {.name = "new_id", .type = "pure-token", .token = "$"},
};

constexpr ArgDoc kXgroupCreateArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "groupname", .type = "string"},
    {.name = "id", .type = "oneof", .children = kXgroupCreateIdArguments},
    {.name = "mkstream", .type = "pure-token", .token = "MKSTREAM", .flags = "optional"},
    {.name = "entries_read", .type = "integer", .token = "ENTRIESREAD", .flags = "optional"},
};

constexpr std::string_view kXgroupCreateHistory[] = {"7.0.0",
                                                     "Added the `entries_read` named argument."};

constexpr ArgDoc kXgroupCreateconsumerArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "groupname", .type = "string"},
    {.name = "consumername", .type = "string"},
};

constexpr KeySpec kRwDeleteAt2[] = {{.flags = "RW delete", .index = 2}};

constexpr ArgDoc kXgroupDestroyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "groupname", .type = "string"},
};

constexpr KeySpec kRwUpdateAt2[] = {{.flags = "RW update", .index = 2}};

constexpr ArgDoc kXgroupSetidArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "groupname", .type = "string"},
    {.name = "id", .type = "oneof", .children = kXgroupCreateIdArguments},
    {.name = "entries_read", .type = "integer", .token = "ENTRIESREAD", .flags = "optional"},
};

constexpr std::string_view kXgroupSetidHistory[] = {"7.0.0",
                                                    "Added the optional `entries_read` argument."};

constexpr KeySpec kRoAccessAt2[] = {{.flags = "RO access", .index = 2}};

constexpr ArgDoc kXinfoConsumersArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "groupname", .type = "string"},
};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr ArgDoc kXinfoGroupsArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr std::string_view kXinfoGroupsHistory[] = {"7.0.0",
                                                    "Added the `entries-read` and `lag` fields"};

constexpr ArgDoc kXinfoStreamFullArguments[] = {
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr ArgDoc kXinfoStreamArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "full",
     .type = "block",
     .token = "FULL",
     .flags = "optional",
     .children = kXinfoStreamFullArguments},
};

constexpr std::string_view kXinfoStreamHistory[] = {
    "6.0.0", "Added the `FULL` modifier.", "7.0.0",
    "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` "
    "and `lag` fields"};
}  // namespace

const Command kXGroupSubcommands[6] = {
    {.name = "xgroup|create",
     .arity = -5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclStream,
     .key_specs = kRwInsertAt2,
     .data = XGroupCreate,
     .summary = "Create a consumer group.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXgroupCreateArguments,
     .history = kXgroupCreateHistory},
    {.name = "xgroup|createconsumer",
     .arity = 5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclStream,
     .key_specs = kRwInsertAt2,
     .data = XGroupCreateConsumer,
     .summary = "Create a consumer in a consumer group.",
     .since = "6.2.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXgroupCreateconsumerArguments},
    {.name = "xgroup|delconsumer",
     .arity = 5,
     .flags = kCmdWrite,
     .acl = kAclStream,
     .key_specs = kRwDeleteAt2,
     .data = XGroupDelConsumer,
     .summary = "Delete a consumer from a consumer group.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXgroupCreateconsumerArguments},
    {.name = "xgroup|destroy",
     .arity = 4,
     .flags = kCmdWrite,
     .acl = kAclStream,
     .key_specs = kRwDeleteAt2,
     .data = XGroupDestroy,
     .summary = "Destroy a consumer group.",
     .since = "5.0.0",
     .group = "stream",
     .complexity =
         "O(N) where N is the number of entries in the group's pending entries list (PEL).",
     .arguments = kXgroupDestroyArguments},
    {.name = "xgroup|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclStream,
     .data = XGroupHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)"},
    {.name = "xgroup|setid",
     .arity = -5,
     .flags = kCmdWrite,
     .acl = kAclStream,
     .key_specs = kRwUpdateAt2,
     .data = XGroupSetId,
     .summary = "Set a consumer group to an arbitrary last delivered ID value.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXgroupSetidArguments,
     .history = kXgroupSetidHistory},
};

const Command kXInfoSubcommands[4] = {
    {.name = "xinfo|consumers",
     .arity = 4,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccessAt2,
     .data = XInfoConsumers,
     .summary = "List the consumers in a consumer group",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXinfoConsumersArguments,
     .tips = kNondeterministic},
    {.name = "xinfo|groups",
     .arity = 3,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccessAt2,
     .data = XInfoGroups,
     .summary = "List the consumer groups of a stream",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXinfoGroupsArguments,
     .history = kXinfoGroupsHistory},
    {.name = "xinfo|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclStream,
     .data = XInfoHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)"},
    {.name = "xinfo|stream",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccessAt2,
     .data = XInfoStream,
     .summary = "Get information about a stream",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXinfoStreamArguments,
     .history = kXinfoStreamHistory},
};

}  // namespace hearth
