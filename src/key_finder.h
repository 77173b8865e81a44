#pragma once

// KeyFinder: which arguments of a call are keys, as the command's row says.
//
// A row names its keys by key specifications (Redis 7.0, "Command key specifications"), or, when
// they lie in another database too, by its own KeysFunction.
//
// Thread: any; pure functions.
// Errors: a call whose arguments cannot be so, like a numkeys beyond the last argument, is false.
// Limits: never looks at or beyond args.size(), whatever the client claims.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/command.h"

namespace hearth {

// Arguments first, first + step, ... up to last, which is before first when there is none.
struct KeyRange {
  size_t first = 1;
  size_t last = 0;
  size_t step = 1;
};

// The keys that one specification finds. An absent keyword finds none; so does kUnknown.
bool FindKeyRange(const KeySpec& spec, const Args& args, KeyRange* range);

// Appends the keys of the call to *keys, which the caller clears and reuses. When the result is
// false nothing was appended: the function is to be run without keys, and answers the error.
// Requires: the arity was checked.
bool CollectKeys(const Command& command, const Args& args, uint32_t db, std::vector<KeyRef>* keys);

}  // namespace hearth
