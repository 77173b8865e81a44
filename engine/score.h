#pragma once

// Score: a sorted set's score as it stands in rows, in few bytes.
//
//   score = tag:u8 [bytes]
//   tag   = 0 to 239: that integer
//         | 240: an integer in i16le
//         | 241: an integer in i32le
//         | 242: an integer in 6 bytes, little-endian, two's complement
//         | 243: an integer in 7 bytes, the same
//         | 244: a float, 4 bytes, little-endian; -0 and the infinities are floats
//         | 245: a double, 8 bytes, little-endian
//
// Every double but NaN comes back bit by bit. The shortest form is taken, so equal scores have
// equal bytes.
//
// Thread: any; pure functions.
// Errors: an unknown tag, missing bytes and NaN are false.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

inline constexpr size_t kScoreSizeMax = 9;

// Writes the score; returns its size in bytes. Requires: kScoreSizeMax bytes of room, not NaN.
size_t WriteScore(char* to, double score);
void AppendScore(std::string* to, double score);

// Takes a score off the front.
bool ReadScore(std::string_view* from, double* score);

}  // namespace hearth
