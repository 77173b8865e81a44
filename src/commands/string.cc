// Tested by tests/src/commands/string_test.cc.
#include "src/commands/string.h"

#include <limits>

#include "src/commands/groups.h"
#include "src/commands/lifetime.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct SetOptions {
  enum class Condition : uint8_t { kNone, kAbsent, kPresent, kEqual } condition = Condition::kNone;
  std::string_view equal_to = {};  // of kEqual
  bool get = false;
  Lifetime lifetime = {};
};

void ReplyValue(const Object* object, Reply& reply) {
  if (object == nullptr) return reply.Null();
  reply.Bulk(object->value());
}

// Takes the condition at args[*index] and leaves *index at its last word.
bool TakeCondition(const Args& args, size_t* index, SetOptions* options) {
  using Condition = SetOptions::Condition;
  const std::string_view word = args[*index];
  if (IsWord(word, "IFEQ")) {
    if (options->condition != Condition::kNone || *index + 1 == args.size()) return false;
    options->condition = Condition::kEqual;
    options->equal_to = args[++*index];
    return true;
  }
  const auto wanted = IsWord(word, "NX")   ? Condition::kAbsent
                      : IsWord(word, "XX") ? Condition::kPresent
                                           : Condition::kNone;
  if (wanted == Condition::kNone) return false;
  if (options->condition != Condition::kNone && options->condition != wanted) return false;
  options->condition = wanted;
  return true;
}

// The options from args[index] on.
bool ParseSetOptions(const Args& args, size_t index, SetOptions* options) {
  for (; index < args.size(); ++index) {
    if (IsWord(args[index], "GET")) {
      options->get = true;
    } else if (!TakeCondition(args, &index, options) &&
               !TakeLifetime(args, &index, &options->lifetime)) {
      return false;
    }
  }
  return options->lifetime.kind != Lifetime::Kind::kPersist;
}

// The condition of SET with the key as it is.
bool MaySet(const SetOptions& options, const Object* old) {
  const bool present = old != nullptr;
  switch (options.condition) {
    case SetOptions::Condition::kNone:
      return true;
    case SetOptions::Condition::kAbsent:
      return !present;
    case SetOptions::Condition::kPresent:
      return present;
    case SetOptions::Condition::kEqual:
      return present && old->value() == options.equal_to;
  }
  return true;
}

void SetAndNotify(std::string_view key, std::string_view value, Expiry expiry, Tx& tx) {
  tx.SetString(key, value, expiry);
  tx.Notify(EventClass::kString, "set", key);
}

void PassOnSetUntil(std::string_view key, std::string_view value, int64_t at_ms) {
  if (Effects* const effects = Effects::Current()) [[unlikely]]
    effects->Instead({"SET", key, value, "PXAT", std::to_string(at_ms)});
}

// A time is passed on as it comes out here; nobody waits for what GET answers, and few followers
// know IFEQ, which was true.
void PassOnSet(const Args& args, const SetOptions& options, Expiry expiry) {
  if (Effects::Current() == nullptr) [[likely]]
    return;
  if (options.lifetime.has_time()) return PassOnSetUntil(args[1], args[2], expiry.at_ms);
  if (options.condition == SetOptions::Condition::kEqual) {
    const bool keeps = options.lifetime.kind == Lifetime::Kind::kKeep;
    return keeps ? PassOnAs({"SET", args[1], args[2], "KEEPTTL"})
                 : PassOnAs({"SET", args[1], args[2]});
  }
  if (!options.get) return;
  std::vector<std::string_view> words(args.begin(), args.end());
  std::erase_if(words, [&](const std::string_view& word) {
    return &word >= words.data() + 3 && IsWord(word, "GET");
  });
  Effects::Current()->Instead(words);
}

std::optional<Expiry> ReadExpiry(const Lifetime& lifetime, std::string_view command, const Tx& tx,
                                 Reply& reply) {
  if (lifetime.kind == Lifetime::Kind::kKeep) return Expiry::Keep();
  if (!lifetime.has_time()) return Expiry::None();
  const auto at_ms = ReadLifetimeMs(lifetime, tx.now_ms(), command, reply);
  if (!at_ms) return std::nullopt;
  return Expiry::AtMs(*at_ms);
}

void SetWithOptions(const Args& args, Tx& tx, Reply& reply) {
  SetOptions options;
  if (!ParseSetOptions(args, 3, &options)) return reply.Error(kErrSyntax);
  const auto expiry = ReadExpiry(options.lifetime, "set", tx, reply);
  if (!expiry) return;

  const Object* old = nullptr;
  if (options.get || options.condition == SetOptions::Condition::kEqual) {
    if (!FindString(args[1], tx, reply, &old)) return;
    if (options.get) tx.NoteLook(args[1], old != nullptr);
    if (options.get) ReplyValue(old, reply);
  } else if (options.condition != SetOptions::Condition::kNone) {
    old = tx.Find(args[1]);
  }
  const bool may_set = MaySet(options, old);
  if (may_set) {
    PassOnSet(args, options, *expiry);
    SetAndNotify(args[1], args[2], *expiry, tx);
    if (options.lifetime.has_time()) tx.Notify(EventClass::kGeneric, "expire", args[1]);
  }
  if (options.get) return;
  if (may_set) {
    reply.Ok();
  } else {
    reply.Null();
  }
}

// SETEX and PSETEX: key, time to live, value.
void SetForTime(const Args& args, TimeUnit unit, std::string_view command, Tx& tx, Reply& reply) {
  const auto at_ms = ReadTimeMs(args[2], unit, TimeSign::kPositive, tx.now_ms(), command, reply);
  if (!at_ms) return;
  SetAndNotify(args[1], args[3], Expiry::AtMs(*at_ms), tx);
  PassOnSetUntil(args[1], args[3], *at_ms);
  tx.Notify(EventClass::kGeneric, "expire", args[1]);
  reply.Ok();
}

// Changes the expiry of a present key as GETEX was told to.
void ChangeLifetime(std::string_view key, const Object* object, Lifetime::Kind kind, int64_t at_ms,
                    Tx& tx) {
  if (kind == Lifetime::Kind::kPersist) {
    if (!object->has_expiry()) return;
    tx.SetExpiry(key, kNoExpiry);
    PassOnAs({"PERSIST", key});
    tx.Notify(EventClass::kGeneric, "persist", key);
  } else if (at_ms <= tx.now_ms() && tx.may_expire()) {
    tx.Delete(key);
    PassOnDeletion(key, LazyDeletion::kExpiry);
    tx.Notify(EventClass::kGeneric, "del", key);
  } else {
    tx.SetExpiry(key, at_ms);
    if (Effects* const effects = Effects::Current()) [[unlikely]]
      effects->Instead({"PEXPIREAT", key, std::to_string(at_ms)});
    tx.Notify(EventClass::kGeneric, "expire", key);
  }
}

}  // namespace

bool FindString(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kString) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

// GET key -> the string, or null
void Get(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (FindString(args[1], tx, reply, &object)) ReplyValue(object, reply);
}

// SET key value [NX | XX | IFEQ old] [GET] [lifetime] -> OK, or null when the condition is not met
// With GET the reply is the old string, whether or not the new one was set.
void Set(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() > 3) return SetWithOptions(args, tx, reply);
  SetAndNotify(args[1], args[2], Expiry::None(), tx);
  reply.Ok();
}

// SETNX key value -> 1 when set, 0 when the key was there
void SetNx(const Args& args, Tx& tx, Reply& reply) {
  const bool is_absent = tx.Find(args[1]) == nullptr;
  if (is_absent) SetAndNotify(args[1], args[2], Expiry::None(), tx);
  reply.Integer(is_absent);
}

// SETEX key seconds value -> OK
void SetEx(const Args& args, Tx& tx, Reply& reply) {
  SetForTime(args, TimeUnit::kSeconds, "setex", tx, reply);
}

// PSETEX key milliseconds value -> OK
void PSetEx(const Args& args, Tx& tx, Reply& reply) {
  SetForTime(args, TimeUnit::kMilliseconds, "psetex", tx, reply);
}

// GETSET key value -> the old string, or null
void GetSet(const Args& args, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  tx.NoteLook(args[1], old != nullptr);
  ReplyValue(old, reply);
  SetAndNotify(args[1], args[2], Expiry::None(), tx);
  PassOnAs({"SET", args[1], args[2]});
}

// GETDEL key -> the string, which is deleted, or null
void GetDel(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  tx.NoteLook(args[1], object != nullptr);
  ReplyValue(object, reply);
  if (object == nullptr) return;
  tx.Delete(args[1]);
  PassOnDeletion(args[1], LazyDeletion::kUser);
  tx.Notify(EventClass::kGeneric, "del", args[1]);
}

// GETEX key [lifetime] -> the string, whose expiry is changed, or null
// A time is looked at only when the key is there; one that has passed deletes the key.
void GetEx(const Args& args, Tx& tx, Reply& reply) {
  Lifetime lifetime;
  for (size_t index = 2; index < args.size(); ++index) {
    if (!TakeLifetime(args, &index, &lifetime)) return reply.Error(kErrSyntax);
  }
  if (lifetime.kind == Lifetime::Kind::kKeep) return reply.Error(kErrSyntax);
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  tx.NoteLook(args[1], object != nullptr);
  if (object == nullptr) return reply.Null();

  int64_t at_ms = kNoExpiry;
  if (lifetime.has_time()) {
    const auto read_ms = ReadLifetimeMs(lifetime, tx.now_ms(), "getex", reply);
    if (!read_ms) return;
    at_ms = *read_ms;
  }
  reply.Bulk(object->value());
  if (lifetime.kind == Lifetime::Kind::kUnsaid) return;
  ChangeLifetime(args[1], object, lifetime.kind, at_ms, tx);
}

// MGET key... -> the strings; null for an absent key and for any other type
void MGet(const Args& args, Tx& tx, Reply& reply) {
  reply.Array(args.size() - 1);
  for (const std::string_view key : args.subspan(1)) {
    const Object* object = tx.Find(key);
    const bool is_string = object != nullptr && object->type == ObjectType::kString;
    ReplyValue(is_string ? object : nullptr, reply);
  }
}

// MSET key value [key value]... -> OK
// Of a key named twice the last value stays.
void MSet(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() % 2 == 0) {
    return reply.Error(WrongArity("mset"));
  }
  for (size_t index = 1; index < args.size(); index += 2) {
    SetAndNotify(args[index], args[index + 1], Expiry::None(), tx);
  }
  reply.Ok();
}

// MSETNX key value [key value]... -> 1, or 0 and nothing set when one of the keys was there
void MSetNx(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() % 2 == 0) {
    return reply.Error(WrongArity("msetnx"));
  }
  for (size_t index = 1; index < args.size(); index += 2) {
    if (tx.Find(args[index]) != nullptr) return reply.Integer(0);
  }
  for (size_t index = 1; index < args.size(); index += 2) {
    SetAndNotify(args[index], args[index + 1], Expiry::None(), tx);
  }
  reply.Integer(1);
}

// MSETEX numkeys key value [key value]... [NX | XX] [lifetime] -> 1, or 0 and nothing set when the
// condition does not hold for all of the keys
// Followers get what older ones know too: SET for each key.
void MSetEx(const Args& args, Tx& tx, Reply& reply) {
  const auto count = ParseInt64(args[1]);
  if (!count || *count < 1 || *count > std::numeric_limits<int32_t>::max()) {
    return reply.Error("ERR invalid numkeys value or out of range");
  }
  const size_t end = 2 + 2 * static_cast<size_t>(*count);
  SetOptions options;
  if (end > args.size() || !ParseSetOptions(args, end, &options) || options.get ||
      options.condition == SetOptions::Condition::kEqual) {
    return reply.Error(kErrSyntax);
  }
  const auto expiry = ReadExpiry(options.lifetime, "msetex", tx, reply);
  if (!expiry) return;
  for (size_t index = 2; index < end; index += 2) {
    if (!MaySet(options, tx.Find(args[index]))) return reply.Integer(0);
  }
  const bool keeps = options.lifetime.kind == Lifetime::Kind::kKeep;
  for (size_t index = 2; index < end; index += 2) {
    const std::string_view key = args[index], value = args[index + 1];
    if (options.lifetime.has_time()) {
      PassOnSetUntil(key, value, expiry->at_ms);
    } else {
      keeps ? PassOnAs({"SET", key, value, "KEEPTTL"}) : PassOnAs({"SET", key, value});
    }
    SetAndNotify(key, value, *expiry, tx);
    if (options.lifetime.has_time()) tx.Notify(EventClass::kGeneric, "expire", key);
  }
  reply.Integer(1);
}

bool SetAsksForValue(const Args& args) {
  for (size_t i = 3; i < args.size(); ++i) {
    if (IsWord(args[i], "GET") || IsWord(args[i], "IFEQ")) return true;
  }
  return false;
}

void FindSetKey(const Command&, const Args& args, std::vector<KeyPlace>* places) {
  static constexpr KeySpec kWritten{.flags = "OW update"};
  static constexpr KeySpec kReadToo{.flags = "RW access update"};
  places->push_back({1, SetAsksForValue(args) ? &kReadToo : &kWritten});
}

}  // namespace hearth
