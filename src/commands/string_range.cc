// Tested by tests/src/commands/string_range_test.cc.
//
// Strings as bytes: APPEND, GETRANGE (SUBSTR), SETRANGE, STRLEN.
#include <algorithm>

#include "src/commands/groups.h"
#include "src/commands/string.h"
#include "src/errors.h"

namespace hearth {
namespace {

constexpr size_t kValueSizeMax = UINT32_MAX;  // what an Object can hold, in bytes

// Whether a string of size bytes may have count more; writes the error when not.
bool MayGrow(size_t size, size_t count, Reply& reply) {
  const size_t limit = std::min(StringSizeMax().load(std::memory_order_relaxed), kValueSizeMax);
  if (size <= limit && count <= limit - size) return true;
  reply.Error(kErrStringTooLong);
  return false;
}

// The part from start to end, both included; negative ones count from the end, -1 is the last,
// and what lies before the first byte is taken for the first, an end too.
std::string_view Part(std::string_view text, int64_t start, int64_t end) {
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return {};
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start) + 1);
}

}  // namespace

// STRLEN key -> the size in bytes, 0 for an absent key
void StrLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  reply.Integer(object == nullptr ? 0 : object->value().size());
}

// APPEND key bytes -> the new size in bytes
void Append(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (object == nullptr) {
    tx.SetString(args[1], args[2], Expiry::None());
    tx.Notify(EventClass::kString, "append", args[1]);
    return reply.Integer(static_cast<int64_t>(args[2].size()));
  }
  if (!MayGrow(object->value().size(), args[2].size(), reply)) return;
  reply.Integer(static_cast<int64_t>(tx.WriteRange(args[1], object->value().size(), args[2])));
  tx.Notify(EventClass::kString, "append", args[1]);
}

// GETRANGE key start end -> the part of the string, both ends included
void GetRange(const Args& args, Tx& tx, Reply& reply) {
  const auto start = ReadInteger(args[2], reply);
  if (!start) return;
  const auto end = ReadInteger(args[3], reply);
  if (!end) return;
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  reply.Bulk(object == nullptr ? std::string_view() : Part(object->value(), *start, *end));
}

// SETRANGE key offset bytes -> the new size in bytes
// Grows with zero bytes up to the offset. Writing no bytes changes nothing, at any offset.
void SetRange(const Args& args, Tx& tx, Reply& reply) {
  const auto offset = ReadInteger(args[2], reply);
  if (!offset) return;
  if (*offset < 0) return reply.Error("ERR offset is out of range");
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (args[3].empty()) return reply.Integer(object == nullptr ? 0 : object->value().size());
  const auto at = static_cast<size_t>(*offset);
  if (!MayGrow(at, args[3].size(), reply)) return;
  reply.Integer(static_cast<int64_t>(tx.WriteRange(args[1], at, args[3])));
  tx.Notify(EventClass::kString, "setrange", args[1]);
}

}  // namespace hearth
