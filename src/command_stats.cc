// Tested by tests/src/command_stats_test.cc.
#include "src/command_stats.h"

#include <algorithm>
#include <bit>

namespace hearth {
namespace {

size_t BucketOf(uint64_t us) {
  const int log = 63 - std::countl_zero(us | 1);
  const size_t half = log > 0 ? (us >> (log - 1)) & 1 : 0;
  return std::min(static_cast<size_t>(log) * 2 + half, kDurationBuckets - 1);
}

// The longest duration that the bucket holds, in us.
uint64_t BucketEnd(size_t bucket) {
  if (bucket < 2) return 1;
  const uint64_t base = uint64_t{1} << (bucket / 2);
  return bucket % 2 == 0 ? base + base / 2 - 1 : 2 * base - 1;
}

}  // namespace

void CommandStats::Record(uint64_t us, bool distribution) {
  calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  usec.store(usec.load(std::memory_order_relaxed) + us, std::memory_order_relaxed);
  if (!distribution) return;
  auto& bucket = durations[BucketOf(us)];
  bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void CommandStats::Reset() {
  calls = usec = rejected = failed = 0;
  for (auto& bucket : durations) bucket = 0;
}

void CommandTotals::Add(const CommandStats& stats) {
  calls += stats.calls;
  usec += stats.usec;
  rejected += stats.rejected;
  failed += stats.failed;
  for (size_t i = 0; i < durations.size(); ++i) {
    const uint32_t count = stats.durations[i];
    durations[i] += count;
    tracked += count;
  }
}

uint64_t CommandTotals::Percentile(double percent) const {
  const auto wanted = static_cast<uint64_t>(static_cast<double>(tracked) * percent / 100);
  uint64_t count = 0;
  for (size_t i = 0; i < durations.size(); ++i) {
    count += durations[i];
    if (count > wanted || (count > 0 && count >= tracked)) return BucketEnd(i);
  }
  return 0;
}

uint64_t CommandTotals::CallsWithin(uint32_t exponent) const {
  uint64_t count = 0;
  for (size_t i = 0; i < durations.size() && BucketEnd(i) <= (uint64_t{1} << exponent); ++i) {
    count += durations[i];
  }
  return count;
}

}  // namespace hearth
