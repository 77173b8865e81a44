#pragma once

// The functions of SORT and SORT_RO; their rows stand in sort_table.cc.

#include <deque>
#include <optional>
#include <string>

#include "src/command.h"

namespace hearth {

// sort_pattern.cc
// What a pattern of BY or GET gives for an element: the element itself for "#"; else the string at
// the key that has the element in the first '*' place, or of the hash there the field behind "->".
// nullopt when there is none, and for a pattern without '*'. The view is good until that key's next
// change, a field's as long as copies. Requires: the Tx locks every shard.
std::optional<std::string_view> ReadPattern(std::string_view pattern, std::string_view element,
                                            Tx& tx, std::deque<std::string>* copies);

// sort.cc
void FindSortKeys(const Command& command, const Args& args, std::vector<KeyPlace>* places);
bool HasSortPatterns(const Args& args);
// The error for a client that may not read every key: of the first BY or GET pattern that is read
// before a mistake among the options. Empty when there is none.
std::string_view FirstSortPatternError(const Args& args, bool may_store);
void Sort(const Args& args, Tx& tx, Reply& reply);
void SortRo(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
