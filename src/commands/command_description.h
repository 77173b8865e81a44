#pragma once

// CommandDescription: a command's row as COMMAND INFO and COMMAND DOCS print it.
//
// Thread: any; pure functions of static rows.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/command.h"

namespace hearth {

// The COMMAND INFO entry, subcommands included.
void ReplyCommandInfo(const Command& command, Reply& reply);
// The map that COMMAND DOCS has for the command.
void ReplyCommandDocs(const Command& command, Reply& reply);
// The flags of a key (KeySpec::flags), as a set.
void ReplyKeyFlags(std::string_view flags, Reply& reply);

// The command's categories: those of the row and those that follow from its flags.
uint32_t CategoriesOf(const Command& command);
// The category of a name without '@', in any case.
std::optional<AclCategory> CategoryNamed(std::string_view name);
// All of them, without '@', in the order of ACL CAT.
std::vector<std::string_view> CategoryNames();

}  // namespace hearth
