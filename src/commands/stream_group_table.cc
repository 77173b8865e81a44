// Tested by tests/src/commands/stream_test.cc.
//
// The rows of the stream commands for groups: what COMMAND INFO and COMMAND DOCS
// of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/stream.h"

namespace hearth {
namespace {

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr ArgDoc kXackArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "group", .type = "string"},
    {.name = "id", .type = "string", .flags = "multiple"},
};

constexpr KeySpec kRwDelete[] = {{.flags = "RW delete"}};

constexpr ArgDoc kXautoclaimArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "group", .type = "string"},
    {.name = "consumer", .type = "string"},
    {.name = "min-idle-time", .type = "string"},
    {.name = "start", .type = "string"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "justid", .type = "pure-token", .token = "JUSTID", .flags = "optional"},
};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr std::string_view kXautoclaimHistory[] = {
    "7.0.0",
    "Added an element to the reply array, containing deleted entries the command cleared from the "
    "PEL"};

constexpr ArgDoc kXclaimArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "group", .type = "string"},
    {.name = "consumer", .type = "string"},
    {.name = "min-idle-time", .type = "string"},
    {.name = "id", .type = "string", .flags = "multiple"},
    {.name = "ms", .type = "integer", .token = "IDLE", .flags = "optional"},
    {.name = "unix-time-milliseconds", .type = "unix-time", .token = "TIME", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "RETRYCOUNT", .flags = "optional"},
    {.name = "force", .type = "pure-token", .token = "FORCE", .flags = "optional"},
    {.name = "justid", .type = "pure-token", .token = "JUSTID", .flags = "optional"},
    {.name = "id", .type = "string", .token = "LASTID", .flags = "optional"},
};

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

constexpr Command kXgroupSubcommands[] = {
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

constexpr KeySpec kRoAccessAt2[] = {{.flags = "RO access", .index = 2}};

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

constexpr Command kXinfoSubcommands[] = {
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
     .arguments = kXgroupDestroyArguments,
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

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr ArgDoc kXpendingFiltersArguments[] = {
    {.name = "min-idle-time",
     .type = "integer",
     .token = "IDLE",
     .since = "6.2.0",
     .flags = "optional"},
    {.name = "start", .type = "string"},
    {.name = "end", .type = "string"},
    {.name = "count", .type = "integer"},
    {.name = "consumer", .type = "string", .flags = "optional"},
};

constexpr ArgDoc kXpendingArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "group", .type = "string"},
    {.name = "filters",
     .type = "block",
     .flags = "optional",
     .children = kXpendingFiltersArguments},
};

constexpr std::string_view kXpendingHistory[] = {
    "6.2.0", "Added the `IDLE` option and exclusive range intervals."};

constexpr KeySpec kRoAccessStreams[] = {{.flags = "RO access",
                                         .begin = KeySpec::Begin::kKeyword,
                                         .index = 4,
                                         .keyword = "STREAMS",
                                         .last = -1,
                                         .limit = 2}};

constexpr ArgDoc kXreadgroupGroupConsumerArguments[] = {
    {.name = "group", .type = "string"},
    {.name = "consumer", .type = "string"},
};

constexpr ArgDoc kXreadgroupStreamsArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "id", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kXreadgroupArguments[] = {
    {.name = "group_consumer",
     .type = "block",
     .token = "GROUP",
     .children = kXreadgroupGroupConsumerArguments},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "milliseconds", .type = "integer", .token = "BLOCK", .flags = "optional"},
    {.name = "noack", .type = "pure-token", .token = "NOACK", .flags = "optional"},
    {.name = "streams",
     .type = "block",
     .token = "STREAMS",
     .children = kXreadgroupStreamsArguments},
};
constexpr Command kStreamGroupCommands[] = {
    {.name = "xack",
     .arity = -4,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRwUpdate,
     .data = XAck,
     .summary = "Marks a pending message as correctly processed, effectively removing it from the "
                "pending entries list of the consumer group. Return value of the command is the "
                "number of messages successfully acknowledged, that is, the IDs we were actually "
                "able to resolve in the PEL.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1) for each message ID processed.",
     .arguments = kXackArguments},
    {.name = "xautoclaim",
     .arity = -6,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRwDelete,
     .data = XAutoClaim,
     .summary = "Changes (or acquires) ownership of messages in a consumer group, as if the "
                "messages were delivered to the specified consumer.",
     .since = "6.2.0",
     .group = "stream",
     .complexity = "O(1) if COUNT is small.",
     .arguments = kXautoclaimArguments,
     .tips = kNondeterministic,
     .history = kXautoclaimHistory},
    {.name = "xclaim",
     .arity = -6,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRwUpdate,
     .data = XClaim,
     .summary = "Changes (or acquires) ownership of a message in a consumer group, as if the "
                "message was delivered to the specified consumer.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(log N) with N being the number of messages in the PEL of the consumer group.",
     .arguments = kXclaimArguments,
     .tips = kNondeterministic},
    {.name = "xgroup",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kXgroupSubcommands,
     .summary = "A container for consumer groups commands",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "Depends on subcommand."},
    {.name = "xinfo",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kXinfoSubcommands,
     .summary = "A container for stream introspection commands",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "Depends on subcommand."},
    {.name = "xpending",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccess,
     .data = XPending,
     .summary = "Return information and entries from a stream consumer group pending entries list, "
                "that are messages fetched but never acknowledged.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(N) with N being the number of elements returned, so asking for a small fixed "
                   "number of entries per call is O(1). O(M), where M is the total number of "
                   "entries scanned when used with the IDLE filter. When the command returns just "
                   "the summary and the list of consumers is small, it runs in O(1) time; "
                   "otherwise, an additional O(N) time for iterating every consumer.",
     .arguments = kXpendingArguments,
     .tips = kNondeterministic,
     .history = kXpendingHistory},
    {.name = "xreadgroup",
     .arity = -7,
     .flags = kCmdWrite | kCmdBlocking | kCmdMovableKeys,
     .acl = kAclStream,
     .key_specs = kRoAccessStreams,
     .blocking = XReadGroup,
     .summary = "Return new entries from a stream using a consumer group, or access the history of "
                "the pending entries for a given consumer. Can block.",
     .since = "5.0.0",
     .group = "stream",
     .complexity =
         "For each stream mentioned: O(M) with M being the number of elements returned. If M is "
         "constant (e.g. always asking for the first 10 elements with COUNT), you can consider it "
         "O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to "
         "serve the N clients blocked on the stream getting new data.",
     .arguments = kXreadgroupArguments},
};

}  // namespace

std::span<const Command> StreamGroupCommands() {
  return kStreamGroupCommands;
}

}  // namespace hearth
