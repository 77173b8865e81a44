// Tested by tests/engine/commit_log_test.cc.
#include "engine/commit_log.h"

#include <algorithm>
#include <chrono>

#include "engine/check.h"
#include "engine/lock_soon.h"
#include "engine/replication_feed.h"

namespace hearth {
namespace {

// While a sync takes longer than this, workers do not write themselves: a write may wait for it.
constexpr int64_t kSlowSyncUs = 20'000;
// How long a worker waits for another leader before it holds its replies instead.
constexpr auto kLeaderWaitMax = std::chrono::milliseconds(20);
// Memtables waiting for their flush before writers are slowed, and the delay each more costs.
constexpr int kUnflushedFree = 3;
constexpr int kPaceEveryGroups = 16;
constexpr auto kPaceStep = std::chrono::microseconds(500);

}  // namespace

CommitLog::CommitLog(Store& store, const Clock& clock, SyncPolicy policy)
    : store_(store),
      clock_(clock),
      policy_(policy),
      open_(std::make_unique<OpenGroup>()),
      spare_(std::make_unique<OpenGroup>()) {
  committer_ = std::thread([this] { CommitterMain(); });
}

CommitLog::~CommitLog() {
  Stop();
}

void CommitLog::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wanted_.notify_all();
  committer_.join();
}

void CommitLog::Restart(StoreState state) {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !writing_; });
  TakeState(std::move(state));
  const uint64_t seq = store_.LatestSeq();
  next_seq_ = seq + 1;
  requested_seq_ = 0;
  rewound_ = rewound_ || seq < committed_seq_;
  committed_seq_ = seq;
  synced_seq_ = seq;
  failure_ = Status::Ok();
  accepting_ = true;
  if (feed_ != nullptr) feed_->Restart(seq);
}

void CommitLog::TakeState(StoreState state) {
  if (db_ids_.size() != state.dbs.size()) {
    db_ids_ = std::vector<std::atomic<uint32_t>>(state.dbs.size());
    counts_ = std::vector<Counts>(state.dbs.size());
  }
  for (size_t i = 0; i < state.dbs.size(); ++i) db_ids_[i] = state.dbs[i].id;
  committed_state_ = state_ = std::move(state);
  for (uint32_t i = 0; i < counts_.size(); ++i) PublishCounts(i);
  open_->batch.Reset();
}

void CommitLog::PublishCounts(uint32_t db) {
  counts_[db].keys.store(state_.dbs[db].keys, std::memory_order_relaxed);
  counts_[db].expires.store(state_.dbs[db].expires, std::memory_order_relaxed);
}

void CommitLog::DropUncommitted() {
  std::lock_guard lock(mutex_);
  HEARTH_CHECK(!writing_ && !accepting());
  StoreState state = committed_state_;
  TakeState(std::move(state));
  next_seq_ = committed_seq() + 1;
}

void CommitLog::SetPolicy(SyncPolicy policy) {
  std::lock_guard lock(mutex_);
  policy_ = policy;
}

void CommitLog::Join::LetGo() {
  if (!lock_.owns_lock()) return;
  log_.held_ = true;
  lock_.unlock();
}

void CommitLog::Join::EndHold() {
  lock_.lock();
  log_.held_ = false;
  log_.written_.notify_all();
  if (log_.requested_seq_ > log_.committed_seq()) log_.wanted_.notify_one();
}

uint64_t CommitLog::Join::Put(std::string_view key_a, std::string_view key_b,
                              std::string_view value_a, std::string_view value_b) {
  const auto lock = LockAgain();
  log_.NoteRow();
  log_.open_->batch.AppendPut(key_a, key_b, value_a, value_b);
  return log_.next_seq_++;
}

uint64_t CommitLog::Join::PutElement(std::string_view prefix, std::string_view element,
                                     uint8_t version, std::string_view value_a,
                                     std::string_view value_b) {
  const auto lock = LockAgain();
  const std::string_view head(reinterpret_cast<const char*>(&version), 1);
  log_.NoteRow();
  log_.open_->batch.AppendPut(prefix, element, head, value_a, value_b);
  return log_.next_seq_++;
}

uint64_t CommitLog::Join::Delete(std::string_view key_a, std::string_view key_b) {
  const auto lock = LockAgain();
  const rocksdb::Slice key[2] = {{key_a.data(), key_a.size()}, {key_b.data(), key_b.size()}};
  log_.NoteRow();
  HEARTH_CHECK(log_.open_->batch.Delete(nullptr, rocksdb::SliceParts(key, 2)).ok());
  return log_.next_seq_++;
}

uint64_t CommitLog::Join::DeleteRange(std::string_view from, std::string_view to) {
  const auto lock = LockAgain();
  log_.NoteRow();
  HEARTH_CHECK(log_.open_->batch
                   .DeleteRange(rocksdb::Slice(from.data(), from.size()),
                                rocksdb::Slice(to.data(), to.size()))
                   .ok());
  return log_.next_seq_++;
}

void CommitLog::Join::Count(uint32_t db, int64_t keys, int64_t expires) {
  const auto lock = LockAgain();
  log_.state_.dbs[db].keys += static_cast<uint64_t>(keys);
  log_.state_.dbs[db].expires += static_cast<uint64_t>(expires);
  log_.PublishCounts(db);
}

uint32_t CommitLog::Join::RenewDb(uint32_t db) {
  const auto lock = LockAgain();
  const uint32_t old_id = log_.state_.dbs[db].id;
  log_.state_.dbs[db] = {log_.state_.next_db_id++, 0, 0};
  log_.db_ids_[db] = log_.state_.dbs[db].id;
  log_.PublishCounts(db);
  return old_id;
}

uint64_t CommitLog::Join::SwapDbs(uint32_t a, uint32_t b) {
  const auto lock = LockAgain();
  log_.NotePlace();
  std::swap(log_.state_.dbs[a], log_.state_.dbs[b]);
  log_.db_ids_[a] = log_.state_.dbs[a].id;
  log_.db_ids_[b] = log_.state_.dbs[b].id;
  log_.PublishCounts(a);
  log_.PublishCounts(b);
  return log_.AppendStateRow();
}

// A row joins.
void CommitLog::NoteRow() {
  state_.written = true;
  NotePlace();
}

void CommitLog::NotePlace() {
  const StreamPlace* place = StreamScope::Current();
  if (place != nullptr) [[unlikely]] {
    state_.place = *place;
  } else if (!state_.place.id.empty()) [[unlikely]] {
    state_.place = {};
  }
}

uint64_t CommitLog::SetStreamPlace(StreamPlace place) {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !held_; });
  state_.place = std::move(place);
  return AppendStateRow();
}

void CommitLog::ForgetStreamPlace() {
  std::lock_guard lock(mutex_);
  state_.place = {};
}

StreamPlace CommitLog::stream_place() const {
  std::lock_guard lock(mutex_);
  return state_.place;
}

Lineage CommitLog::ReadLineage() const {
  Lineage lineage;
  std::string row;
  if (!store_.Get(kLineageRowKey, Store::Tier::kDisk, &row).ok() || !ParseLineage(row, &lineage)) {
    lineage.ancestors.clear();
  }
  return lineage;
}

void CommitLog::PlanHistory(uint64_t shared_seq) {
  Lineage lineage = ReadLineage();
  std::lock_guard lock(mutex_);
  const History& before = state_.history;
  lineage.Add(before.id, shared_seq);
  next_history_.emplace(before.Renewed(NewReplicationId(), shared_seq), EncodeLineage(lineage));
}

uint64_t CommitLog::RenewHistory(uint64_t shared_seq) {
  PlanHistory(shared_seq);
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !held_; });
  return AppendStateRow();
}

uint64_t CommitLog::AppendStateRow() {
  state_.commit_ms = static_cast<uint64_t>(clock_.WallMs());
  state_row_.clear();
  AppendState(&state_row_, state_);
  open_->batch.AppendPut(kStateRowKey, {}, state_row_, {});
  return next_seq_++;
}

// The mutex, for those who take it all the time and hold it for a row.
std::unique_lock<std::mutex> CommitLog::Lock() {
  return LockSoon(mutex_, [] { return false; }) ? std::unique_lock(mutex_, std::adopt_lock)
                                                : std::unique_lock(mutex_);
}

// Writes the open group. Requires: the lock; nobody writes, or holds a turn. False when the log has
// failed.
bool CommitLog::LeadOnce(std::unique_lock<std::mutex>& lock) {
  HEARTH_CHECK(open_->batch.Count() > 0 && !held_);
  if (next_history_) [[unlikely]] {
    open_->batch.AppendPut(kLineageRowKey, {}, next_history_->second, {});
    ++next_seq_;
    state_.history = next_history_->first;
  }
  open_->last_seq = AppendStateRow();
  std::unique_ptr<OpenGroup> group = std::move(open_);
  open_ = std::move(spare_);
  group->state = state_;
  const SyncPolicy policy = policy_;
  writing_ = true;
  waiting_bytes_ = 0;
  lock.unlock();

  const int64_t start_us = clock_.MonotonicUs();
  const Status status =
      store_.Write(&group->batch, policy != SyncPolicy::kOff, policy == SyncPolicy::kAlways);
  const int64_t took_us = clock_.MonotonicUs() - start_us;

  lock.lock();
  writing_ = false;
  counters_.groups.fetch_add(1, std::memory_order_relaxed);
  counters_.rows.fetch_add(group->batch.Count(), std::memory_order_relaxed);
  counters_.bytes.fetch_add(group->batch.GetDataSize(), std::memory_order_relaxed);
  if (took_us > counters_.write_us_max) counters_.write_us_max = took_us;
  const uint64_t last_seq = group->last_seq;
  if (status.ok()) {
    std::swap(committed_state_, group->state);
    if (next_history_ && next_history_->first == committed_state_.history) next_history_.reset();
  }
  HEARTH_CHECK(!status.ok() || store_.LatestSeq() == last_seq);
  if (status.ok()) Publish(group.get());
  const bool keep = group->batch.GetDataSize() <= kSpareBatchBytesMax;
  if (keep) group->batch.Reset();
  spare_ = keep ? std::move(group) : std::make_unique<OpenGroup>();
  if (!status.ok()) {
    written_.notify_all();
    FailLocked(lock, status);
    return false;
  }
  committed_seq_.store(last_seq, std::memory_order_release);
  if (policy == SyncPolicy::kAlways) synced_seq_.store(last_seq, std::memory_order_release);
  written_.notify_all();
  if (requested_seq_ > last_seq) wanted_.notify_one();
  const bool notify = notify_ && events_.on_committed;
  if (notify) notify_ = requested_seq_ > last_seq;  // somebody still waits for a later group
  const bool feed_wanted = feed_ != nullptr && feed_->wants_notice();
  if (notify || feed_wanted) {
    lock.unlock();
    if (notify) events_.on_committed(last_seq);
    if (feed_wanted) feed_->Notify();
    lock.lock();
  }
  return true;
}

// Gives a written group to the feed: its bytes when somebody wants them.
void CommitLog::Publish(OpenGroup* written) {
  if (feed_ == nullptr) return;
  if (!feed_->active()) return feed_->CommitSeq(written->last_seq);
  auto group = std::make_shared<Group>();
  group->count = static_cast<uint32_t>(written->batch.Count());
  group->first_seq = written->last_seq - group->count + 1;
  group->payload = written->batch.TakePayload();
  PutFixed64(group->payload.data(), group->first_seq);
  feed_->Commit(std::move(group));
}

Status CommitLog::WriteGroup(const std::shared_ptr<const Group>& group, StoreState state) {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !writing_; });
  if (!accepting()) return failure_;
  if (open_->batch.Count() != 0) return Status::Invalid("a replica has rows of its own");
  if (group->first_seq != committed_seq() + 1) {
    return Status::Invalid("group " + std::to_string(group->first_seq) + " does not follow on " +
                           std::to_string(committed_seq()));
  }
  const SyncPolicy policy = policy_;
  writing_ = true;
  lock.unlock();

  const int64_t start_us = clock_.MonotonicUs();
  RowBatch batch(group->payload);
  const Status status =
      store_.Write(&batch, policy != SyncPolicy::kOff, policy == SyncPolicy::kAlways);
  const int64_t took_us = clock_.MonotonicUs() - start_us;

  lock.lock();
  writing_ = false;
  counters_.groups.fetch_add(1, std::memory_order_relaxed);
  counters_.applied.fetch_add(1, std::memory_order_relaxed);
  counters_.rows.fetch_add(group->count, std::memory_order_relaxed);
  counters_.bytes.fetch_add(group->payload.size(), std::memory_order_relaxed);
  if (took_us > counters_.write_us_max) counters_.write_us_max = took_us;
  written_.notify_all();
  if (!status.ok()) {
    FailLocked(lock, status);
    return status;
  }
  HEARTH_CHECK(store_.LatestSeq() == group->last_seq());
  TakeState(std::move(state));
  next_history_.reset();
  next_seq_ = group->last_seq() + 1;
  committed_seq_.store(group->last_seq(), std::memory_order_release);
  if (policy == SyncPolicy::kAlways) synced_seq_.store(committed_seq(), std::memory_order_release);
  if (feed_ == nullptr) return status;
  if (feed_->active()) {
    feed_->Commit(group);
  } else {
    feed_->CommitSeq(group->last_seq());
  }
  lock.unlock();
  feed_->Notify();
  return status;
}

CommitOutcome CommitLog::Commit(uint64_t barrier) {
  uint64_t committed = committed_seq();
  if (barrier <= committed) return {committed, false};
  std::unique_lock lock = Lock();
  std::chrono::steady_clock::time_point deadline;  // of the first wait on
  bool waited_out = false;
  if (rewound_) [[unlikely]]
    barrier = std::min(barrier, next_seq_ - 1);
  while ((committed = committed_seq()) < barrier) {
    if (!accepting()) return {committed, true};
    const int64_t sync_us = sync_started_us_.load(std::memory_order_relaxed);
    const bool hand_over = policy_ == SyncPolicy::kAlways || waited_out || held_ ||
                           (sync_us != 0 && clock_.MonotonicUs() - sync_us > kSlowSyncUs);
    if (hand_over) {
      requested_seq_ = std::max(requested_seq_, barrier);
      notify_ = true;
      waiting_bytes_ = open_->batch.GetDataSize();
      if (policy_ != SyncPolicy::kAlways) counters_.stalls.fetch_add(1, std::memory_order_relaxed);
      wanted_.notify_one();
      return {committed, false};
    }
    if (!writing_) {
      if (!LeadOnce(lock)) return {committed_seq(), true};
    } else {
      const bool first_wait = deadline == std::chrono::steady_clock::time_point();
      if (first_wait) deadline = std::chrono::steady_clock::now() + kLeaderWaitMax;
      waited_out = written_.wait_until(lock, deadline) == std::cv_status::timeout;
    }
  }
  lock.unlock();
  PaceWriters();
  return {committed, false};
}

bool CommitLog::CommitAndWait(uint64_t seq) {
  std::unique_lock lock(mutex_);
  if (rewound_) seq = std::min(seq, next_seq_ - 1);
  while (committed_seq() < seq) {
    if (!accepting()) return false;
    if (writing_ || held_) {
      written_.wait(lock);
    } else if (!LeadOnce(lock)) {
      return false;
    }
  }
  return true;
}

uint64_t CommitLog::joined_seq() const {
  std::lock_guard lock(mutex_);
  return next_seq_ - 1;
}

void CommitLog::PaceWriters() {
  if (counters_.groups.load(std::memory_order_relaxed) % kPaceEveryGroups != 0) return;
  const int over = store_.unflushed_memtable_count() - kUnflushedFree;
  if (over <= 0) return;
  counters_.delayed.fetch_add(1, std::memory_order_relaxed);
  std::this_thread::sleep_for(kPaceStep * (1 << std::min(over, 5)));
}

void CommitLog::CommitterMain() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [this] {
      return stopping_ || (requested_seq_ > committed_seq() && accepting() && !writing_ && !held_);
    });
    if (stopping_) return;
    (void)LeadOnce(lock);
  }
}

void CommitLog::FailLocked(std::unique_lock<std::mutex>& lock, const Status& cause) {
  if (!accepting_.exchange(false)) return;
  failure_ = cause;
  written_.notify_all();
  const auto on_failed = events_.on_failed;
  lock.unlock();
  if (on_failed) on_failed(cause);
  lock.lock();
}

void CommitLog::Fail(const Status& cause) {
  std::unique_lock lock(mutex_);
  FailLocked(lock, cause);
}

void CommitLog::WaitIdle() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !writing_; });
}

Status CommitLog::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

Status CommitLog::Sync() {
  const uint64_t seq = committed_seq();
  if (seq == synced_seq() || policy() == SyncPolicy::kOff) return Status::Ok();
  const int64_t start_us = clock_.MonotonicUs();
  sync_started_us_ = start_us;
  const Status status = store_.SyncWal();
  sync_started_us_ = 0;
  counters_.syncs.fetch_add(1, std::memory_order_relaxed);
  counters_.sync_us_last = clock_.MonotonicUs() - start_us;
  if (!status.ok()) {
    Fail(status);
    return status;
  }
  uint64_t synced = synced_seq();
  while (synced < seq && !synced_seq_.compare_exchange_weak(synced, seq)) {
  }
  return status;
}

History CommitLog::history() const {
  std::lock_guard lock(mutex_);
  return committed_state_.history;
}

StoreState CommitLog::CommittedState() const {
  std::lock_guard lock(mutex_);
  return committed_state_;
}

}  // namespace hearth
