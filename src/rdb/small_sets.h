#pragma once

// SmallSets: the two oldest packed encodings: the intset (a set of integers) and the zipmap (a
// hash, before Redis 2.6).
//
//   intset = width u32 (2, 4 or 8), count u32, count integers of that width, ascending
//                                                             all little-endian
//   zipmap = count u8 (254 or more: not known), (size, field, size, unused u8, value, unused
//            bytes)*, 0xff
//   size   = u8 below 254 | 0xfe u32 little-endian
//
// Thread: any; pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::rdb {

// Appends the members; false unless every byte is as it must be.
bool ReadIntset(std::string_view bytes, std::vector<int64_t>* members);

// The intset of ascending members.
std::string MakeIntset(const std::vector<int64_t>& members);

// Appends fields and values, which point into bytes; false unless every byte is as it must be.
bool ReadZipmap(std::string_view bytes,
                std::vector<std::pair<std::string_view, std::string_view>>* fields);

}  // namespace hearth::rdb
