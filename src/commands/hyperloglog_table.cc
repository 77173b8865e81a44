// Tested by tests/src/commands/hyperloglog_test.cc.
//
// The rows of the HyperLogLog commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/hyperloglog.h"

namespace hearth {
namespace {

constexpr KeySpec kRwInsert[] = {{.flags = "RW insert"}};

constexpr KeySpec kPfcountKeys[] = {
    {.flags = "RW access",
     .last = -1,
     .notes = "RW because it may change the internal representation of the key, and propagate to "
              "replicas"}};

constexpr KeySpec kPfdebugKeys[] = {{.flags = "RW access", .index = 2}};

constexpr KeySpec kPfmergeKeys[] = {{.flags = "RW access insert"},
                                    {.flags = "RO access", .index = 2, .last = -1}};

constexpr ArgDoc kPfaddArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "element", .type = "string", .flags = "optional multiple"},
};

constexpr ArgDoc kPfcountArguments[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 0},
};

constexpr ArgDoc kPfdebugArguments[] = {
    {.name = "subcommand", .type = "string"},
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr ArgDoc kPfmergeArguments[] = {
    {.name = "destkey", .type = "key", .key_spec_index = 0},
    {.name = "sourcekey", .type = "key", .flags = "multiple", .key_spec_index = 1},
};

constexpr Command kHyperLogLogCommands[] = {
    {.name = "pfadd",
     .arity = -2,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHyperLogLog,
     .key_specs = kRwInsert,
     .data = PfAdd,
     .summary = "Adds the specified elements to the specified HyperLogLog.",
     .since = "2.8.9",
     .group = "hyperloglog",
     .complexity = "O(1) to add every element.",
     .arguments = kPfaddArguments},
    {.name = "pfcount",
     .arity = -2,
     .flags = kCmdReadonly | kCmdMayReplicate,
     .acl = kAclHyperLogLog,
     .key_specs = kPfcountKeys,
     .data = PfCount,
     .summary = "Return the approximated cardinality of the set(s) observed by the HyperLogLog at "
                "key(s).",
     .since = "2.8.9",
     .group = "hyperloglog",
     .complexity = "O(1) with a very small average constant time when called with a single key. "
                   "O(N) with N being the number of keys, and much bigger constant times, when "
                   "called with multiple keys.",
     .arguments = kPfcountArguments},
    {.name = "pfdebug",
     .arity = 3,
     .flags = kCmdWrite | kCmdDenyOom | kCmdAdmin,
     .acl = kAclHyperLogLog,
     .key_specs = kPfdebugKeys,
     .data = PfDebug,
     .summary = "Internal commands for debugging HyperLogLog values",
     .since = "2.8.9",
     .group = "hyperloglog",
     .complexity = "N/A",
     .arguments = kPfdebugArguments,
     .doc_flags = "syscmd"},
    {.name = "pfmerge",
     .arity = -2,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclHyperLogLog,
     .key_specs = kPfmergeKeys,
     .data = PfMerge,
     .keys = PfMergeKeys,
     .summary = "Merge N different HyperLogLogs into a single one.",
     .since = "2.8.9",
     .group = "hyperloglog",
     .complexity = "O(N) to merge N HyperLogLogs, but with high constant times.",
     .arguments = kPfmergeArguments},
    {.name = "pfselftest",
     .arity = 1,
     .flags = kCmdAdmin,
     .acl = kAclHyperLogLog,
     .key_specs = {},
     .data = PfSelfTest,
     .summary = "An internal command for testing HyperLogLog values",
     .since = "2.8.9",
     .group = "hyperloglog",
     .complexity = "N/A",
     .doc_flags = "syscmd"},
};

}  // namespace

std::span<const Command> HyperLogLogCommands() {
  return kHyperLogLogCommands;
}

}  // namespace hearth
