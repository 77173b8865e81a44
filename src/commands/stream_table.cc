// Tested by tests/src/commands/stream_test.cc.
//
// The rows of the stream commands for entries: what COMMAND INFO and COMMAND DOCS
// of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/stream.h"

namespace hearth {
namespace {

constexpr KeySpec kXaddKeys[] = {
    {.flags = "RW update",
     .notes = "UPDATE instead of INSERT because of the optional trimming feature"}};

constexpr ArgDoc kXaddTrimStrategyArguments[] = {
    {.name = "maxlen", .type = "pure-token", .token = "MAXLEN"},
    {.name = "minid", .type = "pure-token", .token = "MINID", .since = "6.2.0"},
};

constexpr ArgDoc kXaddTrimOperatorArguments[] = {
    {.name = "equal", .type = "pure-token", .token = "="},
    {.name = "approximately", .type = "pure-token", .token = "~"},
};

constexpr ArgDoc kXaddTrimArguments[] = {
    {.name = "strategy", .type = "oneof", .children = kXaddTrimStrategyArguments},
    {.name = "operator",
     .type = "oneof",
     .flags = "optional",
     .children = kXaddTrimOperatorArguments},
    {.name = "threshold", .type = "string"},
    {.name = "count", .type = "integer", .token = "LIMIT", .since = "6.2.0", .flags = "optional"},
};

constexpr ArgDoc kXaddIdOrAutoArguments[] = {
    {.name = "auto_id", .type = "pure-token", .token = "*"},
    {.name = "id", .type = "string"},
};

constexpr ArgDoc kXaddFieldValueArguments[] = {
    {.name = "field", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr ArgDoc kXaddArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "nomkstream",
     .type = "pure-token",
     .token = "NOMKSTREAM",
     .since = "6.2.0",
     .flags = "optional"},
    {.name = "trim", .type = "block", .flags = "optional", .children = kXaddTrimArguments},
    {.name = "id_or_auto", .type = "oneof", .children = kXaddIdOrAutoArguments},
    {.name = "field_value",
     .type = "block",
     .flags = "multiple",
     .children = kXaddFieldValueArguments},
};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr std::string_view kXaddHistory[] = {
    "6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.",
    "7.0.0", "Added support for the `<ms>-*` explicit ID form."};

constexpr KeySpec kRwDelete[] = {{.flags = "RW delete"}};

constexpr ArgDoc kXdelArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "id", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kXinfoGroupsArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr KeySpec kRo[] = {{.flags = "RO"}};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr ArgDoc kXrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "start", .type = "string"},
    {.name = "end", .type = "string"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr std::string_view kXrangeHistory[] = {"6.2.0", "Added exclusive ranges."};

constexpr KeySpec kRoAccessStreams[] = {{.flags = "RO access",
                                         .begin = KeySpec::Begin::kKeyword,
                                         .index = 1,
                                         .keyword = "STREAMS",
                                         .last = -1,
                                         .limit = 2}};

constexpr ArgDoc kXreadStreamsArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
    {.name = "id", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kXreadArguments[] = {
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "milliseconds", .type = "integer", .token = "BLOCK", .flags = "optional"},
    {.name = "streams", .type = "block", .token = "STREAMS", .children = kXreadStreamsArguments},
};

constexpr ArgDoc kXrevrangeArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "end", .type = "string"},
    {.name = "start", .type = "string"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
};

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr ArgDoc kXsetidArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "last-id", .type = "string"},
    {.name = "entries_added",
     .type = "integer",
     .token = "ENTRIESADDED",
     .since = "7.0.0",
     .flags = "optional"},
    {.name = "max_deleted_entry_id",
     .type = "string",
     .token = "MAXDELETEDID",
     .since = "7.0.0",
     .flags = "optional"},
};

constexpr std::string_view kXsetidHistory[] = {
    "7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."};

constexpr ArgDoc kXtrimArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "trim", .type = "block", .children = kXaddTrimArguments},
};

constexpr std::string_view kXtrimHistory[] = {
    "6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."};
constexpr Command kStreamCommands[] = {
    {.name = "xadd",
     .arity = -5,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclStream,
     .key_specs = kXaddKeys,
     .data = XAdd,
     .summary = "Appends a new entry to a stream",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1) when adding a new entry, O(N) when trimming where N being the number of "
                   "entries evicted.",
     .arguments = kXaddArguments,
     .tips = kNondeterministic,
     .history = kXaddHistory},
    {.name = "xdel",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRwDelete,
     .data = XDel,
     .summary = "Removes the specified entries from the stream. Returns the number of items "
                "actually deleted, that may be different from the number of IDs passed in case "
                "certain IDs do not exist.",
     .since = "5.0.0",
     .group = "stream",
     .complexity =
         "O(1) for each single item to delete in the stream, regardless of the stream size.",
     .arguments = kXdelArguments},
    {.name = "xlen",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRo,
     .data = XLen,
     .summary = "Return the number of entries in a stream",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXinfoGroupsArguments},
    {.name = "xrange",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccess,
     .data = XRange,
     .summary =
         "Return a range of elements in a stream, with IDs matching the specified IDs interval",
     .since = "5.0.0",
     .group = "stream",
     .complexity =
         "O(N) with N being the number of elements being returned. If N is constant (e.g. always "
         "asking for the first 10 elements with COUNT), you can consider it O(1).",
     .arguments = kXrangeArguments,
     .history = kXrangeHistory},
    {.name = "xread",
     .arity = -4,
     .flags = kCmdReadonly | kCmdBlocking | kCmdMovableKeys,
     .acl = kAclStream,
     .key_specs = kRoAccessStreams,
     .blocking = XRead,
     .summary = "Return never seen elements in multiple streams, with IDs greater than the ones "
                "reported by the caller for each stream. Can block.",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "For each stream mentioned: O(N) with N being the number of elements being "
                   "returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when "
                   "the BLOCK option is used, XADD will pay O(M) time in order to serve the M "
                   "clients blocked on the stream getting new data.",
     .arguments = kXreadArguments},
    {.name = "xrevrange",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclStream,
     .key_specs = kRoAccess,
     .data = XRevRange,
     .summary = "Return a range of elements in a stream, with IDs matching the specified IDs "
                "interval, in reverse order (from greater to smaller IDs) compared to XRANGE",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(N) with N being the number of elements returned. If N is constant (e.g. "
                   "always asking for the first 10 elements with COUNT), you can consider it O(1).",
     .arguments = kXrevrangeArguments,
     .history = kXrangeHistory},
    {.name = "xsetid",
     .arity = -3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclStream,
     .key_specs = kRwUpdate,
     .data = XSetId,
     .summary = "An internal command for replicating stream values",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(1)",
     .arguments = kXsetidArguments,
     .history = kXsetidHistory},
    {.name = "xtrim",
     .arity = -4,
     .flags = kCmdWrite,
     .acl = kAclStream,
     .key_specs = kRwDelete,
     .data = XTrim,
     .summary = "Trims the stream to (approximately if '~' is passed) a certain size",
     .since = "5.0.0",
     .group = "stream",
     .complexity = "O(N), with N being the number of evicted entries. Constant times are very "
                   "small however, since entries are organized in macro nodes containing multiple "
                   "entries that can be released with a single deallocation.",
     .arguments = kXtrimArguments,
     .tips = kNondeterministic,
     .history = kXtrimHistory},
};

}  // namespace

std::span<const Command> StreamCommands() {
  return kStreamCommands;
}

}  // namespace hearth
