// Tested by tests/engine/stream_test.cc.
#include "engine/stream_groups.h"

namespace hearth {
namespace {

// What the containers allocate for one, about; names beyond what a string holds inside are added.
constexpr size_t kGroupBytes = 320;
constexpr size_t kConsumerBytes = 256;
constexpr size_t kPendingBytes = 128;

size_t NameBytes(std::string_view name) {
  return 2 * (name.size() > 15 ? name.size() + 1 : 0);
}

}  // namespace

StreamConsumer* StreamGroup::FindConsumer(std::string_view consumer_name) {
  const auto found = consumers.find(consumer_name);
  return found == consumers.end() ? nullptr : &found->second;
}

StreamGroup* StreamGroups::Find(std::string_view name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

StreamGroup* StreamGroups::FindByNumber(uint32_t number) {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

uint32_t StreamGroups::FreeNumber() const {
  uint32_t number = by_number_.empty() ? 0 : by_number_.rbegin()->first + 1;
  while (by_number_.contains(number)) ++number;  // they have gone round
  return number;
}

uint64_t StreamGroups::FreeNumber(const StreamGroup& group) {
  const auto& consumers = group.consumers_by_number;
  return consumers.empty() ? 0 : consumers.rbegin()->first + 1;
}

StreamGroup* StreamGroups::Add(std::string_view name, uint32_t number) {
  StreamGroup* group = &groups_[std::string(name)];
  group->name = name;
  group->number = number;
  by_number_[number] = group;
  memory_bytes_ += kGroupBytes + NameBytes(name);
  ++row_count_;
  return group;
}

StreamConsumer* StreamGroups::AddConsumer(StreamGroup* group, std::string_view name,
                                          uint64_t number) {
  StreamConsumer* consumer = &group->consumers[std::string(name)];
  consumer->name = name;
  consumer->number = number;
  group->consumers_by_number[number] = consumer;
  memory_bytes_ += kConsumerBytes + NameBytes(name);
  ++row_count_;
  return consumer;
}

const StreamPending* StreamGroups::Assign(StreamGroup* group, StreamId id, StreamConsumer* consumer,
                                          int64_t delivered_ms, uint64_t delivery_count) {
  // Nearly always the greatest one.
  const size_t count_before = group->pending.size();
  const auto at = group->pending.insert(group->pending.end(),
                                        StreamPending{id, consumer, delivered_ms, delivery_count});
  if (group->pending.size() > count_before) {
    memory_bytes_ += kPendingBytes;
    ++row_count_;
    consumer->pending.insert(consumer->pending.end(), &*at);
    return &*at;
  }
  if (at->consumer != consumer) {
    at->consumer->pending.erase(&*at);
    consumer->pending.insert(consumer->pending.end(), &*at);
  }
  at->consumer = consumer;
  at->delivered_ms = delivered_ms;
  at->delivery_count = delivery_count;
  return &*at;
}

bool StreamGroups::RemovePending(StreamGroup* group, StreamId id) {
  const auto at = group->pending.find(id);
  if (at == group->pending.end()) return false;
  at->consumer->pending.erase(&*at);
  group->pending.erase(at);
  memory_bytes_ -= kPendingBytes;
  --row_count_;
  return true;
}

void StreamGroups::RemoveConsumer(StreamGroup* group, StreamConsumer* consumer) {
  while (!consumer->pending.empty()) RemovePending(group, (*consumer->pending.begin())->id);
  memory_bytes_ -= kConsumerBytes + NameBytes(consumer->name);
  --row_count_;
  group->consumers_by_number.erase(consumer->number);
  group->consumers.erase(group->consumers.find(consumer->name));
}

void StreamGroups::Remove(StreamGroup* group) {
  for (const auto& [name, consumer] : group->consumers) {
    memory_bytes_ -= kConsumerBytes + NameBytes(name);
  }
  memory_bytes_ -= kGroupBytes + NameBytes(group->name) + kPendingBytes * group->pending.size();
  row_count_ -= 1 + group->consumers.size() + group->pending.size();
  by_number_.erase(group->number);
  groups_.erase(groups_.find(group->name));
}

}  // namespace hearth
