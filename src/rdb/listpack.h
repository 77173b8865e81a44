#pragma once

// Listpack: Redis' packed list of texts and integers since 5.0.
//
//   listpack = size u32, count u16 (65535: not known), element*, 0xff     numbers little-endian
//   element  = encoding, size of the encoding, read from its end: 7 bits a byte, lowest last, all
//              bytes but the first marked with 0x80
//   encoding = 0nnnnnnn                    0 to 127
//            | 10ssssss text               up to 63 bytes
//            | 110nnnnn n u8               13 bits, signed
//            | 1110ssss s u8 text          up to 4095 bytes
//            | 0xf0 u32 text
//            | 0xf1 i16 | 0xf2 i24 | 0xf3 i32 | 0xf4 i64
//
// Thread: a value; one at a time.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/rdb/packed_integer.h"

namespace hearth::rdb {

// Appends all elements; false unless every byte is as it must be. The elements' texts point into
// bytes.
bool ReadListpack(std::string_view bytes, std::vector<PackedElement>* elements);

class ListpackWriter {
 public:
  ListpackWriter() : bytes_(kHeaderSize, '\0') {}

  // An element; the decimal text of a 64-bit integer becomes an integer, as Redis does it.
  void Append(std::string_view text);
  void AppendInteger(int64_t value);

  size_t count() const { return count_; }

  // Of what Finish() would return, in bytes.
  size_t size() const { return bytes_.size() + 1; }

  // The listpack. The writer is used up.
  std::string Finish();

  // An upper bound of what a text adds to size().
  static size_t ElementSizeMax(size_t text_size) { return text_size + 10; }

 private:
  static constexpr size_t kHeaderSize = 6;

  void AppendSizeBehind(size_t encoding_size);

  std::string bytes_;
  size_t count_ = 0;
};

}  // namespace hearth::rdb
