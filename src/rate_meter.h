#pragma once

// RateMeter: how fast a counter grows, over the last 16 looks at it.
//
// Thread: Look from one thread; per_second from any.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hearth {

class RateMeter {
 public:
  void Look(int64_t now_us, uint64_t total) {
    const size_t oldest = count_ % kLooks;
    if (count_ > 0) {
      const Sample& since = count_ < kLooks ? samples_[0] : samples_[oldest];
      const int64_t us = now_us - since.at_us;
      // A counter that was set back (CONFIG RESETSTAT) counts as standing still.
      const uint64_t grown = total >= since.total ? total - since.total : 0;
      if (us > 0) per_second_ = grown * 1'000'000 / static_cast<uint64_t>(us);
    }
    samples_[oldest] = {now_us, total};
    ++count_;
  }
  uint64_t per_second() const { return per_second_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kLooks = 16;
  struct Sample {
    int64_t at_us = 0;
    uint64_t total = 0;
  };

  std::array<Sample, kLooks> samples_{};
  size_t count_ = 0;
  std::atomic<uint64_t> per_second_{0};
};

}  // namespace hearth
