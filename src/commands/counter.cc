// Tested by tests/src/commands/counter_test.cc.
//
// Strings as numbers: DECR, DECRBY, INCR, INCRBY, INCRBYFLOAT. All keep the key's expiry.
#include <charconv>
#include <cmath>

#include "src/commands/groups.h"
#include "src/commands/string.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr size_t kInt64TextBytesMax = 20;

void Add(std::string_view key, int64_t delta, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(key, tx, reply, &object)) return;
  int64_t value = 0;
  if (object != nullptr) {
    const auto old_value = ReadInteger(object->value(), reply);
    if (!old_value) return;
    value = *old_value;
  }
  if (__builtin_add_overflow(value, delta, &value)) {
    return reply.Error(kErrOverflow);
  }
  char text[kInt64TextBytesMax];
  const char* end = std::to_chars(text, text + sizeof(text), value).ptr;
  tx.SetString(key, {text, static_cast<size_t>(end - text)}, Expiry::Keep());
  tx.Notify(EventClass::kString, "incrby", key);
  reply.Integer(value);
}

}  // namespace

// INCR key -> the new value
// An absent key counts as 0, here and below.
void Incr(const Args& args, Tx& tx, Reply& reply) {
  Add(args[1], 1, tx, reply);
}

// DECR key -> the new value
void Decr(const Args& args, Tx& tx, Reply& reply) {
  Add(args[1], -1, tx, reply);
}

// INCRBY key delta -> the new value
void IncrBy(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ReadInteger(args[2], reply);
  if (delta) Add(args[1], *delta, tx, reply);
}

// DECRBY key delta -> the new value
void DecrBy(const Args& args, Tx& tx, Reply& reply) {
  const auto delta = ReadInteger(args[2], reply);
  if (!delta) return;
  if (*delta == INT64_MIN) return reply.Error("ERR decrement would overflow");
  Add(args[1], -*delta, tx, reply);
}

// INCRBYFLOAT key delta -> the new value
// Both numbers are long doubles; the result is written without an exponent, and is a text to
// OBJECT ENCODING even when it has no fraction.
void IncrByFloat(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  const auto old_value =
      object == nullptr ? std::optional<long double>(0) : ParseLongDouble(object->value());
  const auto delta = ParseLongDouble(args[2]);
  if (!old_value || !delta) return reply.Error(kErrNotFloat);

  const long double value = *old_value + *delta;
  if (!std::isfinite(value)) return reply.Error("ERR increment would produce NaN or Infinity");
  const std::string text = FormatLongDouble(value);
  const Encoding encoding = EncodingOf(text);
  tx.SetString(args[1], text, Expiry::Keep(),
               encoding == Encoding::kInt ? Encoding::kEmbstr : encoding);
  PassOnAs({"SET", args[1], text, "KEEPTTL"});
  tx.Notify(EventClass::kString, "incrbyfloat", args[1]);
  reply.Bulk(text);
}

}  // namespace hearth
