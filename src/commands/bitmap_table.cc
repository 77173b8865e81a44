// Tested by tests/src/commands/bitmap_test.cc.
//
// The rows of the bitmap commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/bitfield.h"
#include "src/commands/bitmap.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};
constexpr KeySpec kRwAccessUpdate[] = {{.flags = "RW access update"}};

constexpr KeySpec kBitfieldKeys[] = {
    {.flags = "RW access update variable_flags",
     .notes = "This command allows both access and modification of the key"}};

constexpr KeySpec kBitopKeys[] = {{.flags = "OW update", .index = 2},
                                  {.flags = "RO access", .index = 3, .last = -1}};

constexpr ArgDoc kUnitArguments[] = {
    {.name = "byte", .type = "pure-token", .token = "BYTE"},
    {.name = "bit", .type = "pure-token", .token = "BIT"},
};

constexpr ArgDoc kBitcountRangeArguments[] = {
    {.name = "start", .type = "integer"},
    {.name = "end", .type = "integer"},
    {.name = "index_unit",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kUnitArguments},
};

constexpr ArgDoc kBitcountArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "index", .type = "block", .flags = "optional", .children = kBitcountRangeArguments},
};

constexpr std::string_view kUnitHistory[] = {"7.0.0", "Added the `BYTE|BIT` option."};

constexpr ArgDoc kFieldArguments[] = {
    {.name = "encoding", .type = "string"},
    {.name = "offset", .type = "integer"},
};

constexpr ArgDoc kFieldValueArguments[] = {
    {.name = "encoding", .type = "string"},
    {.name = "offset", .type = "integer"},
    {.name = "value", .type = "integer"},
};

constexpr ArgDoc kFieldIncrementArguments[] = {
    {.name = "encoding", .type = "string"},
    {.name = "offset", .type = "integer"},
    {.name = "increment", .type = "integer"},
};

constexpr ArgDoc kOverflowArguments[] = {
    {.name = "wrap", .type = "pure-token", .token = "WRAP"},
    {.name = "sat", .type = "pure-token", .token = "SAT"},
    {.name = "fail", .type = "pure-token", .token = "FAIL"},
};

constexpr ArgDoc kFieldWriteOperations[] = {
    {.name = "encoding_offset_value",
     .type = "block",
     .token = "SET",
     .children = kFieldValueArguments},
    {.name = "encoding_offset_increment",
     .type = "block",
     .token = "INCRBY",
     .children = kFieldIncrementArguments},
};

constexpr ArgDoc kFieldWriteArguments[] = {
    {.name = "wrap_sat_fail",
     .type = "oneof",
     .token = "OVERFLOW",
     .flags = "optional",
     .children = kOverflowArguments},
    {.name = "write_operation", .type = "oneof", .children = kFieldWriteOperations},
};

constexpr ArgDoc kFieldOperations[] = {
    {.name = "encoding_offset", .type = "block", .token = "GET", .children = kFieldArguments},
    {.name = "write", .type = "block", .children = kFieldWriteArguments},
};

constexpr ArgDoc kBitfieldArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "operation",
     .type = "oneof",
     .flags = "optional multiple",
     .children = kFieldOperations},
};

constexpr ArgDoc kBitfieldRoArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "encoding_offset",
     .type = "block",
     .token = "GET",
     .flags = "optional multiple multiple_token",
     .children = kFieldArguments},
};

constexpr ArgDoc kBitopArguments[] = {
    {.name = "operation", .type = "string"},
    {.name = "destkey", .type = "key", .key_spec_index = 0},
    {.name = "key", .type = "key", .flags = "multiple", .key_spec_index = 1},
};

constexpr ArgDoc kBitposEndArguments[] = {
    {.name = "end", .type = "integer"},
    {.name = "index_unit",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kUnitArguments},
};

constexpr ArgDoc kBitposRangeArguments[] = {
    {.name = "start", .type = "integer"},
    {.name = "end_index", .type = "block", .flags = "optional", .children = kBitposEndArguments},
};

constexpr ArgDoc kBitposArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "bit", .type = "integer"},
    {.name = "index", .type = "block", .flags = "optional", .children = kBitposRangeArguments},
};

constexpr ArgDoc kGetbitArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "offset", .type = "integer"},
};

constexpr ArgDoc kSetbitArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "offset", .type = "integer"},
    {.name = "value", .type = "integer"},
};

constexpr Command kBitmapCommands[] = {
    {.name = "bitcount",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclBitmap,
     .key_specs = kRoAccess,
     .data = BitCount,
     .summary = "Count set bits in a string",
     .since = "2.6.0",
     .group = "bitmap",
     .complexity = "O(N)",
     .arguments = kBitcountArguments,
     .history = kUnitHistory},
    {.name = "bitfield",
     .arity = -2,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclBitmap,
     .key_specs = kBitfieldKeys,
     .data = BitField,
     .places = FindBitFieldKey,
     .summary = "Perform arbitrary bitfield integer operations on strings",
     .since = "3.2.0",
     .group = "bitmap",
     .complexity = "O(1) for each subcommand specified",
     .arguments = kBitfieldArguments},
    {.name = "bitfield_ro",
     .arity = -2,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclBitmap,
     .key_specs = kRoAccess,
     .data = BitFieldRo,
     .summary = "Perform arbitrary bitfield integer operations on strings. Read-only variant of "
                "BITFIELD",
     .since = "6.0.0",
     .group = "bitmap",
     .complexity = "O(1) for each subcommand specified",
     .arguments = kBitfieldRoArguments},
    {.name = "bitop",
     .arity = -4,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclBitmap,
     .key_specs = kBitopKeys,
     .data = BitOp,
     .summary = "Perform bitwise operations between strings",
     .since = "2.6.0",
     .group = "bitmap",
     .complexity = "O(N)",
     .arguments = kBitopArguments},
    {.name = "bitpos",
     .arity = -3,
     .flags = kCmdReadonly,
     .acl = kAclBitmap,
     .key_specs = kRoAccess,
     .data = BitPos,
     .summary = "Find first bit set or clear in a string",
     .since = "2.8.7",
     .group = "bitmap",
     .complexity = "O(N)",
     .arguments = kBitposArguments,
     .history = kUnitHistory},
    {.name = "getbit",
     .arity = 3,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclBitmap,
     .key_specs = kRoAccess,
     .data = GetBit,
     .summary = "Returns the bit value at offset in the string value stored at key",
     .since = "2.2.0",
     .group = "bitmap",
     .complexity = "O(1)",
     .arguments = kGetbitArguments},
    {.name = "setbit",
     .arity = 4,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclBitmap,
     .key_specs = kRwAccessUpdate,
     .data = SetBit,
     .summary = "Sets or clears the bit at offset in the string value stored at key",
     .since = "2.2.0",
     .group = "bitmap",
     .complexity = "O(1)",
     .arguments = kSetbitArguments},
};

}  // namespace

std::span<const Command> BitmapCommands() {
  return kBitmapCommands;
}

}  // namespace hearth
