#pragma once

// SlowLog: the latest commands that took longer than a threshold, as SLOWLOG GET tells them.
//
// Thread:   any; the threshold is one relaxed load, so that asking costs a fast command nothing.
// Lifetime: owns copies of the arguments.
// Limits:   count_max entries (slowlog-max-len) of at most kArgsMax arguments of kArgBytesMax.

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "src/command.h"

namespace hearth {

// Whether an argument is a password (of AUTH, HELLO, CONFIG SET), which nobody is to be shown.
bool IsSecretArgument(const Args& args, size_t index);
inline constexpr std::string_view kRedacted = "(redacted)";

class SlowLog {
 public:
  static constexpr size_t kArgsMax = 32;
  static constexpr size_t kArgBytesMax = 128;

  struct Entry {
    uint64_t id;
    int64_t at_s;  // wall clock
    uint64_t took_us;
    std::vector<std::string> args;
    std::string address, client_name;
  };

  // threshold_us: log what took at least that long; negative = nothing.
  void Configure(int64_t threshold_us, size_t count_max);
  bool Wants(uint64_t took_us) const {
    const int64_t threshold_us = threshold_us_.load(std::memory_order_relaxed);
    return threshold_us >= 0 && took_us >= static_cast<uint64_t>(threshold_us);
  }
  // Secrets among the arguments (AUTH, passwords in HELLO and CONFIG SET) are not kept.
  void Add(int64_t at_s, uint64_t took_us, const Args& args, std::string_view address,
           std::string_view client_name);

  // The latest first.
  std::vector<Entry> Latest(size_t count_max) const;
  size_t count() const;
  void Reset();

 private:
  std::atomic<int64_t> threshold_us_{10'000};
  mutable std::mutex mutex_;
  size_t count_max_ = 128;
  uint64_t next_id_ = 0;
  std::deque<Entry> entries_;  // the latest first
};

}  // namespace hearth
