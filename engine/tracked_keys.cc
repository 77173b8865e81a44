// Tested by tests/engine/tracked_keys_test.cc and tests/src/tracking_test.cc.
#include "engine/tracked_keys.h"

#include <algorithm>
#include <set>

namespace hearth {

void TrackedKeys::Begin() {
  std::lock_guard lock(begin_mutex_);
  client_count_.fetch_add(1);
}

// Under the mutex: who begins meanwhile must not lose what it reads.
std::shared_ptr<void> TrackedKeys::End() {
  std::lock_guard lock(begin_mutex_);
  if (client_count_.fetch_sub(1) > 1) return nullptr;
  return TakeAll();
}

std::shared_ptr<void> TrackedKeys::TakeAll() {
  auto tables = std::make_shared<std::array<Table, kStripeCount>>();
  for (size_t i = 0; i < kStripeCount; ++i) {
    std::lock_guard lock(stripes_[i].mutex);
    size_t items = 0;
    for (const auto& [key, readers] : stripes_[i].table) items += readers.size();
    key_count_.fetch_sub(stripes_[i].table.size(), std::memory_order_relaxed);
    item_count_.fetch_sub(items, std::memory_order_relaxed);
    (*tables)[i].swap(stripes_[i].table);
  }
  return tables;
}

bool TrackedKeys::IsFull() const {
  const size_t keys_max = keys_max_.load(std::memory_order_relaxed);
  return keys_max != 0 && key_count_.load(std::memory_order_relaxed) > keys_max;
}

// Moves an entry out of the table. Requires: the stripe's lock.
void TrackedKeys::Take(Stripe& stripe, Table::iterator place, KeyChanges* changes) {
  auto node = stripe.table.extract(place);
  key_count_.fetch_sub(1, std::memory_order_relaxed);
  item_count_.fetch_sub(node.mapped().size(), std::memory_order_relaxed);
  changes->keys.push_back({std::move(node.key()), std::move(node.mapped())});
}

void TrackedKeys::Remember(std::string_view key, KeyReader reader, KeyChanges* evicted) {
  constexpr int kEvictionsARead = 2;
  Stripe& stripe = StripeOf(key);
  std::lock_guard lock(stripe.mutex);
  auto found = stripe.table.find(key);
  if (found == stripe.table.end()) {
    found = stripe.table.emplace(std::string(key), std::vector<KeyReader>()).first;
    key_count_.fetch_add(1, std::memory_order_relaxed);
  }
  std::vector<KeyReader>& readers = found->second;
  const auto is_reader = [&](const KeyReader& each) { return each.id == reader.id; };
  if (std::none_of(readers.begin(), readers.end(), is_reader)) {
    readers.push_back(reader);
    item_count_.fetch_add(1, std::memory_order_relaxed);
  }
  for (int i = 0; i < kEvictionsARead && IsFull() && !stripe.table.empty(); ++i) {
    Take(stripe, stripe.table.begin(), evicted);
  }
}

void TrackedKeys::NoteChange(std::string_view key, KeyChanges* changes) {
  {
    Stripe& stripe = StripeOf(key);
    std::lock_guard lock(stripe.mutex);
    const auto found = stripe.table.find(key);
    if (found != stripe.table.end()) return Take(stripe, found, changes);
  }
  if (FitsPrefix(key)) changes->keys.push_back({std::string(key), {}});
}

void TrackedKeys::NoteAll(KeyChanges* changes) {
  changes->all = true;
  changes->keys.clear();
  changes->dropped = TakeAll();
}

void TrackedKeys::EvictExcess(size_t count_max, KeyChanges* evicted) {
  for (size_t i = 0; i < kStripeCount && IsFull(); ++i) {
    Stripe& stripe = stripes_[next_stripe_++ % kStripeCount];
    std::lock_guard lock(stripe.mutex);
    for (size_t n = count_max / kStripeCount + 1; n > 0 && IsFull() && !stripe.table.empty(); --n) {
      Take(stripe, stripe.table.begin(), evicted);
    }
  }
}

void TrackedKeys::AddPrefix(const std::string& prefix, KeyReader reader) {
  std::lock_guard lock(prefix_mutex_);
  std::vector<KeyReader>& readers = prefixes_[prefix];
  if (readers.empty()) ++prefix_sizes_[prefix.size()];
  readers.push_back(reader);
  has_prefixes_ = true;
}

void TrackedKeys::RemovePrefix(const std::string& prefix, uint64_t reader_id) {
  std::lock_guard lock(prefix_mutex_);
  const auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) return;
  std::erase_if(found->second, [&](const KeyReader& each) { return each.id == reader_id; });
  if (!found->second.empty()) return;
  prefixes_.erase(found);
  if (--prefix_sizes_[prefix.size()] == 0) prefix_sizes_.erase(prefix.size());
  has_prefixes_ = !prefixes_.empty();
}

bool TrackedKeys::FitsPrefix(std::string_view key) {
  if (!has_prefixes_.load(std::memory_order_relaxed)) return false;
  std::shared_lock lock(prefix_mutex_);
  for (const auto& [size, count] : prefix_sizes_) {
    if (size > key.size()) return false;
    if (prefixes_.find(key.substr(0, size)) != prefixes_.end()) return true;
  }
  return false;
}

void TrackedKeys::ForEachPrefix(
    const KeyChanges& changes,
    const std::function<void(const std::vector<KeyReader>&, const Keys&)>& visit) {
  if (!has_prefixes_.load(std::memory_order_relaxed)) return;
  std::shared_lock lock(prefix_mutex_);
  std::map<std::string_view, std::set<std::string_view>> keys_of;
  for (const KeyChanges::Key& key : changes.keys) {
    const std::string_view name = key.name;
    for (const auto& [size, count] : prefix_sizes_) {
      if (size > name.size()) break;
      const auto found = prefixes_.find(name.substr(0, size));
      if (found != prefixes_.end()) keys_of[found->first].insert(name);
    }
  }
  for (const auto& [prefix, keys] : keys_of) {
    visit(prefixes_.find(prefix)->second,
          std::make_shared<const std::vector<std::string>>(keys.begin(), keys.end()));
  }
}

size_t TrackedKeys::prefix_count() const {
  std::shared_lock lock(prefix_mutex_);
  return prefixes_.size();
}

}  // namespace hearth
