// Tested by tests/src/commands/bit_string_test.cc.
#include "src/commands/bit_string.h"

#include <bit>
#include <cstring>

#include "engine/codec.h"

namespace hearth {
namespace {

constexpr size_t kWord = sizeof(uint64_t);

inline uint64_t CountWords(const char* at, size_t count) {
  uint64_t sums[4] = {};  // four chains, so that additions do not wait for each other
  size_t index = 0;
  for (; index + 4 <= count; index += 4, at += 4 * kWord) {
    uint64_t words[4];
    std::memcpy(words, at, sizeof(words));
    for (size_t lane = 0; lane < 4; ++lane) {
      sums[lane] += static_cast<uint64_t>(std::popcount(words[lane]));
    }
  }
  for (; index < count; ++index, at += kWord) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    sums[0] += static_cast<uint64_t>(std::popcount(word));
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

// The build assumes no instruction that the oldest machines lack; those that count bits in one
// are asked for at run time.
#if defined(__x86_64__)
[[gnu::target("popcnt"), gnu::flatten]] uint64_t CountWordsByInstruction(const char* at,
                                                                         size_t count) {
  return CountWords(at, count);
}
uint64_t CountAnyWords(const char* at, size_t count) {
  static const bool has_instruction = __builtin_cpu_supports("popcnt") != 0;
  return has_instruction ? CountWordsByInstruction(at, count) : CountWords(at, count);
}
#else
uint64_t CountAnyWords(const char* at, size_t count) {
  return CountWords(at, count);
}
#endif

uint8_t ByteAt(std::string_view bytes, uint64_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

}  // namespace

uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last) {
  const uint64_t begin = first / 8;
  const uint64_t end = last / 8 + 1;
  const uint64_t word_count = (end - begin) / kWord;
  uint64_t count = CountAnyWords(bytes.data() + begin, word_count);
  for (uint64_t at = begin + word_count * kWord; at < end; ++at) {
    count += static_cast<uint64_t>(std::popcount(ByteAt(bytes, at)));
  }
  // Whole bytes were counted: what lies before the first bit and behind the last goes again.
  const auto before = static_cast<uint8_t>(~(0xffu >> (first % 8)));
  const auto behind = static_cast<uint8_t>(0x7fu >> (last % 8));
  count -= static_cast<uint64_t>(std::popcount<uint8_t>(ByteAt(bytes, begin) & before));
  count -= static_cast<uint64_t>(std::popcount<uint8_t>(ByteAt(bytes, end - 1) & behind));
  return count;
}

std::optional<uint64_t> FindBit(std::string_view bytes, bool wanted, uint64_t first,
                                uint64_t last) {
  const uint8_t flip = wanted ? 0x00 : 0xff;  // turns the search into one for a set bit
  const uint64_t end = last / 8 + 1;
  uint64_t at = first / 8;
  uint64_t found = UINT64_MAX;
  const auto head = static_cast<uint8_t>((ByteAt(bytes, at) ^ flip) & (0xffu >> (first % 8)));
  if (head != 0) found = at * 8 + static_cast<uint64_t>(std::countl_zero(head));
  ++at;

  const uint64_t flips = wanted ? 0 : UINT64_MAX;
  const char* const bits = bytes.data();
  // Four words a step where nothing is found.
  while (found == UINT64_MAX && at + 4 * kWord <= end) {
    uint64_t words[4];
    std::memcpy(words, bits + at, sizeof(words));
    if (((words[0] ^ flips) | (words[1] ^ flips) | (words[2] ^ flips) | (words[3] ^ flips)) != 0) {
      break;
    }
    at += 4 * kWord;
  }
  for (; found == UINT64_MAX && at + kWord <= end; at += kWord) {
    const uint64_t word = GetBigEndian64(bits + at) ^ flips;
    if (word != 0) found = at * 8 + static_cast<uint64_t>(std::countl_zero(word));
  }
  for (; found == UINT64_MAX && at < end; ++at) {
    const auto byte = static_cast<uint8_t>(ByteAt(bytes, at) ^ flip);
    if (byte != 0) found = at * 8 + static_cast<uint64_t>(std::countl_zero(byte));
  }
  if (found > last) return std::nullopt;
  return found;
}

}  // namespace hearth
