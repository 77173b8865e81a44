#pragma once

// Ziplist: Redis' packed list of texts and integers before 7.0.
//
//   ziplist  = size u32, offset of the last element u32, count u16 (65535: not known), element*,
//              0xff                                           numbers little-endian but as noted
//   element  = size of the element before (u8 below 254, or 0xfe u32), encoding
//   encoding = 00ssssss text                      up to 63 bytes
//            | 01ssssss s u8 text                 14 bits, big-endian
//            | 10...... u32 big-endian text
//            | 0xc0 i16 | 0xd0 i32 | 0xe0 i64 | 0xf0 i24 | 0xfe i8
//            | 1111nnnn                           n from 1 to 13, for 0 to 12
//
// Thread: any; pure function.

#include <string_view>
#include <vector>

#include "src/rdb/packed_integer.h"

namespace hearth::rdb {

// Appends all elements; false unless every byte is as it must be. The elements' texts point into
// bytes.
bool ReadZiplist(std::string_view bytes, std::vector<PackedElement>* elements);

}  // namespace hearth::rdb
