#pragma once

// CommandStats: one command's counters on one worker, and CommandTotals: those of all workers.
//
// Thread: CommandStats is written by its worker alone, read by any. Reset may lose a count.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hearth {

// Calls are counted by duration: bucket 0 holds those of 0 and 1 us; buckets 2i and 2i + 1 hold
// the lower and upper half of 2^i to 2^(i+1) - 1 us.
inline constexpr size_t kDurationBuckets = 64;

struct CommandStats {
  std::atomic<uint64_t> calls{0}, usec{0}, rejected{0}, failed{0};
  std::array<std::atomic<uint32_t>, kDurationBuckets> durations{};

  // distribution: also count the call by its duration (`latency-tracking`).
  void Record(uint64_t us, bool distribution = true);
  void Reset();
};

struct CommandTotals {
  uint64_t calls = 0, usec = 0, rejected = 0, failed = 0;
  uint64_t tracked = 0;  // calls that were counted by duration
  std::array<uint64_t, kDurationBuckets> durations{};

  void Add(const CommandStats& stats);
  // The duration in us that `percent` of the tracked calls stay within, rounded up to its bucket's
  // end.
  uint64_t Percentile(double percent) const;
  // Tracked calls that took at most 2^exponent us.
  uint64_t CallsWithin(uint32_t exponent) const;
};

}  // namespace hearth
