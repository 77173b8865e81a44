#pragma once

// ApplyQueue: groups that were received and are to be applied, and the thread that applies them.
//
// Thread:   Push and the rest from the link's; the applying has its own.
// Lifetime: the destructor drops what is queued; WaitApplied before it keeps it.
// Errors:   the first that Engine::ApplyGroups tells stops the applying; what is queued is dropped.
// Limits:   is_full() once kApplyQueueBytesMax wait: the caller then takes no more from its socket.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/group.h"

namespace hearth {

inline constexpr size_t kApplyQueueBytesMax = 16 << 20;

class ApplyQueue {
 public:
  // on_room is called on the applying thread when the queue is no longer full, and when it has
  // become empty.
  ApplyQueue(Engine& engine, std::function<void()> on_room);
  ~ApplyQueue();
  ApplyQueue(const ApplyQueue&) = delete;
  ApplyQueue& operator=(const ApplyQueue&) = delete;

  void Push(std::shared_ptr<const Group> group);
  // Runs `then` on the applying thread once what was pushed before is applied; size_bytes: what it
  // keeps in memory. Dropped after an error.
  void PushThen(std::function<void()> then, size_t size_bytes);
  bool is_full() const;
  bool is_idle() const;
  // Returns once everything is applied, or was dropped after an error.
  void WaitApplied();
  // Ok as long as nothing failed. Reset goes on after an error.
  Status status() const;
  void Reset();

 private:
  struct Item {
    std::shared_ptr<const Group> group;  // or
    std::function<void()> then;
    size_t size_bytes = 0;
  };
  void Add(Item item);
  void Main();

  Engine& engine_;
  const std::function<void()> on_room_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  size_t bytes_ = 0;  // queued or being applied
  bool applying_ = false;
  bool stopping_ = false;
  Status status_;
  std::thread thread_;
};

}  // namespace hearth
