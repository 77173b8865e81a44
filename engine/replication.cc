// The engine as a primary's replica, and the way back. Tested by tests/engine/full_sync_test.cc and
// history_test.cc.
#include <filesystem>
#include <fstream>

#include "engine/engine.h"
#include "engine/full_sync.h"
#include "engine/snapshot_copy.h"
#include "engine/watermark.h"

namespace hearth {

void Engine::SetReplica(bool replica) {
  if (replica == is_replica()) return;
  if (replica) {
    // What is still to be committed of its own comes first: nothing joins once the flag is set,
    // because everything that writes by itself asks for it.
    (void)log_->CommitAndWait(log_->joined_seq());
    if (Status status = feed_->SetActive(true); !status.ok()) {
      Log(2, "cannot retain write-ahead logs for replicas: " + status.message());
    }
  }
  keyspace_->SetReplica(replica);
  if (replica) (void)log_->CommitAndWait(log_->joined_seq());
}

Status Engine::ApplyGroups(std::span<const std::shared_ptr<const Group>> groups) {
  return applier_->Apply(groups, clock_->WallMs());
}

Status Engine::RenewHistory() {
  const uint64_t committed_seq = log_->committed_seq();
  return log_->CommitAndWait(log_->RenewHistory(committed_seq)) ? Status::Ok() : log_->failure();
}

Status Engine::Promote() {
  if (!is_replica()) return Status::Ok();
  if (Status status = RenewHistory(); !status.ok()) return status;
  EndSnapshotCopy(options_.store.dir);
  SetReplica(false);
  return Status::Ok();
}

bool Engine::IsEmpty() {
  const StoreState state = log_->CommittedState();
  for (const DbState& db : state.dbs) {
    if (db.keys != 0) return false;
  }
  return !state.written;
}

Status Engine::SwitchToIncoming() {
  if (!is_replica()) return Status::Invalid("this is not a replica");
  if (!IsIncomingComplete(options_.store.dir)) return Status::Invalid("the resync has not ended");
  std::lock_guard tick_lock(tick_mutex_);
  if (failed_) return Status::Busy("the store has failed and is not open again yet");
  uint64_t incoming_seq;
  StoreState incoming;
  Status status = ReadCheckpointState(options_.store.dir + "/incoming", options_.db_count,
                                      &incoming_seq, &incoming);
  if (status.IsCorruption()) return Status::Invalid("it can't be served: " + status.message());
  if (!status.ok()) return status;
  status = FinishSwitch();
  if (!status.ok() && switching_) {
    log_->Fail(status);  // the keeper goes on with it
  } else if (!status.ok()) {
    const Status reopened = store_->Reopen();
    if (!reopened.ok()) log_->Fail(reopened);
  }
  return status;
}

// Begins or resumes the switch and opens what it brings.
Status Engine::FinishSwitch() {
  const StoreOptions& at = options_.store;
  const std::string& wal_dir = at.wal_dir.empty() ? at.dir : at.wal_dir;
  std::vector<std::unique_lock<std::mutex>> locks;
  for (uint32_t i = 0; i < keyspace_->shard_count(); ++i) {
    locks.emplace_back(keyspace_->shard(i).mutex);
  }
  log_->WaitIdle();
  Status status = store_->Exchange([&] {
    if (!switching_) {
      if (Status begun = BeginSwitch(at.dir); !begun.ok()) return begun;
      switching_ = true;
    }
    bool resumed;
    return ResolveSwitch(at.dir, wal_dir, &resumed);
  });
  if (!status.ok()) return status;
  StoreState state;
  bool fresh = false;
  if (status = LoadState(&state, &fresh); !status.ok()) return status;
  if (fresh) return Status::Corruption("the resynced data holds no state row");
  log_->Restart(std::move(state));
  keyspace_->ForgetAll();
  if (Status reset = feed_->Reset(log_->committed_seq()); !reset.ok()) {
    Log(2, "cannot retain write-ahead logs for replicas: " + reset.message());
  }
  status = WriteWatermark(store_->file_system(), at.dir, {log_->synced_seq(), false, BootId()});
  if (!status.ok()) return status;
  marked_seq_ = log_->synced_seq();
  cold_expire_position_ = 0;
  RemoveReplaced(at.dir, wal_dir);
  switching_ = false;
  failed_ = false;
  writes_allowed_ = true;
  return Status::Ok();
}

Status Engine::WriteDiverged(uint64_t from_seq, const std::string& dir, std::string* path,
                             uint64_t* group_count) {
  constexpr size_t kPieceBytes = 1 << 20;
  path->clear();
  *group_count = 0;
  if (from_seq >= log_->committed_seq()) return Status::Ok();
  // Who diverges again does so under another id: what is replaced is an attempt at the same.
  const std::string name =
      dir + "/diverged-" + log_->replication_id() + "-" + std::to_string(from_seq) + ".rows";
  std::ofstream file(name + ".tmp", std::ios::binary | std::ios::trunc);
  std::unique_ptr<WalCursor> cursor;
  for (uint64_t next_seq = from_seq + 1;;) {
    ReplicationFeed::Groups groups;
    Status status = feed_->Read(next_seq, kPieceBytes, &groups);
    if (status.code() == Status::Code::kBusy) {
      if (cursor == nullptr || cursor->next_seq() != next_seq) cursor = feed_->NewCursor(next_seq);
      status = feed_->ReadFromWal(cursor.get(), kPieceBytes, &groups);
    }
    if (!status.ok()) {
      std::error_code ignored;
      std::filesystem::remove(name + ".tmp", ignored);
      return status;
    }
    if (groups.empty()) break;
    for (const auto& group : groups) file << GroupText(*group);
    *group_count += groups.size();
    next_seq = groups.back()->last_seq() + 1;
  }
  file.close();
  if (file.fail()) return Status::IoError("cannot write " + name);
  if (Status status = SyncPath(name + ".tmp"); !status.ok()) return status;
  std::error_code error;
  std::filesystem::rename(name + ".tmp", name, error);
  if (error) return Status::IoError("cannot rename " + name + ": " + error.message());
  *path = name;
  return SyncPath(dir);
}

}  // namespace hearth
