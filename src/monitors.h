#pragma once

// Monitors: clients that see every command that runs (MONITOR).
//
// A line is made by the worker that ran the command and goes to every worker that has monitors.
// Lines of one worker arrive in order; a monitor that its worker is too slow for is closed.
//
// Thread:   Feed and any(): any; the rest the worker's of the session.
// Lifetime: outlives its workers' threads.
// Limits:   those of WorkerMail; a monitor's output those of its class.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/command.h"
#include "src/worker_mail.h"

namespace hearth {

class Session;

class Monitors {
 public:
  explicit Monitors(const std::vector<std::unique_ptr<Worker>>& workers);

  bool any() const { return count_.load(std::memory_order_relaxed) != 0; }
  void Add(Session& session);
  void Remove(Session& session);

  // A command has run in a database for `source`: a client's address, "unix:<path>" or "lua".
  void Feed(uint32_t db, std::string_view source, const Args& args);
  void DeliverHere(Worker& worker) { mail_.DeliverHere(worker); }
  bool HasDeliveries(Worker& worker) const { return mail_.HasDeliveries(worker); }

 private:
  using Line = std::shared_ptr<const std::string>;  // null: lines were lost

  void Deliver(Worker& worker, const Line& line);

  std::atomic<size_t> count_{0};
  struct alignas(64) Roster {
    std::atomic<size_t> count{0};
    std::vector<Session*> sessions;
  };
  std::vector<std::unique_ptr<Roster>> rosters_;  // by worker
  WorkerMail<Line> mail_;
};

}  // namespace hearth
