// Tested by tests/src/commands/generic_test.cc.
#include "src/commands/groups.h"

#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

std::atomic<uint32_t> g_db_count{16};
std::atomic<bool> g_uses_lfu{false};
std::atomic<uint32_t> g_lfu_decay_minutes{1};

constexpr size_t kShownNameMax = 128;  // as Redis

}  // namespace

std::vector<std::span<const Command>> DataCommandGroups() {
  return {StringCommands(),
          LcsCommands(),
          BitmapCommands(),
          HyperLogLogCommands(),
          GenericCommands(),
          DumpCommands(),
          ExpireCommands(),
          ListCommands(),
          HashCommands(),
          HashFieldExCommands(),
          HashFieldExpireCommands(),
          SetCommands(),
          SortedSetCommands(),
          SortedSetRangeCommands(),
          SortedSetAlgebraCommands(),
          StreamCommands(),
          StreamGroupCommands(),
          GeoCommands(),
          SortCommands()};
}

std::vector<std::span<const Command>> AllCommandGroups() {
  std::vector<std::span<const Command>> groups = DataCommandGroups();
  for (const auto group :
       {ScanCommands(), ConnectionCommands(), ServerCommands(), IntrospectionCommands(),
        DiagnosticCommands(), TransactionCommands(), PubSubCommands(), AclCommands(),
        ScriptCommands(), FunctionCommands(), ReplicationCommands()}) {
    groups.push_back(group);
  }
  return groups;
}

std::atomic<size_t>& StringSizeMax() {
  static std::atomic<size_t> size_max{size_t{512} << 20};
  return size_max;
}

uint32_t DbCount() {
  return g_db_count.load(std::memory_order_relaxed);
}
bool UsesLfu() {
  return g_uses_lfu.load(std::memory_order_relaxed);
}
uint32_t LfuDecayMinutes() {
  return g_lfu_decay_minutes.load(std::memory_order_relaxed);
}
void SetKeyspaceFacts(uint32_t db_count, bool uses_lfu, uint32_t lfu_decay_minutes) {
  g_db_count = db_count;
  g_uses_lfu = uses_lfu;
  g_lfu_decay_minutes = lfu_decay_minutes;
}

std::string WrongArity(std::string_view command_name) {
  return "ERR wrong number of arguments for '" + std::string(command_name) + "' command";
}

std::string WrongSubcommand(std::string_view container_name, std::string_view subcommand) {
  return "ERR unknown subcommand or wrong number of arguments for '" +
         std::string(subcommand.substr(0, kShownNameMax)) + "'. Try " +
         std::string(container_name) + " HELP.";
}

void ReplyHelp(std::string_view command_name, std::initializer_list<std::string_view> lines,
               Reply& reply) {
  reply.Array(lines.size() + 3);
  reply.Simple(std::string(command_name) +
               " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) reply.Simple(line);
  reply.Simple("HELP");
  reply.Simple("    Prints this help.");
}

std::optional<int64_t> ReadInteger(std::string_view argument, Reply& reply) {
  const auto number = ParseInt64(argument);
  if (!number) reply.Error(kErrNotInteger);
  return number;
}

std::optional<uint32_t> ParseDbIndex(std::string_view argument, std::string_view* error) {
  const auto number = ParseInt64(argument);
  if (number && *number >= 0 && *number < DbCount()) return static_cast<uint32_t>(*number);
  if (!number) {
    *error = kErrNotInteger;
  } else if (*number < INT32_MIN || *number > INT32_MAX) {
    *error = kErrInt32Range;
  } else {
    *error = kErrDbIndex;
  }
  return std::nullopt;
}

}  // namespace hearth
