// Tested by tests/src/acl/log_test.cc.
#include "src/acl/log.h"

#include <algorithm>
#include <cstdlib>

namespace hearth {

void AclLog::Add(Entry entry) {
  ++denied_[static_cast<size_t>(entry.reason)];
  std::lock_guard lock(mutex_);
  const size_t looked_at = std::min(entries_.size(), kGroupedMax);
  for (size_t i = 0; i < looked_at; ++i) {
    Entry& old = entries_[i];
    if (old.reason != entry.reason || old.context != entry.context ||
        std::abs(entry.created_ms - old.updated_ms) > kGroupedMs || old.object != entry.object ||
        old.user_name != entry.user_name) {
      continue;
    }
    Entry grouped = std::move(old);
    ++grouped.count;
    grouped.updated_ms = entry.created_ms;
    grouped.client = std::move(entry.client);
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(i));
    entries_.push_front(std::move(grouped));
    return;
  }
  if (count_max_ == 0) return;
  entry.id = next_id_++;
  entry.updated_ms = entry.created_ms;
  entries_.push_front(std::move(entry));
  if (entries_.size() > count_max_) entries_.pop_back();
}

std::vector<AclLog::Entry> AclLog::Latest(size_t count_max) const {
  std::lock_guard lock(mutex_);
  const size_t count = std::min(count_max, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(count)};
}

void AclLog::Clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

void AclLog::SetSizeMax(size_t count_max) {
  std::lock_guard lock(mutex_);
  count_max_ = count_max;
  while (entries_.size() > count_max_) entries_.pop_back();
}

void AclLog::ResetCounts() {
  for (std::atomic<uint64_t>& count : denied_) count = 0;
}

}  // namespace hearth
