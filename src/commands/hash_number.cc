// Tested by tests/src/commands/hash_number_test.cc.
//
// Fields as numbers: HINCRBY, HINCRBYFLOAT. Both keep the field's expiry.
#include <cmath>
#include <string>

#include "engine/hash.h"
#include "src/commands/groups.h"
#include "src/commands/hash.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {

// HINCRBY key field delta -> the new value
// An absent field counts as 0, here and below.
void HIncrBy(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ReadInteger(args[3], reply);
  const Object* found;
  if (!delta || !FindHash(args[1], tx, reply, &found)) return;
  HashKey hash(tx, args[1], found);
  const auto field = hash.Find(args[2]);
  const auto old_value = field ? ParseInt64(field->value) : std::optional<int64_t>(0);
  if (!old_value) return reply.Error("ERR hash value is not an integer");
  int64_t value = 0;
  if (__builtin_add_overflow(*old_value, *delta, &value)) return reply.Error(kErrOverflow);
  hash.Set(args[2], std::to_string(value), field ? field->expire_at_ms : kNoExpiry);
  tx.Notify(EventClass::kHash, "hincrby", args[1]);
  reply.Integer(value);
}

// HINCRBYFLOAT key field delta -> the new value
void HIncrByFloat(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ParseLongDouble(args[3]);
  if (!delta) return reply.Error(kErrNotFloat);
  if (!std::isfinite(*delta)) return reply.Error("ERR value is NaN or Infinity");
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  HashKey hash(tx, args[1], found);
  const auto field = hash.Find(args[2]);
  const auto old_value = field ? ParseLongDouble(field->value) : std::optional<long double>(0);
  if (!old_value) return reply.Error("ERR hash value is not a float");
  const long double value = *old_value + *delta;
  if (!std::isfinite(value)) return reply.Error("ERR increment would produce NaN or Infinity");
  const std::string text = FormatLongDouble(value);
  hash.Set(args[2], text, field ? field->expire_at_ms : kNoExpiry);
  PassOnAs({"HSET", args[1], args[2], text});
  tx.Notify(EventClass::kHash, "hincrbyfloat", args[1]);
  reply.Bulk(text);
}

}  // namespace hearth
