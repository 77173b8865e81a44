#pragma once

// List: lists of byte strings in memory and as rows.
//
//   packed  = { element-size:varint element-bytes }, in order
//   element = index:u64be; its row's value is the element's bytes
//   head    = first-index:u64le end-index:u64le
//
// Indexes ascend in the list's order. Pushed elements get them at wide distances going up and down
// from the middle, so that an inserted one takes the middle between its neighbours'; when there is
// no room left, a window of neighbours is spaced anew (Itai, Konheim and Rodeh's sparse tables,
// 1981): a few rows an insertion, amortised.
// The head bounds the indexes in use, loosely and noted ahead, so that loading a queue does not
// walk what was taken out of it, and a push or pop seldom changes the head.
//
// Commands use ListKey; nothing else knows which form a list has. The encoding follows Redis 7.2:
// listpack up to list-max-listpack-size, then quicklist until half of that.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/collection_key.h"
#include "engine/list_nodes.h"
#include "engine/packed.h"

namespace hearth {

class ListCollection;

std::unique_ptr<Collection> MakeListCollection(uint64_t object_id);

enum class ListEnd : uint8_t { kHead, kTail };

// A noted bound is this many pushed elements away from the end that it bounds; it is noted anew
// when the end has passed it or is more than twice as far away.
inline constexpr uint64_t kListBoundElements = 1024;

class ListKey : public CollectionKey {
 public:
  ListKey(Tx& tx, std::string_view key, const Object* found)
      : CollectionKey(tx, key, found, ObjectType::kList) {}

  size_t size() const;
  // Views of elements are good until the next change. Requires: position < size().
  std::string_view At(size_t position) const;
  // Visits count elements from position on: visit(element), whose answer false (if it has one)
  // ends the visit. Requires: position + count <= size().
  template <typename Visit>
  void Each(size_t position, size_t count, Visit visit) const {
    if (is_spread()) return nodes().Each(position, count, visit);
    PackedReader reader(packed());
    for (; position > 0; --position) reader.Next();
    for (; count > 0; --count) {
      if (!VisitOne(visit, reader.Next())) return;
    }
  }
  // Visits count elements from position down. Requires: count <= position + 1 <= size().
  template <typename Visit>
  void EachBackward(size_t position, size_t count, Visit visit) const {
    if (is_spread()) return nodes().EachBackward(position, count, visit);
    std::vector<std::string_view> elements;
    Each(0, position + 1, [&](std::string_view element) { elements.push_back(element); });
    for (; count > 0; --count, elements.pop_back()) {
      if (!VisitOne(visit, elements.back())) return;
    }
  }

  // Pushes one after the other.
  void Push(ListEnd end, std::span<const std::string_view> elements);
  void Push(ListEnd end, std::string_view element) { Push(end, {&element, 1}); }
  // Before the element at the position, or at the end. Requires: position <= size().
  void Insert(size_t position, std::string_view element);
  void Set(size_t position, std::string_view element);
  void Erase(size_t position, size_t count);
  // Erases up to count_max equal elements from one end on; returns how many.
  size_t EraseEqual(std::string_view element, size_t count_max, ListEnd from);

 private:
  ListCollection& list() const;
  const ListNodes& nodes() const;
  void NoteBounds();
  void PushSpread(ListEnd end, std::string_view element);
  uint64_t IndexBetween(size_t position);
  void SpaceAnew(size_t position, size_t width, uint64_t before, uint64_t distance);
  void Renumber();
  void ErasePacked(size_t position, size_t count);
  size_t ListpackSize() const;
  void CountAdded(std::string_view element);
  void CountRemoved(std::string_view element);
  void ExpectElements(std::span<const std::string_view> elements);
  void Shrunk();
};

}  // namespace hearth
