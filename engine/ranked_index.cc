// Tested by tests/engine/ranked_index_test.cc.
#include "engine/ranked_index.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "engine/check.h"

namespace hearth {
namespace {

bool Less(const RankedIndex::Item& a, const RankedIndex::Item& b) {
  if (a.score != b.score) return a.score < b.score;
  return a.entry->member() < b.entry->member();
}

// Makes room for one more at index, of count.
template <typename T>
void OpenGap(T* array, uint32_t index, uint32_t count) {
  std::copy_backward(array + index, array + count, array + count + 1);
}
template <typename T>
void CloseGap(T* array, uint32_t index, uint32_t count) {
  std::copy(array + index + 1, array + count, array + index);
}

}  // namespace

template <typename NodeType>
NodeType* RankedIndex::NewNode() {
  auto* node = static_cast<NodeType*>(std::malloc(kNodeSize));
  if (node == nullptr) throw std::bad_alloc();
  node->count = 0;
  node->is_leaf = std::is_same_v<NodeType, Leaf>;
  memory_bytes_ += kNodeSize;
  return node;
}

void RankedIndex::FreeNode(Node* node) {
  memory_bytes_ -= kNodeSize;
  std::free(node);
}

void RankedIndex::FreeBelow(Node* node) {
  if (!node->is_leaf) {
    auto* inner = static_cast<Inner*>(node);
    for (uint32_t i = 0; i < inner->count; ++i) FreeBelow(inner->children[i]);
  }
  FreeNode(node);
}

RankedIndex::~RankedIndex() {
  if (root_ != nullptr) FreeBelow(root_);
}

const RankedIndex::Item& RankedIndex::LowOf(const Node* node) {
  return node->is_leaf ? static_cast<const Leaf*>(node)->items[0]
                       : static_cast<const Inner*>(node)->lows[0];
}

uint64_t RankedIndex::SizeOf(const Node* node) {
  if (node->is_leaf) return node->count;
  const auto* inner = static_cast<const Inner*>(node);
  uint64_t size = 0;
  for (uint32_t i = 0; i < inner->count; ++i) size += inner->sizes[i];
  return size;
}

// The child that the item is below, or would be.
uint32_t RankedIndex::ChildFor(const Inner& inner, const Item& item) {
  auto is_before = [&](const Item& low) { return !Less(item, low); };
  const uint32_t count = PartitionPoint(inner.lows, inner.count, is_before);
  return count == 0 ? 0 : count - 1;
}

void RankedIndex::Insert(const Item& item) {
  if (root_ == nullptr) {
    auto* leaf = NewNode<Leaf>();
    leaf->previous = leaf->next = nullptr;
    root_ = leaf;
  }
  ++size_;
  Node* split = InsertBelow(root_, item);
  if (split == nullptr) return;
  auto* inner = NewNode<Inner>();
  inner->count = 2;
  inner->children[0] = root_;
  inner->children[1] = split;
  for (uint32_t i = 0; i < 2; ++i) {
    inner->lows[i] = LowOf(inner->children[i]);
    inner->sizes[i] = SizeOf(inner->children[i]);
  }
  root_ = inner;
}

// Returns the node's new right neighbour when it was split.
RankedIndex::Node* RankedIndex::InsertBelow(Node* node, const Item& item) {
  if (node->is_leaf) return InsertInLeaf(static_cast<Leaf*>(node), item);
  auto* inner = static_cast<Inner*>(node);
  const uint32_t index = ChildFor(*inner, item);
  Node* split = InsertBelow(inner->children[index], item);
  inner->lows[index] = LowOf(inner->children[index]);
  ++inner->sizes[index];
  if (split == nullptr) return nullptr;
  inner->sizes[index] -= SizeOf(split);
  return InsertChild(inner, index + 1, split);
}

RankedIndex::Node* RankedIndex::InsertInLeaf(Leaf* leaf, const Item& item) {
  auto is_before = [&](const Item& other) { return Less(other, item); };
  uint32_t index = PartitionPoint(leaf->items, leaf->count, is_before);
  Leaf* right = nullptr;
  if (leaf->count == Leaf::kItemsMax) {
    right = NewNode<Leaf>();
    right->previous = leaf;
    right->next = leaf->next;
    if (right->next != nullptr) right->next->previous = right;
    leaf->next = right;
    // What grows at its end leaves full leaves behind.
    const bool grows_at_end = right->next == nullptr && index == leaf->count;
    const uint32_t kept = grows_at_end ? leaf->count : leaf->count / 2;
    std::copy(leaf->items + kept, leaf->items + leaf->count, right->items);
    right->count = leaf->count - kept;
    leaf->count = kept;
    if (index > kept || grows_at_end) {
      index -= kept;
      leaf = right;
    }
  }
  OpenGap(leaf->items, index, leaf->count);
  leaf->items[index] = item;
  ++leaf->count;
  return right;
}

RankedIndex::Node* RankedIndex::InsertChild(Inner* inner, uint32_t index, Node* child) {
  Inner* right = nullptr;
  if (inner->count == Inner::kItemsMax) {
    right = NewNode<Inner>();
    const uint32_t kept = index == inner->count ? inner->count : inner->count / 2;
    std::copy(inner->lows + kept, inner->lows + inner->count, right->lows);
    std::copy(inner->children + kept, inner->children + inner->count, right->children);
    std::copy(inner->sizes + kept, inner->sizes + inner->count, right->sizes);
    right->count = inner->count - kept;
    inner->count = kept;
    if (index > kept || right->count == 0) {
      index -= kept;
      inner = right;
    }
  }
  OpenGap(inner->lows, index, inner->count);
  OpenGap(inner->children, index, inner->count);
  OpenGap(inner->sizes, index, inner->count);
  inner->lows[index] = LowOf(child);
  inner->children[index] = child;
  inner->sizes[index] = SizeOf(child);
  ++inner->count;
  return right;
}

void RankedIndex::Erase(const Item& item) {
  HEARTH_CHECK(root_ != nullptr);
  EraseBelow(root_, item);
  --size_;
  while (!root_->is_leaf && root_->count == 1) {
    Node* child = static_cast<Inner*>(root_)->children[0];
    FreeNode(root_);
    root_ = child;
  }
  if (root_->count == 0) {
    FreeNode(root_);
    root_ = nullptr;
  }
}

void RankedIndex::EraseBelow(Node* node, const Item& item) {
  if (node->is_leaf) {
    auto* leaf = static_cast<Leaf*>(node);
    auto is_before = [&](const Item& other) { return Less(other, item); };
    const uint32_t index = PartitionPoint(leaf->items, leaf->count, is_before);
    HEARTH_CHECK(index < leaf->count && leaf->items[index].entry == item.entry);
    CloseGap(leaf->items, index, leaf->count);
    --leaf->count;
    return;
  }
  auto* inner = static_cast<Inner*>(node);
  const uint32_t index = ChildFor(*inner, item);
  Node* child = inner->children[index];
  EraseBelow(child, item);
  --inner->sizes[index];
  if (child->count == 0) {
    if (child->is_leaf) Unlink(static_cast<Leaf*>(child));
    FreeNode(child);
    RemoveChild(inner, index);
    return;
  }
  inner->lows[index] = LowOf(child);
  const uint32_t items_max = child->is_leaf ? Leaf::kItemsMax : Inner::kItemsMax;
  if (child->count < items_max / 4) JoinChild(inner, index);
}

void RankedIndex::RemoveChild(Inner* inner, uint32_t index) {
  CloseGap(inner->lows, index, inner->count);
  CloseGap(inner->children, index, inner->count);
  CloseGap(inner->sizes, index, inner->count);
  --inner->count;
}

void RankedIndex::Unlink(Leaf* leaf) {
  if (leaf->previous != nullptr) leaf->previous->next = leaf->next;
  if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
}

// Joins an underfull child with a neighbour, when that leaves room in it.
void RankedIndex::JoinChild(Inner* inner, uint32_t index) {
  if (inner->count < 2) return;
  const uint32_t left_index = index == 0 ? 0 : index - 1;
  Node* left = inner->children[left_index];
  Node* right = inner->children[left_index + 1];
  const uint32_t items_max = left->is_leaf ? Leaf::kItemsMax : Inner::kItemsMax;
  if (left->count + right->count > items_max / 4 * 3) return;
  if (left->is_leaf) {
    auto* from = static_cast<Leaf*>(right);
    std::copy_n(from->items, from->count, static_cast<Leaf*>(left)->items + left->count);
    Unlink(from);
  } else {
    auto* to = static_cast<Inner*>(left);
    const auto* from = static_cast<Inner*>(right);
    std::copy_n(from->lows, from->count, to->lows + to->count);
    std::copy_n(from->children, from->count, to->children + to->count);
    std::copy_n(from->sizes, from->count, to->sizes + to->count);
  }
  left->count += right->count;
  inner->sizes[left_index] += inner->sizes[left_index + 1];
  FreeNode(right);
  RemoveChild(inner, left_index + 1);
}

RankedIndex::Cursor RankedIndex::At(size_t rank) const {
  Cursor cursor;
  if (rank >= size_) return cursor;
  const Node* node = root_;
  while (!node->is_leaf) {
    const auto* inner = static_cast<const Inner*>(node);
    uint32_t index = 0;
    for (; rank >= inner->sizes[index]; ++index) rank -= inner->sizes[index];
    node = inner->children[index];
  }
  cursor.leaf_ = static_cast<const Leaf*>(node);
  cursor.index_ = static_cast<uint32_t>(rank);
  return cursor;
}

}  // namespace hearth
