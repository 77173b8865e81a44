// Tested by tests/engine/list_nodes_test.cc.
#include "engine/list_node.h"

#include <cstdlib>
#include <cstring>
#include <new>

#ifdef __linux__
#include <malloc.h>
#endif

namespace hearth {
namespace {

// A node's allocation is made smaller when it is this many times what it holds.
constexpr size_t kIdleFactor = 4;
constexpr size_t kIdleSizeMin = 256;  // bytes

size_t VarintSize(size_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// Moves the items into an allocation with room for size bytes beside them.
void Reallocate(ListNode** slot, size_t size, bool room_in_front) {
  ListNode* old = *slot;
  const uint32_t used = old->size();
  ListNode* node = NewListNode(used + size);
  node->begin = room_in_front ? node->capacity - used : 0;
  node->end = node->begin + used;
  node->count = old->count;
  node->indexes = std::move(old->indexes);
  std::memcpy(node->bytes() + node->begin, old->bytes() + old->begin, used);
  DeleteListNode(old);
  *slot = node;
}

}  // namespace

ListNode* NewListNode(size_t size) {
  void* bytes = std::malloc(sizeof(ListNode) + size);
  if (bytes == nullptr) throw std::bad_alloc();
  auto* node = new (bytes) ListNode();
  node->begin = node->end = node->count = 0;
  node->capacity = static_cast<uint32_t>(malloc_usable_size(bytes) - sizeof(ListNode));
  return node;
}

void DeleteListNode(ListNode* node) {
  node->~ListNode();
  std::free(node);
}

void MakeListNodeRoom(ListNode** slot, size_t size, bool in_front) {
  ListNode* node = *slot;
  const size_t free_in_front = node->begin, free_behind = node->capacity - node->end;
  if ((in_front ? free_in_front : free_behind) >= size) return;
  if (free_in_front + free_behind < size) return Reallocate(slot, size, in_front);
  const uint32_t used = node->size();
  const uint32_t begin = in_front ? node->capacity - used : 0;
  std::memmove(node->bytes() + begin, node->bytes() + node->begin, used);
  node->begin = begin;
  node->end = begin + used;
}

void ShrinkListNode(ListNode** slot) {
  const ListNode& node = **slot;
  if (node.capacity > kIdleSizeMin && node.capacity > kIdleFactor * node.size()) {
    Reallocate(slot, node.size() / 2, false);
  }
}

size_t ListItemSize(std::string_view item) {
  return item.size() + 2 * VarintSize(item.size());
}

void WriteListItem(char* to, std::string_view item) {
  const size_t size = item.size();
  if (size < 0x80) [[likely]] {
    *to++ = static_cast<char>(size);
    std::memcpy(to, item.data(), size);
    to[size] = static_cast<char>(size);
    return;
  }
  char varint[10];
  size_t varint_size = 0;
  for (size_t rest = size; rest > 0; rest >>= 7) {
    varint[varint_size++] = static_cast<char>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
  }
  std::memcpy(to, varint, varint_size);
  std::memcpy(to + varint_size, item.data(), size);
  char* back = to + varint_size + size;
  while (varint_size > 0) *back++ = varint[--varint_size];
}

const char* ListNode::ItemAt(uint32_t position) const {
  if (position <= count / 2) {
    const char* from = bytes() + begin;
    for (; position > 0; --position) Next(&from);
    return from;
  }
  const char* from = bytes() + end;
  for (uint32_t left = count - position; left > 0; --left) Previous(&from);
  return from;
}

uint32_t ListNode::PositionOf(uint64_t index) const {
  uint32_t low = 0, high = count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (indexes.At(middle) < index) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace hearth
