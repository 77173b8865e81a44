// Tested by tests/engine/set_test.cc.
#include "engine/graveyard.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth {
namespace {

constexpr size_t kFreedAtOnceMax = 256;  // rows: a string has few

class Gravedigger {
 public:
  Gravedigger() : thread_([this] { Main(); }) {}
  ~Gravedigger() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wanted_.notify_one();
    thread_.join();
  }

  void Take(std::unique_ptr<Collection> collection) {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(collection));
    }
    wanted_.notify_one();
  }

 private:
  void Main() {
    std::unique_lock lock(mutex_);
    while (true) {
      wanted_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      std::vector<std::unique_ptr<Collection>> batch = std::move(waiting_);
      waiting_.clear();
      lock.unlock();
      batch.clear();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::vector<std::unique_ptr<Collection>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

void Graveyard::Free(std::unique_ptr<Collection> collection) {
  if (collection->row_count() <= kFreedAtOnceMax) return;
  static Gravedigger gravedigger;
  gravedigger.Take(std::move(collection));
}

}  // namespace hearth
