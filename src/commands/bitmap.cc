// Tested by tests/src/commands/bitmap_test.cc.
//
// Strings as bits: BITCOUNT, BITOP, BITPOS, GETBIT, SETBIT.
#include "src/commands/bitmap.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "src/commands/bit_string.h"
#include "src/commands/groups.h"
#include "src/commands/string.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr std::string_view kErrBitOffset = "ERR bit offset is not an integer or out of range";
constexpr size_t kValueSizeMax = UINT32_MAX;  // what an Object can hold, in bytes

enum class Unit : uint8_t { kByte, kBit };

std::optional<Unit> ReadUnit(std::string_view argument, Reply& reply) {
  if (IsWord(argument, "BYTE")) return Unit::kByte;
  if (IsWord(argument, "BIT")) return Unit::kBit;
  reply.Error(kErrSyntax);
  return std::nullopt;
}

struct Bits {
  uint64_t first;
  uint64_t last;
};

// The bits from start to end, both included; negative ones count from the end, -1 is the last,
// and what lies before the first is taken for the first, an end too. nullopt = none.
std::optional<Bits> BitsOf(std::string_view value, int64_t start, int64_t end, Unit unit) {
  const int64_t unit_bits = unit == Unit::kByte ? 8 : 1;
  const int64_t count = static_cast<int64_t>(value.size()) * 8 / unit_bits;
  if (start < 0) start = std::max<int64_t>(start + count, 0);
  if (end < 0) end = std::max<int64_t>(end + count, 0);
  end = std::min(end, count - 1);
  if (start > end) return std::nullopt;
  return Bits{static_cast<uint64_t>(start * unit_bits),
              static_cast<uint64_t>((end + 1) * unit_bits - 1)};
}

uint8_t MaskOf(uint64_t offset) {
  return static_cast<uint8_t>(0x80u >> (offset % 8));
}

std::optional<bool> ReadBit(std::string_view argument) {
  const auto bit = ParseInt64(argument);
  if (!bit || (*bit & ~int64_t{1}) != 0) return std::nullopt;
  return *bit == 1;
}

template <typename Combine>
void CombineWith(std::string* into, std::string_view from, Combine combine) {
  const size_t size = std::min(into->size(), from.size());
  char* to = into->data();
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
    uint64_t a, b;
    std::memcpy(&a, to + at, sizeof(a));
    std::memcpy(&b, from.data() + at, sizeof(b));
    a = combine(a, b);
    std::memcpy(to + at, &a, sizeof(a));
  }
  for (; at < size; ++at) {
    const auto a = static_cast<uint8_t>(to[at]);
    to[at] = static_cast<char>(combine(a, static_cast<uint8_t>(from[at])));
  }
}

enum class Operation : uint8_t { kAnd, kOr, kXor, kNot };

std::optional<Operation> ParseOperation(std::string_view word) {
  if (IsWord(word, "AND")) return Operation::kAnd;
  if (IsWord(word, "OR")) return Operation::kOr;
  if (IsWord(word, "XOR")) return Operation::kXor;
  if (IsWord(word, "NOT")) return Operation::kNot;
  return std::nullopt;
}

// Combines one more string, which is followed by zero bytes without end, into the result.
void Combine(Operation operation, std::string_view from, std::string* result) {
  switch (operation) {
    case Operation::kAnd:
      CombineWith(result, from, [](uint64_t a, uint64_t b) { return a & b; });
      if (from.size() < result->size()) {
        std::memset(result->data() + from.size(), 0, result->size() - from.size());
      }
      return;
    case Operation::kOr:
      return CombineWith(result, from, [](uint64_t a, uint64_t b) { return a | b; });
    case Operation::kXor:
      return CombineWith(result, from, [](uint64_t a, uint64_t b) { return a ^ b; });
    case Operation::kNot:
      return CombineWith(result, from, [](uint64_t, uint64_t b) { return ~b; });
  }
}

}  // namespace

std::optional<uint64_t> ReadBitOffset(std::string_view argument, uint32_t field_bits,
                                      Reply& reply) {
  const bool in_fields = field_bits != 0 && argument.starts_with('#');
  const auto number = ParseInt64(in_fields ? argument.substr(1) : argument);
  int64_t offset = 0;
  const bool fits =
      number && !__builtin_mul_overflow(*number, int64_t{in_fields ? field_bits : 1}, &offset);
  const size_t size_max =
      std::min(StringSizeMax().load(std::memory_order_relaxed), kValueSizeMax - sizeof(uint64_t));
  if (fits && offset >= 0 && static_cast<uint64_t>(offset) / 8 < size_max) {
    return static_cast<uint64_t>(offset);
  }
  reply.Error(kErrBitOffset);
  return std::nullopt;
}

// SETBIT key offset 0|1 -> the bit that was there
// The string grows with zero bytes as far as the bit, whatever the bit.
void SetBit(const Args& args, Tx& tx, Reply& reply) {
  const auto offset = ReadBitOffset(args[2], 0, reply);
  if (!offset) return;
  const auto bit = ReadBit(args[3]);
  if (!bit) return reply.Error("ERR bit is not an integer or out of range");
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;

  const uint64_t at = *offset / 8;
  const uint8_t mask = MaskOf(*offset);
  const bool is_there = object != nullptr && at < object->value().size();
  const uint8_t old_byte = is_there ? static_cast<uint8_t>(object->value()[at]) : 0;
  const bool old_bit = (old_byte & mask) != 0;
  if (!is_there || old_bit != *bit || object->encoding != Encoding::kRaw) {
    const char byte = static_cast<char>(*bit ? old_byte | mask : old_byte & ~mask);
    const bool is_changed = !is_there || old_bit != *bit;  // else only its encoding
    tx.set_quiet(!is_changed);
    tx.WriteRange(args[1], at, {&byte, 1});
    tx.set_quiet(false);
    if (is_changed) tx.Notify(EventClass::kString, "setbit", args[1]);
  }
  reply.Integer(old_bit ? 1 : 0);
}

// GETBIT key offset -> the bit; 0 behind the end
void GetBit(const Args& args, Tx& tx, Reply& reply) {
  const auto offset = ReadBitOffset(args[2], 0, reply);
  if (!offset) return;
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  const uint64_t at = *offset / 8;
  if (object == nullptr || at >= object->value().size()) return reply.Integer(0);
  reply.Integer((static_cast<uint8_t>(object->value()[at]) & MaskOf(*offset)) != 0 ? 1 : 0);
}

// BITCOUNT key [start end [BYTE | BIT]] -> how many bits are set
// As in Redis 7.2, an absent key counts 0 before its range is looked at.
void BitCount(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  int64_t start = 0;
  int64_t end = -1;
  auto unit = std::optional(Unit::kByte);
  if (args.size() == 4 || args.size() == 5) {
    const auto given_start = ReadInteger(args[2], reply);
    if (!given_start) return;
    const auto given_end = ReadInteger(args[3], reply);
    if (!given_end) return;
    // Before the unit is looked at, too; and BITPOS takes both for the first when they are.
    if (*given_start < 0 && *given_end < 0 && *given_start > *given_end) return reply.Integer(0);
    if (args.size() == 5) unit = ReadUnit(args[4], reply);
    if (!unit) return;
    start = *given_start;
    end = *given_end;
  } else if (args.size() != 2) {
    return reply.Error(kErrSyntax);
  }
  const auto bits = BitsOf(object->value(), start, end, *unit);
  reply.Integer(bits ? static_cast<int64_t>(CountBits(object->value(), bits->first, bits->last))
                     : 0);
}

// BITPOS key 0|1 [start [end [BYTE | BIT]]] -> the first such bit from the string's start, or -1
// Without an end the string is followed by zeros; as in Redis 7.2, an absent key is nothing but
// those before its range is looked at.
void BitPos(const Args& args, Tx& tx, Reply& reply) {
  if (!ReadInteger(args[2], reply)) return;
  const auto bit = ReadBit(args[2]);
  if (!bit) return reply.Error("ERR The bit argument must be 1 or 0.");
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(*bit ? -1 : 0);

  if (args.size() > 6) return reply.Error(kErrSyntax);
  auto start = std::optional<int64_t>(0);
  auto end = std::optional<int64_t>(-1);
  auto unit = std::optional(Unit::kByte);
  if (args.size() > 3 && !(start = ReadInteger(args[3], reply))) return;
  if (args.size() > 5 && !(unit = ReadUnit(args[5], reply))) return;
  if (args.size() > 4 && !(end = ReadInteger(args[4], reply))) return;
  const auto bits = BitsOf(object->value(), *start, *end, *unit);
  if (!bits) return reply.Integer(-1);
  const auto found = FindBit(object->value(), *bit, bits->first, bits->last);
  if (found) return reply.Integer(static_cast<int64_t>(*found));
  const bool zeros_follow = !*bit && args.size() <= 4;
  reply.Integer(zeros_follow ? static_cast<int64_t>(bits->last) + 1 : -1);
}

// BITOP AND|OR|XOR|NOT target key [key ...] -> the size of the result, in bytes
// The result is as long as the longest; one of no bytes deletes the target.
void BitOp(const Args& args, Tx& tx, Reply& reply) {
  const auto operation = ParseOperation(args[1]);
  if (!operation) return reply.Error(kErrSyntax);
  const Args keys = args.subspan(3);
  if (*operation == Operation::kNot && keys.size() != 1) {
    return reply.Error("ERR BITOP NOT must be called with a single source key.");
  }
  std::vector<std::string_view> values;
  size_t size = 0;
  for (const std::string_view key : keys) {
    const Object* object;
    if (!FindString(key, tx, reply, &object)) return;
    tx.NoteSource(key, object != nullptr);
    values.push_back(object == nullptr ? std::string_view() : object->value());
    size = std::max(size, values.back().size());
  }
  if (size == 0) {
    if (tx.Delete(args[2])) tx.Notify(EventClass::kGeneric, "del", args[2]);
    return reply.Integer(0);
  }
  std::string result;
  result.reserve(size);
  result = values[0];
  result.resize(size);
  if (*operation == Operation::kNot) Combine(*operation, values[0], &result);
  for (size_t index = 1; index < values.size(); ++index) {
    Combine(*operation, values[index], &result);
  }
  tx.SetString(args[2], result, Expiry::None(), Encoding::kRaw);
  tx.Notify(EventClass::kString, "set", args[2]);
  reply.Integer(static_cast<int64_t>(size));
}

}  // namespace hearth
