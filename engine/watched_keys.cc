// Tested by tests/src/transaction_test.cc.
#include "engine/watched_keys.h"

namespace hearth {

void WatchedKeys::Add(Watcher& watcher, uint32_t db, std::string_view key, Presence presence) {
  const auto [added, is_new] = watcher.keys_.emplace(Watcher::Key(db, key), presence);
  if (!is_new) return;
  constexpr size_t kNodesBytes = 2 * sizeof(Watcher::Key) + 160;
  watcher.memory_bytes_ += kNodesBytes + 2 * key.size();
  std::lock_guard lock(mutex_);
  watchers_[added->first][&watcher] = presence;
  any_.store(true, std::memory_order_seq_cst);
}

void WatchedKeys::Clear(Watcher& watcher) {
  if (!watcher.keys_.empty()) {
    std::lock_guard lock(mutex_);
    for (const auto& [key, presence] : watcher.keys_) {
      const auto found = watchers_.find(key);
      found->second.erase(&watcher);
      if (found->second.empty()) watchers_.erase(found);
    }
    any_.store(!watchers_.empty(), std::memory_order_relaxed);
  }
  watcher.keys_.clear();
  watcher.memory_bytes_ = 0;
  watcher.changed_ = false;
}

void WatchedKeys::NoteChange(uint32_t db, std::string_view key) {
  std::lock_guard lock(mutex_);
  const auto found = watchers_.find({db, std::string(key)});
  if (found == watchers_.end()) return;
  for (const auto& [watcher, presence] : found->second) watcher->changed_ = true;
}

void WatchedKeys::NoteFlush(uint32_t db) {
  std::lock_guard lock(mutex_);
  for (auto it = watchers_.lower_bound({db, {}}); it != watchers_.end() && it->first.first == db;
       ++it) {
    for (const auto& [watcher, presence] : it->second) {
      if (presence != Presence::kAbsent) watcher->changed_ = true;
    }
  }
}

void WatchedKeys::NoteAll() {
  std::lock_guard lock(mutex_);
  for (const auto& [key, watchers] : watchers_) {
    for (const auto& [watcher, presence] : watchers) watcher->changed_ = true;
  }
}

std::vector<std::string> WatchedKeys::KeysOf(uint32_t db) const {
  std::vector<std::string> keys;
  std::lock_guard lock(mutex_);
  for (auto it = watchers_.lower_bound({db, {}}); it != watchers_.end() && it->first.first == db;
       ++it) {
    keys.push_back(it->first.second);
  }
  return keys;
}

}  // namespace hearth
