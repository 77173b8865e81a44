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
#include <vector>

#include "src/command.h"

namespace hearth {

std::span<const Command> StringCommands();
std::span<const Command> LcsCommands();
std::span<const Command> BitmapCommands();
std::span<const Command> HyperLogLogCommands();
std::span<const Command> GenericCommands();
std::span<const Command> DumpCommands();
std::span<const Command> ExpireCommands();
std::span<const Command> ScanCommands();
std::span<const Command> ConnectionCommands();
std::span<const Command> ServerCommands();
std::span<const Command> IntrospectionCommands();
std::span<const Command> DiagnosticCommands();
std::span<const Command> ListCommands();
std::span<const Command> HashCommands();
std::span<const Command> HashFieldExCommands();
std::span<const Command> HashFieldExpireCommands();
std::span<const Command> SetCommands();
std::span<const Command> SortedSetCommands();
std::span<const Command> SortedSetRangeCommands();
std::span<const Command> SortedSetAlgebraCommands();
std::span<const Command> StreamCommands();
std::span<const Command> StreamGroupCommands();
std::span<const Command> GeoCommands();
std::span<const Command> SortCommands();
std::span<const Command> TransactionCommands();
std::span<const Command> PubSubCommands();
std::span<const Command> AclCommands();
std::span<const Command> ScriptCommands();
std::span<const Command> FunctionCommands();
std::span<const Command> ReplicationCommands();

// The groups whose commands work on keys through a Tx, and those of all commands.
std::vector<std::span<const Command>> DataCommandGroups();
std::vector<std::span<const Command>> AllCommandGroups();

// proto-max-bulk-len: the longest string that a command may build, in bytes.
std::atomic<size_t>& StringSizeMax();

// How many databases there are, whether keys carry an access frequency, and after how many idle
// minutes that falls by one (lfu-decay-time; 0 = never); set at the start and with
// maxmemory-policy.
uint32_t DbCount();
bool UsesLfu();
uint32_t LfuDecayMinutes();
void SetKeyspaceFacts(uint32_t db_count, bool uses_lfu, uint32_t lfu_decay_minutes = 1);

// "ERR wrong number of arguments for 'x' command".
std::string WrongArity(std::string_view command_name);
// What a container says of a call of a subcommand with too many words.
std::string WrongSubcommand(std::string_view container_name, std::string_view subcommand);

// An integer argument; on nullopt the error is written.
std::optional<int64_t> ReadInteger(std::string_view argument, Reply& reply);

// The index of a database that exists; otherwise nullopt and the error text in *error.
std::optional<uint32_t> ParseDbIndex(std::string_view argument, std::string_view* error);

// The lines of a HELP subcommand, as Redis frames them.
void ReplyHelp(std::string_view command_name, std::initializer_list<std::string_view> lines,
               Reply& reply);

}  // namespace hearth
