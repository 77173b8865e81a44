#pragma once

#include <string>

namespace hearth {

// Rows as RocksDB makes them: varint32 size, user key, 8 bytes of sequence (newest first in order).
inline std::string RowOf(const std::string& user_key, uint64_t sequence) {
  std::string row;
  uint32_t size = static_cast<uint32_t>(user_key.size() + 8);
  for (; size >= 128; size >>= 7) row.push_back(static_cast<char>(size | 128));
  row.push_back(static_cast<char>(size));
  row += user_key;
  for (int i = 0; i < 8; ++i) row.push_back(static_cast<char>(sequence >> (8 * i)));
  return row;
}

}  // namespace hearth
