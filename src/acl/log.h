#pragma once

// AclLog: the latest refusals, alike ones grouped, and how many there were of each kind.
//
// Thread:   any.
// Limits:   acllog-max-len entries.

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "src/acl/check.h"

namespace hearth {

enum class AclLogContext : uint8_t { kTopLevel, kMulti, kLua };

class AclLog {
 public:
  struct Entry {
    uint64_t id = 0;
    uint64_t count = 1;
    AclDenial reason = AclDenial::kCommand;
    AclLogContext context = AclLogContext::kTopLevel;
    std::string object;  // the command, key or channel
    std::string user_name;
    std::string client;  // a line of CLIENT LIST
    int64_t created_ms = 0, updated_ms = 0;
  };

  // Counts and keeps it; created_ms is its time. One of the last kGroupedMax entries within
  // kGroupedMs with the same reason, context, object and user takes it in.
  void Add(Entry entry);
  // The latest first.
  std::vector<Entry> Latest(size_t count_max) const;
  void Clear();
  void SetSizeMax(size_t count_max);

  uint64_t denied(AclDenial reason) const { return denied_[static_cast<size_t>(reason)]; }
  void ResetCounts();

  static constexpr size_t kGroupedMax = 10;
  static constexpr int64_t kGroupedMs = 60000;

 private:
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
  size_t count_max_ = 128;
  uint64_t next_id_ = 0;
  std::array<std::atomic<uint64_t>, 5> denied_{};
};

}  // namespace hearth
