// Tested by tests/engine/list_test.cc.
#include "engine/list.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/codec.h"
#include "engine/list_collection.h"

namespace hearth {
namespace {

// Redis' list-max-listpack-size: positive = elements, negative = one of five sizes.
constexpr size_t kListpackSizes[] = {4096, 8192, 16384, 32768, 65536};
constexpr size_t kListpackSizeSafe = 8192;  // whatever the count
// Memory and listpack size of the same elements differ by less than this factor.
constexpr size_t kMemoryFactor = 8;

// Spacing anew begins with this many neighbours, whose distance must become at least so much; it
// doubles them until the distance, growing by a quarter each time, is reached.
constexpr size_t kSpacedMin = 32;
constexpr uint64_t kDistanceMin = 16;

// A spread list's row key.
class ElementOf {
 public:
  explicit ElementOf(uint64_t index) { PutBigEndian64(bytes_, index); }
  operator std::string_view() const { return {bytes_, sizeof(bytes_)}; }

 private:
  char bytes_[8];
};

struct ListpackLimit {
  size_t size = SIZE_MAX;   // bytes
  size_t count = SIZE_MAX;  // elements
};

ListpackLimit ReadLimit() {
  const int32_t setting = Limits().list_listpack_size.load(std::memory_order_relaxed);
  if (setting >= 0) return {.count = std::max<size_t>(static_cast<size_t>(setting), 1)};
  const auto level = static_cast<size_t>(-int64_t{setting}) - 1;
  return {.size = kListpackSizes[std::min(level, std::size(kListpackSizes) - 1)]};
}

}  // namespace

std::unique_ptr<Collection> MakeListCollection(uint64_t object_id) {
  return std::make_unique<ListCollection>(object_id);
}

ListCollection& ListKey::list() const {
  return static_cast<ListCollection&>(collection());
}

const ListNodes& ListKey::nodes() const {
  return list().nodes;
}

size_t ListKey::size() const {
  if (is_spread()) return nodes().size();
  size_t count = 0;
  for (PackedReader reader(packed()); !reader.done(); reader.Next()) ++count;
  return count;
}

std::string_view ListKey::At(size_t position) const {
  if (is_spread()) return nodes().At(position);
  PackedReader reader(packed());
  for (; position > 0; --position) reader.Next();
  return reader.Next();
}

// -- The encoding.

size_t ListKey::ListpackSize() const {
  if (is_spread()) return list().ListpackSize();
  size_t size = kListpackHeaderSize;
  for (PackedReader reader(packed()); !reader.done();) size += ListpackSizeOf(reader.Next());
  return size;
}

// Redis decides before it adds elements, by their plain sizes.
void ListKey::ExpectElements(std::span<const std::string_view> elements) {
  if (exists() && encoding() == Encoding::kQuicklist) return;
  size_t added = 0;
  for (const std::string_view element : elements) added += element.size();
  const ListpackLimit limit = ReadLimit();
  const size_t size_max = std::min(limit.size, kListpackSizeSafe);
  // A packed list is mostly too small for a closer look: no entry is twice its packed bytes.
  const bool is_small =
      !is_spread() && 2 * packed().size() + kListpackHeaderSize + added <= size_max;
  const bool exceeds = limit.count == SIZE_MAX
                           ? !is_small && ListpackSize() + added > limit.size
                           : (!is_small && ListpackSize() + added > kListpackSizeSafe) ||
                                 size() + elements.size() > limit.count;
  Create(exceeds ? Encoding::kQuicklist : Encoding::kListpack);
  if (exceeds) SetEncoding(Encoding::kQuicklist);
}

// Redis goes back to a listpack at half of the limit, so that it does not go to and fro.
void ListKey::Shrunk() {
  if (!exists() || encoding() != Encoding::kQuicklist) return;
  const ListpackLimit limit = ReadLimit();
  if (limit.count != SIZE_MAX) {
    if (size() <= limit.count / 2) SetEncoding(Encoding::kListpack);
    return;
  }
  if (is_spread() && nodes().memory_bytes() > kMemoryFactor * limit.size) return;
  if (ListpackSize() <= limit.size / 2) SetEncoding(Encoding::kListpack);
}

void ListKey::CountAdded(std::string_view element) {
  list().CountListpack(static_cast<int64_t>(ListpackSizeOf(element)));
}

void ListKey::CountRemoved(std::string_view element) {
  list().CountListpack(-static_cast<int64_t>(ListpackSizeOf(element)));
}

// -- Pushing.

void ListKey::NoteBounds() {
  if (list().NoteBounds()) MarkHead();
}

void ListKey::PushSpread(ListEnd end, std::string_view element) {
  ListNodes& nodes = list().nodes;
  if (nodes.size() == 0) {
    nodes.PushBack(ListCollection::kFirstIndex, element);
    PutRow(ElementOf(ListCollection::kFirstIndex), element);
  } else if (end == ListEnd::kTail) {
    if (nodes.last_index() > UINT64_MAX - 2 * kListIndexStep) Renumber();
    const uint64_t index = nodes.last_index() + kListIndexStep;
    nodes.PushBack(index, element);
    PutRow(ElementOf(index), element);
  } else {
    if (nodes.first_index() < 2 * kListIndexStep) Renumber();
    const uint64_t index = nodes.first_index() - kListIndexStep;
    nodes.PushFront(index, element);
    PutRow(ElementOf(index), element);
  }
  CountAdded(element);
}

void ListKey::Push(ListEnd end, std::span<const std::string_view> elements) {
  ExpectElements(elements);
  if (is_spread()) {
    for (const std::string_view element : elements) PushSpread(end, element);
  } else {
    std::string items;
    for (size_t i = 0; i < elements.size(); ++i) {
      AppendPacked(&items, elements[end == ListEnd::kTail ? i : elements.size() - 1 - i]);
    }
    Splice(end == ListEnd::kTail ? packed().size() : 0, 0, items);
  }
  if (is_spread()) NoteBounds();
}

// Gives all elements indexes around the middle: an end has come to the last possible one.
void ListKey::Renumber() {
  std::vector<uint64_t> indexes(nodes().size());
  uint64_t index = ListCollection::kFirstIndex - indexes.size() / 2 * kListIndexStep;
  for (uint64_t& place : indexes) place = std::exchange(index, index + kListIndexStep);
  EraseRows({}, {});
  list().nodes.Reindex(0, indexes);
  list().Rows([&](std::string_view element, std::string_view value) { PutRow(element, value); });
}

// -- Inserting.

// An index for an element before the position; makes room for it. Requires: spread, an element on
// both sides.
uint64_t ListKey::IndexBetween(size_t position) {
  const auto middle = [&] {
    const uint64_t before = nodes().IndexAt(position - 1), after = nodes().IndexAt(position);
    return before + (after - before) / 2;
  };
  if (const uint64_t index = middle(); index != nodes().IndexAt(position - 1)) return index;
  double distance_min = kDistanceMin;
  for (size_t width = kSpacedMin;; width *= 2, distance_min *= 1.25) {
    const size_t first = position > width / 2 ? position - width / 2 : 0;
    const size_t end = std::min(position + width / 2, size());
    // Beyond the ends there is always room.
    const uint64_t room = width * kListIndexStep;
    const uint64_t before = first > 0
                                ? nodes().IndexAt(first - 1)
                                : nodes().first_index() - std::min(nodes().first_index(), room);
    const uint64_t after =
        end < size() ? nodes().IndexAt(end)
                     : nodes().last_index() + std::min(UINT64_MAX - nodes().last_index(), room);
    const uint64_t distance = (after - before) / (end - first + 1);
    if (static_cast<double>(distance) < distance_min) continue;
    SpaceAnew(first, end - first, before, std::min(distance, kListIndexStep));
    return middle();
  }
}

// Gives the elements from position on new indexes, `distance` apart, beginning behind `before`.
void ListKey::SpaceAnew(size_t position, size_t width, uint64_t before, uint64_t distance) {
  std::vector<uint64_t> old_indexes, indexes(width);
  nodes().ReadIndexes(position, width, &old_indexes);
  for (size_t i = 0; i < width; ++i) indexes[i] = before + (i + 1) * distance;
  for (const uint64_t old : old_indexes) {
    if (!std::binary_search(indexes.begin(), indexes.end(), old)) EraseRow(ElementOf(old));
  }
  list().nodes.Reindex(position, indexes);
  size_t next = 0;
  nodes().Each(position, width, [&](std::string_view element) {
    const size_t i = next++;
    if (indexes[i] != old_indexes[i]) PutRow(ElementOf(indexes[i]), element);
  });
}

void ListKey::Insert(size_t position, std::string_view element) {
  const size_t count = size();
  if (position == 0) return Push(ListEnd::kHead, element);
  if (position == count) return Push(ListEnd::kTail, element);
  ExpectElements({&element, 1});
  if (!is_spread()) {
    PackedReader reader(packed());
    for (; position > 0; --position) reader.Next();
    std::string item;
    AppendPacked(&item, element);
    return Splice(reader.offset(), 0, item);
  }
  const uint64_t index = IndexBetween(position);
  list().nodes.Insert(position, index, element);
  PutRow(ElementOf(index), element);
  CountAdded(element);
  NoteBounds();
}

void ListKey::Set(size_t position, std::string_view element) {
  ExpectElements({&element, 1});
  if (!is_spread()) {
    PackedReader reader(packed());
    for (; position > 0; --position) reader.Next();
    const size_t offset = reader.offset();
    reader.Next();
    std::string item;
    AppendPacked(&item, element);
    Splice(offset, reader.offset() - offset, item);
  } else {
    CountRemoved(nodes().At(position));
    CountAdded(element);
    list().nodes.Replace(position, element);
    PutRow(ElementOf(nodes().IndexAt(position)), element);
  }
  Shrunk();
}

// -- Erasing.

void ListKey::ErasePacked(size_t position, size_t count) {
  PackedReader reader(packed());
  for (; position > 0; --position) reader.Next();
  const size_t offset = reader.offset();
  for (; count > 0; --count) reader.Next();
  Splice(offset, reader.offset() - offset, {});
}

void ListKey::Erase(size_t position, size_t count) {
  if (count == 0) return;
  if (!is_spread()) {
    ErasePacked(position, count);
    return Shrunk();
  }
  if (count > kRowsErasedSinglyMax) {
    EraseRows(ElementOf(nodes().IndexAt(position)),
              ElementOf(nodes().IndexAt(position + count - 1) + 1));
    list().ForgetListpackSize();
  } else {
    if (count == 1) {
      EraseRow(ElementOf(nodes().IndexAt(position)));
    } else {
      std::vector<uint64_t> indexes;
      nodes().ReadIndexes(position, count, &indexes);
      for (const uint64_t index : indexes) EraseRow(ElementOf(index));
    }
    nodes().Each(position, count, [&](std::string_view element) { CountRemoved(element); });
  }
  list().nodes.Erase(position, count);
  NoteBounds();
  Shrunk();
}

size_t ListKey::EraseEqual(std::string_view element, size_t count_max, ListEnd from) {
  std::vector<size_t> positions;
  const size_t count = size();
  size_t seen = 0;
  const auto visit = [&](std::string_view candidate) {
    if (candidate == element) {
      positions.push_back(from == ListEnd::kHead ? seen : count - 1 - seen);
    }
    ++seen;
    return positions.size() < count_max;
  };
  if (from == ListEnd::kHead) {
    Each(0, count, visit);
  } else {
    EachBackward(count - 1, count, visit);
    std::reverse(positions.begin(), positions.end());
  }
  if (positions.empty()) return 0;
  if (!is_spread()) {
    for (size_t i = positions.size(); i-- > 0;) Erase(positions[i], 1);
    return positions.size();
  }
  std::vector<uint64_t> erased;
  list().nodes.EraseMany(positions, &erased);
  for (const uint64_t index : erased) EraseRow(ElementOf(index));
  for (size_t left = positions.size(); left > 0; --left) CountRemoved(element);
  NoteBounds();
  Shrunk();
  return positions.size();
}

}  // namespace hearth
