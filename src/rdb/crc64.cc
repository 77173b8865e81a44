// Tested by tests/src/rdb/dump_payload_test.cc.
#include "src/rdb/crc64.h"

#include <array>
#include <bit>
#include <cstring>

namespace hearth::rdb {
namespace {

// The polynomial with its bits reversed: the register shifts right, as its input is reflected.
constexpr uint64_t kReflectedPolynomial = 0x95ac9329ac4bc9b5;

using Table = std::array<uint64_t, 256>;

// tables[k][b] is the checksum of the byte b with k zero bytes behind it, so that eight lookups,
// one a table, advance the register by eight bytes ("slicing by eight", Kounavis and Berry 2005).
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kReflectedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint64_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = MakeTables();
static_assert(std::endian::native == std::endian::little);

}  // namespace

uint64_t Crc64(uint64_t crc, std::string_view bytes) {
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof(word));
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return crc;
}

}  // namespace hearth::rdb
