#pragma once

// Codec: fixed-width and variable-width integers as they stand in rows.
//
// Keys use big-endian (their bytes sort as the numbers do), values little-endian and LEB128
// varints. Readers consume from a string_view and return false when it is too short.
//
// Thread: any; pure functions.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hearth {

inline void PutBigEndian32(char* to, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void PutBigEndian64(char* to, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(value));
}
inline uint32_t GetBigEndian32(const char* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap32(value);
}
inline uint64_t GetBigEndian64(const char* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap64(value);
}

inline void PutFixed64(char* to, uint64_t value) {
  std::memcpy(to, &value, sizeof(value));
}
inline uint64_t GetFixed64(const char* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
inline void AppendFixed64(std::string* to, uint64_t value) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}
inline bool ReadFixed64(std::string_view* from, uint64_t* value) {
  if (from->size() < sizeof(*value)) return false;
  std::memcpy(value, from->data(), sizeof(*value));
  from->remove_prefix(sizeof(*value));
  return true;
}

inline void AppendVarint(std::string* to, uint64_t value) {
  while (value >= 0x80) {
    to->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  to->push_back(static_cast<char>(value));
}
inline size_t VarintSize(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}
// Writes VarintSize(value) bytes; returns the place behind them.
inline char* WriteVarint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}
inline bool ReadVarint(std::string_view* from, uint64_t* value) {
  // Nearly all are a byte.
  if (!from->empty() && (from->front() & 0x80) == 0) [[likely]] {
    *value = static_cast<unsigned char>(from->front());
    from->remove_prefix(1);
    return true;
  }
  *value = 0;
  for (int shift = 0; shift < 64 && !from->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from->front());
    from->remove_prefix(1);
    *value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace hearth
