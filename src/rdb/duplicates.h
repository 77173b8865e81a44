#pragma once

// Whether any two of some texts are equal. O(n log n) whatever the texts: hashes are compared
// first, and the texts only when hashes meet.
//
// Thread: any; pure function.

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

namespace hearth::rdb {

inline bool HasDuplicates(std::vector<std::string_view> texts) {
  std::vector<size_t> hashes;
  hashes.reserve(texts.size());
  for (const auto text : texts) hashes.push_back(std::hash<std::string_view>()(text));
  std::sort(hashes.begin(), hashes.end());
  if (std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end()) return false;
  std::sort(texts.begin(), texts.end());
  return std::adjacent_find(texts.begin(), texts.end()) != texts.end();
}

// The same of one text in each element of a container.
template <typename Elements, typename TextOf>
bool HasDuplicates(const Elements& elements, TextOf text_of) {
  std::vector<std::string_view> texts;
  texts.reserve(elements.size());
  for (const auto& element : elements) texts.push_back(std::invoke(text_of, element));
  return HasDuplicates(std::move(texts));
}

}  // namespace hearth::rdb
