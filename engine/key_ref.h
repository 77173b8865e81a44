#pragma once

// KeyRef: a key that a command names.
//
// Thread:   a value.
// Lifetime: not longer than the bytes it was made of.

#include <cstdint>
#include <string_view>

#include "engine/position.h"

namespace hearth {

// Its database and place, computed once.
struct KeyRef {
  uint32_t db;
  std::string_view key;
  uint64_t position;
  bool head_only = false;  // what its elements are is not asked for (unread_collection.h)

  KeyRef(uint32_t db, std::string_view key) : KeyRef(db, key, PositionOf(key)) {}
  KeyRef(uint32_t db, std::string_view key, uint64_t position)
      : db(db), key(key), position(position) {}
};

}  // namespace hearth
