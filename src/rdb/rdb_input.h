#pragma once

// RdbInput: reads the scalars of the RDB format (lengths, strings, doubles, times) from the front
// of a view, and remembers what was wrong first.
//
//   length = 00nnnnnn
//          | 01nnnnnn n u8                    14 bits, big-endian
//          | 0x80 u32 big-endian | 0x81 u64 big-endian
//   string = length, bytes
//          | 0xc0 i8 | 0xc1 i16 | 0xc2 i32    little-endian, for their decimal text
//          | 0xc3 length (compressed), length (expanded), LZF data
//
// Every reading function returns false when the bytes are not there or wrong, and from then on
// error() is not null.
//
// Thread:   one at a time.
// Lifetime: of the bytes it was made for, which it does not own.
// Limits:   a string allocates no more than its real size, known before it is made; a compressed
//           one kRdbExpandedBytesMax at most. All that becomes bigger than it was in the bytes
//           shares one budget (Expand).

#include <cstdint>
#include <string>
#include <string_view>

#include "src/rdb/rdb_value.h"

namespace hearth::rdb {

class RdbInput {
 public:
  explicit RdbInput(std::string_view bytes)
      : rest_(bytes), budget_(kExpansionMin + kExpansionMax * bytes.size()) {}

  // The next size bytes as they are.
  bool Bytes(uint64_t size, std::string_view* bytes);
  bool Byte(uint8_t* value);

  // A length or another unsigned number in a length's form.
  bool Length(uint64_t* value);

  // A string. View() gives one without copying when it is not encoded, else puts it into *storage.
  bool String(std::string* value);
  bool View(std::string* storage, std::string_view* value);

  bool Fixed64(uint64_t* value);  // little-endian
  bool TimeMs(int64_t* value);    // Fixed64, signed
  bool BinaryDouble(double* value);
  bool TextDouble(double* value);        // a size byte and a decimal, or 253 NaN, 254 inf, 255 -inf
  bool RawStreamId(RdbStreamId* value);  // two u64 big-endian
  bool LengthStreamId(RdbStreamId* value);  // two lengths

  // Takes from the budget for what is about to be made out of fewer bytes.
  bool Expand(uint64_t size);

  // Records what is wrong, unless something was before; returns false.
  bool Fail(const char* what) {
    if (error_ == nullptr) error_ = what;
    return false;
  }

  const char* error() const { return error_; }
  std::string_view rest() const { return rest_; }

 private:
  // More than LZF's best ratio (3 bytes for 264): compression alone can't exceed it.
  static constexpr uint64_t kExpansionMax = 128;
  static constexpr uint64_t kExpansionMin = 1 << 20;  // for small values

  bool LengthOrEncoding(uint64_t* value, bool* is_encoding);
  bool EncodedString(uint64_t encoding, std::string* value);
  bool EncodedInteger(size_t size, std::string* value);
  bool CompressedString(std::string* value);

  std::string_view rest_;
  uint64_t budget_;
  const char* error_ = nullptr;
};

}  // namespace hearth::rdb
