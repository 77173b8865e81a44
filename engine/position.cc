// Tested by tests/engine/position_test.cc.
#include "engine/position.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

namespace hearth {
namespace {

// Eight tables for slicing by eight bytes: entry [k][b] is the CRC of byte b followed by k zeros.
constexpr std::array<std::array<uint16_t, 256>, 8> MakeCrcTables() {
  std::array<std::array<uint16_t, 256>, 8> tables{};
  for (int byte = 0; byte < 256; ++byte) {
    uint16_t crc = static_cast<uint16_t>(byte << 8);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    tables[0][byte] = crc;
  }
  for (int k = 1; k < 8; ++k) {
    for (int byte = 0; byte < 256; ++byte) {
      const uint16_t previous = tables[k - 1][byte];
      tables[k][byte] = static_cast<uint16_t>((previous << 8) ^ tables[0][previous >> 8]);
    }
  }
  return tables;
}

constexpr auto kCrc = MakeCrcTables();

uint16_t Crc16(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  uint16_t crc = 0;
  for (; left >= 8; left -= 8, p += 8) {
    crc = static_cast<uint16_t>(kCrc[7][p[0] ^ (crc >> 8)] ^ kCrc[6][p[1] ^ (crc & 0xff)] ^
                                kCrc[5][p[2]] ^ kCrc[4][p[3]] ^ kCrc[3][p[4]] ^ kCrc[2][p[5]] ^
                                kCrc[1][p[6]] ^ kCrc[0][p[7]]);
  }
  for (; left > 0; --left, ++p) {
    crc = static_cast<uint16_t>((crc << 8) ^ kCrc[0][((crc >> 8) ^ *p) & 0xff]);
  }
  return crc;
}

}  // namespace

uint32_t SlotOf(std::string_view key) {
  const size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return Crc16(key) & (kSlotCount - 1);
}

uint64_t PositionOf(std::string_view key) {
  return (uint64_t{SlotOf(key)} << kPositionHashBits) | PositionHashOf(key);
}

uint64_t PositionHashOf(std::string_view key) {
  return XXH3_64bits(key.data(), key.size()) >> (64 - kPositionHashBits);
}

}  // namespace hearth
