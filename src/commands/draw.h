#pragma once

// Draw: random elements of a collection for SPOP, SRANDMEMBER, HRANDFIELD and ZRANDMEMBER.
//
// Thread:   the collection's Tx's.
// Lifetime: items are views into the collection.

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/random.h"
#include "src/commands/groups.h"

namespace hearth {

// Where more than one in so many elements is asked for, all are looked at.
inline constexpr size_t kSparseDrawFactor = 3;
// How many draws that may repeat are answered: Redis has no bound but the client's output buffer.
inline constexpr int64_t kRepeatedDrawCountMax = 10'000'000;

// How many are wanted; negative: draws that may repeat. On nullopt the error is written.
inline std::optional<int64_t> ReadDrawCount(std::string_view argument, Reply& reply) {
  const auto count = ReadInteger(argument, reply);
  if (count != INT64_MIN) return count;
  reply.Error(
      "ERR value is out of range, value must between -9223372036854775807 and "
      "9223372036854775807");
  return std::nullopt;
}

// Whether so many draws may be answered; writes the error when not.
inline bool MayDraw(int64_t count, bool with_values, Reply& reply) {
  const bool fits_doubled = count <= INT64_MAX / 2;
  if (count >= -kRepeatedDrawCountMax && (fits_doubled || !with_values)) return true;
  reply.Error("ERR value is out of range");
  return false;
}

// Moves count items, uniformly chosen, to the beginning. Requires: count <= items->size().
template <typename Item>
void ShuffleFirst(std::vector<Item>* items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    std::swap((*items)[i], (*items)[i + RandomBits() % (items->size() - i)]);
  }
}

template <typename Item, typename Collection>
std::vector<Item> AllOf(const Collection& collection) {
  std::vector<Item> items;
  items.reserve(collection.size());
  collection.Each([&](const Item& item) { items.push_back(item); });
  return items;
}

// Different elements, uniformly chosen. name_of(item) is the item's view into the collection.
// Requires: count < collection.size().
template <typename Item, typename Collection, typename NameOf>
std::vector<Item> DrawDifferent(const Collection& collection, size_t count, NameOf name_of) {
  std::vector<Item> items;
  if (count * kSparseDrawFactor > collection.size()) {
    items = AllOf<Item>(collection);
    ShuffleFirst(&items, count);
    items.resize(count);
    return items;
  }
  std::unordered_set<const char*> drawn;
  items.reserve(count);
  while (items.size() < count) {
    const Item item = collection.Random();
    if (drawn.insert(name_of(item).data()).second) items.push_back(item);
  }
  return items;
}

}  // namespace hearth
