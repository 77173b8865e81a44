// Tested by tests/src/slow_log_test.cc.
#include "src/latency_monitor.h"

#include <algorithm>

namespace hearth {

void LatencyMonitor::Add(std::string_view event, int64_t at_s, uint64_t took_ms) {
  std::lock_guard lock(mutex_);
  Event& found = events_[std::string(event)];
  found.worst_ms = std::max(found.worst_ms, took_ms);
  if (!found.samples.empty() && found.samples.back().at_s == at_s) {
    Sample& last = found.samples.back();
    last.took_ms = std::max(last.took_ms, took_ms);
    return;
  }
  found.samples.push_back({at_s, took_ms});
  if (found.samples.size() > kSamplesMax) found.samples.pop_front();
}

std::map<std::string, LatencyMonitor::Event, std::less<>> LatencyMonitor::Events() const {
  std::lock_guard lock(mutex_);
  return events_;
}

size_t LatencyMonitor::Reset(const std::vector<std::string>& names) {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  if (names.empty()) {
    count = events_.size();
    events_.clear();
  }
  for (const std::string& name : names) count += events_.erase(name);
  return count;
}

}  // namespace hearth
