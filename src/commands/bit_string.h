#pragma once

// BitString: a string as bits, the most significant bit of the first byte first; counted and
// searched by 64-bit words.
//
// Thread: any; pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth {

// How many bits are set from first to last, both included.
// Requires: first <= last, last within the string.
uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last);

// The first bit from first to last, both included, that is as wanted.
// Requires: as above.
std::optional<uint64_t> FindBit(std::string_view bytes, bool wanted, uint64_t first, uint64_t last);

}  // namespace hearth
