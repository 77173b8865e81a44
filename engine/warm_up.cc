// What the engine reads into memory after a start: first what was hot, then the rest in position
// order, as far as memory allows. Tested by tests/engine/hot_keys_test.cc and engine_test.cc.
#include <algorithm>
#include <chrono>
#include <span>

#include "engine/collection.h"
#include "engine/engine.h"
#include "engine/hot_keys.h"

namespace hearth {
namespace {

constexpr int64_t kWarmLogEveryUs = 10'000'000;
constexpr auto kRememberEvery = std::chrono::minutes(5);
constexpr size_t kPositionsAPiece = 500;

struct Row {
  uint64_t position;
  std::string key, value;
  bool spread;  // or to be read once more
};

// Installs a row that is not spread. False: it is to be read again. Requires: the shard's lock.
bool InstallPacked(Keyspace& keyspace, Shard& shard, uint32_t db, uint32_t db_id, const Row& row,
                   uint64_t view_seq, uint64_t epoch, bool hot) {
  HeadValueParts parts;
  if (!ParseHeadValue(row.value, &parts)) return true;
  Keyspace::ReadKey read;
  read.epoch = epoch;
  read.object.reset(ObjectFromHead(row.key, parts));
  read.view_seq = view_seq;
  return keyspace.Install(shard, KeyRef(db, row.key, row.position), db_id, std::move(read), hot);
}

}  // namespace

bool Engine::HasRoomToWarm() const {
  const uint64_t limit = residency_->limit_bytes();
  return limit == 0 || residency_->memory().rss_bytes < limit / 10 * 9;
}

// Brings a shard's keys of one database into memory; when all of it fits, the shard is complete.
void Engine::WarmShard(uint32_t shard_index, uint32_t db) {
  constexpr size_t kRowsAPiece = 2000;
  Shard& shard = keyspace_->shard(shard_index);
  const uint32_t db_id = log_->DbId(db);
  uint64_t forgets_before;
  {
    std::lock_guard lock(shard.mutex);
    if (shard.dbs[db].complete) return;
    forgets_before = shard.forget_count;
  }
  uint64_t from = keyspace_->FirstPosition(shard_index);
  const uint64_t last = keyspace_->LastPosition(shard_index);
  const std::string end =
      last == UINT64_MAX ? HeadKey(db_id + 1, 0, {}) : HeadKey(db_id, last + 1, {});
  for (bool more = true; more;) {
    if (stopping_ || !HasRoomToWarm() || failed_) return;
    more = false;
    std::vector<Row> rows;
    const uint64_t epoch = keyspace_->epoch();
    uint64_t view_seq = 0;
    const Status status = store_->Scan(
        HeadKey(db_id, from, {}), end, &view_seq, [&](std::string_view k, std::string_view v) {
          HeadKeyParts key;
          HeadValueParts value;
          if (!ParseHeadKey(k, &key) || !ParseHeadValue(v, &value)) return true;
          if (rows.size() >= kRowsAPiece && key.position != rows.back().position) {
            from = key.position;
            more = true;
            return false;
          }
          rows.push_back({key.position, std::string(key.key), std::string(v), value.spread});
          return true;
        });
    if (!status.ok()) return;
    {
      std::lock_guard lock(shard.mutex);
      if (shard.forget_count != forgets_before || log_->DbId(db) != db_id) return;
      for (Row& row : rows) {
        row.spread = row.spread || !InstallPacked(*keyspace_, shard, db, db_id, row, view_seq,
                                                  epoch, /*hot=*/false);
      }
    }
    for (const Row& row : rows) {
      if (!row.spread) continue;
      if (stopping_ || !HasRoomToWarm()) return;
      const KeyRef ref(db, row.key, row.position);
      if (!keyspace_->Load({&ref, 1}, /*hot=*/false).ok()) return;
    }
    gauges_.warm_loaded += rows.size();
    LogWarmProgress();
  }
  std::lock_guard lock(shard.mutex);
  // Deletions of this time stand as tombstones, so nothing stored can be missing in memory.
  if (shard.forget_count == forgets_before && log_->DbId(db) == db_id) {
    shard.dbs[db].complete = true;
  }
}

void Engine::LogWarmProgress() {
  const int64_t now_us = clock_->MonotonicUs();
  if (now_us - warm_logged_us_ < kWarmLogEveryUs) return;
  warm_logged_us_ = now_us;
  uint64_t total = 0;
  for (uint32_t db = 0; db < options_.db_count; ++db) total += log_->KeyCount(db);
  Log(1, "Warm-up: " + std::to_string(gauges_.remembered_loaded.load()) + " remembered and " +
             std::to_string(gauges_.warm_loaded.load()) + " other keys of " +
             std::to_string(total) + " so far");
}

Status Engine::RememberHotKeys() {
  return WriteHotKeys(store_->file_system(), options_.store.dir, CollectHotKeys(*keyspace_));
}

// The rows at some positions of one database; positions ascend.
bool Engine::WarmPositions(uint32_t db, uint32_t db_id, std::span<const uint64_t> positions) {
  if (stopping_ || failed_ || !HasRoomToWarm()) return false;
  std::vector<Store::Range> ranges;
  for (const uint64_t position : positions) {
    ranges.push_back({HeadKey(db_id, position, {}), position == UINT64_MAX
                                                        ? HeadKey(db_id + 1, 0, {})
                                                        : HeadKey(db_id, position + 1, {})});
  }
  std::vector<Row> rows;
  const uint64_t epoch = keyspace_->epoch();
  uint64_t view_seq = 0;
  const Status status = store_->ScanRanges(ranges, &view_seq, [&](auto k, auto v) {
    HeadKeyParts key;
    HeadValueParts value;
    if (!ParseHeadKey(k, &key) || !ParseHeadValue(v, &value)) return;
    rows.push_back({key.position, std::string(key.key), std::string(v), value.spread});
  });
  if (!status.ok()) return false;
  for (const Row& row : rows) {
    if (row.spread) {
      if (stopping_ || !HasRoomToWarm()) return false;
      const KeyRef ref(db, row.key, row.position);
      if (!keyspace_->Load({&ref, 1}, /*hot=*/true).ok()) return false;
      continue;
    }
    Shard& shard = keyspace_->shard(keyspace_->ShardIndex(row.position));
    std::lock_guard lock(shard.mutex);
    (void)InstallPacked(*keyspace_, shard, db, db_id, row, view_seq, epoch, /*hot=*/true);
  }
  gauges_.remembered_loaded += rows.size();
  LogWarmProgress();
  return true;
}

bool Engine::WarmRemembered() {
  HotKeys hot;
  const Status status = ReadHotKeys(store_->file_system(), options_.store.dir, &hot);
  if (!status.ok() && !status.IsNotFound()) {
    Log(2, "The file of hot keys is ignored: " + status.message());
  }
  gauges_.remembered_keys = hot.size();
  for (const HotKeys::Group& group : hot.groups) {
    uint32_t db = 0;
    while (db < options_.db_count && log_->DbId(db) != group.db_id) ++db;
    if (db == options_.db_count) continue;  // flushed since
    std::span<const uint64_t> left(group.positions);
    while (!left.empty()) {
      const size_t count = std::min(left.size(), kPositionsAPiece);
      if (!WarmPositions(db, group.db_id, left.first(count))) return false;
      left = left.subspan(count);
    }
  }
  return true;
}

// After the warm-up, the hot keys are written down every few minutes: a crash forgets little.
void Engine::BackgroundMain() {
  if (gauges_.warming) WarmMain();
  std::unique_lock lock(keeper_mutex_);
  while (!keeper_wanted_.wait_for(lock, kRememberEvery, [this] { return stopping_.load(); })) {
    lock.unlock();
    if (may_remember_ && !failed_) (void)RememberHotKeys();
    lock.lock();
  }
}

void Engine::WarmMain() {
  const int64_t start_us = warm_logged_us_ = clock_->MonotonicUs();
  (void)WarmRemembered();
  may_remember_ = !stopping_;  // what the last run knew is not overwritten by a part of it
  for (uint32_t db = 0; db < options_.db_count && !stopping_; ++db) {
    if (log_->KeyCount(db) == 0) continue;
    for (uint32_t index = 0; index < keyspace_->shard_count() && !stopping_; ++index) {
      WarmShard(index, db);
    }
  }
  gauges_.warming = false;
  Log(1, "Warm-up: " + std::to_string(gauges_.remembered_loaded.load()) + " remembered and " +
             std::to_string(gauges_.warm_loaded.load()) + " other keys in " +
             std::to_string((clock_->MonotonicUs() - start_us) / 1000) + " ms");
}

}  // namespace hearth
