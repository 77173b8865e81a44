// Time to live. Tested by tests/src/commands/expire_test.cc and tests/oracle.
#include <optional>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct Conditions {
  bool nx = false, xx = false, gt = false, lt = false;
};

// False: the error is written.
bool ParseConditions(const Args& args, Conditions* conditions, Reply& reply) {
  for (size_t i = 3; i < args.size(); ++i) {
    if (IsWord(args[i], "NX")) {
      conditions->nx = true;
    } else if (IsWord(args[i], "XX")) {
      conditions->xx = true;
    } else if (IsWord(args[i], "GT")) {
      conditions->gt = true;
    } else if (IsWord(args[i], "LT")) {
      conditions->lt = true;
    } else {
      reply.Error("ERR Unsupported option " + std::string(args[i]));
      return false;
    }
  }
  if (conditions->nx && (conditions->xx || conditions->gt || conditions->lt)) {
    reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions->gt && conditions->lt) {
    reply.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// No expiry counts as an infinite one.
bool Holds(const Conditions& conditions, const Object& object, int64_t at_ms) {
  const bool has = object.has_expiry();
  if (conditions.nx && has) return false;
  if (conditions.xx && !has) return false;
  if (conditions.gt && (!has || at_ms <= object.expire_at_ms)) return false;
  return !(conditions.lt && has && at_ms >= object.expire_at_ms);
}

void ExpireWith(const Args& args, ExpireUnit unit, std::string_view name, Tx& tx, Reply& reply) {
  Conditions conditions;
  if (!ParseConditions(args, &conditions, reply)) return;
  const auto value = ParseInt64(args[2]);
  if (!value) return reply.Error(kErrNotInteger);
  int64_t at_ms = *value;
  if ((!unit.milliseconds && __builtin_mul_overflow(at_ms, 1000, &at_ms)) ||
      (!unit.absolute && __builtin_add_overflow(at_ms, tx.now_ms(), &at_ms))) {
    return reply.Error("ERR invalid expire time in '" + std::string(name) + "' command");
  }
  const Object* object = tx.Peek(args[1]);
  if (object == nullptr || !Holds(conditions, *object, at_ms)) return reply.Integer(0);
  if (at_ms <= tx.now_ms()) {
    tx.Delete(args[1]);
  } else {
    tx.SetExpiry(args[1], at_ms);
  }
  reply.Integer(1);
}

void Expire(const Args& args, Tx& tx, Reply& reply) {
  ExpireWith(args, {false, false}, "expire", tx, reply);
}
void PExpire(const Args& args, Tx& tx, Reply& reply) {
  ExpireWith(args, {true, false}, "pexpire", tx, reply);
}
void ExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireWith(args, {false, true}, "expireat", tx, reply);
}
void PExpireAt(const Args& args, Tx& tx, Reply& reply) {
  ExpireWith(args, {true, true}, "pexpireat", tx, reply);
}

// -2 = no such key, -1 = it does not expire; seconds are rounded.
void ReplyTime(const Args& args, bool milliseconds, bool absolute, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[1]);
  if (object == nullptr) return reply.Integer(-2);
  if (!object->has_expiry()) return reply.Integer(-1);
  const int64_t ms = absolute ? object->expire_at_ms : object->expire_at_ms - tx.now_ms();
  reply.Integer(milliseconds ? ms : (ms + 500) / 1000);
}

void Ttl(const Args& args, Tx& tx, Reply& reply) { ReplyTime(args, false, false, tx, reply); }
void PTtl(const Args& args, Tx& tx, Reply& reply) { ReplyTime(args, true, false, tx, reply); }
void ExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args, false, true, tx, reply);
}
void PExpireTime(const Args& args, Tx& tx, Reply& reply) {
  ReplyTime(args, true, true, tx, reply);
}

void Persist(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[1]);
  const bool expires = object != nullptr && object->has_expiry();
  if (expires) tx.SetExpiry(args[1], kNoExpiry);
  reply.Integer(expires);
}

constexpr KeySpec kUpdateKey[] = {{.flags = "RW UPDATE"}};
constexpr KeySpec kReadKey[] = {{.flags = "RO ACCESS"}};
constexpr uint32_t kWrite = kCmdWrite | kCmdFast;
constexpr uint32_t kRead = kCmdReadonly | kCmdFast | kCmdNoTouch;

constexpr Command kCommands[] = {
    {.name = "expire", .arity = -3, .flags = kWrite, .acl = kAclKeyspace,
     .key_specs = kUpdateKey, .data = Expire},
    {.name = "expireat", .arity = -3, .flags = kWrite, .acl = kAclKeyspace,
     .key_specs = kUpdateKey, .data = ExpireAt},
    {.name = "expiretime", .arity = 2, .flags = kRead, .acl = kAclKeyspace,
     .key_specs = kReadKey, .data = ExpireTime},
    {.name = "persist", .arity = 2, .flags = kWrite, .acl = kAclKeyspace,
     .key_specs = kUpdateKey, .data = Persist},
    {.name = "pexpire", .arity = -3, .flags = kWrite, .acl = kAclKeyspace,
     .key_specs = kUpdateKey, .data = PExpire},
    {.name = "pexpireat", .arity = -3, .flags = kWrite, .acl = kAclKeyspace,
     .key_specs = kUpdateKey, .data = PExpireAt},
    {.name = "pexpiretime", .arity = 2, .flags = kRead, .acl = kAclKeyspace,
     .key_specs = kReadKey, .data = PExpireTime},
    {.name = "pttl", .arity = 2, .flags = kRead, .acl = kAclKeyspace, .key_specs = kReadKey,
     .data = PTtl},
    {.name = "ttl", .arity = 2, .flags = kRead, .acl = kAclKeyspace, .key_specs = kReadKey,
     .data = Ttl},
};

}  // namespace

std::span<const Command> ExpireCommands() { return kCommands; }

}  // namespace hearth
