// Tested by tests/engine/engine_test.cc.
#include "engine/engine.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/collection.h"
#include "engine/full_sync.h"
#include "engine/hash.h"
#include "engine/snapshot_copy.h"
#include "engine/start_check.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

// Who holds the lock of a file, which is not this process: closing the file would end its own.
std::string HolderOf(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool is_known = fd >= 0 && ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  if (fd >= 0) ::close(fd);
  return is_known && lock.l_pid > 0 ? "process " + std::to_string(lock.l_pid) : "another process";
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? options_.clock : &system_clock_),
      disk_free_min_bytes_(options_.disk_free_min_bytes),
      disk_free_min_ratio_(options_.disk_free_min_ratio) {}

Engine::~Engine() {
  (void)Shutdown();
}

void Engine::Log(int level, const std::string& line) const {
  if (options_.log) options_.log(level, line);
}

Status Engine::Open(EngineOptions options, std::unique_ptr<Engine>* result) {
  std::unique_ptr<Engine> engine(new Engine(std::move(options)));
  if (Status status = engine->OpenStore(); !status.ok()) return status;
  engine->StartThreads();
  *result = std::move(engine);
  return Status::Ok();
}

Status Engine::OpenStore() {
  const int64_t start_us = clock_->MonotonicUs();
  const StoreOptions& at = options_.store;
  const std::string& wal_dir = at.wal_dir.empty() ? at.dir : at.wal_dir;
  bool switched = false;
  if (Status status = ResolveSwitch(at.dir, wal_dir, &switched); !status.ok()) return status;
  if (switched) Log(2, "A full resync had ended: its data takes the place of the old data");
  if (Status status = CheckSnapshotCopy(at.dir, wal_dir); !status.ok()) return status;
  options_.store.on_range_dropped = [this](std::string_view from, std::string_view to) {
    reclaimer_->Note(from, to);
  };
  store_ = std::make_unique<Store>(options_.store);
  quiet_flush_ = std::make_unique<QuietFlush>(*store_);
  reclaimer_ = std::make_unique<Reclaimer>(
      *store_, [this](int level, const std::string& line) { Log(level, line); });
  feed_ = std::make_unique<ReplicationFeed>(
      store_->wal_archive(), wal_dir + "/" + kWalArchiveFolder, *clock_, options_.feed,
      [this](int level, const std::string& line) { Log(level, line); });
  StartFindings findings;
  Status status = CheckStart(*store_, options_.accept_data_loss, &findings);
  if (!status.ok()) return status;
  for (const std::string& warning : findings.warnings) Log(2, warning);
  status = store_->Open();
  if (!status.ok()) {
    // RocksDB names the last spelling that it tried for a missing table file.
    std::string message = status.message();
    for (size_t at; (at = message.find(".ldb")) != std::string::npos;) {
      message.replace(at, 4, ".sst");
    }
    if (message.find("LOCK: Resource temporarily unavailable") != std::string::npos) {
      return {status.code(), "cannot open the store in " + options_.store.dir + ": " +
                                 HolderOf(options_.store.dir + "/LOCK") + " has it open (" +
                                 message + ")"};
    }
    const bool is_full = message.find("No space left on device") != std::string::npos;
    return {status.code(),
            "cannot open the store in " + options_.store.dir + ": " + message +
                ". Nothing was changed or deleted. " +
                (is_full ? "Make room on the disk: what " + wal_dir + "/" + kWalArchiveFolder +
                               " holds is only there for replicas and archives"
                         : "Restore the named file, start from a snapshot, or "
                           "resync from a replica")};
  }
  if (status = NoteWalOwner(*store_); !status.ok()) return status;
  report_.created = findings.fresh;
  report_.clean_shutdown = findings.clean_shutdown;
  report_.wal_bytes = findings.wal_bytes;
  report_.torn_bytes = findings.torn_bytes;
  report_.recovered_seq = store_->LatestSeq();
  if (report_.recovered_seq < findings.synced_seq && !options_.accept_data_loss) {
    return Status::Corruption(
        LostGroupsText(options_.store.dir, report_.recovered_seq, findings.synced_seq));
  }

  StoreState state;
  bool fresh = false;
  if (status = LoadState(&state, &fresh); !status.ok()) return status;
  const bool lost = findings.power_lost ||
                    (options_.accept_data_loss && report_.recovered_seq < findings.synced_seq);
  log_ = std::make_unique<CommitLog>(*store_, *clock_, options_.sync);
  log_->SetEvents({
      .on_committed =
          [this](uint64_t seq) {
            if (listener_.on_committed) listener_.on_committed(seq);
          },
      .on_failed =
          [this](const Status& cause) {
            writes_allowed_ = false;
            {
              std::lock_guard lock(reason_mutex_);
              refuse_reason_ = "Errors writing to the AOF file: " + cause.message();
            }
            failed_ = true;
            keeper_wanted_.notify_all();
          },
  });
  log_->SetFeed(feed_.get());
  keyspace_ = std::make_unique<Keyspace>(*store_, *log_, options_.db_count, options_.shard_count);
  log_->Restart(std::move(state));
  keyspace_->MarkIncomplete();
  residency_ = std::make_unique<Residency>(*keyspace_);
  residency_->SetLimit(options_.memory_limit_bytes, options_.memory_policy, 5);
  readers_ = std::make_unique<Readers>(options_.reader_count);
  applier_ = std::make_unique<GroupApplier>(*keyspace_);
  if (options_.replica) SetReplica(true);
  NoteSnapshotCopyOpened(at.dir);
  if (status = BeginHistory(fresh, lost); !status.ok()) return status;
  RemoveReplaced(at.dir, wal_dir);
  status = WriteWatermark(store_->file_system(), options_.store.dir,
                          {log_->synced_seq(), false, BootId()});
  report_.open_ms = (clock_->MonotonicUs() - start_us) / 1000;
  return status;
}

// Commits the first group of a new store, or of a new history: when what others have seen may be
// gone here, sequences will be used again. What was recovered is a prefix of what was written, so
// the old id stays valid up to there. Else the new history waits for the first group: who writes
// nothing of its own can still go on as a replica. A replica's groups are its primary's.
Status Engine::BeginHistory(bool fresh, bool lost) {
  const bool from_snapshot = IsSnapshotCopy(options_.store.dir);
  const bool without_wal = options_.sync == SyncPolicy::kOff;
  if (!fresh && (options_.replica || !(lost || from_snapshot || without_wal))) {
    log_->PlanHistory(report_.recovered_seq);
    return Status::Ok();
  }
  uint64_t seq;
  if (fresh) {
    CommitLog::Join join(*log_);
    seq = join.SwapDbs(0, 0);  // the state row alone
  } else {
    seq = log_->RenewHistory(report_.recovered_seq);
    Log(lost ? 2 : 1, std::string(lost ? "The last run ended without a shutdown and groups may be "
                                         "missing"
                                  : from_snapshot ? "The data is a snapshot's"
                                                  : "The data was written without a log") +
                          ": it gets a new replication id");
  }
  if (!log_->CommitAndWait(seq)) return log_->failure();
  if (from_snapshot) EndSnapshotCopy(options_.store.dir);
  return Status::Ok();
}

Status Engine::LoadState(StoreState* state, bool* fresh) {
  std::string row;
  const Status status = store_->Get(kStateRowKey, Store::Tier::kDisk, &row);
  *fresh = status.IsNotFound();
  if (*fresh) {
    if (store_->LatestSeq() != 0) {
      return Status::Corruption("the store in " + options_.store.dir + " holds no state row");
    }
    *state = StoreState::Fresh(options_.db_count, NewReplicationId());
    return Status::Ok();
  }
  if (!status.ok()) return status;
  if (!ParseState(row, options_.db_count, state)) {
    return Status::Corruption(std::string("the state row ") + WhatIsWrongWithState(row));
  }
  return Status::Ok();
}

void Engine::StartThreads() {
  if (options_.keeper) keeper_ = std::thread([this] { KeeperMain(); });
  if (options_.warm_on_start && !report_.created) {
    gauges_.warming = true;
    may_remember_ = false;
  }
  if (options_.keeper || gauges_.warming) warmer_ = std::thread([this] { BackgroundMain(); });
}

bool Engine::WritesAllowed(std::string* reason) {
  if (writes_allowed_) return true;
  std::lock_guard lock(reason_mutex_);
  *reason = refuse_reason_;
  return false;
}

Status Engine::SetSyncPolicy(SyncPolicy policy) {
  const SyncPolicy old = log_->policy();
  if (old == policy) return Status::Ok();
  if (failed_) return Status::Busy("writing has failed, and the disk takes no writes again yet");
  if (old == SyncPolicy::kOff) {
    // What was written without a WAL must be in table files before the WAL goes on behind it.
    // Groups between the flush and the switch would leave a hole, so the shards are held.
    std::vector<std::unique_lock<std::mutex>> locks;
    for (uint32_t i = 0; i < keyspace_->shard_count(); ++i) {
      locks.emplace_back(keyspace_->shard(i).mutex);
    }
    log_->WaitIdle();
    if (Status status = store_->Flush(/*wait=*/true); !status.ok()) return status;
    log_->SetPolicy(policy);
    return Status::Ok();
  }
  log_->SetPolicy(policy);
  return policy == SyncPolicy::kOff ? Status::Ok() : log_->Sync();
}

// A flush that failed stops the store, as the next write would find.
Status Engine::FlushUnlogged() {
  if (log_->policy() != SyncPolicy::kOff) return Status::Ok();
  std::lock_guard tick_lock(tick_mutex_);
  if (!failed_) {
    const Status status = store_->Flush(/*wait=*/true);
    if (status.ok()) return status;
    log_->Fail(status);
  }
  return store_->Resume();
}

void Engine::SetDiskFreeMin(uint64_t bytes, double ratio) {
  disk_free_min_bytes_ = bytes;
  disk_free_min_ratio_ = ratio;
}

namespace {

// Whether the key, or an element of it, has expired.
bool IsDue(const Object& object, int64_t now_ms) {
  if (object.tombstone()) return false;
  if (object.has_expiry() && object.expire_at_ms() <= now_ms) return true;
  if (!object.elements_expire()) return false;
  const int64_t first_ms = ElementExpiryOf(object).first_ms;
  return first_ms != kNoExpiry && first_ms <= now_ms;
}

}  // namespace

// Deletes the key, or its elements that have expired.
bool Engine::DeleteExpired(uint32_t db, const std::string& key) {
  KeyRef ref(db, key);
  ref.head_only = true;  // of a hash whose fields expire everything is read
  Tx tx(*keyspace_, {&ref, 1}, clock_->WallMs(), {.write = true, .give_way = true});
  if (tx.state() != Tx::State::kReady) return false;
  const Object* object = tx.Peek(key);
  if (object != nullptr && object->elements_expire()) HashKey(tx, key, object);
  return tx.change_count() > 0;
}

// No client's turn does it: replicas, and who is told of expired keys, wait for it.
void Engine::CommitExpired(size_t count) {
  if (count > 0) (void)log_->Commit(log_->joined_seq());
}

size_t Engine::ExpireSome(size_t key_count_max) {
  if (!active_expire_ || paused_ || is_replica() || keyspace_->expiry_held() || !writes_allowed_ ||
      keyspace_->long_hold()) {
    return 0;
  }
  size_t expired = 0;
  const int64_t now_ms = clock_->WallMs();
  std::vector<std::pair<uint32_t, std::string>> due;
  std::vector<uint64_t> expiring(keyspace_->db_count());
  uint64_t any = 0;
  for (uint32_t db = 0; db < keyspace_->db_count(); ++db) {
    any += expiring[db] = log_->ExpiryCount(db);
  }
  const bool elements_expire = keyspace_->elements_expire();
  if (any == 0 && !elements_expire) return 0;
  for (uint32_t turn = 0; turn < keyspace_->shard_count() && due.size() < key_count_max; ++turn) {
    Shard& shard = keyspace_->shard(expire_shard_++ % keyspace_->shard_count());
    std::lock_guard lock(shard.mutex);
    for (uint32_t db = 0; db < keyspace_->db_count(); ++db) {
      Table* table = shard.dbs[db].table.get();
      if (table == nullptr || (expiring[db] == 0 && !elements_expire)) continue;
      table->SweepExpiring(&shard.dbs[db].expire_hand, key_count_max, [&](Object* object) {
        if (IsDue(*object, now_ms)) due.emplace_back(db, object->key());
        return SweepAction::kKeep;
      });
    }
  }
  for (const auto& [db, key] : due) expired += DeleteExpired(db, key);
  CommitExpired(expired);
  return expired;
}

Status Engine::Shutdown() {
  {
    std::lock_guard lock(keeper_mutex_);
    if (shut_down_) return Status::Ok();
    shut_down_ = stopping_ = true;
  }
  keeper_wanted_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (warmer_.joinable()) warmer_.join();
  if (log_ == nullptr) return Status::Ok();  // never opened
  readers_->Stop();
  Status status = log_->failure();
  if (log_->accepting()) {
    if (may_remember_) {
      if (Status remembered = RememberHotKeys(); !remembered.ok()) {
        Log(2, "cannot remember the hot keys: " + remembered.message());
      }
    }
    // What expired in the last turn may still wait in the open group.
    (void)log_->CommitAndWait(log_->joined_seq());
  }
  if (log_->policy() == SyncPolicy::kOff) {
    status = FlushUnlogged();
  } else if (log_->accepting()) {
    status = log_->Sync();
  }
  log_->Stop();
  const bool is_flushed = log_->policy() == SyncPolicy::kOff && status.ok();
  const uint64_t synced_seq = is_flushed ? log_->committed_seq() : log_->synced_seq();
  const Status closed = CloseStore();
  reclaimer_->Stop();
  if (status.ok()) status = closed;
  if (status.ok()) {
    status =
        WriteWatermark(store_->file_system(), options_.store.dir, {synced_seq, true, BootId()});
  }
  return status;
}

Status Engine::CloseStore() {
  const uint64_t compactions = store_->IntProperty("rocksdb.num-running-compactions");
  const uint64_t flushes = store_->IntProperty("rocksdb.num-running-flushes");
  store_->CancelCompactions();
  if (compactions + flushes > 0) {
    Log(1, "Closing the store: " + std::to_string(compactions) + " compactions are cancelled, " +
               std::to_string(flushes) + " flushes end first");
  }
  const int64_t start_us = clock_->MonotonicUs();
  const Status status = store_->Close();
  Log(1, "The store was closed in " + std::to_string((clock_->MonotonicUs() - start_us) / 1000) +
             " ms");
  return status;
}

}  // namespace hearth
