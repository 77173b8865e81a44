// Data that are replaced by those of a Redis. Tested by
// tests/src/replication/redis_follower_test.cc.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/checkpoint.h"
#include "net/output_buffer.h"
#include "net/reply.h"
#include "src/commands/groups.h"
#include "src/import/redis_import.h"
#include "src/log.h"
#include "src/replace_file.h"
#include "src/replication/redis_feed.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
std::string LoadMarkPath(const std::string& store_dir) {
  return store_dir + "/redis-load";
}

// The mark is written also when data are being replaced already: an EndLoad that failed may have
// taken it.
std::string Replication::BeginLoad(const std::string& cause) {
  std::lock_guard lock(load_mutex_);
  std::string error = ReplaceFile(LoadMarkPath(server_.engine().options().store.dir), cause);
  if (!error.empty()) return error;
  drop_is_due_ = false;
  ++load_count_;
  if (is_loading_.exchange(true)) return {};
  server_.blocked_clients().EndAll();
  WaitForWorkers();  // who passed the gate before has ended, or waits
  server_.blocked_clients().EndAll();
  redis_feed_->EndStream();
  replicas_.CloseAll("the data are being replaced by those of a Redis");
  WaitForWorkers();  // none of them is sent what comes now
  return {};
}

uint64_t Replication::data_generation() const {
  return load_count_ + server_.keyspace().epoch();
}

std::string Replication::DropData() {
  Engine& engine = server_.engine();
  constexpr char kRefused[] = "the store refuses writes";
  {
    Tx tx(engine.keyspace(), {}, server_.clock().WallMs(),
          {.write = true, .lock_all = true, .see_expired = true});
    if (tx.state() != Tx::State::kReady) return kRefused;
    OutputBuffer refusal;
    Reply reply(&refusal);
    if (!server_.RefreshFunctions(reply)) return "the function libraries can't be read";
    server_.functions().Flush(tx);
    for (uint32_t db = 0; db < DbCount(); ++db) tx.FlushDb(db);
  }
  // A replica of this server is to take the loaded data as a whole, by a full resync, and not group
  // by group.
  (void)engine.log().RenewHistory(/*shared_seq=*/0);
  return engine.log().CommitAndWait(engine.log().joined_seq()) ? "" : kRefused;
}

std::string Replication::EndLoad() {
  Engine& engine = server_.engine();
  Status status = engine.log().policy() == SyncPolicy::kOff ? engine.store().Flush(/*wait=*/true)
                                                            : engine.log().Sync();
  if (!status.ok()) return status.message();
  if (::unlink(LoadMarkPath(engine.options().store.dir).c_str()) != 0 && errno != ENOENT)
    return std::strerror(errno);
  status = SyncPath(engine.options().store.dir);
  if (!status.ok()) return status.message();
  is_loading_ = false;
  return {};
}

std::string Replication::DropLoaded() {
  std::lock_guard lock(load_mutex_);
  return DropLoadedLocked();
}

std::string Replication::DropLoadedLocked() {
  std::string error;
  if (server_.engine().is_replica()) {  // by the configuration: of no primary yet
    if (const Status status = server_.engine().Promote(); !status.ok()) error = status.message();
  }
  if (error.empty()) error = DropData();
  if (error.empty()) error = EndLoad();
  drop_is_due_ = !error.empty();
  if (!error.empty()) {
    Log(LogLevel::kWarning, "Dropping what was loaded failed, it is tried again: " + error);
  }
  return error;
}

// Requires: the control thread. Of the load of that number, if no other has begun.
void Replication::RetryDrop(uint64_t load_count) {
  std::lock_guard lock(load_mutex_);
  if (load_count_ == load_count && is_loading()) (void)DropLoadedLocked();
}

// Before any link: the server may have ended while it loaded.
void Replication::ReadLoadMark() {
  if (server_.redis_import().is_due()) return;  // it begins anew
  const std::string path = LoadMarkPath(server_.engine().options().store.dir);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (error) Log(LogLevel::kWarning, "Can't look for " + path + ": " + error.message());
    return;
  }
  Log(LogLevel::kWarning,
      "The server ended while it replaced its data by those of a Redis: what was loaded is "
      "dropped");
  is_loading_ = true;
  Post([this] { RetryDrop(load_count_); });
}

std::optional<Replication::StreamOffsets> Replication::stream_offsets() const {
  std::lock_guard lock(mutex_);
  if (!following_ || !following_->follower.is_redis()) return std::nullopt;
  const RedisFollower& redis = following_->follower.redis();
  return StreamOffsets{redis.received_offset(), redis.applied_offset(), redis.error_count()};
}

}  // namespace hearth
