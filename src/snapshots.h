#pragma once

// Snapshots: the server's checkpoints: by SAVE, by BGSAVE, and by the rules of `save`.
//
// Thread:   any, but TakeWhenDue is the cron's and Join the stopping thread's.
// Lifetime: between the engine's opening and its shutdown; Join before that.
// Errors:   a failed snapshot leaves the earlier ones; ok() is false until one succeeds.
// Limits:   one at a time.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "engine/checkpoint.h"

namespace hearth {

class Server;

class Snapshots {
 public:
  explicit Snapshots(Server& server);

  // Where the store lies: before the first call of any other.
  void SetDataDir(const std::string& dir) { data_dir_ = dir; }
  // Where they lie.
  std::string Dir() const;
  // Makes one here and now; Busy when one is being made.
  Status Take(SnapshotInfo* info);
  // Starts one in the background; false when one is being made.
  bool Start();
  // Starts one when a rule of `save` says so.
  void TakeWhenDue();
  // Gives up the one being made; Join waits for its end.
  void Cancel() { cancelled_ = true; }
  void Join();

  bool running() const { return running_; }
  bool ok() const { return ok_.load(std::memory_order_relaxed); }
  // `stop-writes-on-bgsave-error`: whether writes are to be refused until one succeeds.
  void SetStopWrites(bool stop) { stop_writes_.store(stop, std::memory_order_relaxed); }
  bool StopsWrites() const { return !ok() && stop_writes_.load(std::memory_order_relaxed); }
  // Seconds since the running one began; -1 when none runs.
  int64_t RunsForS() const;
  // When the last one succeeded; how long the last BGSAVE took, -1 before the first.
  int64_t last_s() const { return last_s_; }
  int64_t last_took_s() const { return last_took_s_; }
  // How many were begun.
  uint64_t count() const { return count_; }
  // Changes since the last one that succeeded, or since they were forgotten.
  uint64_t ChangesSince() const;
  // FLUSHALL leaves nothing to save, where `save` has rules. in_flight: changes of the Tx that
  // flushes, which are counted at its end.
  void ForgetChanges(uint64_t in_flight);

 private:
  Status Make(SnapshotInfo* info);

  Server& server_;
  std::string data_dir_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> running_{false};
  std::atomic<bool> ok_{true}, stop_writes_{true};
  std::atomic<uint64_t> count_{0}, changes_at_last_{0};
  std::atomic<int64_t> began_ms_{0};
  std::atomic<int64_t> last_s_{0}, last_took_s_{-1};
  int64_t last_try_s_ = 0;
  std::thread thread_;
};

}  // namespace hearth
