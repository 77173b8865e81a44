#pragma once

// SortedSetAdd: what ZADD adds and on what conditions; ZINCRBY and GEOADD are forms of it.

#include <string_view>
#include <vector>

#include "engine/sorted_set.h"
#include "src/command.h"

namespace hearth {

struct SortedSetAdd {
  bool only_new = false;       // NX
  bool only_present = false;   // XX
  bool only_greater = false;   // GT: a present member's score only grows
  bool only_less = false;      // LT
  bool count_changed = false;  // CH: the reply counts changed scores too
  bool increment = false;      // INCR: the score is added to the present one
  std::vector<ScoredMember> elements;
};

// Adds and answers. Requires: one element at least, with increment just one.
void AddToSortedSet(std::string_view key, const SortedSetAdd& add, Tx& tx, Reply& reply);

}  // namespace hearth
