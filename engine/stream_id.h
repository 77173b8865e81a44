#pragma once

// StreamId: the name of a stream's entry: milliseconds and a sequence number, as in
// "1526919030474-55".
//
// Thread: any; a value.

#include <compare>
#include <cstdint>
#include <string>

namespace hearth {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  friend auto operator<=>(const StreamId&, const StreamId&) = default;

  bool is_zero() const { return ms == 0 && seq == 0; }
  // The next or previous id. Requires: not the last, not the first.
  StreamId Next() const { return seq == UINT64_MAX ? StreamId{ms + 1, 0} : StreamId{ms, seq + 1}; }
  StreamId Previous() const {
    return seq == 0 ? StreamId{ms - 1, UINT64_MAX} : StreamId{ms, seq - 1};
  }
  std::string Text() const { return std::to_string(ms) + "-" + std::to_string(seq); }
};

inline constexpr StreamId kStreamIdMin = {};
inline constexpr StreamId kStreamIdMax = {UINT64_MAX, UINT64_MAX};

}  // namespace hearth
