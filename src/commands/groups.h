#pragma once

// Groups: the command rows of each file group, for the command table to gather.
//
// Thread:   any.
// Lifetime: the rows are static.

#include <span>

#include "src/command.h"

namespace hearth {

// APPEND to SUBSTR.
std::span<const Command> StringCommands();
// Keys of any type and whole databases: COPY to UNLINK, and DBSIZE, FLUSHALL, FLUSHDB, SWAPDB.
std::span<const Command> GenericCommands();

}  // namespace hearth
