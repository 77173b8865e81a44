// Tested by tests/src/commands/string_test.cc and tests/src/commands/expire_test.cc.
#include "src/commands/lifetime.h"

#include <string>

#include "src/commands/groups.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr int64_t kMsPerSecond = 1000;

struct LifetimeWord {
  std::string_view word;
  Lifetime::Kind kind;
};

constexpr LifetimeWord kLifetimeWords[] = {
    {"EX", Lifetime::Kind::kEx},        {"PX", Lifetime::Kind::kPx},
    {"EXAT", Lifetime::Kind::kExAt},    {"PXAT", Lifetime::Kind::kPxAt},
    {"KEEPTTL", Lifetime::Kind::kKeep}, {"PERSIST", Lifetime::Kind::kPersist},
};

Lifetime::Kind KindOf(std::string_view word) {
  for (const LifetimeWord& known : kLifetimeWords) {
    if (IsWord(word, known.word)) return known.kind;
  }
  return Lifetime::Kind::kUnsaid;
}

std::nullopt_t RefuseTime(std::string_view command, Reply& reply) {
  reply.Error("ERR invalid expire time in '" + std::string(command) + "' command");
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> ReadTimeMs(std::string_view text, TimeUnit unit, TimeSign sign,
                                  int64_t base_ms, std::string_view command, Reply& reply) {
  const auto amount = ReadInteger(text, reply);
  if (!amount) return std::nullopt;
  if (sign == TimeSign::kPositive && *amount <= 0) return RefuseTime(command, reply);
  int64_t at_ms = *amount;
  if (unit == TimeUnit::kSeconds && __builtin_mul_overflow(at_ms, kMsPerSecond, &at_ms)) {
    return RefuseTime(command, reply);
  }
  if (__builtin_add_overflow(at_ms, base_ms, &at_ms)) return RefuseTime(command, reply);
  return at_ms;
}

bool TakeLifetime(const Args& args, size_t* index, Lifetime* lifetime) {
  const Lifetime::Kind kind = KindOf(args[*index]);
  if (kind == Lifetime::Kind::kUnsaid) return false;
  if (lifetime->kind != Lifetime::Kind::kUnsaid && lifetime->kind != kind) return false;
  lifetime->kind = kind;
  if (!lifetime->has_time()) return true;
  if (*index + 1 >= args.size()) return false;
  lifetime->time = args[++*index];
  return true;
}

std::optional<int64_t> ReadLifetimeMs(const Lifetime& lifetime, int64_t now_ms,
                                      std::string_view command, Reply& reply) {
  return ReadTimeMs(lifetime.time, lifetime.unit(), TimeSign::kPositive,
                    lifetime.is_absolute() ? 0 : now_ms, command, reply);
}

}  // namespace hearth
