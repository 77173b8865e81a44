// Tested by tests/src/slow_log_test.cc.
#include "src/latency_monitor.h"

#include <algorithm>
#include <cstdio>

namespace hearth {
namespace {

// The graph is of Redis' shape: rows of kCharacters' levels each, with bars below, then ages.
constexpr size_t kGraphColumns = 80;
constexpr size_t kGraphRows = 4;
constexpr std::string_view kCharacters = "_o#";
constexpr size_t kLevels = kGraphRows * kCharacters.size();

std::string AgeText(int64_t age_s) {
  constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (age_s < kMinute) return std::to_string(age_s) + "s";
  if (age_s < kHour) return std::to_string(age_s / kMinute) + "m";
  if (age_s < kDay) return std::to_string(age_s / kHour) + "h";
  return std::to_string(age_s / kDay) + "d";
}

struct Column {
  size_t level;
  std::string label;
};

// The columns, and their labels downwards below a free line.
std::string GraphOf(const std::vector<Column>& columns) {
  std::string text;
  size_t label_size = 0;
  for (size_t row = kGraphRows; row-- > 0;) {
    for (const Column& column : columns) {
      const size_t base = row * kCharacters.size();
      const bool is_above = column.level < base;
      const bool is_below = column.level >= base + kCharacters.size();
      text += is_above ? ' ' : is_below ? '|' : kCharacters[column.level - base];
      label_size = std::max(label_size, column.label.size());
    }
    text += '\n';
  }
  text += std::string(columns.size(), ' ') + "\n";
  for (size_t i = 0; i < label_size; ++i) {
    for (const Column& column : columns) text += i < column.label.size() ? column.label[i] : ' ';
    text += '\n';
  }
  return text;
}

}  // namespace

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

std::string LatencyGraphText(std::string_view name, const LatencyMonitor::Event& event,
                             int64_t now_s) {
  const auto [low, high] = std::ranges::minmax_element(
      event.samples, {}, [](const LatencyMonitor::Sample& sample) { return sample.took_ms; });
  const uint64_t low_ms = low->took_ms, high_ms = high->took_ms;
  const uint64_t range_ms = std::max<uint64_t>(high_ms - low_ms, 1);
  std::string text = std::string(name) + " - high " + std::to_string(high_ms) + " ms, low " +
                     std::to_string(low_ms) + " ms (all time high " +
                     std::to_string(event.worst_ms) + " ms)\n" + std::string(kGraphColumns, '-') +
                     "\n";
  std::vector<Column> columns;
  for (size_t i = 0; i < event.samples.size(); ++i) {
    const LatencyMonitor::Sample& sample = event.samples[i];
    const uint64_t level = (sample.took_ms - low_ms) * kLevels / range_ms;
    columns.push_back({std::min<uint64_t>(level, kLevels - 1), AgeText(now_s - sample.at_s)});
    if (columns.size() < kGraphColumns && i + 1 < event.samples.size()) continue;
    if (i >= kGraphColumns) text += '\n';
    text += GraphOf(columns);
    columns.clear();
  }
  return text;
}

std::string LatencySummaryText(std::string_view name, const LatencyMonitor::Event& event,
                               int64_t now_s) {
  const uint64_t count = event.samples.size();
  uint64_t sum_ms = 0, deviations_ms = 0;
  for (const auto& sample : event.samples) sum_ms += sample.took_ms;
  const uint64_t mean_ms = sum_ms / count;
  for (const auto& sample : event.samples) {
    deviations_ms += std::max(sample.took_ms, mean_ms) - std::min(sample.took_ms, mean_ms);
  }
  const int64_t period_s = std::max<int64_t>(now_s - event.samples.front().at_s, 1);
  char seconds[32];
  std::snprintf(seconds, sizeof(seconds), "%.2f",
                static_cast<double>(period_s) / static_cast<double>(count));
  return std::string(name) + ": " + std::to_string(count) + " latency spikes (average " +
         std::to_string(mean_ms) + "ms, mean deviation " + std::to_string(deviations_ms / count) +
         "ms, period " + seconds + " sec). Worst all time event " + std::to_string(event.worst_ms) +
         "ms.";
}

}  // namespace hearth
