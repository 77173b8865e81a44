// Tested by tests/src/commands/hash_field_ex_test.cc.
//
// Values of hash fields together with when they end, as Redis 8.0 has it: HGETEX, HSETEX, HGETDEL.
// They are passed on as HSET, HPEXPIREAT, HPERSIST and HDEL, which older followers know too.
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "engine/change_count.h"
#include "engine/hash.h"
#include "src/commands/groups.h"
#include "src/commands/hash.h"
#include "src/commands/hash_field.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

using Kind = Lifetime::Kind;
using Names = std::vector<std::string_view>;

// Followers get a command on fields of the key: `verb key words... fields...`.
void PassOn(std::initializer_list<std::string_view> words, const Args& fields) {
  Effects* const effects = Effects::Current();
  if (effects == nullptr) [[likely]]
    return;
  Names all(words);
  all.insert(all.end(), fields.begin(), fields.end());
  effects->Instead(all);
}

void PassOnExpiry(std::string_view key, int64_t at_ms, const Args& fields) {
  if (Effects::Current() == nullptr) [[likely]]
    return;
  const std::string at = std::to_string(at_ms), count = std::to_string(fields.size());
  PassOn({"HPEXPIREAT", key, at, "FIELDS", count}, fields);
}

// What HGETEX was told.
struct GetOptions {
  Lifetime lifetime;
  int64_t at_ms = kNoExpiry;
  Args names;
};

bool ReadGetOptions(const Args& args, int64_t now_ms, GetOptions* options, Reply& reply) {
  size_t index = 2;
  Lifetime& lifetime = options->lifetime;
  if (TakeLifetime(args, &index, &lifetime) && lifetime.kind != Kind::kKeep) {
    if (lifetime.has_time()) {
      const auto at_ms = ReadFieldLifetimeMs(lifetime, now_ms, "hgetex", reply);
      if (!at_ms) return false;
      options->at_ms = *at_ms;
    }
    ++index;
  }
  return ReadFields(args.subspan(index), kErrFieldCount, &options->names, reply);
}

void ReplyNulls(size_t count, Reply& reply) {
  reply.Array(count);
  for (size_t i = 0; i < count; ++i) reply.Null();
}

// Whether the time ends a field at once.
bool HasCome(int64_t at_ms, const Tx& tx) {
  return at_ms != kNoExpiry && at_ms <= tx.now_ms() && !tx.sees_expired();
}

void TellOfChange(std::string_view key, const GetOptions& options, const Names& changed, Tx& tx) {
  if (changed.empty()) return;
  if (options.at_ms == kNoExpiry) {
    PassOn({"HPERSIST", key, "FIELDS", std::to_string(changed.size())}, changed);
    tx.Notify(EventClass::kHash, "hpersist", key);
  } else if (HasCome(options.at_ms, tx)) {
    PassOn({"HDEL", key}, changed);
    tx.Notify(EventClass::kHash, "hdel", key);
  } else {
    PassOnExpiry(key, options.at_ms, changed);
    tx.Notify(EventClass::kHash, "hexpire", key);
  }
}

// HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS count field...
//   -> the values, null for an absent field; those whose time has come are deleted
void HGetEx(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  GetOptions options;
  if (!FindHash(args[1], tx, reply, &found) ||
      !ReadGetOptions(args, tx.now_ms(), &options, reply)) {
    return;
  }
  if (found == nullptr) return ReplyNulls(options.names.size(), reply);
  ChangeCount changes(tx);
  HashKey hash(tx, args[1], found);
  const bool persists = options.lifetime.kind == Kind::kPersist;
  Names changed;
  reply.Array(options.names.size());
  for (const std::string_view name : options.names) {
    const auto field = hash.Find(name);
    if (!field) {
      reply.Null();
      continue;
    }
    reply.Bulk(field->value);
    const bool changes_it =
        persists ? field->expire_at_ms != kNoExpiry : options.at_ms != kNoExpiry;
    if (!changes_it) continue;
    changed.push_back(name);
    HasCome(options.at_ms, tx) ? void(hash.Remove(name)) : hash.SetExpiry(name, options.at_ms);
  }
  changes.Is(changed.size());
  TellOfChange(args[1], options, changed, tx);
}

// HGETDEL key FIELDS count field... -> the values, null for an absent field
void HGetDel(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  Args names;
  if (!FindHash(args[1], tx, reply, &found) ||
      !ReadFields(args.subspan(2), kErrFieldCount, &names, reply)) {
    return;
  }
  if (found == nullptr) return ReplyNulls(names.size(), reply);
  ChangeCount changes(tx);
  HashKey hash(tx, args[1], found);
  Names removed;
  reply.Array(names.size());
  for (const std::string_view name : names) {
    const auto field = hash.Find(name);
    if (!field) {
      reply.Null();
      continue;
    }
    reply.Bulk(field->value);
    hash.Remove(name);
    removed.push_back(name);
  }
  changes.Is(removed.size());
  if (removed.empty()) return;
  PassOn({"HDEL", args[1]}, removed);
  tx.Notify(EventClass::kHash, "hdel", args[1]);
}

enum class Condition : uint8_t { kNone, kAllAbsent, kAllPresent };

// What HSETEX was told.
struct SetOptions {
  Condition condition = Condition::kNone;
  Lifetime lifetime;
  int64_t at_ms = kNoExpiry;
  Args pairs;
};

bool ReadCondition(std::string_view word, SetOptions* options, Reply& reply) {
  if (options->condition != Condition::kNone) {
    reply.Error("ERR Only one of FXX or FNX arguments can be specified");
    return false;
  }
  options->condition = IsWord(word, "FNX") ? Condition::kAllAbsent : Condition::kAllPresent;
  return true;
}

// The lifetime at args[*index], of which *index is left at the last word.
bool ReadSetLifetime(const Args& args, size_t* index, int64_t now_ms, SetOptions* options,
                     Reply& reply) {
  const std::string_view word = args[*index];
  Lifetime lifetime;
  const bool is_whole = TakeLifetime(args, index, &lifetime);
  if (lifetime.kind == Kind::kUnsaid || lifetime.kind == Kind::kPersist) {
    reply.Error("ERR unknown argument: " + std::string(word.substr(0, word.find('\0'))));
    return false;
  }
  if (options->lifetime.kind != Kind::kUnsaid) {
    reply.Error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    return false;
  }
  if (!is_whole) return reply.Error(kErrSyntax), false;
  options->lifetime = lifetime;
  if (!lifetime.has_time()) return true;
  const auto at_ms = ReadFieldLifetimeMs(lifetime, now_ms, "hsetex", reply);
  options->at_ms = at_ms.value_or(kNoExpiry);
  return at_ms.has_value();
}

// What stands behind FIELDS: a count, and as many pairs.
bool ReadPairs(const Args& args, SetOptions* options, Reply& reply) {
  if (args.empty()) return reply.Error(WrongArity("hsetex")), false;
  const auto count = ParseInt64(args[0]);
  if (!count || *count < 1 || *count > std::numeric_limits<int32_t>::max()) {
    reply.Error("ERR invalid number of fields");
    return false;
  }
  options->pairs = args.subspan(1);
  if (options->pairs.size() == 2 * static_cast<uint64_t>(*count)) return true;
  reply.Error(WrongArity("hsetex"));
  return false;
}

bool ReadSetOptions(const Args& args, int64_t now_ms, SetOptions* options, Reply& reply) {
  for (size_t i = 2; i < args.size(); ++i) {
    if (IsWord(args[i], "FIELDS")) return ReadPairs(args.subspan(i + 1), options, reply);
    const bool is_condition = IsWord(args[i], "FNX") || IsWord(args[i], "FXX");
    if (is_condition ? !ReadCondition(args[i], options, reply)
                     : !ReadSetLifetime(args, &i, now_ms, options, reply)) {
      return false;
    }
  }
  reply.Error(WrongArity("hsetex"));
  return false;
}

// Of all fields. A primary that is followed has looked itself.
bool Holds(const SetOptions& options, const HashKey& hash, const Tx& tx) {
  if (options.condition == Condition::kNone || tx.sees_expired()) return true;
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    const bool is_there = hash.Find(options.pairs[i]).has_value();
    if (is_there != (options.condition == Condition::kAllPresent)) return false;
  }
  return true;
}

Names NamesOf(const Args& pairs) {
  Names names;
  for (size_t i = 0; i < pairs.size(); i += 2) names.push_back(pairs[i]);
  return names;
}

// The fields were to be set for a time that is over: they go.
void RemoveAll(const Args& args, const SetOptions& options, bool is_absent, HashKey* hash, Tx& tx) {
  const Names names = NamesOf(options.pairs);
  for (const std::string_view name : names) hash->Remove(name);
  PassOn({"HDEL", args[1]}, names);
  tx.Notify(EventClass::kHash, "hset", args[1]);
  tx.Notify(EventClass::kHash, "hdel", args[1]);
  if (is_absent) tx.Notify(EventClass::kGeneric, "del", args[1]);
}

void SetAll(const Args& args, const SetOptions& options, HashKey* hash, Tx& tx) {
  const Args& pairs = options.pairs;
  const bool is_timed = options.at_ms != kNoExpiry;
  const bool keeps = options.lifetime.kind == Kind::kKeep;
  hash->Expect(pairs.size() / 2);
  PassOn({"HSET", args[1]}, pairs);
  for (size_t i = 0; i < pairs.size(); i += 2) {
    int64_t at_ms = options.at_ms;
    const auto old = keeps ? hash->Find(pairs[i]) : std::nullopt;
    if (old) at_ms = old->expire_at_ms;
    hash->Set(pairs[i], pairs[i + 1], at_ms);
    if (at_ms != kNoExpiry && !is_timed) PassOnExpiry(args[1], at_ms, pairs.subspan(i, 1));
  }
  tx.Notify(EventClass::kHash, "hset", args[1]);
  if (!is_timed) return;
  PassOnExpiry(args[1], options.at_ms, NamesOf(pairs));
  tx.Notify(EventClass::kHash, "hexpire", args[1]);
}

// HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS count field value...
//   -> 1 when all were set, 0 when the condition does not hold: none was
void HSetEx(const Args& args, Tx& tx, Reply& reply) {
  SetOptions options;
  const Object* found;
  if (!ReadSetOptions(args, tx.now_ms(), &options, reply) ||
      !FindHash(args[1], tx, reply, &found)) {
    return;
  }
  ChangeCount changes(tx);
  HashKey hash(tx, args[1], found);
  if (!Holds(options, hash, tx)) return reply.Integer(0);
  changes.Is(options.pairs.size() / 2);
  if (HasCome(options.at_ms, tx)) {
    RemoveAll(args, options, found == nullptr, &hash, tx);
  } else {
    SetAll(args, options, &hash, tx);
  }
  reply.Integer(1);
}

constexpr KeySpec kHgetexKeys[] = {
    {.flags = "RW access update", .notes = "RW and UPDATE because it changes the TTL"}};

constexpr KeySpec kRwUpdate[] = {{.flags = "RW update"}};

constexpr KeySpec kRwAccessDelete[] = {{.flags = "RW access delete"}};

constexpr ArgDoc kConditionArguments[] = {
    {.name = "fnx", .type = "pure-token", .token = "FNX"},
    {.name = "fxx", .type = "pure-token", .token = "FXX"},
};

constexpr std::array<ArgDoc, 5> ExpirationArguments(std::string_view name, std::string_view token) {
  return {{{.name = "seconds", .type = "integer", .token = "EX"},
           {.name = "milliseconds", .type = "integer", .token = "PX"},
           {.name = "unix-time-seconds", .type = "unix-time", .token = "EXAT"},
           {.name = "unix-time-milliseconds", .type = "unix-time", .token = "PXAT"},
           {.name = name, .type = "pure-token", .token = token}}};
}

constexpr auto kGetExpirationArguments = ExpirationArguments("persist", "PERSIST");
constexpr auto kSetExpirationArguments = ExpirationArguments("keepttl", "KEEPTTL");

constexpr ArgDoc kNamesArguments[] = {
    {.name = "numfields", .type = "integer"},
    {.name = "field", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kDataArguments[] = {
    {.name = "field", .type = "string"},
    {.name = "value", .type = "string"},
};

constexpr ArgDoc kPairsArguments[] = {
    {.name = "numfields", .type = "integer"},
    {.name = "data", .type = "block", .flags = "multiple", .children = kDataArguments},
};

constexpr ArgDoc kHgetdelArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "fields", .type = "block", .token = "FIELDS", .children = kNamesArguments},
};

constexpr ArgDoc kHgetexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "expiration",
     .type = "oneof",
     .flags = "optional",
     .children = kGetExpirationArguments},
    {.name = "fields", .type = "block", .token = "FIELDS", .children = kNamesArguments},
};

constexpr ArgDoc kHsetexArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "condition", .type = "oneof", .flags = "optional", .children = kConditionArguments},
    {.name = "expiration",
     .type = "oneof",
     .flags = "optional",
     .children = kSetExpirationArguments},
    {.name = "fields", .type = "block", .token = "FIELDS", .children = kPairsArguments},
};

constexpr Command kHashFieldExCommands[] = {
    {.name = "hgetdel",
     .arity = -5,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwAccessDelete,
     .data = HGetDel,
     .summary = "Returns the value of a field and deletes it from the hash.",
     .since = "8.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHgetdelArguments},
    {.name = "hgetex",
     .arity = -5,
     .flags = kCmdWrite | kCmdFast,
     .acl = kAclHash,
     .key_specs = kHgetexKeys,
     .data = HGetEx,
     .summary = "Get the value of one or more fields of a given hash key, and optionally set their "
                "expiration.",
     .since = "8.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of specified fields",
     .arguments = kHgetexArguments},
    {.name = "hsetex",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdFast,
     .acl = kAclHash,
     .key_specs = kRwUpdate,
     .data = HSetEx,
     .summary = "Set the value of one or more fields of a given hash key, and optionally set their "
                "expiration.",
     .since = "8.0.0",
     .group = "hash",
     .complexity = "O(N) where N is the number of fields being set.",
     .arguments = kHsetexArguments},
};

}  // namespace

std::span<const Command> HashFieldExCommands() {
  return kHashFieldExCommands;
}

}  // namespace hearth
