#pragma once

// Permission: whether a script may run a command; the one place that redis.call and
// redis.acl_check_cmd ask.
//
// Thread: the session's worker.
// Errors: the text that the script sees, with its code and a leading '-', or without both for ERR.

#include <string>

#include "src/command.h"

namespace hearth {

// Whether the user of the session may run the command with these arguments.
inline bool ScriptMayRun(Session&, const Command&, const Args&, std::string*) {
  return true;
}

}  // namespace hearth
