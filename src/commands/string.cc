// String commands. Tested by tests/src/commands/string_test.cc and tests/oracle.
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {

namespace {

// The string object of a key. False when it holds another type: the error is written.
bool FindString(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kString) return true;
  reply.Error(kErrWrongType);
  return false;
}

void ReplyValue(const Object* object, Reply& reply) {
  if (object == nullptr) return reply.Null();
  reply.Bulk(object->value());
}

// GET key -> the value, or null.
void Get(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (FindString(args[1], tx, reply, &object)) ReplyValue(object, reply);
}

// What SET and GETEX may say behind their first arguments.
struct SetOptions {
  bool nx = false, xx = false, get = false, keep_ttl = false, persist = false;
  std::optional<ExpireUnit> unit;
  std::string_view when;
};

std::optional<ExpireUnit> UnitOf(std::string_view word) {
  if (IsWord(word, "EX")) return ExpireUnit{false, false};
  if (IsWord(word, "PX")) return ExpireUnit{true, false};
  if (IsWord(word, "EXAT")) return ExpireUnit{false, true};
  if (IsWord(word, "PXAT")) return ExpireUnit{true, true};
  return std::nullopt;
}

// False = a syntax error.
bool ParseSetOptions(const Args& args, size_t from, bool of_set, SetOptions* options) {
  for (size_t i = from; i < args.size(); ++i) {
    const bool has_time = options->unit || options->keep_ttl || options->persist;
    if (of_set && IsWord(args[i], "NX") && !options->xx) {
      options->nx = true;
    } else if (of_set && IsWord(args[i], "XX") && !options->nx) {
      options->xx = true;
    } else if (of_set && IsWord(args[i], "GET")) {
      options->get = true;
    } else if (of_set && IsWord(args[i], "KEEPTTL") && !options->unit) {
      options->keep_ttl = true;
    } else if (!of_set && IsWord(args[i], "PERSIST") && !options->unit) {
      options->persist = true;
    } else if (const auto unit = UnitOf(args[i]); unit && !has_time && i + 1 < args.size()) {
      options->unit = unit;
      options->when = args[++i];
    } else {
      return false;
    }
  }
  return true;
}

// Deletes the key when the new expiry has already passed. Returns whether it did.
bool DeleteIfPast(std::string_view key, int64_t at_ms, Tx& tx) {
  if (at_ms > tx.now_ms()) return false;
  tx.Delete(key);
  return true;
}

// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
void Set(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() == 3) [[likely]] {
    tx.SetString(args[1], args[2], Expiry::None());
    return reply.Ok();
  }
  SetOptions options;
  if (!ParseSetOptions(args, 3, true, &options)) return reply.Error(kErrSyntax);
  Expiry expiry = options.keep_ttl ? Expiry::Keep() : Expiry::None();
  if (options.unit) {
    const auto at_ms = ParseExpireAt(options.when, *options.unit, tx.now_ms(), "set", reply);
    if (!at_ms) return;
    expiry = Expiry::AtMs(*at_ms);
  }
  const Object* old = tx.Find(args[1]);
  if (options.get) {
    if (old != nullptr && old->type != ObjectType::kString) return reply.Error(kErrWrongType);
    ReplyValue(old, reply);
  }
  if ((options.nx && old != nullptr) || (options.xx && old == nullptr)) {
    if (!options.get) reply.Null();
    return;
  }
  tx.SetString(args[1], args[2], expiry);
  if (options.unit) DeleteIfPast(args[1], expiry.at_ms, tx);
  if (!options.get) reply.Ok();
}

void SetNx(const Args& args, Tx& tx, Reply& reply) {
  const bool absent = tx.Find(args[1]) == nullptr;
  if (absent) tx.SetString(args[1], args[2], Expiry::None());
  reply.Integer(absent);
}

void SetWithTtl(const Args& args, ExpireUnit unit, std::string_view name, Tx& tx, Reply& reply) {
  const auto at_ms = ParseExpireAt(args[2], unit, tx.now_ms(), name, reply);
  if (!at_ms) return;
  tx.SetString(args[1], args[3], Expiry::AtMs(*at_ms));
  reply.Ok();
}

void SetEx(const Args& args, Tx& tx, Reply& reply) {
  SetWithTtl(args, {false, false}, "setex", tx, reply);
}

void PSetEx(const Args& args, Tx& tx, Reply& reply) {
  SetWithTtl(args, {true, false}, "psetex", tx, reply);
}

void GetSet(const Args& args, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  ReplyValue(old, reply);
  tx.SetString(args[1], args[2], Expiry::None());
}

void GetDel(const Args& args, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  ReplyValue(old, reply);
  if (old != nullptr) tx.Delete(args[1]);
}

// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
void GetEx(const Args& args, Tx& tx, Reply& reply) {
  SetOptions options;
  if (!ParseSetOptions(args, 2, false, &options)) return reply.Error(kErrSyntax);
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Null();
  std::optional<int64_t> at_ms;
  if (options.unit) {
    at_ms = ParseExpireAt(options.when, *options.unit, tx.now_ms(), "getex", reply);
    if (!at_ms) return;
  }
  reply.Bulk(object->value());
  if (at_ms) {
    if (!DeleteIfPast(args[1], *at_ms, tx)) tx.SetExpiry(args[1], *at_ms);
  } else if (options.persist && object->has_expiry()) {
    tx.SetExpiry(args[1], kNoExpiry);
  }
}

void MGet(const Args& args, Tx& tx, Reply& reply) {
  reply.Array(args.size() - 1);
  for (const std::string_view key : args.subspan(1)) {
    const Object* object = tx.Find(key);
    ReplyValue(object != nullptr && object->type == ObjectType::kString ? object : nullptr, reply);
  }
}

void MSet(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() % 2 == 0) return reply.Error(WrongArity("mset"));
  for (size_t i = 1; i < args.size(); i += 2) tx.SetString(args[i], args[i + 1], Expiry::None());
  reply.Ok();
}

void MSetNx(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() % 2 == 0) return reply.Error(WrongArity("msetnx"));
  for (size_t i = 1; i < args.size(); i += 2) {
    if (tx.Peek(args[i]) != nullptr) return reply.Integer(0);
  }
  for (size_t i = 1; i < args.size(); i += 2) tx.SetString(args[i], args[i + 1], Expiry::None());
  reply.Integer(1);
}

void StrLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  reply.Integer(object != nullptr ? object->value_size : 0);
}

// True when a string of this size may stand; else the error is written.
bool SizeAllowed(uint64_t size_bytes, Reply& reply) {
  if (size_bytes <= StringSizeMax().load(std::memory_order_relaxed)) return true;
  reply.Error(kErrStringTooLong);
  return false;
}

void Append(const Args& args, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  const size_t old_size = old != nullptr ? old->value_size : 0;
  if (old == nullptr) {
    tx.SetString(args[1], args[2], Expiry::None());
    return reply.Integer(static_cast<int64_t>(args[2].size()));
  }
  if (!SizeAllowed(uint64_t{old_size} + args[2].size(), reply)) return;
  reply.Integer(static_cast<int64_t>(tx.WriteRange(args[1], old_size, args[2])));
}

void SetRange(const Args& args, Tx& tx, Reply& reply) {
  const auto offset = ParseInt64(args[2]);
  if (!offset) return reply.Error(kErrNotInteger);
  if (*offset < 0) return reply.Error("ERR offset is out of range");
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  if (args[3].empty()) return reply.Integer(old != nullptr ? old->value_size : 0);
  uint64_t size;
  if (__builtin_add_overflow(static_cast<uint64_t>(*offset), args[3].size(), &size)) {
    return reply.Error(kErrStringTooLong);
  }
  if (!SizeAllowed(size, reply)) return;
  reply.Integer(
      static_cast<int64_t>(tx.WriteRange(args[1], static_cast<size_t>(*offset), args[3])));
}

// GETRANGE key start end: both included, negative ones count from the end.
void GetRange(const Args& args, Tx& tx, Reply& reply) {
  const auto start_arg = ParseInt64(args[2]);
  const auto end_arg = ParseInt64(args[3]);
  if (!start_arg || !end_arg) return reply.Error(kErrNotInteger);
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  int64_t start = *start_arg, end = *end_arg;
  const int64_t size = object != nullptr ? object->value_size : 0;
  if (start < 0 && end < 0 && start > end) return reply.Bulk({});
  if (start < 0) start = std::max<int64_t>(0, size + start);
  if (end < 0) end = std::max<int64_t>(0, size + end);
  end = std::min(end, size - 1);
  if (size == 0 || start > end) return reply.Bulk({});
  reply.Bulk(object->value().substr(static_cast<size_t>(start),
                                    static_cast<size_t>(end - start + 1)));
}

// Adds delta to the number of a key; an absent key counts as 0.
void AddInteger(std::string_view key, int64_t delta, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(key, tx, reply, &old)) return;
  int64_t value = 0;
  if (old != nullptr) {
    const auto parsed = ParseInt64(old->value());
    if (!parsed) return reply.Error(kErrNotInteger);
    value = *parsed;
  }
  if (__builtin_add_overflow(value, delta, &value)) return reply.Error(kErrOverflow);
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  tx.SetString(key, {text, static_cast<size_t>(end - text)}, Expiry::Keep());
  reply.Integer(value);
}

void Incr(const Args& args, Tx& tx, Reply& reply) { AddInteger(args[1], 1, tx, reply); }
void Decr(const Args& args, Tx& tx, Reply& reply) { AddInteger(args[1], -1, tx, reply); }

void IncrBy(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ParseInt64(args[2]);
  if (!delta) return reply.Error(kErrNotInteger);
  AddInteger(args[1], *delta, tx, reply);
}

void DecrBy(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ParseInt64(args[2]);
  if (!delta) return reply.Error(kErrNotInteger);
  if (*delta == INT64_MIN) return reply.Error("ERR decrement would overflow");
  AddInteger(args[1], -*delta, tx, reply);
}

void IncrByFloat(const Args& args, Tx& tx, Reply& reply) {
  const Object* old;
  if (!FindString(args[1], tx, reply, &old)) return;
  long double value = 0;
  if (old != nullptr) {
    const auto parsed = ParseLongDouble(old->value());
    if (!parsed) return reply.Error(kErrNotFloat);
    value = *parsed;
  }
  const auto delta = ParseLongDouble(args[2]);
  if (!delta) return reply.Error(kErrNotFloat);
  value += *delta;
  if (std::isnan(value) || std::isinf(value)) {
    return reply.Error("ERR increment would produce NaN or Infinity");
  }
  const std::string text = FormatLongDouble(value);
  tx.SetString(args[1], text, Expiry::Keep(), /*as_text=*/true);
  reply.Bulk(text);
}

constexpr KeySpec kReadKey[] = {{.flags = "RO ACCESS"}};
constexpr KeySpec kReadOnlyKey[] = {{.flags = "RO"}};
constexpr KeySpec kReadAllKeys[] = {{.flags = "RO ACCESS", .last = -1}};
constexpr KeySpec kUpdateKey[] = {{.flags = "RW ACCESS UPDATE"}};
constexpr KeySpec kInsertKey[] = {{.flags = "RW INSERT"}};
constexpr KeySpec kOverwriteKey[] = {{.flags = "OW UPDATE"}};
constexpr KeySpec kOverwritePairs[] = {{.flags = "OW UPDATE", .last = -1, .step = 2}};
constexpr KeySpec kInsertPairs[] = {{.flags = "OW INSERT", .last = -1, .step = 2}};
constexpr KeySpec kInsertNewKey[] = {{.flags = "OW INSERT"}};
constexpr KeySpec kDeleteKey[] = {{.flags = "RW ACCESS DELETE"}};
constexpr KeySpec kRangeKey[] = {{.flags = "RW UPDATE"}};
constexpr KeySpec kSetKey[] = {{.flags = "RW ACCESS UPDATE VARIABLE_FLAGS"}};

constexpr uint32_t kWriteFast = kCmdWrite | kCmdDenyOom | kCmdFast;
constexpr uint32_t kWriteSlow = kCmdWrite | kCmdDenyOom;
constexpr uint32_t kReadFast = kCmdReadonly | kCmdFast;

constexpr Command kCommands[] = {
    {.name = "append", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kInsertKey, .data = Append},
    {.name = "decr", .arity = 2, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = Decr},
    {.name = "decrby", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = DecrBy},
    {.name = "get", .arity = 2, .flags = kReadFast, .acl = kAclString,
     .key_specs = kReadKey, .data = Get},
    {.name = "getdel", .arity = 2, .flags = kCmdWrite | kCmdFast, .acl = kAclString,
     .key_specs = kDeleteKey, .data = GetDel},
    {.name = "getex", .arity = -2, .flags = kCmdWrite | kCmdFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = GetEx},
    {.name = "getrange", .arity = 4, .flags = kCmdReadonly, .acl = kAclString,
     .key_specs = kReadKey, .data = GetRange},
    {.name = "getset", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = GetSet},
    {.name = "incr", .arity = 2, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = Incr},
    {.name = "incrby", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = IncrBy},
    {.name = "incrbyfloat", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kUpdateKey, .data = IncrByFloat},
    {.name = "mget", .arity = -2, .flags = kReadFast, .acl = kAclString,
     .key_specs = kReadAllKeys, .data = MGet},
    {.name = "mset", .arity = -3, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kOverwritePairs, .data = MSet},
    {.name = "msetnx", .arity = -3, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kInsertPairs, .data = MSetNx},
    {.name = "psetex", .arity = 4, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kOverwriteKey, .data = PSetEx},
    {.name = "set", .arity = -3, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kSetKey, .data = Set},
    {.name = "setex", .arity = 4, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kOverwriteKey, .data = SetEx},
    {.name = "setnx", .arity = 3, .flags = kWriteFast, .acl = kAclString,
     .key_specs = kInsertNewKey, .data = SetNx},
    {.name = "setrange", .arity = 4, .flags = kWriteSlow, .acl = kAclString,
     .key_specs = kRangeKey, .data = SetRange},
    {.name = "strlen", .arity = 2, .flags = kReadFast, .acl = kAclString,
     .key_specs = kReadOnlyKey, .data = StrLen},
    {.name = "substr", .arity = 4, .flags = kCmdReadonly, .acl = kAclString,
     .key_specs = kReadKey, .data = GetRange},
};

}  // namespace

std::span<const Command> StringCommands() { return kCommands; }

}  // namespace hearth
