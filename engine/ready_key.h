#pragma once

// ReadyKey: a key that blocked clients may wait for and that a Tx has just written.

#include <cstdint>
#include <string>

namespace hearth {

struct ReadyKey {
  uint32_t db;
  std::string key;
  bool whole_db = false;  // every key of the database may have changed
};

}  // namespace hearth
