#pragma once

// Worker: one thread, its event loop and its connections.
//
// The loop goes in turns. A turn runs what is ready (sockets, posted functions, timers), at most
// kHandlersPerTurnMax of them; then the turn hook commits what the turn's requests wrote; then
// the turn's replies leave, those whose barrier the commit released. So a commit and a
// write to each socket serve all requests of a turn.
//
// Thread:   Post, Adopt, Release, FailHeld, Stop and connection_count from any; everything else
//           on the worker's own, or before Start().
// Lifetime: outlives its connections; the owner calls Stop(), then Join() or the destructor.
// Errors:   those of a connection close it; the loop itself has none.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/connection.h"
#include "net/idle_looks.h"

namespace hearth {

inline constexpr size_t kHandlersPerTurnMax = 256;
inline constexpr std::chrono::milliseconds kTickPeriod{100};
// Half of it costs SET by 50 clients a tenth on two cores that the client uses too, and is worth
// little more.
inline constexpr uint64_t kWorkerSliceNs = 200'000;

struct CommitResult {
  uint64_t released_up_to = 0;
  bool follow_turn = false;  // FollowTurn is wanted once the turn's replies have left
};

class TurnHook {
 public:
  virtual ~TurnHook() = default;

  // Called at the end of every turn, before any reply leaves. `barrier` is the highest that the
  // turn's connections wait for, 0 when none. Barriers up to the result are released for good.
  virtual CommitResult CommitTurn(uint64_t barrier) = 0;

  // The turn is over; these connections took part, some may be closed. Called only when CommitTurn
  // has asked for it. May close connections; nothing may be written to them.
  virtual void FollowTurn(std::span<Connection* const> turn) { (void)turn; }
};

class Worker {
 public:
  explicit Worker(int index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int index() const { return index_; }
  asio::io_context& io_context() { return io_; }

  // Before Start(). Null: everything is released at once.
  void SetTurnHook(TurnHook* hook) { hook_ = hook; }

  void Start();
  // Closes all connections and ends the loop, soon.
  void Stop();
  void Join();

  // Runs `function` on the worker's thread, in a later turn or later in this one.
  void Post(std::function<void()> function);
  void RunAfter(std::chrono::milliseconds delay, std::function<void()> function);
  // Runs `function` every `period` until Stop(). May be called more than once.
  void SetCron(std::chrono::milliseconds period, std::function<void()> function);

  // Counts a socket that Adopt() will bring, so that a choice by load sees it at once.
  void ReserveConnection() { connection_count_.fetch_add(1, std::memory_order_relaxed); }
  // Serves an accepted socket here. Requires: ReserveConnection() before.
  void Adopt(AcceptedSocket socket, ConnectionFactory factory);

  size_t connection_count() const { return connection_count_.load(std::memory_order_relaxed); }
  void ForEachConnection(const std::function<void(Connection&)>& function);
  // Null when there is none of that id here.
  std::shared_ptr<Connection> FindConnection(uint64_t id);

  // Serves, once, what is ready while a handler of this worker still runs: connections that are
  // not in a handler take requests and send what is released. Posted functions and timers wait
  // until the turn goes on. Requires: its thread, within a handler.
  void RunNested();
  bool is_nested() const { return nested_; }

  // Barriers up to `up_to` are released.
  void Release(uint64_t up_to);
  // The commits above `above` failed: every reply held for them is replaced by "-<error_line>",
  // sent, and `done` is called.
  void FailHeld(uint64_t above, std::string error_line, std::function<void()> done);

  // Closes the connections that were silent for more than `idle_seconds` and that `may_close`
  // allows; returns how many.
  size_t CloseIdle(uint32_t idle_seconds, const std::function<bool(Connection&)>& may_close);

  // Monotonic, read once a turn.
  uint64_t NowUs();

  // The worker whose thread this is, or null.
  static Worker* Current();

  uint64_t turn_count() const { return turn_count_; }

  // Counted by its worker's thread, read and reset by any; no reset is lost.
  class SocketCounter {
   public:
    void Add() {
      total_.store(total_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    uint64_t count() const {
      const uint64_t base = base_.load();  // before the total, which is never less
      return total_.load() - base;
    }
    void Reset() { base_.store(total_.load()); }

   private:
    std::atomic<uint64_t> total_{0}, base_{0};
  };
  // Reads from sockets that brought something, and writes that took something.
  struct SocketCounters {
    SocketCounter reads, writes;
  };
  SocketCounters& socket_counters() { return socket_counters_; }

  // Whether it may look for work for a while before it sleeps. From any thread.
  void SetBusyPoll(bool enabled) { idle_looks_.SetEnabled(enabled); }
  bool busy_polls() const { return idle_looks_.is_enabled(); }

 private:
  friend class Connection;

  void Loop();
  void RunTurn();
  size_t WaitForWork();
  void RunOrDefer(std::function<void()> function);
  void RunQueued();
  void EndTurn();
  void CloseFinished();
  void CloseAll();
  void Tick();
  void ScheduleTick();
  void RunCron(const std::shared_ptr<asio::steady_timer>& timer, std::chrono::milliseconds period,
               const std::shared_ptr<std::function<void()>>& function);
  void AdoptHere(AcceptedSocket socket, const ConnectionFactory& factory);
  void ReleaseHere(uint64_t up_to);
  void FailHere(uint64_t above, const std::string& error_line);

  // For connections.
  void ListInTurn(Connection* connection);
  void ListToRun(Connection* connection);
  void ListHeld(Connection* connection);
  void ListForTick(Connection* connection);
  void ListToClose(std::shared_ptr<Connection> connection);
  RequestBatch& batch() { return batch_; }

  const int index_;
  asio::io_context io_{1};
  asio::steady_timer tick_timer_{io_};
  std::thread thread_;
  TurnHook* hook_ = nullptr;
  bool stopping_ = false;
  IdleLooks idle_looks_;
  bool nested_ = false;
  std::vector<std::function<void()>> deferred_;  // of nested runs, until the turn's end
  uint64_t released_ = 0;
  uint64_t now_us_ = 0;
  uint64_t turn_count_ = 0;
  SocketCounters socket_counters_;
  std::atomic<size_t> connection_count_{0};
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  std::vector<Connection*> turn_;  // touched in this turn
  std::vector<Connection*> run_queue_;
  std::vector<Connection*> running_;
  std::vector<Connection*> held_;
  std::vector<Connection*> ticked_;
  std::vector<std::shared_ptr<Connection>> to_close_;
  RequestBatch batch_;
};

}  // namespace hearth
