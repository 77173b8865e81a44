// Tested by tests/engine/reclaimer_test.cc.
#include "engine/reclaimer.h"

#include <algorithm>
#include <chrono>

namespace hearth {
namespace {

// Smaller ranges are left to the usual compactions.
constexpr uint64_t kRangeBytesMin = uint64_t{1} << 20;
// Rewritten bytes that are worth one byte that is given back.
constexpr uint64_t kRewrittenPerByte = 4;
// Between two compactions, beside ten times what the last one took.
constexpr int64_t kRestUs = 10'000'000;

}  // namespace

void Reclaimer::Note(std::string_view from, std::string_view to) {
  std::lock_guard lock(mutex_);
  noted_.push_back({std::string(from), std::string(to)});
  if (noted_.size() > kRangesMax) noted_.pop_front();
  has_new_ = true;
}

void Reclaimer::Tick(int64_t now_us) {
  std::lock_guard lock(mutex_);
  if (noted_.empty() || now_us < due_us_ || stopping_) return;
  const bool waited = first_noted_us_ != 0 && now_us - first_noted_us_ > kReclaimWaitUs;
  if (!has_new_ && !waited) return;
  has_new_ = false;
  if (first_noted_us_ == 0) first_noted_us_ = now_us;
  now_us_ = now_us;
  if (!thread_.joinable()) thread_ = std::thread([this] { Main(); });
  wanted_.notify_all();
}

void Reclaimer::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reclaimer::Main() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return stopping_ || now_us_ != 0; });
    if (stopping_) return;
    const int64_t now_us = std::exchange(now_us_, 0);
    lock.unlock();
    (void)Reclaim(now_us);
    lock.lock();
  }
}

uint64_t Reclaimer::Reclaim(int64_t now_us) {
  std::deque<Store::Range> ranges;
  int64_t first_us;
  {
    std::lock_guard lock(mutex_);
    ranges.swap(noted_);
    first_us = first_noted_us_;
  }
  uint64_t bytes = 0;
  std::erase_if(ranges, [&](const Store::Range& range) {
    const uint64_t size = store_.ApproximateBytes(range);
    if (size >= kRangeBytesMin) bytes += size;
    return size < kRangeBytesMin;
  });
  const bool is_cheap = bytes * kRewrittenPerByte >= store_.LevelZeroBytes();
  const bool waited = first_us != 0 && now_us - first_us > kReclaimWaitUs;
  if (bytes < kReclaimBytesMin || !(is_cheap || waited)) {
    std::lock_guard lock(mutex_);  // later ones may make it worth it
    noted_.insert(noted_.begin(), ranges.begin(), ranges.end());
    // Others were noted meanwhile.
    while (noted_.size() > kRangesMax) noted_.pop_front();
    if (noted_.empty()) first_noted_us_ = 0;
    return 0;
  }
  const auto start = std::chrono::steady_clock::now();
  Status status;
  for (const Store::Range& range : ranges) {
    status = store_.CompactRange(range);
    if (!status.ok()) break;
  }
  const int64_t took_us = std::chrono::duration_cast<std::chrono::microseconds>(
                              std::chrono::steady_clock::now() - start)
                              .count();
  log_(status.ok() ? 1 : 2, "Compacted " + std::to_string(ranges.size()) +
                                " dropped ranges of about " + std::to_string(bytes >> 20) +
                                " MB in " + std::to_string(took_us / 1000) + " ms" +
                                (status.ok() ? "" : ", not to the end: " + status.message()));
  std::lock_guard lock(mutex_);
  first_noted_us_ = 0;
  due_us_ = now_us + took_us + std::max(kRestUs, took_us * 10);
  if (!status.ok()) return 0;
  reclaimed_bytes_ += bytes;
  return bytes;
}

}  // namespace hearth
