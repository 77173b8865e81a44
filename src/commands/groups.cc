// Tested by tests/src/commands/string_test.cc.
#include "src/commands/groups.h"

#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

std::atomic<uint32_t> g_db_count{16};
std::atomic<bool> g_uses_lfu{false};

}  // namespace

std::atomic<size_t>& StringSizeMax() {
  static std::atomic<size_t> size_max{size_t{512} << 20};
  return size_max;
}

uint32_t DbCount() { return g_db_count.load(std::memory_order_relaxed); }
bool UsesLfu() { return g_uses_lfu.load(std::memory_order_relaxed); }
void SetKeyspaceFacts(uint32_t db_count, bool uses_lfu) {
  g_db_count = db_count;
  g_uses_lfu = uses_lfu;
}

std::string WrongArity(std::string_view command_name) {
  return "ERR wrong number of arguments for '" + std::string(command_name) + "' command";
}

void ReplyHelp(std::string_view command_name, std::initializer_list<std::string_view> lines,
               Reply& reply) {
  reply.Array(lines.size() + 3);
  reply.Simple(std::string(command_name) +
               " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) reply.Simple(line);
  reply.Simple("HELP");
  reply.Simple("    Print this help.");
}

std::optional<int64_t> ParseExpireAt(std::string_view text, ExpireUnit unit, int64_t now_ms,
                                     std::string_view command_name, Reply& reply) {
  const auto value = ParseInt64(text);
  if (!value) {
    reply.Error(kErrNotInteger);
    return std::nullopt;
  }
  int64_t at_ms = *value;
  const bool bad = *value <= 0 ||
                   (!unit.milliseconds && __builtin_mul_overflow(at_ms, 1000, &at_ms)) ||
                   (!unit.absolute && __builtin_add_overflow(at_ms, now_ms, &at_ms));
  if (bad) {
    reply.Error("ERR invalid expire time in '" + std::string(command_name) + "' command");
    return std::nullopt;
  }
  return at_ms;
}

}  // namespace hearth
