#pragma once

// Groups: the rows of every command group, and what the groups share.
//
// Thread: rows are static; limits are atomic and set by the configuration.

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "src/command.h"

namespace hearth {

std::span<const Command> StringCommands();
std::span<const Command> LcsCommands();
std::span<const Command> GenericCommands();
std::span<const Command> ExpireCommands();
std::span<const Command> ScanCommands();
std::span<const Command> ConnectionCommands();
std::span<const Command> ClientCommands();
std::span<const Command> ServerCommands();
std::span<const Command> DebugCommands();
std::span<const Command> CommandCommands();

// proto-max-bulk-len: the longest string that a command may build, in bytes.
std::atomic<size_t>& StringSizeMax();

// How many databases there are, and whether keys carry an access frequency; set at the start and
// with maxmemory-policy.
uint32_t DbCount();
bool UsesLfu();
void SetKeyspaceFacts(uint32_t db_count, bool uses_lfu);

// "ERR wrong number of arguments for 'x' command".
std::string WrongArity(std::string_view command_name);

// The lines of a HELP subcommand, as Redis frames them.
void ReplyHelp(std::string_view command_name, std::initializer_list<std::string_view> lines,
               Reply& reply);

// The ways to give a time to live.
struct ExpireUnit {
  bool milliseconds;
  bool absolute;
};
// Turns the argument of a SET-like command into a wall clock time in ms. Zero or less is an error.
// On error the reply is written and nullopt returned.
std::optional<int64_t> ParseExpireAt(std::string_view text, ExpireUnit unit, int64_t now_ms,
                                     std::string_view command_name, Reply& reply);

}  // namespace hearth
