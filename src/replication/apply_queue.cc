// Tested by tests/src/replication/replication_test.cc.
#include "src/replication/apply_queue.h"

#include <utility>

namespace hearth {
namespace {

constexpr size_t kGroupsAtOnceMax = 128;
constexpr size_t kThensAtOnceMax = 4096;

}  // namespace

ApplyQueue::ApplyQueue(Engine& engine, std::function<void()> on_room)
    : engine_(engine), on_room_(std::move(on_room)) {
  thread_ = std::thread([this] { Main(); });
}

ApplyQueue::~ApplyQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ApplyQueue::Push(std::shared_ptr<const Group> group) {
  const size_t size_bytes = group->payload.size() + sizeof(Group);
  Add({std::move(group), nullptr, size_bytes});
}

void ApplyQueue::PushThen(std::function<void()> then, size_t size_bytes) {
  Add({nullptr, std::move(then), size_bytes + sizeof(Item)});
}

void ApplyQueue::Add(Item item) {
  std::lock_guard lock(mutex_);
  if (!status_.ok()) return;
  bytes_ += item.size_bytes;
  queue_.push_back(std::move(item));
  if (!applying_) changed_.notify_all();
}

bool ApplyQueue::is_full() const {
  std::lock_guard lock(mutex_);
  return bytes_ >= kApplyQueueBytesMax;
}

bool ApplyQueue::is_idle() const {
  std::lock_guard lock(mutex_);
  return queue_.empty() && !applying_;
}

void ApplyQueue::WaitApplied() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !applying_; });
}

Status ApplyQueue::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

void ApplyQueue::Reset() {
  std::lock_guard lock(mutex_);
  status_ = Status::Ok();
}

void ApplyQueue::Main() {
  std::vector<std::shared_ptr<const Group>> batch;
  std::vector<std::function<void()>> thens;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    size_t batch_bytes = 0;
    while (!queue_.empty() && batch.size() < kGroupsAtOnceMax && thens.size() < kThensAtOnceMax) {
      Item& item = queue_.front();
      batch_bytes += item.size_bytes;
      if (item.group) batch.push_back(std::move(item.group));
      if (item.then) thens.push_back(std::move(item.then));
      queue_.pop_front();
    }
    applying_ = true;
    lock.unlock();
    const Status status = batch.empty() ? Status::Ok() : engine_.ApplyGroups(batch);
    for (const auto& then : thens) {
      if (status.ok()) then();
    }
    batch.clear();
    thens.clear();
    lock.lock();
    applying_ = false;
    const bool was_full = bytes_ >= kApplyQueueBytesMax;
    bytes_ -= batch_bytes;
    if (!status.ok()) {
      status_ = status;
      queue_.clear();
      bytes_ = 0;
    }
    const bool tell = queue_.empty() || (was_full && bytes_ < kApplyQueueBytesMax);
    if (queue_.empty()) changed_.notify_all();
    if (!tell) continue;
    lock.unlock();
    on_room_();
    lock.lock();
  }
}

}  // namespace hearth
