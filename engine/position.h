#pragma once

// Position: the one order of keys, in memory and on disk; SCAN's cursor goes by it (cursor.h).
//
// position(key) = Redis Cluster slot (14 bits, high) | 50 bits of XXH3-64 of the whole key (low).
// The slot is CRC16 (XMODEM, polynomial 0x1021) of the key, or of its hash tag: what stands
// between the first '{' and the first '}' after it, when that is not empty (Redis Cluster
// specification, "Hash tags"). The hash has a fixed seed: positions are stored on disk.
//
// Thread: any; pure functions.

#include <cstdint>
#include <string_view>

namespace hearth {

inline constexpr uint32_t kSlotCount = 16384;
inline constexpr int kPositionHashBits = 50;

// The Redis Cluster slot of a key, 0 to 16383.
uint32_t SlotOf(std::string_view key);

uint64_t PositionOf(std::string_view key);
// Its hash bits alone.
uint64_t PositionHashOf(std::string_view key);

inline uint32_t SlotOfPosition(uint64_t position) {
  return static_cast<uint32_t>(position >> kPositionHashBits);
}

}  // namespace hearth
