#pragma once

// Store: the embedded RocksDB, opened the way Hearth needs it.
//
// One column family, an append memtable, one writer (the commit leader) and many readers. The
// store is the truth: what Write returned Ok for is what every later read answers. After a failed
// write or sync it takes no further write until Reopen: RocksDB 7.8 can neither resume nor retry
// after such an error.
//
// Thread:   Write from one thread at a time; everything else from any.
// Lifetime: StoreRead handles (iterators, snapshots) must end before Close.
// Errors:   Status; never an exception, never an abort for a full disk (own info log).

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/status.h"
#include "engine/wal_archive.h"

namespace hearth {

struct StoreOptions {
  std::string dir;
  std::string wal_dir;                        // empty = dir
  size_t write_buffer_size_bytes = 64 << 20;  // one memtable
  size_t block_cache_size_bytes = 64 << 20;
  int memtable_count_max = 6;
  int open_files_max = 512;
  int compaction_thread_count = 1;
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null = the real one
  // Receives RocksDB's own log lines (level 0 debug .. 4 fatal); called from any thread.
  std::function<void(int level, const std::string& line)> log;
  // Told of each range deletion that was written; called by the writer.
  std::function<void(std::string_view from, std::string_view to)> on_range_dropped;
};

class Store {
 public:
  explicit Store(StoreOptions options);
  ~Store();

  // Opens or creates. Requires: what is on disk passed the start check.
  Status Open();
  // Ends running compactions without their result. After it only reads and Close.
  void CancelCompactions();
  // Syncs the WAL and closes; waits for a running flush, never for a compaction. Open iterators
  // must be gone. After a failed write it closes without a sync, and says so.
  Status Close();
  // Closes, lets exchange put other files there, and opens them. Open iterators must be gone.
  // When exchange fails the store stays closed until Reopen.
  Status Exchange(const std::function<Status()>& exchange);
  // Closes a store that failed and opens it again: the only way on after a write or sync error.
  // min_seq: what it holds at least; an older one is closed again. When its files are away, or are
  // another store's, what is open stays open for reads.
  Status Reopen(uint64_t min_seq = 0);
  // The same after a flush that failed while nothing was written to the log: what memory still has
  // is flushed before, else the store stays as it is. Not every error passes.
  Status Resume();

  // Writes one group as one WAL record and one memtable insertion.
  Status Write(rocksdb::WriteBatch* batch, bool use_wal, bool sync);
  // Makes everything written so far survive a power loss. An error after a failed write, too.
  Status SyncWal();
  // Starts (or awaits) the flush of the memtable.
  Status Flush(bool wait);

  enum class Tier { kMemoryOnly, kDisk };
  // kMemoryOnly: Busy when the answer needs the disk. NotFound when there is no such row.
  Status Get(std::string_view row_key, Tier tier, std::string* row_value);
  // The newest committed sequence that a read started now sees at least.
  uint64_t LatestSeq();
  // Calls visit for rows in [from, to) in order, from a consistent view, until it returns false.
  // *seq is the sequence of that view. A read error is never a short result.
  Status Scan(std::string_view from, std::string_view to, uint64_t* seq,
              const std::function<bool(std::string_view key, std::string_view value)>& visit);

  // The same for several ranges [from, to), ascending, in one view.
  struct Range {
    std::string from, to;
  };
  Status ScanRanges(const std::vector<Range>& ranges, uint64_t* seq,
                    const std::function<void(std::string_view key, std::string_view value)>& visit);

  // What the table files hold of a range, about.
  uint64_t ApproximateBytes(const Range& range);
  uint64_t LevelZeroBytes();
  // Rewrites what the files hold of a range, without what was deleted. Takes long; ends with an
  // error when the store fails, or is to be closed.
  Status CompactRange(const Range& range);

  // Every change up to this sequence stands in a table file.
  uint64_t flushed_seq() const { return flushed_seq_.load(std::memory_order_acquire); }
  // Memtables that wait for their flush; writers are slowed as it grows.
  int unflushed_memtable_count();
  uint64_t IntProperty(const std::string& name);
  std::string StringProperty(const std::string& name);

  rocksdb::FileSystem* file_system() const { return file_system_.get(); }
  const std::shared_ptr<WalArchive>& wal_archive() const { return wal_archive_; }
  const StoreOptions& options() const { return options_; }
  // Under the guard the database may not be closed.
  std::shared_lock<std::shared_mutex> Guard() { return std::shared_lock(mutex_); }
  rocksdb::DB* db() { return db_.get(); }

 private:
  class NamedRows;
  class Listener;
  class InfoLog;
  rocksdb::Options BuildOptions();
  Status OpenLocked(bool create);
  Status CheckFiles();
  Status SyncLocked();
  void EndManualCompactions();

  StoreOptions options_;
  std::shared_ptr<WalArchive> wal_archive_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;  // the archive over the given one
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<rocksdb::Cache> block_cache_;
  std::shared_mutex mutex_;  // exclusive only to open and close
  std::unique_ptr<rocksdb::DB> db_;
  std::string identity_;  // of what was opened last
  std::atomic<uint64_t> flushed_seq_{0};
  // 7.8.3 asserts that a log whose append failed is not synced again.
  std::atomic<bool> log_failed_{false};
};

// Several reads of one consistent view. The store may not be closed while it lives.
class StoreView {
 public:
  explicit StoreView(Store& store);
  ~StoreView();
  StoreView(const StoreView&) = delete;
  StoreView& operator=(const StoreView&) = delete;

  // What the view holds: everything up to this sequence.
  uint64_t seq() const { return seq_; }
  Status Get(std::string_view row_key, std::string* row_value);
  // As Store::Scan. read_ahead_bytes: how much of a file is read at once; 0 = little at first, then
  // more and more.
  Status Scan(std::string_view from, std::string_view to,
              const std::function<bool(std::string_view key, std::string_view value)>& visit,
              size_t read_ahead_bytes = 0);

 private:
  std::shared_lock<std::shared_mutex> lock_;
  rocksdb::DB* db_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
  uint64_t seq_ = 0;
};

Status FromRocks(const rocksdb::Status& status);

}  // namespace hearth
