// FAILOVER: the primary stops writes, waits until its replica has everything, and becomes its
// replica, with a PSYNC that asks it to take over. Tested by
// tests/src/replication/failover_test.cc.
#include <algorithm>

#include "src/log.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr int64_t kFailoverMsMax = int64_t{365} * 24 * 3600 * 1000;
// What the new primary gets to answer, when FAILOVER was given no time.
constexpr int64_t kTakeOverMs = 10'000;

}  // namespace

const char* FailoverStateName(FailoverState state) {
  switch (state) {
    case FailoverState::kNone:
      return "no-failover";
    case FailoverState::kWaitForSync:
      return "waiting-for-sync";
    case FailoverState::kInProgress:
      return "failover-in-progress";
  }
  return "unknown";
}

bool Replication::StartFailover(FailoverOptions options) {
  std::lock_guard lock(failover_mutex_);
  if (failover_state_ != FailoverState::kNone) return false;
  failover_ = std::move(options);
  failover_.timeout_ms = std::min(failover_.timeout_ms, kFailoverMsMax);
  failover_until_us_ =
      failover_.timeout_ms == 0 ? INT64_MAX : LinkNowUs() + failover_.timeout_ms * 1000;
  failover_state_ = FailoverState::kWaitForSync;
  server_.pause_gate().HoldWrites(WriteHolder::kFailover, true);
  // Writes that passed the gate before it closed have ended behind this.
  failover_is_quiet_ = false;
  AfterRunningWrites([this, number = ++failover_count_] {
    std::lock_guard quiet_lock(failover_mutex_);
    if (number == failover_count_) failover_is_quiet_ = true;
  });
  Log(LogLevel::kNotice,
      "FAILOVER requested" + (failover_.target ? " to " + failover_.target->host + ":" +
                                                     std::to_string(failover_.target->port)
                                               : std::string()));
  return true;
}

void Replication::AfterRunningWrites(std::function<void()> done) {
  Post([this, done = std::move(done)] {
    WaitForWorkers();
    done();
  });
}

// Its next part does not ask whether writes are held: its client has passed that gate.
void Replication::NotePartedExec(uint64_t client_id) {
  std::lock_guard lock(parted_mutex_);
  parted_execs_.insert(client_id);
  parted_exec_count_ = parted_execs_.size();
}

void Replication::ForgetPartedExec(uint64_t client_id) {
  if (parted_exec_count_.load(std::memory_order_relaxed) == 0) return;
  std::lock_guard lock(parted_mutex_);
  parted_execs_.erase(client_id);
  parted_exec_count_ = parted_execs_.size();
}

// Requires: failover_mutex_ is held.
void Replication::EndFailover(const std::string& why) {
  failover_state_ = FailoverState::kNone;
  server_.pause_gate().HoldWrites(WriteHolder::kFailover, false);
  Log(LogLevel::kNotice, why);
}

bool Replication::AbortFailover(const std::string& why) {
  std::lock_guard lock(failover_mutex_);
  const FailoverState state = failover_state_;
  if (state == FailoverState::kNone) return false;
  if (state == FailoverState::kWaitForSync) {
    EndFailover("Aborting a failover: " + why);
    return true;
  }
  // It is a replica already: a primary again, when nothing has come of it meanwhile.
  failover_until_us_ = INT64_MAX;
  Promote("failover aborted: " + why, [this, why](const std::string&) {
    std::lock_guard lock(failover_mutex_);
    if (failover_state_ != FailoverState::kNone) EndFailover("Aborted a failover: " + why);
  });
  return true;
}

void Replication::OnFollowing() {
  std::lock_guard lock(failover_mutex_);
  if (failover_state_ == FailoverState::kInProgress) EndFailover("Failover done: now a replica");
}

void Replication::TickFailover() {
  if (failover_state_ == FailoverState::kNone) return;
  std::unique_lock lock(failover_mutex_);
  if (failover_state_ == FailoverState::kInProgress) {
    if (LinkNowUs() < failover_until_us_) return;
    lock.unlock();
    (void)AbortFailover("the target did not take over in time");
    return;
  }
  if (failover_state_ != FailoverState::kWaitForSync) return;
  if (is_replica()) return EndFailover("Aborting a failover: the role has changed");
  const bool is_quiet = failover_is_quiet_ && !has_parted_execs();
  const uint64_t seq = server_.engine().log().joined_seq();  // behind the last that was not quiet
  std::optional<PrimaryAddress> target;
  for (const auto& peer : replicas_.List()) {
    const PrimaryAddress address{peer->ip, peer->port};
    const bool fits = !peer->is_redis && (!failover_.target || *failover_.target == address);
    const bool is_level = is_quiet && peer->acked_seq >= seq;
    if (fits && peer->state == ReplicaState::kOnline && is_level) target = address;
  }
  const bool late = LinkNowUs() >= failover_until_us_;
  if (!target && late && failover_.force) target = failover_.target;
  if (!target) {
    if (late) EndFailover("Aborting a failover: Replica never caught up before timeout");
    return;
  }
  failover_state_ = FailoverState::kInProgress;
  failover_until_us_ =
      LinkNowUs() + (failover_.timeout_ms == 0 ? kTakeOverMs : failover_.timeout_ms) * 1000;
  Log(LogLevel::kNotice,
      "Failover target is " + target->host + ":" + std::to_string(target->port) + ": synced");
  Post([this, target = *target] { Follow(target, /*take_over=*/true); });
}

}  // namespace hearth
