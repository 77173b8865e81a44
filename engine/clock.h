#pragma once

// Clock: where the engine and the server ask for the time, so that tests turn it by hand.
//
// WallMs is what expiry times are measured against and follows the system's clock; MonotonicUs
// is for durations and never steps back.
//
// Thread: any.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hearth {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970-01-01 UTC.
  virtual int64_t WallMs() const = 0;
  // Microseconds since an arbitrary start.
  virtual int64_t MonotonicUs() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t WallMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  int64_t MonotonicUs() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

// A clock that moves only when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 1'700'000'000'000) : wall_ms_(wall_ms) {}
  int64_t WallMs() const override { return wall_ms_.load(); }
  int64_t MonotonicUs() const override { return monotonic_us_.load(); }
  void AdvanceMs(int64_t ms) {
    wall_ms_ += ms;
    monotonic_us_ += ms * 1000;
  }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> monotonic_us_{0};
};

}  // namespace hearth
