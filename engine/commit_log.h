#pragma once

// CommitLog: gathers the rows of all transactions in execution order and writes them to the store
// in groups: one group = one WriteBatch = one WAL record.
//
// A transaction joins while it holds its shard locks, so log order is execution order; each row's
// sequence number is known as it joins, because the commit leader is the store's only writer. At
// the end of its turn a worker calls Commit: it becomes the leader and writes the group, or waits
// for the leader that is writing. With `always`, or while the disk is slow, the committer thread
// leads instead and Commit returns at once: the worker holds the replies until OnCommitted. So it
// is while a transaction that takes long (a script) has let go of the log between its rows.
//
// Thread:   any. Joiners hold shard locks; Commit is called without any.
// Errors:   the first failed write or sync fails the log: nothing above committed_seq() was or
//           will be acknowledged, joins are refused, until Restart after the store was reopened.
// Limits:   a group holds at most what the workers joined in one turn each; writers are slowed
//           (PacingDelayUs) while memtables wait for their flush.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/clock.h"
#include "engine/group.h"
#include "engine/row_batch.h"
#include "engine/rows.h"
#include "engine/status.h"
#include "engine/store.h"

namespace hearth {

class ReplicationFeed;

enum class SyncPolicy : uint8_t {
  kOff,       // appendonly no: no WAL
  kNo,        // the system decides when the WAL reaches the disk
  kEverySec,  // synced once a second
  kAlways,    // synced before the reply
};

struct CommitOutcome {
  uint64_t committed_seq = 0;  // replies that wait for at most this may leave
  bool failed = false;
};

class CommitLog {
 public:
  struct Events {
    // Groups up to seq are committed and somebody was told to wait. Any thread.
    std::function<void(uint64_t seq)> on_committed;
    // The log has failed: nothing above committed_seq was kept. Once a failure; any thread.
    std::function<void(const Status& cause)> on_failed;
  };

  CommitLog(Store& store, const Clock& clock, SyncPolicy policy);
  ~CommitLog();

  // Takes over the store's state (counts, ids) and sequence. Requires: the store is open.
  void Restart(StoreState state);
  void SetEvents(Events events) { events_ = std::move(events); }
  // From kOff to another policy the caller flushes the store first.
  void SetPolicy(SyncPolicy policy);
  const Clock& clock() const { return clock_; }
  SyncPolicy policy() const { return policy_.load(std::memory_order_relaxed); }
  void Stop();

  // A transaction's turn at the log; holds the log's mutex, so that all its rows are in one group.
  class Join {
   public:
    explicit Join(CommitLog& log) : log_(log), lock_(log.mutex_, std::try_to_lock) {
      if (!lock_.owns_lock()) [[unlikely]]
        lock_ = log.Lock();
      if (log.held_) [[unlikely]]
        log.written_.wait(lock_, [&log] { return !log.held_; });
    }
    ~Join() {
      if (!lock_.owns_lock()) [[unlikely]]
        EndHold();
    }
    Join(const Join&) = delete;
    Join& operator=(const Join&) = delete;
    // The transaction takes long: from now on its turn is held by a flag, no group is written until
    // it ends, and who would wait for one is not kept waiting for the mutex.
    void LetGo();
    // The row's key and value, each in two parts. Returns the row's sequence number.
    uint64_t Put(std::string_view key_a, std::string_view key_b, std::string_view value_a,
                 std::string_view value_b);
    // An element's row: its value is a version byte and two parts.
    uint64_t PutElement(std::string_view prefix, std::string_view element, uint8_t version,
                        std::string_view value_a, std::string_view value_b);
    uint64_t Delete(std::string_view key_a, std::string_view key_b);
    uint64_t DeleteRange(std::string_view from, std::string_view to);
    // Changes the counts of a database by index.
    void Count(uint32_t db, int64_t keys, int64_t expires);
    // Gives the database a new id; counts become zero. Returns the old id.
    uint32_t RenewDb(uint32_t db);
    uint64_t SwapDbs(uint32_t a, uint32_t b);
    // The sequence number that the next row will get: unique, so it serves as an object id.
    uint64_t next_seq() const { return log_.next_seq_; }

   private:
    // The mutex for a row of a Join that has let go of it.
    std::unique_lock<std::mutex> LockAgain() {
      return lock_.owns_lock() ? std::unique_lock<std::mutex>()
                               : std::unique_lock<std::mutex>(log_.mutex_);
    }
    void EndHold();

    CommitLog& log_;
    std::unique_lock<std::mutex> lock_;
  };

  // Commits at least everything up to barrier, or hands it to the committer thread.
  CommitOutcome Commit(uint64_t barrier);

  // Commits everything up to seq on this thread, whatever the policy. False when the log failed.
  bool CommitAndWait(uint64_t seq);
  // The last row that joined.
  uint64_t joined_seq() const;

  uint64_t committed_seq() const { return committed_seq_.load(std::memory_order_acquire); }
  // Synced to the disk up to here.
  uint64_t synced_seq() const { return synced_seq_.load(std::memory_order_acquire); }
  // Bytes of rows that wait for a leader, as of the last turn that had to hold its replies: what a
  // disk that stands still leaves in memory.
  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }
  bool sync_runs() const { return sync_started_us_.load(std::memory_order_relaxed) != 0; }
  // False from a failure until Restart.
  bool accepting() const { return accepting_.load(std::memory_order_acquire); }
  Status failure() const;
  // Drops what was joined but not committed; ids and counts become the committed ones.
  // Requires: the log has failed and is idle; every shard is locked.
  void DropUncommitted();
  // Returns once no leader is writing.
  void WaitIdle();

  // With all joined rows; may be asked within a Join.
  uint64_t KeyCount(uint32_t db) const { return counts_[db].keys.load(std::memory_order_relaxed); }
  uint64_t ExpiryCount(uint32_t db) const {
    return counts_[db].expires.load(std::memory_order_relaxed);
  }
  uint32_t DbId(uint32_t db) const { return db_ids_[db].load(std::memory_order_acquire); }
  // As of the last committed group.
  StoreState CommittedState() const;
  std::string replication_id() const { return history().id; }
  History history() const;
  // The ids before the history's, as committed. May read the disk. None when the read fails.
  Lineage ReadLineage() const;
  // The next group that this server writes begins a new id; the old one stays valid up to
  // shared_seq. Another server's group takes the plan back. May read the disk.
  void PlanHistory(uint64_t shared_seq);
  // The same with a group that is not waited for. Returns a sequence of it.
  uint64_t RenewHistory(uint64_t shared_seq);
  // What is joined is what the stream makes up to the place. Returns the sequence that holds it.
  uint64_t SetStreamPlace(StreamPlace place);
  // With all joined rows.
  StreamPlace stream_place() const;
  void ForgetStreamPlace();

  // Writes a group of another server's log, verbatim; state is what its state row says. The bytes
  // go on to the feed. Requires: validated (group.h); nobody joins meanwhile.
  // Errors: Invalid when it does not follow on committed_seq; else the log has failed.
  Status WriteGroup(const std::shared_ptr<const Group>& group, StoreState state);
  // Where committed groups go. Set before the first commit.
  void SetFeed(ReplicationFeed* feed) { feed_ = feed; }

  // Syncs what is committed; the everysec thread and SHUTDOWN call it. Fails the log on error.
  Status Sync();
  // Fails the log from outside (a background error of the store).
  void Fail(const Status& cause);

  struct Counters {
    std::atomic<uint64_t> groups{0}, rows{0}, bytes{0}, syncs{0}, delayed{0};
    std::atomic<uint64_t> applied{0};  // groups of another server
    std::atomic<uint64_t> stalls{0};   // turns that held their replies because the disk was slow
    std::atomic<int64_t> sync_us_last{0}, write_us_max{0};
  };
  const Counters& counters() const { return counters_; }

 private:
  struct OpenGroup {
    RowBatch batch;
    uint64_t last_seq = 0;
    StoreState state;  // after the group
  };

  std::unique_lock<std::mutex> Lock();
  bool LeadOnce(std::unique_lock<std::mutex>& lock);
  uint64_t AppendStateRow();
  void NoteRow();
  void NotePlace();
  void TakeState(StoreState state);
  void Publish(OpenGroup* group);
  void FailLocked(std::unique_lock<std::mutex>& lock, const Status& cause);
  void CommitterMain();
  void PaceWriters();

  Store& store_;
  const Clock& clock_;
  Events events_;
  ReplicationFeed* feed_ = nullptr;
  std::atomic<SyncPolicy> policy_;

  mutable std::mutex mutex_;
  std::condition_variable written_;  // a leader has finished, or a held turn has ended
  std::condition_variable wanted_;   // the committer thread has work
  std::unique_ptr<OpenGroup> open_;  // joined, not yet written
  std::unique_ptr<OpenGroup> spare_;
  StoreState state_;  // with all joined rows
  StoreState committed_state_;
  std::string state_row_;  // its memory is reused
  uint64_t next_seq_ = 1;
  uint64_t requested_seq_ = 0;
  bool writing_ = false;
  bool held_ = false;  // by a Join that has let go of the mutex
  bool notify_ = false;
  bool rewound_ = false;  // the store was exchanged: older barriers may name what never was
  bool stopping_ = false;
  Status failure_;

  std::atomic<uint64_t> committed_seq_{0};
  std::atomic<uint64_t> synced_seq_{0};
  std::atomic<size_t> waiting_bytes_{0};
  std::atomic<int64_t> sync_started_us_{0};  // 0 = no sync runs
  std::atomic<bool> accepting_{false};
  // What state_ says, to be read without the mutex.
  struct Counts {
    std::atomic<uint64_t> keys{0}, expires{0};
  };
  void PublishCounts(uint32_t db);
  // A history that is to begin, and its lineage's row: until their group is written.
  std::optional<std::pair<History, std::string>> next_history_;
  std::vector<Counts> counts_;
  std::vector<std::atomic<uint32_t>> db_ids_;
  Counters counters_;
  std::thread committer_;
};

}  // namespace hearth
