#pragma once

// Engine: the store, the log, the keyspace and the threads that keep them in order; what the
// server opens, uses and shuts down.
//
// Its own threads: the committer (commit_log.h), the readers, and one keeper that syncs the WAL
// every second, writes the high-water mark, measures memory, demotes, expires cold keys, watches
// the free space, and reopens the store after a failure.
//
// Thread:   any, unless a call says otherwise.
// Lifetime: Shutdown (or the destructor) ends the threads; no Tx or load may be under way.
// Errors:   Open refuses a store that lost what was synced, and says what to do.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/clock.h"
#include "engine/commit_log.h"
#include "engine/group_applier.h"
#include "engine/history.h"
#include "engine/keyspace.h"
#include "engine/quiet_flush.h"
#include "engine/readers.h"
#include "engine/reclaimer.h"
#include "engine/replication_feed.h"
#include "engine/residency.h"
#include "engine/store.h"
#include "engine/tx.h"

namespace hearth {

struct EngineOptions {
  StoreOptions store;
  SyncPolicy sync = SyncPolicy::kEverySec;
  uint32_t db_count = 16;
  uint32_t shard_count = kShardCountMax;
  size_t reader_count = 4;
  uint64_t memory_limit_bytes = 0;
  MemoryPolicy memory_policy = MemoryPolicy::kDemote;
  uint64_t disk_free_min_bytes = 0;
  double disk_free_min_ratio = 0;
  bool accept_data_loss = false;  // start although synced groups are missing: a new history
  // Begins as a replica: nothing is written by itself, so no new history after a power loss either.
  bool replica = false;
  FeedLimits feed;
  bool warm_on_start = true;
  const Clock* clock = nullptr;  // null = the system's
  bool keeper = true;            // false: tests call KeeperTick themselves
  // Progress and warnings, level as in spdlog's order: 0 debug, 1 info, 2 warning, 3 error.
  std::function<void(int level, const std::string& line)> log;
};

// What Open found.
struct OpenReport {
  bool created = false;
  bool clean_shutdown = false;
  uint64_t recovered_seq = 0;
  uint64_t wal_bytes = 0;
  uint64_t torn_bytes = 0;  // cut from the WAL's end
  int64_t open_ms = 0;
};

class Engine {
 public:
  // log lines go to options.log from any thread.
  static Status Open(EngineOptions options, std::unique_ptr<Engine>* engine);
  ~Engine();

  Keyspace& keyspace() { return *keyspace_; }
  CommitLog& log() { return *log_; }
  Store& store() { return *store_; }
  Residency& residency() { return *residency_; }
  Readers& readers() { return *readers_; }
  const Clock& clock() const { return *clock_; }
  const OpenReport& report() const { return report_; }
  const EngineOptions& options() const { return options_; }

  // The end of a worker's turn: commits what its replies speak of.
  CommitOutcome CommitTurn(uint64_t barrier) { return log_->Commit(barrier); }

  struct CommitListener {
    // Replies that wait for at most seq may leave. Any thread.
    std::function<void(uint64_t seq)> on_committed;
    // Replies that wait for more than seq must become errors; call done when all have. Any thread.
    std::function<void(uint64_t seq, const std::string& cause, std::function<void()> done)>
        on_failed;
  };
  // Requires: no command runs yet.
  void SetCommitListener(CommitListener listener) { listener_ = std::move(listener); }

  // Reads missing keys on reader threads, several at a time, and those that will be asked for soon
  // beside them; then calls done there.
  void LoadAsync(std::span<const KeyRef> keys, std::span<const KeyRef> soon,
                 std::function<void(Status)> done);
  void RunOnReaders(std::function<void()> job) { readers_->Post(std::move(job)); }

  // False while writes are to be refused; *reason is what to tell the client after "MISCONF ".
  bool WritesAllowed(std::string* reason);
  bool writes_allowed() const { return writes_allowed_.load(std::memory_order_relaxed); }

  // `appendonly` and `appendfsync` at run time; may wait for a flush. Busy after a failure.
  Status SetSyncPolicy(SyncPolicy policy);
  // With the WAL off: puts on the disk what is in memory alone, after a failure too.
  Status FlushUnlogged();
  void SetDiskFreeMin(uint64_t bytes, double ratio);
  void SetActiveExpire(bool on) { active_expire_ = on; }
  // While set, nothing expires by itself (CLIENT PAUSE, FAILOVER): neither by and by nor when it is
  // read, though reads do not show it.
  void SetPaused(bool paused) {
    paused_ = paused;
    keyspace_->SetPaused(paused);
  }

  // -- Replication. Group bytes: feed(); a full copy: full_sync.h.
  ReplicationFeed& feed() { return *feed_; }
  // As a replica the engine writes nothing by itself: no expiry and no eviction deletes (demotion
  // goes on; reads hide what has expired). That no client writes is the caller's gate. Takes every
  // shard lock once. From a replica back: Promote, or nothing of its own may be written.
  void SetReplica(bool replica);
  bool is_replica() const { return keyspace_->is_replica(); }
  // Whether keys that are not resident become so when a group writes them (replica-warm).
  void SetReplicaWarm(bool warm) { applier_->SetWarm(warm); }
  // Applies groups of the primary in order (group_applier.h); blocks for the writes. One caller.
  // Errors: Invalid: damaged, or does not follow on log().committed_seq(): resync; nothing of that
  // group was written. Others: the write failed; the keeper heals, go on from committed_seq then.
  Status ApplyGroups(std::span<const std::shared_ptr<const Group>> groups);
  Status ApplyGroup(const std::shared_ptr<const Group>& group) { return ApplyGroups({&group, 1}); }
  // Ends being a replica: a new history id whose id2 is the old one, committed when this returns.
  Status Promote();
  // As a primary: a new history id; what is committed stays shared.
  Status RenewHistory();
  // No keys, and none were ever written: not what a replica with data should become.
  bool IsEmpty();
  // Makes the checkpoint that FullSyncTarget has finished the engine's data: memory, counts and
  // history begin anew, readers wait meanwhile. Requires: is_replica; no ApplyGroups runs.
  // Errors: before the switch the old data stays; NoSpace, IoError afterwards: Open resolves it.
  Status SwitchToIncoming();
  // Writes the rows behind from_seq, which a resync is about to give up, as text into
  // `diverged-<id>-<from_seq>.rows` in dir; *path is empty when there are none.
  Status WriteDiverged(uint64_t from_seq, const std::string& dir, std::string* path,
                       uint64_t* group_count);

  // One pass of what the keeper thread does; tests call it with keeper = false.
  void KeeperTick();
  // Deletes about key_count_max expired resident keys; returns how many. A worker's cron.
  size_t ExpireSome(size_t key_count_max);

  // Writes which resident keys are the hottest, for the next start (hot_keys.h). Any thread
  // without a Tx; one at a time.
  Status RememberHotKeys();
  // Loads the keys that the last run remembered, the hottest first, as far as memory allows.
  // Returns false when it had to stop. The warm-up begins with it.
  bool WarmRemembered();

  // Syncs the WAL, marks the shutdown as clean and ends the threads, once; cancels compactions.
  Status Shutdown();

  struct Gauges {
    std::atomic<uint64_t> reopen_count{0}, failure_count{0}, warm_loaded{0};
    std::atomic<uint64_t> load_us{0}, load_us_max{0};  // of loads by the readers
    std::atomic<bool> warming{false};
    std::atomic<uint64_t> remembered_keys{0}, remembered_loaded{0};  // of the last run
    std::atomic<uint64_t> disk_free_bytes{0};
    std::atomic<uint64_t> log_file_bytes{0};  // of the log's live files, as of the last tick
  };
  const Gauges& gauges() const { return gauges_; }
  const Reclaimer& reclaimer() const { return *reclaimer_; }

 private:
  explicit Engine(EngineOptions options);
  Status OpenStore();
  Status LoadState(StoreState* state, bool* fresh);
  Status BeginHistory(bool fresh, bool lost);
  Status FinishSwitch();
  void StartThreads();
  void KeeperMain();
  void SyncAndMark();
  std::pair<uint64_t, uint64_t> DiskFree() const;
  void WatchDisk();
  void MeasureLog();
  void SweepColdExpired();
  void Heal();
  Status CloseStore();
  void BackgroundMain();
  void WarmMain();
  void WarmShard(uint32_t shard_index, uint32_t db);
  bool WarmPositions(uint32_t db, uint32_t db_id, std::span<const uint64_t> positions);
  bool HasRoomToWarm() const;
  void LogWarmProgress();
  void Log(int level, const std::string& line) const;
  bool DeleteExpired(uint32_t db, const std::string& key);
  void CommitExpired(size_t count);

  EngineOptions options_;
  SystemClock system_clock_;
  const Clock* clock_;
  OpenReport report_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::unique_ptr<QuietFlush> quiet_flush_;
  std::unique_ptr<ReplicationFeed> feed_;
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<Keyspace> keyspace_;
  std::unique_ptr<Residency> residency_;
  std::unique_ptr<Readers> readers_;
  std::unique_ptr<GroupApplier> applier_;
  CommitListener listener_;
  Gauges gauges_;

  std::atomic<bool> writes_allowed_{true};
  std::atomic<bool> active_expire_{true};
  std::atomic<bool> paused_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> switching_{false};  // from the point where the new data is the data
  std::mutex tick_mutex_;               // the keeper stands still during a switch
  std::atomic<uint64_t> disk_free_min_bytes_{0};
  std::atomic<double> disk_free_min_ratio_{0};
  std::mutex reason_mutex_;
  std::string refuse_reason_;

  std::mutex keeper_mutex_;
  std::condition_variable keeper_wanted_;
  std::atomic<bool> stopping_{false};
  bool shut_down_ = false;
  static constexpr int64_t kLongAgoUs = INT64_MIN / 2;
  int64_t last_sync_us_ = kLongAgoUs;
  int64_t last_disk_us_ = kLongAgoUs;
  int64_t last_heal_us_ = kLongAgoUs;
  int64_t last_feed_us_ = kLongAgoUs;
  int64_t last_reclaim_us_ = kLongAgoUs;
  int64_t last_quiet_us_ = kLongAgoUs;
  uint64_t marked_seq_ = 0;
  uint64_t cold_expire_position_ = 0;
  uint32_t cold_expire_db_ = 0;
  uint32_t expire_shard_ = 0;
  int64_t warm_logged_us_ = 0;
  std::atomic<bool> may_remember_{true};  // false until the last run's file was taken over
  std::thread keeper_;
  std::thread warmer_;
};

}  // namespace hearth
