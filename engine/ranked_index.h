#pragma once

// RankedIndex: the entries of one big sorted set in the order of (score, member), with ranks.
//
// A B+-tree whose inner nodes count what is below each child (an order-statistic tree): finding,
// inserting, erasing and counting take O(log n) with few cache misses, as scores stand in the nodes
// and a member is read only to break a tie. Leaves are linked. Elements that come in ascending
// order fill leaves wholly.
//
// Thread:   guarded by its key's shard lock.
// Lifetime: entries belong to the MemberTable; a cursor dies with the next change.
// Limits:   nodes of 1 KiB; an underfull node is joined with a neighbour when both fit in three
//           quarters of a node.

#include <cstddef>
#include <cstdint>

#include "engine/member_table.h"
#include "engine/packed_scores.h"

namespace hearth {

class RankedIndex {
  static constexpr size_t kNodeSize = 1024;

 public:
  struct Item {
    double score;
    MemberEntry* entry;

    ScoredMember element() const { return {entry->member(), score}; }
  };

 private:
  struct Node {
    uint32_t count;
    bool is_leaf;
  };
  struct Leaf : Node {
    Leaf* previous;
    Leaf* next;
    static constexpr uint32_t kItemsMax = 62;
    Item items[kItemsMax];
  };
  struct Inner : Node {
    static constexpr uint32_t kItemsMax = 31;
    Item lows[kItemsMax];  // the least item below each child
    Node* children[kItemsMax];
    uint64_t sizes[kItemsMax];  // how many items are below each child
  };
  static_assert(sizeof(Leaf) <= kNodeSize && sizeof(Inner) <= kNodeSize);

 public:
  class Cursor {
   public:
    bool valid() const { return leaf_ != nullptr; }
    const Item& item() const { return leaf_->items[index_]; }
    void Next() {
      if (++index_ < leaf_->count) return;
      leaf_ = leaf_->next;
      index_ = 0;
    }
    void Previous() {
      if (index_ > 0) {
        --index_;
        return;
      }
      leaf_ = leaf_->previous;
      if (leaf_ != nullptr) index_ = leaf_->count - 1;
    }

   private:
    friend class RankedIndex;
    const Leaf* leaf_ = nullptr;
    uint32_t index_ = 0;
  };

  RankedIndex() = default;
  ~RankedIndex();
  RankedIndex(const RankedIndex&) = delete;
  RankedIndex& operator=(const RankedIndex&) = delete;

  size_t size() const { return size_; }
  size_t memory_bytes() const { return memory_bytes_; }

  // Requires: no item has this score and member.
  void Insert(const Item& item);
  // Requires: the item is there.
  void Erase(const Item& item);
  // The item of a rank; not valid beyond the last.
  Cursor At(size_t rank) const;
  // How many items come first for which is_before(item) holds. Requires: it holds for no item
  // behind one for which it does not.
  template <typename IsBefore>
  size_t CountBefore(IsBefore is_before) const {
    size_t rank = 0;
    const Node* node = root_;
    while (node != nullptr && !node->is_leaf) {
      const auto* inner = static_cast<const Inner*>(node);
      const uint32_t count = PartitionPoint(inner->lows, inner->count, is_before);
      if (count == 0) return rank;
      for (uint32_t i = 0; i + 1 < count; ++i) rank += inner->sizes[i];
      node = inner->children[count - 1];
    }
    if (node == nullptr) return 0;
    return rank + PartitionPoint(static_cast<const Leaf*>(node)->items, node->count, is_before);
  }

 private:
  template <typename IsBefore>
  static uint32_t PartitionPoint(const Item* items, uint32_t count, IsBefore& is_before) {
    uint32_t first = 0;
    while (count > 0) {
      const uint32_t half = count / 2;
      if (is_before(items[first + half])) {
        first += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return first;
  }
  template <typename NodeType>
  NodeType* NewNode();
  void FreeNode(Node* node);
  void FreeBelow(Node* node);
  static const Item& LowOf(const Node* node);
  static uint64_t SizeOf(const Node* node);
  static uint32_t ChildFor(const Inner& inner, const Item& item);
  Node* InsertBelow(Node* node, const Item& item);
  Node* InsertInLeaf(Leaf* leaf, const Item& item);
  Node* InsertChild(Inner* inner, uint32_t index, Node* child);
  void EraseBelow(Node* node, const Item& item);
  static void RemoveChild(Inner* inner, uint32_t index);
  void JoinChild(Inner* inner, uint32_t index);
  void Unlink(Leaf* leaf);

  Node* root_ = nullptr;
  size_t size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth
