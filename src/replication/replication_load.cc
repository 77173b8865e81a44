// Data that are replaced by those of a Redis. Tested by
// tests/src/replication/redis_follower_test.cc.
//
//   <dir>/redis-load    there while data are replaced: what the store holds is not whole
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/checkpoint.h"
#include "src/commands/groups.h"
#include "src/log.h"
#include "src/replace_file.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr char kMarkFile[] = "/redis-load";

}  // namespace

std::string Replication::LoadMarkPath() const {
  return server_.engine().options().store.dir + kMarkFile;
}

std::string Replication::BeginLoad() {
  if (is_loading()) return {};
  std::string error =
      ReplaceFile(LoadMarkPath(), "The data are being replaced by those of a Redis.\n");
  if (!error.empty()) return error;
  is_loading_ = true;
  server_.blocked_clients().EndAll();
  WaitForWorkers();  // who passed the gate before has ended
  return {};
}

std::string Replication::DropData() {
  Engine& engine = server_.engine();
  {
    Tx tx(engine.keyspace(), {}, server_.clock().WallMs(),
          {.write = true, .lock_all = true, .see_expired = true});
    if (tx.state() != Tx::State::kReady) return "the store refuses writes";
    for (uint32_t db = 0; db < DbCount(); ++db) tx.FlushDb(db);
  }
  return engine.log().CommitAndWait(engine.log().joined_seq()) ? "" : "the store refuses writes";
}

std::string Replication::EndLoad() {
  Engine& engine = server_.engine();
  Status status = engine.log().policy() == SyncPolicy::kOff ? engine.store().Flush(/*wait=*/true)
                                                            : engine.log().Sync();
  if (!status.ok()) return status.message();
  if (::unlink(LoadMarkPath().c_str()) != 0 && errno != ENOENT) return std::strerror(errno);
  status = SyncPath(engine.options().store.dir);
  if (!status.ok()) return status.message();
  is_loading_ = false;
  return {};
}

// Requires: the control thread; no link yet.
void Replication::DropHalfLoaded() {
  Log(LogLevel::kWarning,
      "The server ended while it replaced its data by those of a Redis: what was loaded is "
      "dropped");
  std::string error;
  if (const Status status = server_.engine().Promote(); !status.ok()) error = status.message();
  if (error.empty()) error = DropData();
  if (error.empty()) error = EndLoad();
  if (!error.empty()) Log(LogLevel::kWarning, "Dropping it failed: " + error);
}

std::optional<Replication::StreamOffsets> Replication::stream_offsets() const {
  std::lock_guard lock(mutex_);
  if (!following_ || !following_->follower.is_redis()) return std::nullopt;
  const RedisFollower& redis = following_->follower.redis();
  return StreamOffsets{redis.received_offset(), redis.applied_offset(), redis.error_count()};
}

}  // namespace hearth
