// Tested by tests/src/replication/shutdown_test.cc.
#include "src/shutdown.h"

#include <algorithm>
#include <string>
#include <utility>

#include "src/log.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

// Who wait for a shutdown; further ones are told that it failed.
constexpr size_t kClientsMax = 10'000;

}  // namespace

void Shutdown::Begin(Options options, Done done) {
  std::lock_guard lock(mutex_);
  // Clients that have left meanwhile are still among them.
  if (done && done_.size() >= kClientsMax) return done(/*stops=*/false);
  if (done) done_.push_back(std::move(done));
  if (is_ending_) return;
  if (is_waiting_) {
    if (!options.now) return;
    options_ = options;
    return Finish();
  }
  Log(LogLevel::kNotice, "User requested shutdown...");
  options_ = options;
  is_quiet_ = false;
  Replication& replication = server_.replication();
  const int64_t timeout_ms = server_.config().Int("shutdown-timeout") * 1000;
  if (options.now || timeout_ms == 0 || replication.replicas().count() == 0) return Finish();
  goal_seq_ = server_.engine().log().committed_seq();
  until_us_ = LinkNowUs() + timeout_ms * 1000;
  is_waiting_ = true;
  server_.pause_gate().HoldWrites(WriteHolder::kShutdown, true);
  // Writes that passed the gate before it closed have ended behind this.
  replication.AfterRunningWrites([this, number = ++count_] {
    std::lock_guard quiet_lock(mutex_);
    if (number != count_ || !is_waiting_) return;
    is_quiet_ = true;
    if (IsLevel()) return Finish();
    Log(LogLevel::kNotice, "Waiting for replicas before shutting down.");
  });
}

bool Shutdown::Abort() {
  std::lock_guard lock(mutex_);
  if (!is_waiting_) return false;
  EndFailed("Shutdown manually aborted.");
  return true;
}

int64_t Shutdown::left_ms() const {
  return is_waiting_ ? std::max<int64_t>(0, (until_us_ - LinkNowUs()) / 1000) : 0;
}

void Shutdown::Tick() {
  if (!is_waiting()) return;
  std::lock_guard lock(mutex_);
  if (!is_waiting_) return;
  if (LinkNowUs() >= until_us_ || (is_quiet_ && IsLevel())) Finish();
}

// What a replica must have acknowledged.
uint64_t Shutdown::GoalSeq() const {
  return server_.replication().is_replica() ? goal_seq_ : server_.engine().log().joined_seq();
}

bool Shutdown::IsLevel() const {
  if (server_.replication().has_parted_execs()) return false;
  const auto peers = server_.replication().replicas().List();
  return std::ranges::all_of(peers, [goal = GoalSeq()](const auto& peer) {
    return !peer->acks || (peer->state == ReplicaState::kOnline && peer->acked_seq >= goal);
  });
}

void Shutdown::LogReplicas() const {
  const auto peers = server_.replication().replicas().List();
  if (peers.empty()) return;
  const uint64_t goal = is_waiting_ ? GoalSeq() : server_.engine().log().committed_seq();
  size_t level_count = 0;
  for (const auto& peer : peers) {
    const bool is_online = peer->state == ReplicaState::kOnline;
    const uint64_t acked = peer->acked_seq;
    if (is_online && acked >= goal) {
      ++level_count;
      continue;
    }
    const int64_t lag_s = is_online ? (LinkNowUs() - peer->ack_us) / 1'000'000 : 0;
    Log(LogLevel::kWarning, "Lagging replica " + peer->ip + ":" + std::to_string(peer->port) +
                                " reported offset " + std::to_string(goal - std::min(acked, goal)) +
                                " behind master, lag=" + std::to_string(lag_s) +
                                ", state=" + ReplicaStateName(peer->state) + ".");
  }
  Log(LogLevel::kNotice, std::to_string(level_count) + " of " + std::to_string(peers.size()) +
                             " replicas are in sync when shutting down.");
}

// Writes stay held until the end. Requires: mutex_ is held.
void Shutdown::Finish() {
  LogReplicas();
  is_waiting_ = false;
  is_ending_ = true;
  if (options_.save && server_.replication().is_loading()) {
    Log(LogLevel::kWarning, "No snapshot is made: what is loaded is not whole");
    options_.save = false;
  }
  const bool saves = options_.save;
  if (!saves && server_.engine().log().policy() != SyncPolicy::kOff) return Stop();
  server_.engine().RunOnReaders([this, saves] {
    SnapshotInfo info;
    const Status status =
        saves ? server_.snapshots().Take(&info) : server_.engine().FlushUnlogged();
    std::lock_guard lock(mutex_);
    if (status.ok() || options_.force) return Stop();
    EndFailed("Error trying to save the DB, can't exit.");
  });
}

// Requires: mutex_ is held.
void Shutdown::EndFailed(const char* why) {
  Log(LogLevel::kWarning, why);
  is_waiting_ = is_ending_ = false;
  server_.pause_gate().HoldWrites(WriteHolder::kShutdown, false);
  TellAll(/*stops=*/false);
}

// Requires: mutex_ is held.
void Shutdown::Stop() {
  server_.RequestStop();
  TellAll(/*stops=*/true);
}

void Shutdown::TellAll(bool stops) {
  for (const Done& done : std::exchange(done_, {})) done(stops);
}

size_t Shutdown::client_count() const {
  std::lock_guard lock(mutex_);
  return done_.size();
}

}  // namespace hearth
