// Tested by tests/src/commands/expire_test.cc.
//
// When keys end: EXPIRE and its three relatives, PERSIST, TTL and its three relatives.
#include <string>

#include "src/commands/groups.h"
#include "src/commands/lifetime.h"
#include "src/effects.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr int64_t kAbsentKey = -2;
constexpr int64_t kLivesForever = -1;

struct ExpireConditions {
  bool none_before = false;  // NX
  bool some_before = false;  // XX
  bool only_later = false;   // GT
  bool only_sooner = false;  // LT
};

bool ParseConditions(const Args& args, ExpireConditions* conditions, Reply& reply) {
  for (const std::string_view word : args.subspan(3)) {
    if (IsWord(word, "NX")) {
      conditions->none_before = true;
    } else if (IsWord(word, "XX")) {
      conditions->some_before = true;
    } else if (IsWord(word, "GT")) {
      conditions->only_later = true;
    } else if (IsWord(word, "LT")) {
      conditions->only_sooner = true;
    } else {
      reply.Error("ERR Unsupported option " + std::string(word));
      return false;
    }
  }
  if (conditions->none_before &&
      (conditions->some_before || conditions->only_later || conditions->only_sooner)) {
    reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions->only_later && conditions->only_sooner) {
    reply.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// A key without expiry counts as one that ends after every other.
bool Allow(const ExpireConditions& conditions, const Object& object, int64_t at_ms) {
  if (conditions.none_before && object.has_expiry()) return false;
  if (conditions.some_before && !object.has_expiry()) return false;
  const bool is_later = object.has_expiry() && at_ms > object.expire_at_ms();
  const bool is_sooner = !object.has_expiry() || at_ms < object.expire_at_ms();
  if (conditions.only_later && !is_later) return false;
  return !conditions.only_sooner || is_sooner;
}

// The time as it comes out here, with the conditions, which hold there too.
void PassOnConditions(const Args& args, int64_t at_ms) {
  Effects* const effects = Effects::Current();
  if (effects == nullptr || IsWord(args[0], "PEXPIREAT")) [[likely]]
    return;
  const std::string at_text = std::to_string(at_ms);
  std::vector<std::string_view> words(args.begin(), args.end());
  words[0] = "PEXPIREAT";
  words[2] = at_text;
  effects->Instead(words);
}

// A time that has passed deletes the key.
void ExpireFrom(const Args& args, TimeUnit unit, int64_t base_ms, std::string_view command, Tx& tx,
                Reply& reply) {
  ExpireConditions conditions;
  if (!ParseConditions(args, &conditions, reply)) return;
  const auto at_ms = ReadTimeMs(args[2], unit, TimeSign::kAny, base_ms, command, reply);
  if (!at_ms) return;
  const Object* object = tx.Find(args[1]);
  if (object == nullptr || !Allow(conditions, *object, *at_ms)) return reply.Integer(0);
  if (*at_ms <= tx.now_ms() && tx.may_expire()) {
    tx.Delete(args[1]);
    PassOnDeletion(args[1], LazyDeletion::kExpiry);
    tx.Notify(EventClass::kGeneric, "del", args[1]);
  } else {
    tx.SetExpiry(args[1], *at_ms);
    PassOnConditions(args, *at_ms);
    tx.Notify(EventClass::kGeneric, "expire", args[1]);
  }
  reply.Integer(1);
}

// To the nearest second, without overflow for any time.
int64_t RoundToSeconds(int64_t ms) {
  return ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
}

// What is left of the key's time when counted from base_ms.
void ReplyTime(std::string_view key, int64_t base_ms, TimeUnit unit, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(key);
  tx.NoteLook(key, object != nullptr);
  if (object == nullptr) return reply.Integer(kAbsentKey);
  if (!object->has_expiry()) return reply.Integer(kLivesForever);
  const int64_t ms = object->expire_at_ms() - base_ms;
  reply.Integer(unit == TimeUnit::kSeconds ? RoundToSeconds(ms) : ms);
}

// EXPIRE key seconds [NX | XX | GT | LT] -> 1 when the expiry was set, 0 when not
void Expire(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kSeconds, tx.now_ms(), "expire", tx, reply);
}

// EXPIREAT key unix-seconds [NX | XX | GT | LT]
void ExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kSeconds, 0, "expireat", tx, reply);
}

// PEXPIRE key milliseconds [NX | XX | GT | LT]
void PExpire(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kMilliseconds, tx.now_ms(), "pexpire", tx, reply);
}

// PEXPIREAT key unix-milliseconds [NX | XX | GT | LT]
void PExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kMilliseconds, 0, "pexpireat", tx, reply);
}

// PERSIST key -> 1 when the key had an expiry, which is gone now
void Persist(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Find(args[1]);
  const bool had_expiry = object != nullptr && object->has_expiry();
  if (had_expiry) {
    tx.SetExpiry(args[1], kNoExpiry);
    tx.Notify(EventClass::kGeneric, "persist", args[1]);
  }
  reply.Integer(had_expiry);
}

// TTL key -> seconds left; -1 without expiry, -2 for an absent key, here and below
void Ttl(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args[1], tx.now_ms(), TimeUnit::kSeconds, tx, reply);
}

// PTTL key -> milliseconds left
void PTtl(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args[1], tx.now_ms(), TimeUnit::kMilliseconds, tx, reply);
}

// EXPIRETIME key -> the unix time in seconds
void ExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args[1], 0, TimeUnit::kSeconds, tx, reply);
}

// PEXPIRETIME key -> the unix time in milliseconds
void PExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args[1], 0, TimeUnit::kMilliseconds, tx, reply);
}

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr ArgDoc kExpireConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
    {.name = "gt", .type = "pure-token", .token = "GT"},
    {.name = "lt", .type = "pure-token", .token = "LT"},
};

constexpr ArgDoc kExpireArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "seconds", .type = "integer"},
    {.name = "condition",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kExpireConditionArguments},
};

constexpr std::string_view kConditionHistory[] = {"7.0.0",
                                                  "Added options: `NX`, `XX`, `GT` and `LT`."};

constexpr ArgDoc kExpireatArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "unix-time-seconds", .type = "unix-time"},
    {.name = "condition",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kExpireConditionArguments},
};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr ArgDoc kKeyArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
};

constexpr ArgDoc kPexpireArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "milliseconds", .type = "integer"},
    {.name = "condition",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kExpireConditionArguments},
};

constexpr ArgDoc kPexpireatArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "unix-time-milliseconds", .type = "unix-time"},
    {.name = "condition",
     .type = "oneof",
     .since = "7.0.0",
     .flags = "optional",
     .children = kExpireConditionArguments},
};

constexpr std::string_view kPttlHistory[] = {"2.8.0", "Added the -2 reply."};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr Command kExpireCommands[] = {
    {.name = "expire",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRwUpdate,
     .data = Expire,
     .summary = "Set a key's time to live in seconds",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kExpireArguments,
     .history = kConditionHistory},
    {.name = "expireat",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRwUpdate,
     .data = ExpireAt,
     .summary = "Set the expiration for a key as a UNIX timestamp",
     .since = "1.2.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kExpireatArguments,
     .history = kConditionHistory},
    {.name = "expiretime",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAccess,
     .data = ExpireTime,
     .summary = "Get the expiration Unix timestamp for a key",
     .since = "7.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "persist",
     .arity = 2,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRwUpdate,
     .data = Persist,
     .summary = "Remove the expiration from a key",
     .since = "2.2.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "pexpire",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRwUpdate,
     .data = PExpire,
     .summary = "Set a key's time to live in milliseconds",
     .since = "2.6.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kPexpireArguments,
     .history = kConditionHistory},
    {.name = "pexpireat",
     .arity = -3,
     .flags = kCmdWrite | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRwUpdate,
     .data = PExpireAt,
     .summary = "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
     .since = "2.6.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kPexpireatArguments,
     .history = kConditionHistory},
    {.name = "pexpiretime",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAccess,
     .data = PExpireTime,
     .summary = "Get the expiration Unix timestamp for a key in milliseconds",
     .since = "7.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments},
    {.name = "pttl",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAccess,
     .data = PTtl,
     .summary = "Get the time to live for a key in milliseconds",
     .since = "2.6.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic,
     .history = kPttlHistory},
    {.name = "ttl",
     .arity = 2,
     .flags = kCmdReadonly | kCmdFast | kCmdHeadOnly,
     .acl = kAclKeyspace,
     .key_specs = kRoAccess,
     .data = Ttl,
     .summary = "Get the time to live for a key in seconds",
     .since = "1.0.0",
     .group = "generic",
     .complexity = "O(1)",
     .arguments = kKeyArguments,
     .tips = kNondeterministic,
     .history = kPttlHistory},
};

}  // namespace

std::span<const Command> ExpireCommands() {
  return kExpireCommands;
}

}  // namespace hearth
