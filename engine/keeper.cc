// The engine's keeper thread. Tested by tests/engine/engine_test.cc.
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <tuple>
#include <utility>

#include "engine/collection.h"
#include "engine/engine.h"
#include "engine/hash.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);
constexpr int64_t kSyncEveryUs = 1'000'000;
constexpr int64_t kDiskEveryUs = 500'000;
constexpr int64_t kHealEveryUs = 1'000'000;
constexpr int64_t kFeedEveryUs = 2'000'000;
constexpr int64_t kReclaimEveryUs = 5'000'000;
constexpr size_t kColdExpireRowsATick = 1000;
constexpr char kProbeName[] = "hearth.probe";
constexpr size_t kProbeBytes = 1 << 20;
constexpr uint64_t kHealBytesMin = 16 << 20;  // a memtable's files, the log's next, the manifest

// Whether a stored key has expired, or a field of a packed hash. Those of a spread one wait until
// it is resident.
bool IsDue(const HeadValueParts& value, int64_t now_ms) {
  if (value.expire_at_ms != kNoExpiry && value.expire_at_ms <= now_ms) return true;
  if (value.type != ObjectType::kHash || value.spread) return false;
  const int64_t first_ms = PackedHashExpiry(value.value).first_ms;
  return first_ms != kNoExpiry && first_ms <= now_ms;
}

}  // namespace

void Engine::KeeperMain() {
  std::unique_lock lock(keeper_mutex_);
  while (!stopping_) {
    lock.unlock();
    KeeperTick();
    lock.lock();
    keeper_wanted_.wait_for(lock, kTick, [this] { return stopping_.load(); });
  }
}

void Engine::KeeperTick() {
  std::lock_guard tick_lock(tick_mutex_);
  const int64_t now_us = clock_->MonotonicUs();
  residency_->Tick();
  if (failed_) {
    if (now_us - last_heal_us_ >= kHealEveryUs) {
      last_heal_us_ = now_us;
      Heal();
    }
    return;
  }
  if (now_us - last_sync_us_ >= kSyncEveryUs) {
    last_sync_us_ = now_us;
    SyncAndMark();
  }
  if (now_us - last_disk_us_ >= kDiskEveryUs) {
    last_disk_us_ = now_us;
    WatchDisk();
    MeasureLog();
  }
  if (now_us - last_feed_us_ >= kFeedEveryUs) {
    last_feed_us_ = now_us;
    feed_->Tick(is_replica());
  }
  if (now_us - last_reclaim_us_ >= kReclaimEveryUs) {
    last_reclaim_us_ = now_us;
    reclaimer_->Tick(now_us);
  }
  if (writes_allowed_ && now_us - last_quiet_us_ >= QuietFlush::kTickEveryUs) {
    last_quiet_us_ = now_us;
    quiet_flush_->Tick();
  }
  if (active_expire_ && !paused_ && writes_allowed_ && !is_replica() && !keyspace_->expiry_held()) {
    SweepColdExpired();
  }
}

void Engine::SyncAndMark() {
  // Rows that no turn has committed do not wait longer than this. Not waited for: a transaction
  // that holds its turn for long is not to stop the syncs.
  (void)log_->Commit(log_->joined_seq());
  if (log_->policy() == SyncPolicy::kEverySec && !log_->Sync().ok()) return;
  const uint64_t synced_seq = log_->synced_seq();
  if (log_->policy() == SyncPolicy::kOff || synced_seq == marked_seq_) return;
  const Status status =
      WriteWatermark(store_->file_system(), options_.store.dir, {synced_seq, false, BootId()});
  if (status.ok()) {
    marked_seq_ = synced_seq;
  } else {
    Log(2, "cannot write the high-water mark: " + status.message());
  }
}

void Engine::MeasureLog() {
  namespace fs = std::filesystem;
  const std::string& dir =
      options_.store.wal_dir.empty() ? options_.store.dir : options_.store.wal_dir;
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".log") continue;
    std::error_code gone;
    const uint64_t size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  gauges_.log_file_bytes = bytes;
}

// What is free where there is the least, and what is to be.
std::pair<uint64_t, uint64_t> Engine::DiskFree() const {
  struct statvfs stats;
  uint64_t free_bytes = UINT64_MAX, min_bytes = 0;
  for (const std::string& dir : {options_.store.dir, options_.store.wal_dir}) {
    if (dir.empty() || statvfs(dir.c_str(), &stats) != 0) continue;
    const uint64_t available = uint64_t{stats.f_bavail} * stats.f_frsize;
    const auto by_ratio =
        static_cast<uint64_t>(static_cast<double>(stats.f_blocks) *
                              static_cast<double>(stats.f_frsize) * disk_free_min_ratio_.load());
    if (available < free_bytes) {
      free_bytes = available;
      min_bytes = std::max(disk_free_min_bytes_.load(), by_ratio);
    }
  }
  return {free_bytes, min_bytes};
}

void Engine::WatchDisk() {
  auto [free_bytes, min_bytes] = DiskFree();
  if (free_bytes < min_bytes) {  // clients' writes come before the backlog
    feed_->GiveUpRetained(std::min(min_bytes - free_bytes, UINT64_MAX / 2) + min_bytes / 8);
    std::tie(free_bytes, min_bytes) = DiskFree();
  }
  gauges_.disk_free_bytes = free_bytes;
  const bool enough = free_bytes >= min_bytes;
  if (failed_ || enough == writes_allowed_) return;
  {
    std::lock_guard lock(reason_mutex_);
    refuse_reason_ =
        "Errors writing to the AOF file: No space left on device (free space is below "
        "disk-free-min)";
  }
  writes_allowed_ = enough;
  Log(enough ? 1 : 3, enough ? "There is enough free disk space again: writes are accepted"
                             : "Free disk space is below disk-free-min: writes are refused");
}

// Finds what has expired and no memory knows, a piece at a time in position order.
void Engine::SweepColdExpired() {
  const uint32_t db = cold_expire_db_;
  if (log_->ExpiryCount(db) == 0 && !keyspace_->elements_expire()) {
    cold_expire_db_ = (db + 1) % options_.db_count;
    cold_expire_position_ = 0;
    return;
  }
  const uint32_t db_id = log_->DbId(db);
  const int64_t now_ms = clock_->WallMs();
  std::vector<std::string> due;
  size_t rows = 0;
  uint64_t seq = 0, next = 0;
  const Status status =
      store_->Scan(HeadKey(db_id, cold_expire_position_, {}), HeadKey(db_id + 1, 0, {}), &seq,
                   [&](std::string_view row_key, std::string_view row_value) {
                     HeadKeyParts key;
                     HeadValueParts value;
                     if (!ParseHeadKey(row_key, &key) || !ParseHeadValue(row_value, &value))
                       return true;
                     if (++rows > kColdExpireRowsATick) {
                       next = key.position;
                       return false;
                     }
                     if (IsDue(value, now_ms)) due.emplace_back(key.key);
                     return true;
                   });
  if (!status.ok()) return;
  size_t expired = 0;
  for (const std::string& key : due) {
    KeyRef ref(db, key);
    ref.head_only = true;
    if (keyspace_->Load({&ref, 1}).ok()) expired += DeleteExpired(db, key);
  }
  CommitExpired(expired);
  // More than a page of one position would stay behind: positions are 50 hash bits a slot.
  cold_expire_position_ = next;
  if (next == 0) cold_expire_db_ = (db + 1) % options_.db_count;
}

// After a failure: forget what was not committed, answer who waits, and reopen the store as soon
// as the disk takes writes again.
void Engine::Heal() {
  log_->WaitIdle();
  const Status cause = log_->failure();
  if (gauges_.failure_count == gauges_.reopen_count) {
    ++gauges_.failure_count;
    Log(3,
        "Writing failed, writes are refused until the disk takes them again: " + cause.message());
    keyspace_->ForgetUncommitted();
    if (listener_.on_failed) {
      std::mutex mutex;
      std::condition_variable answered;
      bool done = false;
      listener_.on_failed(log_->committed_seq(), cause.message(), [&] {
        std::lock_guard lock(mutex);
        done = true;
        answered.notify_all();
      });
      std::unique_lock lock(mutex);
      answered.wait(lock, [&] { return done; });
    }
  }
  const std::string dir =
      options_.store.wal_dir.empty() ? options_.store.dir : options_.store.wal_dir;
  Status status =
      WriteFileAtomically(store_->file_system(), dir, kProbeName, std::string(kProbeBytes, '\0'));
  (void)store_->file_system()->DeleteFile(dir + "/" + kProbeName, {}, nullptr);
  if (!status.ok()) {
    if (DiskFree().first < kHealBytesMin) feed_->GiveUpRetained(kHealBytesMin);
    return;
  }
  if (switching_) {
    status = FinishSwitch();
    if (!status.ok()) return Log(3, "cannot open the resynced data: " + status.message());
    ++gauges_.reopen_count;
    return;
  }
  const uint64_t committed_seq = log_->committed_seq();
  // What was written without a log is in memory alone: it stays there until it can be flushed.
  status = log_->policy() == SyncPolicy::kOff ? store_->Resume() : store_->Reopen(committed_seq);
  StoreState state;
  bool fresh = false;
  if (status.ok()) status = LoadState(&state, &fresh);
  if (!status.ok()) {
    Log(3, "cannot write to the store again: " + status.message());
    return;
  }
  {
    std::vector<std::unique_lock<std::mutex>> locks;
    for (uint32_t i = 0; i < keyspace_->shard_count(); ++i) {
      locks.emplace_back(keyspace_->shard(i).mutex);
    }
    log_->Restart(std::move(state));
    // A replica's memory follows a group once it is written: not one that was recovered.
    if (is_replica() && log_->committed_seq() != committed_seq) keyspace_->ForgetAll();
  }
  ++gauges_.reopen_count;
  failed_ = false;
  writes_allowed_ = true;
  Log(1, "The store was reopened: writes are accepted again");
}

}  // namespace hearth
