// Tested by tests/src/server_test.cc.
#include "src/snapshots.h"

#include <algorithm>
#include <sstream>

#include "src/log.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr int64_t kRetryS = 5;

}  // namespace

Snapshots::Snapshots(Server& server) : server_(server), last_s_(server.clock().WallMs() / 1000) {}

std::string Snapshots::Dir() const {
  const Config& config = server_.config();
  const std::string dir = config.Text("snapshot-dir");
  return dir.empty() ? data_dir_ + "/snapshots" : dir;
}

uint64_t Snapshots::ChangesSince() const {
  const uint64_t changes = server_.Sum(&WorkerCounters::changes), at_last = changes_at_last_;
  return changes > at_last ? changes - at_last : 0;
}

void Snapshots::ForgetChanges(uint64_t in_flight) {
  if (server_.config().Text("save").empty()) return;
  changes_at_last_ = server_.Sum(&WorkerCounters::changes) + in_flight;
}

Status Snapshots::Take(SnapshotInfo* info) {
  if (running_.exchange(true)) return Status::Busy("Background save already in progress");
  const Status status = Make(info);
  running_ = false;
  return status;
}

Status Snapshots::Make(SnapshotInfo* info) {
  const Config& config = server_.config();
  began_ms_ = server_.clock().WallMs();
  const uint64_t changes = server_.Sum(&WorkerCounters::changes);
  ++count_;
  const Status status = MakeCheckpoint(server_.engine(),
                                       {.dir = Dir(),
                                        .keep = static_cast<size_t>(config.Int("snapshot-keep")),
                                        .verify = config.Bool("snapshot-verify"),
                                        .cancelled = &cancelled_},
                                       info);
  if (status.ok()) {
    ok_ = true;
    changes_at_last_ = std::max<uint64_t>(changes_at_last_, changes);  // forgotten meanwhile
    last_s_ = server_.clock().WallMs() / 1000;
    Log(LogLevel::kNotice, "Snapshot " + info->path + ": " + std::to_string(info->keys) +
                               " keys at sequence " + std::to_string(info->sequence));
  } else {
    Log(LogLevel::kWarning, "The snapshot failed: " + status.message());
  }
  return status;
}

int64_t Snapshots::RunsForS() const {
  return running_ ? (server_.clock().WallMs() - began_ms_) / 1000 : -1;
}

bool Snapshots::Start() {
  if (running_.exchange(true)) return false;
  if (thread_.joinable()) thread_.join();
  began_ms_ = server_.clock().WallMs();
  thread_ = std::thread([this] {
    SnapshotInfo info;
    const Status status = Make(&info);
    // As in Redis, a SAVE tells neither its duration nor its failure here.
    last_took_s_ = (server_.clock().WallMs() - began_ms_) / 1000;
    ok_ = status.ok();
    running_ = false;
  });
  return true;
}

void Snapshots::TakeWhenDue() {
  if (running_) return;
  const uint64_t changes = ChangesSince();
  const int64_t now_s = server_.clock().WallMs() / 1000;
  if (changes == 0 || (!ok_ && now_s - last_try_s_ < kRetryS)) return;
  std::istringstream rules(server_.config().Text("save"));
  int64_t seconds, wanted;
  while (rules >> seconds >> wanted) {
    if (changes >= static_cast<uint64_t>(wanted) && now_s - last_s_ >= seconds) {
      Log(LogLevel::kNotice, std::to_string(wanted) + " changes in " + std::to_string(seconds) +
                                 " seconds. Saving...");
      last_try_s_ = now_s;
      (void)Start();
      return;
    }
  }
}

void Snapshots::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace hearth
