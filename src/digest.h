#pragma once

// Digest: a fingerprint of values, keys and databases, for comparing datasets (DEBUG DIGEST).
//
//   value   = SHA-1 of the type's bytes (see DigestOfValue), "!!expire!!" added when it expires
//   dataset = XOR over all keys of SHA-1(database, key, value's digest)
//
// Equal for equal datasets, whatever is in memory and in whatever order it was written; not the
// digest that redis-server prints.
//
// Thread: any without a Tx. The dataset's digest is exact only while nothing writes.

#include <array>
#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "src/rdb/rdb_value.h"

namespace hearth {

using Digest = std::array<unsigned char, 20>;

// Depends on the logical value alone: not on its encoding, nor on the order of elements that have
// none.
Digest DigestOfValue(const RdbValue& value, bool expires);

// Of one key, zeros when there is none. Errors: the store cannot be read.
Status DigestOfKey(Engine& engine, uint32_t db, std::string_view key, Digest* digest);
Status DigestOfDataset(Engine& engine, Digest* digest);

std::string HexOf(const Digest& digest);

}  // namespace hearth
