#pragma once

// LatencyMonitor: spikes of named events, as LATENCY LATEST and LATENCY HISTORY tell them.
//
// Thread: any; the threshold is one relaxed load.
// Limits: kSamplesMax samples an event, one a second (the worst of it).

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth {

class LatencyMonitor {
 public:
  static constexpr size_t kSamplesMax = 160;

  struct Sample {
    int64_t at_s;  // wall clock
    uint64_t took_ms;
  };
  struct Event {
    std::deque<Sample> samples;  // the oldest first
    uint64_t worst_ms = 0;
  };

  // latency-monitor-threshold; 0 = off.
  void SetThreshold(int64_t threshold_ms) { threshold_ms_ = threshold_ms; }
  int64_t threshold_ms() const { return threshold_ms_.load(std::memory_order_relaxed); }
  bool Wants(uint64_t took_us) const {
    const int64_t threshold = threshold_ms();
    return threshold > 0 && took_us / 1000 >= static_cast<uint64_t>(threshold);
  }
  void Add(std::string_view event, int64_t at_s, uint64_t took_ms);

  std::map<std::string, Event, std::less<>> Events() const;
  // Forgets the events named, or all; returns how many there were.
  size_t Reset(const std::vector<std::string>& names);

 private:
  std::atomic<int64_t> threshold_ms_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Event, std::less<>> events_;
};

// LATENCY GRAPH: a sparkline of the samples, each over its age. Requires: a sample.
std::string LatencyGraphText(std::string_view name, const LatencyMonitor::Event& event,
                             int64_t now_s);
// A line of LATENCY DOCTOR: how many spikes, their mean and its deviation, how often.
std::string LatencySummaryText(std::string_view name, const LatencyMonitor::Event& event,
                               int64_t now_s);

}  // namespace hearth
