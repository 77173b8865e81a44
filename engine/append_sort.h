#pragma once

// Append sort: sorted runs of entries. Rows mostly come in order, or in the opposite one, but for a
// few: a queue's ends and a stream's entries have the store's state row behind each group.
//
// Thread: any; pure functions.

#include "engine/append_runs.h"

namespace hearth::append {

// Takes `count` steps where all but one in eight are in order, forwards or backwards.
Run SortedCopy(const Entry* entries, size_t count);

// Both hold an entry at least.
Run Merged(const Run& a, const Run& b);

}  // namespace hearth::append
