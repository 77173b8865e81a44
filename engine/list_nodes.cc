// Tested by tests/engine/list_nodes_test.cc.
#include "engine/list_nodes.h"

#include <cstring>

#include "engine/check.h"

namespace hearth {

ListNodes::~ListNodes() {
  if (only_ != nullptr) DeleteListNode(only_);
  if (!groups_) return;
  for (Group& group : groups_->groups) {
    for (ListNode* node : group.nodes) DeleteListNode(node);
  }
}

// Counts from the nearer end. Requires: position < size().
ListNodes::Place ListNodes::Locate(size_t position) const {
  HEARTH_CHECK(position < size());
  if (!groups_) return {0, 0, static_cast<uint32_t>(position)};
  const std::vector<Group>& groups = groups_->groups;
  Place place{0, 0, 0};
  if (position < groups_->size / 2) {
    while (position >= groups[place.group].count) position -= groups[place.group++].count;
    const auto& nodes = groups[place.group].nodes;
    while (position >= nodes[place.slot]->count) position -= nodes[place.slot++]->count;
    place.offset = static_cast<uint32_t>(position);
    return place;
  }
  size_t behind = groups_->size - position;  // elements from position to the end, at least one
  place.group = groups.size() - 1;
  while (behind > groups[place.group].count) behind -= groups[place.group--].count;
  const auto& nodes = groups[place.group].nodes;
  place.slot = nodes.size() - 1;
  while (behind > nodes[place.slot]->count) behind -= nodes[place.slot--]->count;
  place.offset = static_cast<uint32_t>(nodes[place.slot]->count - behind);
  return place;
}

std::string_view ListNodes::At(size_t position) const {
  const Place place = Locate(position);
  const char* from = NodeAt(place)->ItemAt(place.offset);
  return ListNode::Next(&from);
}

uint64_t ListNodes::IndexAt(size_t position) const {
  const Place place = Locate(position);
  return NodeAt(place)->indexes.At(place.offset);
}

void ListNodes::ReadIndexes(size_t position, size_t count, std::vector<uint64_t>* to) const {
  if (count == 0) return;
  Place place = Locate(position);
  while (true) {
    const ListNode* node = NodeAt(place);
    const size_t here = std::min<size_t>(count, node->count - place.offset);
    for (size_t i = 0; i < here; ++i) {
      to->push_back(node->indexes.At(place.offset + static_cast<uint32_t>(i)));
    }
    count -= here;
    if (count == 0) return;
    Advance(&place);
  }
}

size_t ListNodes::PositionOf(uint64_t index) const {
  if (size() == 0 || index <= first_index()) return 0;
  if (!groups_) return only_->PositionOf(index);
  const auto group = std::upper_bound(groups_->groups.begin(), groups_->groups.end(), index,
                                      [](uint64_t wanted, const Group& candidate) {
                                        return wanted < candidate.nodes.front()->indexes.At(0);
                                      }) -
                     1;
  size_t position = 0;
  for (auto before = groups_->groups.begin(); before != group; ++before) position += before->count;
  const auto& nodes = group->nodes;
  const auto node = std::upper_bound(nodes.begin(), nodes.end(), index,
                                     [](uint64_t wanted, const ListNode* candidate) {
                                       return wanted < candidate->indexes.At(0);
                                     }) -
                    1;
  for (auto before = nodes.begin(); before != node; ++before) position += (*before)->count;
  return position + (*node)->PositionOf(index);
}

// Halves a full group for a node that goes before the slot; at an end of the list the group stays
// full and the node gets one of its own. Changes the place to where the node goes.
void ListNodes::SplitGroup(Place* place) {
  std::vector<Group>& groups = groups_->groups;
  const size_t size = groups[place->group].nodes.size();
  const bool behind_all = place->group + 1 == groups.size() && place->slot == size;
  const bool before_all = place->group == 0 && place->slot == 0;
  groups.emplace(groups.begin() + static_cast<ptrdiff_t>(place->group + (before_all ? 0 : 1)));
  if (before_all) return;
  if (behind_all) {
    *place = {place->group + 1, 0, 0};
    return;
  }
  std::vector<ListNode*>& from = groups[place->group].nodes;
  Group& to = groups[place->group + 1];
  to.nodes.assign(from.begin() + static_cast<ptrdiff_t>(size / 2), from.end());
  from.resize(size / 2);
  for (const ListNode* moved : to.nodes) to.count += moved->count;
  groups[place->group].count -= to.count;
  if (place->slot > size / 2) *place = {place->group + 1, place->slot - size / 2, 0};
}

// Puts a node before the slot (at the end: behind the last). Returns where it went.
ListNodes::Place ListNodes::AddNode(size_t group, size_t slot, ListNode* node) {
  if (!groups_ && only_ == nullptr) {
    only_ = node;
    return {0, 0, 0};
  }
  if (!groups_) {
    groups_ = std::make_unique<Groups>();
    groups_->groups.push_back({{only_}, only_->count});
    groups_->size = only_->count;
    groups_->memory_bytes += only_->memory_bytes() + sizeof(only_);
    only_ = nullptr;
  }
  Place place{group, slot, 0};
  if (groups_->groups[group].nodes.size() >= kGroupNodesMax) SplitGroup(&place);
  Group& target = groups_->groups[place.group];
  target.nodes.insert(target.nodes.begin() + static_cast<ptrdiff_t>(place.slot), node);
  target.count += node->count;
  groups_->size += node->count;
  groups_->memory_bytes += node->memory_bytes() + sizeof(node);
  return place;
}

// Frees a node with its elements; its slot stays, empty, until CloseGaps.
void ListNodes::FreeNode(const Place& place) {
  ListNode*& node = *SlotAt(place);
  if (groups_) groups_->memory_bytes -= node->memory_bytes() + sizeof(node);
  Counted(place.group, -ptrdiff_t{node->count});
  DeleteListNode(node);
  node = nullptr;
}

void ListNodes::CloseGaps(size_t group) {
  if (groups_) std::erase(groups_->groups[group].nodes, nullptr);
}

// After nodes were freed: groups without nodes go, and so do all when one node is left.
void ListNodes::CloseGroups() {
  if (!groups_) return;
  std::vector<Group>& groups = groups_->groups;
  std::erase_if(groups, [](const Group& group) { return group.nodes.empty(); });
  if (groups.size() > 1 || (groups.size() == 1 && groups[0].nodes.size() > 1)) return;
  if (!groups.empty()) only_ = groups[0].nodes[0];
  groups_.reset();
}

// Moves the next node's items into a node when both are small.
bool ListNodes::TryMerge(size_t group, size_t slot) {
  if (!groups_) return false;
  std::vector<ListNode*>& nodes = groups_->groups[group].nodes;
  if (slot + 1 >= nodes.size()) return false;
  ListNode* right = nodes[slot + 1];
  const ListNode* left = nodes[slot];
  if (left->size() + right->size() > kNodeSizeMax / 2 ||
      left->count + right->count > kNodeCountMax) {
    return false;
  }
  {
    const Accounting accounting(this, &nodes[slot]);
    MakeListNodeRoom(&nodes[slot], right->size(), false);
    ListNode* node = nodes[slot];
    std::memcpy(node->bytes() + node->end, right->bytes() + right->begin, right->size());
    std::vector<uint64_t> indexes;
    node->indexes.Read(node->count, &indexes);
    right->indexes.Read(right->count, &indexes);
    node->indexes.Assign(indexes);
    node->end += right->size();
    node->count += right->count;
  }
  Counted(group, right->count);
  FreeNode({group, slot + 1, 0});
  CloseGaps(group);
  return true;
}

void ListNodes::Reserve(size_t count, size_t size) {
  constexpr size_t kSizesSize = 2;  // of a short item
  if (count > 0) AddNode(0, 0, NewListNode(std::min(size + count * kSizesSize, kNodeSizeMax)));
}

// A node at an end of a long list is going to be filled.
ListNode* ListNodes::NewEndNode(size_t item_size) const {
  const bool is_long = groups_ && groups_->memory_bytes >= kLongListBytes;
  return NewListNode(is_long ? std::max(item_size, kNodeSizeMax) : item_size);
}

void ListNodes::PushBack(uint64_t index, std::string_view item) {
  const size_t item_size = ListItemSize(item);
  if ((!groups_ && only_ == nullptr) || !Fits(**LastSlot(), item_size)) {
    const size_t last = LastGroup();
    AddNode(last, groups_ ? groups_->groups[last].nodes.size() : 1, NewEndNode(item_size));
  }
  ListNode** slot = const_cast<ListNode**>(LastSlot());
  const Accounting accounting(this, slot);
  MakeListNodeRoom(slot, item_size, false);
  ListNode* node = *slot;
  WriteListItem(node->bytes() + node->end, item);
  node->end += static_cast<uint32_t>(item_size);
  node->indexes.PushBack(index, node->count++);
  Counted(LastGroup(), 1);
}

void ListNodes::PushFront(uint64_t index, std::string_view item) {
  const size_t item_size = ListItemSize(item);
  if ((!groups_ && only_ == nullptr) || !Fits(**FirstSlot(), item_size))
    AddNode(0, 0, NewEndNode(item_size));
  ListNode** slot = const_cast<ListNode**>(FirstSlot());
  const Accounting accounting(this, slot);
  MakeListNodeRoom(slot, item_size, true);
  ListNode* node = *slot;
  node->begin -= static_cast<uint32_t>(item_size);
  WriteListItem(node->bytes() + node->begin, item);
  node->indexes.PushFront(index, node->count++);
  Counted(0, 1);
}

void ListNodes::Insert(size_t position, uint64_t index, std::string_view item) {
  if (position == size()) return PushBack(index, item);
  if (position == 0) return PushFront(index, item);
  const size_t item_size = ListItemSize(item);
  const Place place = Locate(position);
  if (Fits(*NodeAt(place), item_size)) return InsertInNode(place, index, item);
  if (place.offset > 0) {
    SplitNode(place);
    return Insert(position, index, item);
  }
  Place before = Locate(position - 1);
  if (Fits(*NodeAt(before), item_size)) {
    ++before.offset;
    return InsertInNode(before, index, item);
  }
  InsertInNode(AddNode(place.group, place.slot, NewListNode(item_size)), index, item);
}

void ListNodes::InsertInNode(const Place& place, uint64_t index, std::string_view item) {
  ListNode** slot = SlotAt(place);
  const Accounting accounting(this, slot);
  const size_t item_size = ListItemSize(item);
  MakeListNodeRoom(slot, item_size, false);
  ListNode* node = *slot;
  const size_t at = static_cast<size_t>(node->ItemAt(place.offset) - node->bytes());
  std::memmove(node->bytes() + at + item_size, node->bytes() + at, node->end - at);
  WriteListItem(node->bytes() + at, item);
  node->end += static_cast<uint32_t>(item_size);
  if (place.offset == node->count) {
    node->indexes.PushBack(index, node->count);
  } else {
    std::vector<uint64_t> indexes;
    node->indexes.Read(node->count, &indexes);
    indexes.insert(indexes.begin() + place.offset, index);
    node->indexes.Assign(indexes);
  }
  ++node->count;
  Counted(place.group, 1);
}

// Moves the elements from the place on to a node of their own behind it.
void ListNodes::SplitNode(const Place& place) {
  ListNode** slot = SlotAt(place);
  ListNode* right;
  {
    const Accounting accounting(this, slot);
    ListNode* left = *slot;
    const char* from = left->ItemAt(place.offset);
    const auto at = static_cast<uint32_t>(from - left->bytes());
    right = NewListNode(left->end - at);
    right->end = left->end - at;
    right->count = left->count - place.offset;
    std::memcpy(right->bytes(), from, right->end);
    std::vector<uint64_t> indexes;
    left->indexes.Read(left->count, &indexes);
    right->indexes.Assign({indexes.begin() + place.offset, indexes.end()});
    left->indexes.DropBack(right->count, left->count);
    left->count = place.offset;
    left->end = at;
    ShrinkListNode(slot);
  }
  Counted(place.group, -ptrdiff_t{right->count});
  AddNode(place.group, place.slot + 1, right);
}

void ListNodes::Replace(size_t position, std::string_view item) {
  const Place place = Locate(position);
  ListNode** slot = SlotAt(place);
  const char* from = (*slot)->ItemAt(place.offset);
  const auto at = static_cast<size_t>(from - (*slot)->bytes()) - (*slot)->begin;
  const size_t old_size = ListItemSize(ListNode::Next(&from)), new_size = ListItemSize(item);
  if ((*slot)->count > 1 && new_size > old_size &&
      (*slot)->size() - old_size + new_size > kNodeSizeMax) {
    const uint64_t index = (*slot)->indexes.At(place.offset);
    Erase(position, 1);
    return Insert(position, index, item);
  }
  const Accounting accounting(this, slot);
  if (new_size > old_size) MakeListNodeRoom(slot, new_size - old_size, false);
  ListNode* node = *slot;
  char* to = node->bytes() + node->begin + at;
  std::memmove(to + new_size, to + old_size,
               static_cast<size_t>(node->bytes() + node->end - (to + old_size)));
  WriteListItem(to, item);
  node->end += static_cast<uint32_t>(new_size - old_size);
  if (new_size < old_size) ShrinkListNode(slot);
}

// Requires: fewer than all of the node.
void ListNodes::EraseInNode(const Place& place, uint32_t count) {
  ListNode** slot = SlotAt(place);
  const Accounting accounting(this, slot);
  ListNode* node = *slot;
  const uint32_t offset = place.offset;
  if (offset == 0) {
    node->begin = static_cast<uint32_t>(node->ItemAt(count) - node->bytes());
    node->indexes.DropFront(count, node->count);
  } else if (offset + count == node->count) {
    node->end = static_cast<uint32_t>(node->ItemAt(offset) - node->bytes());
    node->indexes.DropBack(count, node->count);
  } else {
    char* to = node->bytes() + (node->ItemAt(offset) - node->bytes());
    const char* from = node->ItemAt(offset + count);
    const char* end = node->bytes() + node->end;
    std::memmove(to, from, static_cast<size_t>(end - from));
    node->end -= static_cast<uint32_t>(from - to);
    std::vector<uint64_t> indexes;
    node->indexes.Read(node->count, &indexes);
    indexes.erase(indexes.begin() + offset, indexes.begin() + offset + count);
    node->indexes.Assign(indexes);
  }
  node->count -= count;
  Counted(place.group, -ptrdiff_t{count});
  ShrinkListNode(slot);
}

void ListNodes::Erase(size_t position, size_t count) {
  if (count == 0) return;
  const bool is_inner = position > 0 && position + count < size();
  Place place = Locate(position);
  bool has_gaps = false;
  while (true) {
    const uint32_t node_count = NodeAt(place)->count;
    const auto here = static_cast<uint32_t>(std::min<size_t>(count, node_count - place.offset));
    if (here == node_count) {
      FreeNode(place);
      has_gaps = true;
    } else {
      EraseInNode(place, here);
    }
    count -= here;
    if (count == 0) break;
    const size_t group = place.group;
    Advance(&place);
    if (has_gaps && place.group != group) CloseGaps(group);
  }
  if (has_gaps) {
    CloseGaps(place.group);
    CloseGroups();
  }
  if (!is_inner) return;
  const Place left = Locate(position - 1);
  TryMerge(left.group, left.slot);
  if (left.slot > 0) TryMerge(left.group, left.slot - 1);
  CloseGroups();
}

// Takes elements out of one node; base is the position of its first.
void ListNodes::EraseOffsets(const Place& place, std::span<const size_t> positions, size_t base,
                             std::vector<uint64_t>* erased) {
  ListNode** slot = SlotAt(place);
  if (positions.size() == (*slot)->count) {
    (*slot)->indexes.Read((*slot)->count, erased);
    return FreeNode(place);
  }
  const Accounting accounting(this, slot);
  ListNode* node = *slot;
  std::vector<uint64_t> indexes, left;
  node->indexes.Read(node->count, &indexes);
  const char* from = node->bytes() + node->begin;
  char* to = node->bytes() + node->begin;
  size_t next = 0;
  for (uint32_t offset = 0; offset < node->count; ++offset) {
    const char* item = from;
    ListNode::Next(&from);
    if (next < positions.size() && positions[next] == base + offset) {
      ++next;
      erased->push_back(indexes[offset]);
      continue;
    }
    std::memmove(to, item, static_cast<size_t>(from - item));
    to += from - item;
    left.push_back(indexes[offset]);
  }
  node->end = static_cast<uint32_t>(to - node->bytes());
  node->count = static_cast<uint32_t>(left.size());
  node->indexes.Assign(left);
  Counted(place.group, -static_cast<ptrdiff_t>(positions.size()));
  ShrinkListNode(slot);
}

void ListNodes::EraseMany(std::span<const size_t> positions, std::vector<uint64_t>* erased) {
  if (positions.empty()) return;
  Place place = Locate(positions.front());
  size_t base = positions.front() - place.offset;
  const auto finish_group = [this](size_t group) {
    CloseGaps(group);
    if (!groups_) return;
    for (size_t slot = groups_->groups[group].nodes.size(); slot-- > 0;) TryMerge(group, slot);
  };
  while (true) {
    const uint32_t node_count = NodeAt(place)->count;
    size_t here = 0;
    while (here < positions.size() && positions[here] < base + node_count) ++here;
    if (here > 0) EraseOffsets(place, positions.first(here), base, erased);
    positions = positions.subspan(here);
    if (positions.empty()) break;
    base += node_count;
    const size_t group = place.group;
    Advance(&place);
    if (place.group != group) finish_group(group);
  }
  finish_group(place.group);
  CloseGroups();
}

void ListNodes::Reindex(size_t position, std::span<const uint64_t> indexes) {
  if (indexes.empty()) return;
  Place place = Locate(position);
  std::vector<uint64_t> node_indexes;
  while (true) {
    ListNode** slot = SlotAt(place);
    const Accounting accounting(this, slot);
    ListNode* node = *slot;
    node_indexes.clear();
    node->indexes.Read(node->count, &node_indexes);
    const size_t here = std::min<size_t>(indexes.size(), node->count - place.offset);
    std::copy_n(indexes.begin(), here, node_indexes.begin() + place.offset);
    node->indexes.Assign(node_indexes);
    indexes = indexes.subspan(here);
    if (indexes.empty()) return;
    Advance(&place);
  }
}

}  // namespace hearth
