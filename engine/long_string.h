#pragma once

// LongString: a string that is changed in place, in memory and as rows.
//
// What SET stores is one row, whatever its size. A string that outgrows LongStringSizeMin() by a
// change of a range of it (APPEND, SETRANGE, SETBIT, BITFIELD, PFADD) is spread over chunks: from
// then on such a change logs the chunks that it touches, not the whole value. In memory its bytes
// are in one piece.
//
//   head     = chunk-bits:u8 size:varint
//   element  = index:u32be -> the chunk's bytes without the zero bytes at its end
//
// A chunk of zero bytes has no row: a bitmap costs what is set in it. All chunks have 2^chunk-bits
// bytes, chosen when the string is spread; the string never shrinks.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <memory>
#include <string>
#include <string_view>

#include "engine/collection_key.h"

namespace hearth {

std::unique_ptr<Collection> MakeLongString(uint64_t object_id);

// Requires: of a spread string. Dies with the next change.
std::string_view LongStringValue(const Collection& collection);

// Bytes of the string whose head it is; 0 for one that does not parse.
uint64_t LongStringSize(std::string_view head);

// Bytes beyond which a change of a range spreads a string.
size_t LongStringSizeMin();

class LongString;

class LongStringKey : public CollectionKey {
 public:
  // Requires: found is null or a string.
  LongStringKey(Tx& tx, std::string_view key, const Object* found)
      : CollectionKey(tx, key, found, ObjectType::kString) {}

  // As Tx::WriteRange; the key is spread behind it. bytes may not point into the value.
  void WriteRange(size_t offset, std::string_view bytes);

 private:
  LongString& string() const;
};

}  // namespace hearth
