#pragma once

// StoredValue: a key's value as an RdbValue and back (DUMP, RESTORE, DEBUG DIGEST).
//
// Thread:   the Tx's.
// Errors:   none; what a value may be is the RDB reader's matter.
// Limits:   copies the whole value.

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/tx.h"
#include "src/rdb/rdb_value.h"

namespace hearth {

// Requires: object is the key's, live.
RdbValue ReadStoredValue(Tx& tx, std::string_view key, const Object& object);

// Makes the value the key's, without expiry. Fields of a hash whose time has come are left out; a
// hash without others is not stored. Requires: the key is absent.
void WriteStoredValue(Tx& tx, std::string_view key, const RdbValue& value);

// What Object::access is to be, under the policy of now, of a key that comes with its use;
// nullopt: as of a new one. Requires: idle_s >= 0, frequency 0 to 255.
std::optional<uint32_t> AccessOfUse(std::optional<int64_t> idle_s, std::optional<int64_t> frequency,
                                    int64_t now_ms);

}  // namespace hearth
