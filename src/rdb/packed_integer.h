#pragma once

// PackedInteger: the little-endian integers of 1 to 8 bytes in packed encodings, and the elements
// of listpacks and ziplists, which are such integers or texts.
//
// Thread: any; pure functions.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hearth::rdb {

// Requires: at most 8 bytes.
inline uint64_t UnsignedLittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

// Two's complement. Requires: 1 to 8 bytes.
inline int64_t SignedLittleEndian(std::string_view bytes) {
  const int unused_bits = 64 - 8 * static_cast<int>(bytes.size());
  return static_cast<int64_t>(UnsignedLittleEndian(bytes) << unused_bits) >> unused_bits;
}

// The lowest size bytes of a value.
inline void AppendLittleEndian(uint64_t value, size_t size, std::string* to) {
  to->append(reinterpret_cast<const char*>(&value), size);
}

// An element of a listpack or ziplist; the text dies with the bytes it was read from.
struct PackedElement {
  std::string_view text;
  int64_t integer = 0;
  bool is_integer = false;

  static PackedElement Text(std::string_view text) { return {text, 0, false}; }
  static PackedElement Integer(int64_t integer) { return {{}, integer, true}; }

  std::string ToString() const { return is_integer ? std::to_string(integer) : std::string(text); }
};

}  // namespace hearth::rdb
