#include "src/commands/bit_string.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace hearth {
namespace {

bool BitAt(std::string_view bytes, uint64_t at) {
  return (static_cast<uint8_t>(bytes[at / 8]) & (0x80 >> (at % 8))) != 0;
}

uint64_t CountOneByOne(std::string_view bytes, uint64_t first, uint64_t last) {
  uint64_t count = 0;
  for (uint64_t at = first; at <= last; ++at) count += BitAt(bytes, at);
  return count;
}

std::optional<uint64_t> FindOneByOne(std::string_view bytes, bool wanted, uint64_t first,
                                     uint64_t last) {
  for (uint64_t at = first; at <= last; ++at) {
    if (BitAt(bytes, at) == wanted) return at;
  }
  return std::nullopt;
}

TEST(BitStringTest, CountsAndFindsWhatALoopOverTheBitsDoes) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(1 + random() % 100, random() % 2 ? '\xff' : '\0');
    for (uint32_t left = random() % 4; left > 0; --left) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const uint64_t first = random() % (bytes.size() * 8);
    const uint64_t last = first + random() % (bytes.size() * 8 - first);
    ASSERT_EQ(CountBits(bytes, first, last), CountOneByOne(bytes, first, last));
    for (const bool wanted : {false, true}) {
      ASSERT_EQ(FindBit(bytes, wanted, first, last), FindOneByOne(bytes, wanted, first, last));
    }
  }
}

}  // namespace
}  // namespace hearth
