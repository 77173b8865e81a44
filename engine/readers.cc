// Tested by tests/engine/engine_test.cc.
#include "engine/readers.h"

namespace hearth {

Readers::Readers(size_t thread_count) {
  for (size_t i = 0; i < thread_count; ++i) threads_.emplace_back([this] { Main(); });
}

Readers::~Readers() {
  Stop();
}

void Readers::Post(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  wanted_.notify_one();
}

void Readers::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

size_t Readers::queued() {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Readers::Main() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace hearth
