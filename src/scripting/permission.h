#pragma once

// Permission: whether a script may run a command; the one place that redis.call and
// redis.acl_check_cmd ask.
//
// Thread: the session's worker.

#include "src/acl/check.h"
#include "src/command_table.h"
#include "src/session.h"

namespace hearth {

// Whether the user of the session may run the command with these arguments, and may read what the
// arguments do not name (SORT's patterns).
AclVerdict ScriptPermission(Session& session, const CommandTable::Found& found, const Args& args);

}  // namespace hearth
