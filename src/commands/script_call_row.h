#pragma once

// ScriptCallRow: the row of a command that runs a script or a function (EVAL, FCALL and their
// like): they differ in what names the script, and in whether it may write.
//
// Thread: constants.

#include <array>

#include "src/command.h"

namespace hearth {

// Their keys, as Redis describes them: those named by a SHA1 have no notes.
constexpr std::array<KeySpec, 1> ScriptCallKeys(std::string_view flags, std::string_view notes) {
  return {{{.flags = flags,
            .index = 2,
            .find = KeySpec::Find::kKeyNum,
            .key_num_index = 0,
            .first_key = 1,
            .notes = notes}}};
}

inline constexpr std::string_view kScriptCallFlags = "RW access update";
inline constexpr std::string_view kReadOnlyScriptCallFlags = "RO access";

inline constexpr auto kScriptCallKeys = ScriptCallKeys(
    kScriptCallFlags,
    "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE");
inline constexpr auto kReadOnlyScriptCallKeys = ScriptCallKeys(
    kReadOnlyScriptCallFlags,
    "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS");

// The arguments of a call; `named_by` is the first: "script", "sha1" or "function".
constexpr std::array<ArgDoc, 4> ScriptCallArguments(std::string_view named_by) {
  return {{{.name = named_by, .type = "string"},
           {.name = "numkeys", .type = "integer"},
           {.name = "key", .type = "key", .flags = "optional multiple", .key_spec_index = 0},
           {.name = "arg", .type = "string", .flags = "optional multiple"}}};
}

// The rest of the row is the caller's: session, key_specs, arguments, summary, since.
constexpr Command ScriptCallRow(Command row, bool read_only, std::string_view complexity) {
  row.arity = -3;
  row.flags = kCmdNoscript | kCmdStale | kCmdSkipMonitor | kCmdNoMandatoryKeys | kCmdMovableKeys |
              kCmdLockAll | (read_only ? kCmdReadonly : kCmdMayReplicate);
  row.acl = kAclScripting;
  row.group = "scripting";
  row.complexity = complexity;
  return row;
}

}  // namespace hearth
