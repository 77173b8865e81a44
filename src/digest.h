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

namespace hearth {

using Digest = std::array<unsigned char, 20>;

// A type's bytes must depend on its logical value alone: never on its encoding, nor on the order of
// a type without order (XOR the digests of its elements). A list's still depends on where its rows
// stand.
Digest DigestOfValue(const Object& object);

// Of one key, zeros when there is none. Errors: the store cannot be read.
Status DigestOfKey(Engine& engine, uint32_t db, std::string_view key, Digest* digest);
Status DigestOfDataset(Engine& engine, Digest* digest);

std::string HexOf(const Digest& digest);

}  // namespace hearth
