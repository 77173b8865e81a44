#pragma once

// WorkerMail: letters to the workers' clients, from any thread; one box a worker.
//
// A letter is handed out by a later task of its worker, or by DeliverHere: a worker that wrote to
// itself delivers behind the reply of the command that caused the letter.
//
// Thread:   Send any, under any lock of the engine; DeliverHere the worker's.
// Lifetime: outlives its workers' threads.
// Limits:   kBytesMax a box, then `shrink` makes fewer of its letters.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "net/worker.h"

namespace hearth {

template <typename Letter>
class WorkerMail {
 public:
  static constexpr size_t kBytesMax = 8 << 20;
  using Deliver = std::function<void(Worker&, const Letter&)>;
  // Replaces the letters of a full box by fewer; what is left counts as nothing.
  using Shrink = std::function<void(std::vector<Letter>*)>;

  WorkerMail(const std::vector<std::unique_ptr<Worker>>& workers, Deliver deliver, Shrink shrink)
      : deliver_(std::move(deliver)), shrink_(std::move(shrink)) {
    for (const auto& worker : workers) boxes_.push_back(std::make_unique<Box>(*worker));
  }
  WorkerMail(const WorkerMail&) = delete;
  WorkerMail& operator=(const WorkerMail&) = delete;

  size_t worker_count() const { return boxes_.size(); }

  void Send(size_t worker_index, Letter letter, size_t size_bytes) {
    Box& box = *boxes_[worker_index];
    std::lock_guard lock(box.mutex);
    box.letters.push_back(std::move(letter));
    box.bytes += size_bytes + sizeof(Letter);
    if (box.bytes > kBytesMax) {
      shrink_(&box.letters);
      box.bytes = 0;
    }
    box.has_letters.store(true, std::memory_order_relaxed);
    if (std::exchange(box.drain_posted, true)) return;
    box.worker.Post([this, &box] {
      {
        std::lock_guard box_lock(box.mutex);
        box.drain_posted = false;
      }
      DeliverHere(box.worker);
    });
  }

  bool HasDeliveries(Worker& worker) const {
    const Box& box = *boxes_[static_cast<size_t>(worker.index())];
    return box.has_letters.load(std::memory_order_relaxed);
  }

  void DeliverHere(Worker& worker) {
    if (!HasDeliveries(worker)) [[likely]]
      return;
    Box& box = *boxes_[static_cast<size_t>(worker.index())];
    std::vector<Letter> letters;
    {
      std::lock_guard lock(box.mutex);
      letters.swap(box.letters);
      box.bytes = 0;
      box.has_letters.store(false, std::memory_order_relaxed);
    }
    for (const Letter& letter : letters) deliver_(worker, letter);
  }

 private:
  struct alignas(64) Box {
    explicit Box(Worker& worker) : worker(worker) {}

    Worker& worker;
    std::atomic<bool> has_letters{false};
    std::mutex mutex;
    std::vector<Letter> letters;
    size_t bytes = 0;
    bool drain_posted = false;
  };

  std::vector<std::unique_ptr<Box>> boxes_;
  Deliver deliver_;
  Shrink shrink_;
};

}  // namespace hearth
