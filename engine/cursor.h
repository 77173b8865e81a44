#pragma once

// Cursor: where SCAN, HSCAN, SSCAN and ZSCAN go on: the high bits of a place in the order that they
// walk in, which is a key's position or a member's hash. It needs no state on the server and holds
// over restarts.
//
// It has the bits that a double holds exactly, and none of a signed integer's sign: clients of
// JavaScript and PHP keep it so. What shares these bits is answered in one piece.
//
// Thread: any; pure functions.

#include <cstdint>

namespace hearth {

inline constexpr int kCursorBits = 53;
inline constexpr int kCursorShift = 64 - kCursorBits;

// Whether a client's number can be one; what is higher stands behind every place.
constexpr bool IsCursor(uint64_t number) {
  return (number >> kCursorBits) == 0;
}
constexpr uint64_t CursorOf(uint64_t place) {
  return place >> kCursorShift;
}
// The first place that a cursor stands for.
constexpr uint64_t PlaceOf(uint64_t cursor) {
  return cursor << kCursorShift;
}

}  // namespace hearth
