#pragma once

// KeyFinder: which keys a command call names, by its key specifications.
//
// Thread: any.

#include <cstdint>
#include <vector>

#include "src/command.h"

namespace hearth {

// Where keys stand among the arguments, with the specification that found them.
struct KeyPlace {
  uint32_t arg_index;
  const KeySpec* spec;
};

// Appends the places of all keys. False when the arguments do not fit the specifications
// (a key count that lies, a keyword without its key).
bool FindKeyPlaces(const Command& command, const Args& args, std::vector<KeyPlace>* places);

// Whether the call touches keys that no argument names: its Tx locks every shard.
bool LocksAll(const Command& command, const Args& args);

// Appends the keys of a call, with their positions. False as above.
bool CollectKeys(const Command& command, const Args& args, uint32_t db, std::vector<KeyRef>* keys);

}  // namespace hearth
