// Tested by tests/src/commands/bitfield_test.cc.
//
// BITFIELD: integers of any width within a string.
//
// All operations of a call are read first. Those that write work on a window, a copy of the bytes
// from the first that one of them writes to the last; it goes back in one write, so that a call
// logs one row.
#include "src/commands/bitfield.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/change_count.h"
#include "src/commands/bitmap.h"
#include "src/commands/groups.h"
#include "src/commands/string.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"

namespace hearth {
namespace {

using Int128 = __int128;

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

struct Field {
  bool is_signed;
  uint32_t bits;
  uint64_t offset;  // in bits from the string's start

  uint64_t first_byte() const { return offset / 8; }
  uint64_t last_byte() const { return (offset + bits - 1) / 8; }
};

struct FieldOperation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement } kind;
  Overflow overflow;
  Field field;
  int64_t operand = 0;
};

// "i1" to "i64", "u1" to "u63".
bool ParseFieldType(std::string_view text, Field* field) {
  if (!text.starts_with('i') && !text.starts_with('u')) return false;
  field->is_signed = text[0] == 'i';
  const auto bits = ParseInt64(text.substr(1));
  if (!bits || *bits < 1 || *bits > (field->is_signed ? 64 : 63)) return false;
  field->bits = static_cast<uint32_t>(*bits);
  return true;
}

std::optional<Overflow> ParseOverflow(std::string_view word) {
  if (IsWord(word, "WRAP")) return Overflow::kWrap;
  if (IsWord(word, "SAT")) return Overflow::kSaturate;
  if (IsWord(word, "FAIL")) return Overflow::kFail;
  return std::nullopt;
}

// Reads GET, SET or INCRBY at args[*index] with its arguments and moves *index to the last of
// them.
bool ReadOperation(const Args& args, size_t* index, FieldOperation* operation, Reply& reply) {
  using Kind = FieldOperation::Kind;
  const std::string_view word = args[*index];
  const size_t left = args.size() - *index - 1;
  if (left >= 2 && IsWord(word, "GET")) {
    operation->kind = Kind::kGet;
  } else if (left >= 3 && IsWord(word, "SET")) {
    operation->kind = Kind::kSet;
  } else if (left >= 3 && IsWord(word, "INCRBY")) {
    operation->kind = Kind::kIncrement;
  } else {
    reply.Error(kErrSyntax);
    return false;
  }
  if (!ParseFieldType(args[++*index], &operation->field)) {
    reply.Error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
        "but i64 is.");
    return false;
  }
  const auto offset = ReadBitOffset(args[++*index], operation->field.bits, reply);
  if (!offset) return false;
  operation->field.offset = *offset;
  if (operation->kind == Kind::kGet) return true;
  const auto operand = ReadInteger(args[++*index], reply);
  if (operand) operation->operand = *operand;
  return operand.has_value();
}

bool ReadOperations(const Args& args, std::vector<FieldOperation>* operations, Reply& reply) {
  Overflow overflow = Overflow::kWrap;
  for (size_t index = 2; index < args.size(); ++index) {
    if (IsWord(args[index], "OVERFLOW") && index + 1 < args.size()) {
      const auto given = ParseOverflow(args[++index]);
      if (!given) {
        reply.Error("ERR Invalid OVERFLOW type specified");
        return false;
      }
      overflow = *given;
      continue;
    }
    FieldOperation operation{.kind = {}, .overflow = overflow, .field = {}};
    if (!ReadOperation(args, &index, &operation, reply)) return false;
    operations->push_back(operation);
  }
  return true;
}

// A string with some of its bytes copied for change.
class Window {
 public:
  // Requires: first <= last when there is something to write; first > last otherwise.
  Window(std::string_view value, uint64_t first, uint64_t last) : value_(value), first_(first) {
    if (first > last) return;
    if (first < value.size()) bytes_ = value.substr(first, last - first + 1);
    bytes_.resize(last - first + 1);
  }

  uint64_t first() const { return first_; }
  const std::string& bytes() const { return bytes_; }

  // The field as an unsigned number.
  uint64_t Read(const Field& field) const {
    unsigned __int128 number = 0;
    for (uint64_t at = field.first_byte(); at <= field.last_byte(); ++at) {
      number = number << 8 | ByteAt(at);
    }
    return static_cast<uint64_t>(number >> Shift(field)) & Mask(field);
  }

  // Requires: the field lies in the window.
  void Write(const Field& field, uint64_t number) {
    using Wide = unsigned __int128;
    Wide mask = Wide{Mask(field)} << Shift(field);
    Wide wide = Wide{number & Mask(field)} << Shift(field);
    for (uint64_t at = field.last_byte() + 1; at-- > field.first_byte();) {
      const auto kept = static_cast<uint8_t>(ByteAt(at) & ~static_cast<uint8_t>(mask));
      bytes_[at - first_] = static_cast<char>(kept | static_cast<uint8_t>(wide));
      mask >>= 8;
      wide >>= 8;
    }
  }

 private:
  static uint32_t Shift(const Field& field) {
    return static_cast<uint32_t>(7 - (field.offset + field.bits - 1) % 8);
  }
  static uint64_t Mask(const Field& field) { return UINT64_MAX >> (64 - field.bits); }
  uint8_t ByteAt(uint64_t at) const {
    if (at >= first_ && at - first_ < bytes_.size()) {
      return static_cast<uint8_t>(bytes_[at - first_]);
    }
    return at < value_.size() ? static_cast<uint8_t>(value_[at]) : 0;
  }

  std::string_view value_;
  uint64_t first_;
  std::string bytes_;
};

// The field's number, sign included, of its bits.
int64_t NumberOf(const Field& field, uint64_t bits) {
  const uint32_t unused = 64 - field.bits;
  if (!field.is_signed) return static_cast<int64_t>(bits);
  return static_cast<int64_t>(bits << unused) >> unused;
}

// What the field holds after SET or INCRBY; nullopt = it overflows and shall fail.
std::optional<int64_t> NewNumber(const FieldOperation& operation, int64_t old_number) {
  const Field& field = operation.field;
  const bool adds = operation.kind == FieldOperation::Kind::kIncrement;
  const Int128 max = (Int128{1} << (field.bits - (field.is_signed ? 1 : 0))) - 1;
  const Int128 min = field.is_signed ? -max - 1 : 0;
  Int128 number = operation.operand;
  if (adds) number += old_number;
  // Redis takes what SET is given for an unsigned number, if the field is unsigned; and in a
  // signed field for too much what lies so far below zero that the distance overflows.
  if (!adds && !field.is_signed) number = static_cast<uint64_t>(operation.operand);
  const bool is_above =
      number > max || (!adds && field.is_signed && max - number > INT64_MAX && field.bits != 64);
  if (is_above || number < min) {
    if (operation.overflow == Overflow::kFail) return std::nullopt;
    if (operation.overflow == Overflow::kSaturate) number = is_above ? max : min;
  }
  return NumberOf(field, static_cast<uint64_t>(number) & (UINT64_MAX >> (64 - field.bits)));
}

enum class Written : uint8_t { kNothing, kSame, kOther };

Written Answer(const FieldOperation& operation, Window* window, Reply& reply) {
  using Kind = FieldOperation::Kind;
  const int64_t old_number = NumberOf(operation.field, window->Read(operation.field));
  if (operation.kind == Kind::kGet) {
    reply.Integer(old_number);
    return Written::kNothing;
  }
  const auto number = NewNumber(operation, old_number);
  if (!number) {
    reply.Null();
    return Written::kNothing;
  }
  window->Write(operation.field, static_cast<uint64_t>(*number));
  reply.Integer(operation.kind == Kind::kSet ? old_number : *number);
  return *number == old_number ? Written::kSame : Written::kOther;
}

void RunBitField(const Args& args, bool read_only, Tx& tx, Reply& reply) {
  std::vector<FieldOperation> operations;
  if (!ReadOperations(args, &operations, reply)) return;
  uint64_t first = UINT64_MAX;
  uint64_t last = 0;
  for (const FieldOperation& operation : operations) {
    if (operation.kind == FieldOperation::Kind::kGet) continue;
    first = std::min(first, operation.field.first_byte());
    last = std::max(last, operation.field.last_byte());
  }
  const bool writes = first <= last;
  if (writes && read_only) {
    return reply.Error("ERR BITFIELD_RO only supports the GET subcommand");
  }
  const Object* object;
  if (!FindString(args[1], tx, reply, &object)) return;
  if (!writes) tx.NoteSource(args[1], object != nullptr);

  Window window(object == nullptr ? std::string_view() : object->value(), first, last);
  reply.Array(operations.size());
  const bool grows = writes && (object == nullptr || object->value().size() <= last);
  uint64_t change_count = 0;
  for (const FieldOperation& operation : operations) {
    const Written written = Answer(operation, &window, reply);
    change_count += written == Written::kOther || (grows && written == Written::kSame);
  }
  const bool recodes = writes && object != nullptr && object->encoding != Encoding::kRaw;
  if (change_count == 0 && !grows && !recodes) return;
  ChangeCount changes(tx);
  changes.Is(change_count);
  // A string that grew, and no more, counts as no change; a follower's is to grow too.
  Effects* const effects = Effects::Current();
  if (grows && effects != nullptr) [[unlikely]]
    effects->Force();
  tx.set_quiet(change_count == 0 && !grows);  // only its encoding changes
  tx.WriteRange(args[1], window.first(), window.bytes());
  tx.set_quiet(false);
  if (change_count > 0) tx.Notify(EventClass::kString, "setbit", args[1]);
}

}  // namespace

// BITFIELD key [GET type offset | [OVERFLOW WRAP|SAT|FAIL] SET type offset number |
//   INCRBY type offset number ...] -> what each operation read, replaced (SET) or made (INCRBY)
// The string grows as far as any write reaches, also one that fails.
void BitField(const Args& args, Tx& tx, Reply& reply) {
  RunBitField(args, /*read_only=*/false, tx, reply);
}

// BITFIELD_RO key [GET type offset ...] -> the numbers
void BitFieldRo(const Args& args, Tx& tx, Reply& reply) {
  RunBitField(args, /*read_only=*/true, tx, reply);
}

void FindBitFieldKey(const Command&, const Args& args, std::vector<KeyPlace>* places) {
  static constexpr KeySpec kRead{.flags = "RO access"};
  static constexpr KeySpec kReadAndWritten{.flags = "RW access update"};
  bool writes = false;
  for (size_t i = 2; i < args.size() && !writes;) {
    const size_t left = args.size() - i - 1;
    if (IsWord(args[i], "GET") && left >= 2) {
      i += 3;
    } else if (IsWord(args[i], "OVERFLOW") && left >= 1) {
      i += 2;
    } else {
      writes = true;  // or a mistake, which counts as writing
    }
  }
  places->push_back({1, writes ? &kReadAndWritten : &kRead});
}

}  // namespace hearth
