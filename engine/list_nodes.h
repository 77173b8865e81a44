#pragma once

// ListNodes: the elements of one big list in order, each with its row's index.
//
// Elements stand packed in nodes of up to 4 KB (a bigger element alone in its own; list_node.h).
// A short list is one node and nothing else. The nodes of a longer one stand in groups that know
// their elements' count, so that an element in the middle of millions is found by adding up a few
// thousand numbers at most.
//
// Thread:   guarded by its key's shard lock.
// Lifetime: owns its nodes; views of elements die with the next change.
// Limits:   a change moves the bytes of one node and the pointers of one group (erasing a range
//           or many: of those they touch).

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/list_node.h"

namespace hearth {

class ListNodes {
 public:
  ListNodes() = default;
  ~ListNodes();
  ListNodes(const ListNodes&) = delete;
  ListNodes& operator=(const ListNodes&) = delete;

  size_t size() const { return groups_ ? groups_->size : only_ != nullptr ? only_->count : 0; }
  size_t memory_bytes() const {
    if (groups_) return groups_->memory_bytes;
    return only_ != nullptr ? only_->memory_bytes() : 0;
  }

  // Requires: position < size().
  std::string_view At(size_t position) const;
  uint64_t IndexAt(size_t position) const;
  uint64_t first_index() const { return (*FirstSlot())->indexes.At(0); }
  uint64_t last_index() const {
    const ListNode& last = **LastSlot();
    return last.indexes.At(last.count - 1);
  }
  // Appends the indexes of count elements from position on.
  void ReadIndexes(size_t position, size_t count, std::vector<uint64_t>* to) const;
  // Of the first element whose index is not less; size() when there is none.
  size_t PositionOf(uint64_t index) const;

  // Visits count elements from position on: visit(item), whose answer false (if it has one) ends
  // the visit.
  template <typename Visit>
  void Each(size_t position, size_t count, Visit visit) const;
  // Visits count elements from position down.
  template <typename Visit>
  void EachBackward(size_t position, size_t count, Visit visit) const;
  // visit(index, item)
  template <typename Visit>
  void EachWithIndex(Visit visit) const {
    std::vector<uint64_t> indexes;
    const auto visit_node = [&](const ListNode& node) {
      indexes.clear();
      node.indexes.Read(node.count, &indexes);
      const char* from = node.bytes() + node.begin;
      for (const uint64_t index : indexes) visit(index, ListNode::Next(&from));
    };
    if (only_ != nullptr) visit_node(*only_);
    if (!groups_) return;
    for (const Group& group : groups_->groups) {
      for (const ListNode* node : group.nodes) visit_node(*node);
    }
  }

  // Gives the first node room for so many elements with so many bytes. Requires: empty.
  void Reserve(size_t count, size_t size);
  // Indexes must ascend.
  void PushFront(uint64_t index, std::string_view item);
  void PushBack(uint64_t index, std::string_view item);
  void Insert(size_t position, uint64_t index, std::string_view item);
  void Replace(size_t position, std::string_view item);
  void Erase(size_t position, size_t count);
  // The positions ascend; appends the erased elements' indexes.
  void EraseMany(std::span<const size_t> positions, std::vector<uint64_t>* erased);
  // Gives the elements from position on other indexes.
  void Reindex(size_t position, std::span<const uint64_t> indexes);

 private:
  static constexpr size_t kNodeSizeMax = 4096 - sizeof(ListNode);  // bytes
  static constexpr uint32_t kNodeCountMax = 512;
  static constexpr size_t kLongListBytes = 8 * kNodeSizeMax;
  static constexpr size_t kGroupNodesMax = 128;

  struct Group {
    std::vector<ListNode*> nodes;
    size_t count = 0;  // of elements
  };
  struct Groups {
    std::vector<Group> groups;
    size_t size = 0;  // elements
    size_t memory_bytes = sizeof(Groups);
  };
  struct Place {
    size_t group, slot;
    uint32_t offset;  // within the node
  };

  // Counts what a node takes before and after it changes.
  class Accounting {
   public:
    Accounting(ListNodes* nodes, ListNode** slot) : groups_(nodes->groups_.get()), slot_(slot) {
      if (groups_ != nullptr) groups_->memory_bytes -= (*slot_)->memory_bytes();
    }
    ~Accounting() {
      if (groups_ != nullptr) groups_->memory_bytes += (*slot_)->memory_bytes();
    }

   private:
    Groups* groups_;
    ListNode** slot_;
  };

  static bool Fits(const ListNode& node, size_t item_size) {
    return node.count == 0 ||
           (node.size() + item_size <= kNodeSizeMax && node.count < kNodeCountMax);
  }
  Place Locate(size_t position) const;
  ListNode* NodeAt(const Place& place) const {
    return groups_ ? groups_->groups[place.group].nodes[place.slot] : only_;
  }
  ListNode** SlotAt(const Place& place) {
    return groups_ ? &groups_->groups[place.group].nodes[place.slot] : &only_;
  }
  // Require: not empty.
  ListNode* const* FirstSlot() const {
    return groups_ ? &groups_->groups.front().nodes.front() : &only_;
  }
  ListNode* const* LastSlot() const {
    return groups_ ? &groups_->groups.back().nodes.back() : &only_;
  }
  size_t LastGroup() const { return groups_ ? groups_->groups.size() - 1 : 0; }
  // To the next node. Requires: there is one.
  void Advance(Place* place) const {
    place->offset = 0;
    if (++place->slot == groups_->groups[place->group].nodes.size()) {
      ++place->group;
      place->slot = 0;
    }
  }
  // The node's own count is changed beside this.
  void Counted(size_t group, ptrdiff_t change) {
    if (!groups_) return;
    groups_->groups[group].count += static_cast<size_t>(change);
    groups_->size += static_cast<size_t>(change);
  }
  void CloseGroups();
  void SplitGroup(Place* place);
  Place AddNode(size_t group, size_t slot, ListNode* node);
  ListNode* NewEndNode(size_t item_size) const;
  void FreeNode(const Place& place);
  void CloseGaps(size_t group);
  bool TryMerge(size_t group, size_t slot);
  void InsertInNode(const Place& place, uint64_t index, std::string_view item);
  void SplitNode(const Place& place);
  void EraseInNode(const Place& place, uint32_t count);
  void EraseOffsets(const Place& place, std::span<const size_t> positions, size_t base,
                    std::vector<uint64_t>* erased);

  // Both null: no elements. One node: only_; more: groups_.
  ListNode* only_ = nullptr;
  std::unique_ptr<Groups> groups_;
};

template <typename Visit>
void ListNodes::Each(size_t position, size_t count, Visit visit) const {
  if (count == 0) return;
  Place place = Locate(position);
  while (true) {
    const ListNode* node = NodeAt(place);
    const char* from = node->ItemAt(place.offset);
    size_t here = std::min<size_t>(count, node->count - place.offset);
    count -= here;
    for (; here > 0; --here) {
      if (!VisitOne(visit, ListNode::Next(&from))) return;
    }
    if (count == 0) return;
    Advance(&place);
  }
}

template <typename Visit>
void ListNodes::EachBackward(size_t position, size_t count, Visit visit) const {
  if (count == 0) return;
  Place place = Locate(position);
  uint32_t end_offset = place.offset + 1;
  while (true) {
    const ListNode* node = NodeAt(place);
    const char* end = node->ItemAt(end_offset);
    size_t here = std::min<size_t>(count, end_offset);
    count -= here;
    for (; here > 0; --here) {
      if (!VisitOne(visit, ListNode::Previous(&end))) return;
    }
    if (count == 0) return;
    if (place.slot == 0) place.slot = groups_->groups[--place.group].nodes.size();
    end_offset = groups_->groups[place.group].nodes[--place.slot]->count;
  }
}

}  // namespace hearth
