#pragma once

// Readers: a small pool of threads for everything that may wait for the disk, so that no worker
// does.
//
// Thread:   Post from any thread.
// Limits:   the queue holds a few jobs a parked command: the callers' connections bound it.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth {

class Readers {
 public:
  explicit Readers(size_t thread_count);
  ~Readers();

  void Post(std::function<void()> job);
  // Finishes what is queued, then ends the threads. Later jobs are dropped.
  void Stop();
  size_t queued();

 private:
  void Main();

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth
