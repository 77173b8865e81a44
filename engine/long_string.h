#pragma once

// LongString: a string whose bytes stand in rows beside its head.
//
// A value of more than LongValueSizeMin() that is set at once is one chunk, or many from
// kWholeChunkMax on: another expiry or name of its key does not log it again, and who walks over
// heads does not read it. A string that outgrows LongStringSizeMin() by a change of a range of it
// (APPEND, SETRANGE, SETBIT, BITFIELD, PFADD) is spread over small chunks: from then on such a
// change logs the chunks that it touches. In memory its bytes are in one piece.
//
//   head     = chunk-bits:u8 size:varint
//   element  = index:u32be -> the chunk's bytes without the zero bytes at its end
//
// A chunk of zero bytes has no row: a bitmap costs what is set in it. All chunks have 2^chunk-bits
// bytes, chosen when the string is spread; what is set anew gets another object id, so that none
// ever shrinks.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <memory>
#include <string>
#include <string_view>

#include "engine/collection_key.h"

namespace hearth {

std::unique_ptr<Collection> MakeLongString(uint64_t object_id);
// One that holds a value which was set at once.
std::unique_ptr<Collection> MakeLongString(uint64_t object_id, std::string_view value);

// Requires: of a spread string. Dies with the next change.
std::string_view LongStringValue(const Collection& collection);

// Chunks of the string whose head it is; UINT64_MAX for one that does not parse.
uint64_t LongStringChunkCount(std::string_view head);
// The element of a chunk's row.
std::string LongStringElement(uint32_t index);

// Bytes beyond which a change of a range spreads a string.
size_t LongStringSizeMin();
// Bytes beyond which a value that is set does not stand in its head row.
size_t LongValueSizeMin();
// Bytes up to which it is one chunk.
inline constexpr size_t kWholeChunkMax = size_t{1} << 20;

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
