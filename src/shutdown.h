#pragma once

// Shutdown: the way from SHUTDOWN or a signal to the server's end. Writes are held until every
// replica has acknowledged all that was written, or `shutdown-timeout` is over; then a snapshot is
// taken if one was asked for, and the server is told to stop.
//
// Thread:   any.
// Lifetime: its server's.
// Errors:   of a shutdown that failed or was aborted its clients are told; the log says why.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace hearth {

class Server;

class Shutdown {
 public:
  struct Options {
    bool save = false;
    bool now = false;    // without waiting for replicas
    bool force = false;  // though the snapshot, or the flush of what has no log, failed
  };
  // Called on the thread that ends the attempt; must not call back.
  using Done = std::function<void(bool stops)>;

  explicit Shutdown(Server& server) : server_(server) {}

  // Begins, or joins the one that waits; with `now` that one waits no more.
  void Begin(Options options, Done done);
  // Whether one was waiting.
  bool Abort();
  bool is_waiting() const { return is_waiting_.load(std::memory_order_relaxed); }
  // Clients that wait for its end.
  size_t client_count() const;
  // Until it goes on without the replicas; 0 when none waits.
  int64_t left_ms() const;
  // Goes on when replicas are level or the time is up. Ten times a second, on the first worker.
  void Tick();

 private:
  bool IsLevel() const;
  uint64_t GoalSeq() const;
  void LogReplicas() const;
  void Finish();
  void Stop();
  void EndFailed(const char* why);
  void TellAll(bool stops);

  Server& server_;
  mutable std::mutex mutex_;
  std::atomic<bool> is_waiting_{false};
  std::atomic<int64_t> until_us_{0};  // LinkNowUs()
  bool is_ending_ = false;            // it is past waiting
  bool is_quiet_ = false;             // no write is under way
  uint64_t count_ = 0;
  uint64_t goal_seq_ = 0;  // of a replica with replicas: it goes on receiving
  Options options_;
  std::vector<Done> done_;
};

}  // namespace hearth
