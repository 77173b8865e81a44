// Tested by tests/src/commands/hash_field_expire_test.cc.
//
// When fields of hashes end, as Redis 7.4 has it: HEXPIRE and its three relatives, HPERSIST, HTTL
// and its three relatives. Each answers an array with a code or a time for every field named.
#include <array>
#include <string>

#include "engine/hash.h"
#include "src/commands/groups.h"
#include "src/commands/hash.h"
#include "src/commands/hash_field.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// Redis keeps two of an expiry's 48 bits for later.
constexpr int64_t kFieldExpiryMaxMs = (int64_t{1} << 46) - 1;

}  // namespace

std::optional<int64_t> ReadFieldTimeMs(std::string_view text, TimeUnit unit, int64_t base_ms,
                                       std::string_view command, Reply& reply) {
  const auto amount = ReadInteger(text, reply);
  if (!amount) return std::nullopt;
  if (*amount < 0) {
    reply.Error("ERR invalid expire time, must be >= 0");
    return std::nullopt;
  }
  const int64_t factor = unit == TimeUnit::kSeconds ? 1000 : 1;
  if (*amount > kFieldExpiryMaxMs / factor || *amount * factor > kFieldExpiryMaxMs - base_ms) {
    reply.Error("ERR invalid expire time in '" + std::string(command) + "' command");
    return std::nullopt;
  }
  return *amount * factor + base_ms;
}

std::optional<int64_t> ReadFieldLifetimeMs(const Lifetime& lifetime, int64_t now_ms,
                                           std::string_view command, Reply& reply) {
  return ReadFieldTimeMs(lifetime.time, lifetime.unit(), lifetime.is_absolute() ? 0 : now_ms,
                         command, reply);
}

bool ReadFields(const Args& args, std::string_view count_error, Args* names, Reply& reply) {
  if (args.empty() || !IsWord(args[0], "FIELDS")) {
    reply.Error("ERR Mandatory argument FIELDS is missing or not at the right position");
    return false;
  }
  const auto count = args.size() > 1 ? ParseInt64(args[1]) : std::nullopt;
  if (!count || *count < 1) return reply.Error(count_error), false;
  *names = args.subspan(2);
  if (static_cast<uint64_t>(*count) == names->size()) return true;
  reply.Error("ERR The `numfields` parameter must match the number of arguments");
  return false;
}

namespace {

constexpr int64_t kNoField = -2;
constexpr int64_t kLivesForever = -1;
constexpr int64_t kConditionNotMet = 0;
constexpr int64_t kDone = 1;
constexpr int64_t kDeleted = 2;

enum class Condition : uint8_t { kNone, kAbsent, kPresent, kLater, kSooner };

Condition ConditionOf(std::string_view word) {
  if (IsWord(word, "NX")) return Condition::kAbsent;
  if (IsWord(word, "XX")) return Condition::kPresent;
  if (IsWord(word, "GT")) return Condition::kLater;
  if (IsWord(word, "LT")) return Condition::kSooner;
  return Condition::kNone;
}

// A field without expiry counts as one that ends after every other.
bool Holds(Condition condition, int64_t old_ms, int64_t new_ms) {
  const bool had_expiry = old_ms != kNoExpiry;
  switch (condition) {
    case Condition::kNone:
      return true;
    case Condition::kAbsent:
      return !had_expiry;
    case Condition::kPresent:
      return had_expiry;
    case Condition::kLater:
      return had_expiry && new_ms > old_ms;
    case Condition::kSooner:
      return !had_expiry || new_ms < old_ms;
  }
  return true;
}

int64_t ExpireField(HashKey* hash, std::string_view name, Condition condition, int64_t at_ms,
                    const Tx& tx) {
  const auto field = hash->Find(name);
  if (!field) return kNoField;
  if (!Holds(condition, field->expire_at_ms, at_ms)) return kConditionNotMet;
  if (at_ms <= tx.now_ms() && !tx.sees_expired()) {
    hash->Remove(name);
    return kDeleted;
  }
  hash->SetExpiry(name, at_ms);
  return kDone;
}

void ExpireFrom(const Args& args, TimeUnit unit, int64_t base_ms, std::string_view command, Tx& tx,
                Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const auto at_ms = ReadFieldTimeMs(args[2], unit, base_ms, command, reply);
  if (!at_ms) return;
  const Condition condition = ConditionOf(args[3]);
  Args names;
  if (!ReadFields(args.subspan(condition == Condition::kNone ? 3 : 4),
                  "ERR Parameter `numFields` should be greater than 0", &names, reply)) {
    return;
  }
  HashKey hash(tx, args[1], found);
  reply.Array(names.size());
  bool any_set = false, any_deleted = false;
  const std::string at_text = std::to_string(*at_ms);
  for (const std::string_view name : names) {
    const int64_t outcome = ExpireField(&hash, name, condition, *at_ms, tx);
    any_set |= outcome == kDone;
    any_deleted |= outcome == kDeleted;
    if (outcome == kDone) PassOnAs({"HPEXPIREAT", args[1], at_text, "FIELDS", "1", name});
    if (outcome == kDeleted) PassOnAs({"HDEL", args[1], name});
    reply.Integer(outcome);
  }
  if (any_set || any_deleted) {
    tx.Notify(EventClass::kHash, any_deleted ? "hdel" : "hexpire", args[1]);
  }
}

// What is left of the fields' times when counted from base_ms; begun seconds count.
void ReplyTimes(const Args& args, int64_t base_ms, TimeUnit unit, Tx& tx, Reply& reply) {
  const Object* found;
  Args names;
  if (!FindHash(args[1], tx, reply, &found) ||
      !ReadFields(args.subspan(2), kErrFieldCount, &names, reply)) {
    return;
  }
  const HashKey hash(tx, args[1], found);
  reply.Array(names.size());
  for (const std::string_view name : names) {
    const auto field = hash.Find(name);
    if (!field || field->expire_at_ms == kNoExpiry) {
      reply.Integer(field ? kLivesForever : kNoField);
      continue;
    }
    const int64_t ms = field->expire_at_ms - base_ms;
    reply.Integer(unit == TimeUnit::kSeconds ? (ms + 999) / 1000 : ms);
  }
}

// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS count field...
//   -> for each field -2 not there, 0 condition not met, 1 set, 2 deleted: the time has come
void HExpire(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kSeconds, tx.now_ms(), "hexpire", tx, reply);
}

// HEXPIREAT key unix-seconds [NX | XX | GT | LT] FIELDS count field...
void HExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kSeconds, 0, "hexpireat", tx, reply);
}

// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS count field...
void HPExpire(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kMilliseconds, tx.now_ms(), "hpexpire", tx, reply);
}

// HPEXPIREAT key unix-milliseconds [NX | XX | GT | LT] FIELDS count field...
void HPExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireFrom(args, TimeUnit::kMilliseconds, 0, "hpexpireat", tx, reply);
}

// HPERSIST key FIELDS count field... -> for each field -2 not there, -1 no expiry, 1 persisted
void HPersist(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  Args names;
  if (!FindHash(args[1], tx, reply, &found) ||
      !ReadFields(args.subspan(2), kErrFieldCount, &names, reply)) {
    return;
  }
  HashKey hash(tx, args[1], found);
  reply.Array(names.size());
  bool any_persisted = false;
  for (const std::string_view name : names) {
    const auto field = hash.Find(name);
    const bool had_expiry = field && field->expire_at_ms != kNoExpiry;
    if (had_expiry) hash.SetExpiry(name, kNoExpiry);
    any_persisted |= had_expiry;
    reply.Integer(!field ? kNoField : had_expiry ? kDone : kLivesForever);
  }
  if (any_persisted) tx.Notify(EventClass::kHash, "hpersist", args[1]);
}

// HTTL key FIELDS count field... -> for each field the seconds left; -1 without expiry, -2 not
// there, here and below
void HTtl(const Args& args, Tx& tx, Reply& reply) {
  ReplyTimes(args, tx.now_ms(), TimeUnit::kSeconds, tx, reply);
}

// HPTTL key FIELDS count field... -> milliseconds left
void HPTtl(const Args& args, Tx& tx, Reply& reply) {
  ReplyTimes(args, tx.now_ms(), TimeUnit::kMilliseconds, tx, reply);
}

// HEXPIRETIME key FIELDS count field... -> unix times in seconds
void HExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTimes(args, 0, TimeUnit::kSeconds, tx, reply);
}

// HPEXPIRETIME key FIELDS count field... -> unix times in milliseconds
void HPExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTimes(args, 0, TimeUnit::kMilliseconds, tx, reply);
}

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr KeySpec kRoAccess[] = {{.flags = "RO access"}};

constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};

constexpr ArgDoc kConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
    {.name = "gt", .type = "pure-token", .token = "GT"},
    {.name = "lt", .type = "pure-token", .token = "LT"},
};

constexpr ArgDoc kFieldsArguments[] = {
    {.name = "numfields", .type = "integer"},
    {.name = "field", .type = "string", .flags = "multiple"},
};

constexpr std::array<ArgDoc, 4> ExpireArguments(std::string_view amount, std::string_view type) {
  return {
      {{.name = "key", .type = "key", .key_spec_index = 0},
       {.name = amount, .type = type},
       {.name = "condition", .type = "oneof", .flags = "optional", .children = kConditionArguments},
       {.name = "fields", .type = "block", .token = "FIELDS", .children = kFieldsArguments}}};
}

constexpr auto kHexpireArguments = ExpireArguments("seconds", "integer");
constexpr auto kHexpireatArguments = ExpireArguments("unix-time-seconds", "unix-time");
constexpr auto kHpexpireArguments = ExpireArguments("milliseconds", "integer");
constexpr auto kHpexpireatArguments = ExpireArguments("unix-time-milliseconds", "unix-time");

constexpr ArgDoc kKeyFieldsArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "fields", .type = "block", .token = "FIELDS", .children = kFieldsArguments},
};

constexpr Command kHashFieldExpireCommands[] = {
    {.name = "hexpire",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HExpire,
     .summary = "Set expiry for hash field using relative time to expire (seconds)",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHexpireArguments},
    {.name = "hexpireat",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HExpireAt,
     .summary = "Set expiry for hash field using an absolute Unix timestamp (seconds)",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHexpireatArguments},
    {.name = "hexpiretime",
     .arity = -5,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HExpireTime,
     .summary = "Returns the expiration time of a hash field as a Unix timestamp, in seconds.",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kKeyFieldsArguments},
    {.name = "hpersist",
     .arity = -5,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HPersist,
     .summary = "Removes the expiration time for each specified field",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kKeyFieldsArguments},
    {.name = "hpexpire",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HPExpire,
     .summary = "Set expiry for hash field using relative time to expire (milliseconds)",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHpexpireArguments},
    {.name = "hpexpireat",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HPExpireAt,
     .summary = "Set expiry for hash field using an absolute Unix timestamp (milliseconds)",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHpexpireatArguments},
    {.name = "hpexpiretime",
     .arity = -5,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HPExpireTime,
     .summary = "Returns the expiration time of a hash field as a Unix timestamp, in msec.",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kKeyFieldsArguments},
    {.name = "hpttl",
     .arity = -5,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HPTtl,
     .summary = "Returns the TTL in milliseconds of a hash field.",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kKeyFieldsArguments,
     .tips = kNondeterministic},
    {.name = "httl",
     .arity = -5,
     .flags = kCmdReadonly | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRoAccess,
     .data = HTtl,
     .summary = "Returns the TTL in seconds of a hash field.",
     .since = "7.4.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kKeyFieldsArguments,
     .tips = kNondeterministic},
};

}  // namespace

std::span<const Command> HashFieldExpireCommands() {
  return kHashFieldExpireCommands;
}

}  // namespace hearth
