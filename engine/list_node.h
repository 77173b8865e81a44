#pragma once

// ListNode: neighbouring elements of a list in one allocation, each with its row's index.
//
//   item = size:varint bytes size:reversed-varint          (walked from both ends)
//
// Thread:   guarded by its key's shard lock.
// Lifetime: owned by its ListNodes; views of items die with the next change.

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "engine/list_indexes.h"

namespace hearth {

// One allocation: this header, then capacity bytes of which [begin, end) hold items.
struct ListNode {
  uint32_t begin, end, capacity;
  uint32_t count;
  ListIndexes indexes;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  uint32_t size() const { return end - begin; }
  size_t memory_bytes() const { return sizeof(*this) + capacity + indexes.memory_bytes(); }

  static const char* ReadSize(const char* from, size_t* size) {
    size_t value = static_cast<unsigned char>(*from++);
    if (value >= 0x80) [[unlikely]] {
      value &= 0x7f;
      for (int shift = 7;; shift += 7) {
        const auto byte = static_cast<unsigned char>(*from++);
        value |= size_t{byte & 0x7fu} << shift;
        if (byte < 0x80) break;
      }
    }
    *size = value;
    return from;
  }
  // The item at *from, which is moved behind it.
  static std::string_view Next(const char** from) {
    size_t size;
    const char* bytes = ReadSize(*from, &size);
    *from = bytes + size + (bytes - *from);
    return {bytes, size};
  }
  // The item before *end, which is moved to its beginning.
  static std::string_view Previous(const char** end) {
    const char* last = *end;
    size_t size = 0;
    int shift = 0;
    while (true) {
      const auto byte = static_cast<unsigned char>(*--last);
      size |= size_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    const char* bytes = last - size;
    *end = bytes - (*end - last);
    return {bytes, size};
  }
  // Where the item begins; the end for position = count.
  const char* ItemAt(uint32_t position) const;
  // Of the first element whose index is not less; count when there is none.
  uint32_t PositionOf(uint64_t index) const;
};

// A node without items, with room for size bytes; the caller owns it.
ListNode* NewListNode(size_t size);
void DeleteListNode(ListNode* node);

// Makes room for size bytes before or behind the items; may move the node.
void MakeListNodeRoom(ListNode** slot, size_t size, bool in_front);
// Gives back what a node has far too much of; may move it.
void ShrinkListNode(ListNode** slot);

size_t ListItemSize(std::string_view item);
void WriteListItem(char* to, std::string_view item);

// Calls a visitor; false = it wants no more.
template <typename Visit>
bool VisitOne(Visit& visit, std::string_view item) {
  if constexpr (std::is_void_v<std::invoke_result_t<Visit&, std::string_view>>) {
    visit(item);
    return true;
  } else {
    return visit(item);
  }
}

}  // namespace hearth
