#pragma once

// WalArchive: keeps WAL files that RocksDB is done with, for replicas that lag.
//
//   <wal-dir>/NNNNNN.log                live
//   <wal-dir>/replication/NNNNNN.log    retained, as long as that folder exists
//
// It is a FileSystem between RocksDB and the disk: where RocksDB deletes a WAL file, the file is
// moved into the folder instead. So no file can be missed, neither at run time nor during recovery,
// and none is ever copied. (RocksDB's own archive deletes by a clock, cannot be pinned, and a
// damaged file in it blocks checkpoints.) Without the folder files are deleted as ever.
//
// Thread:   any.
// Errors:   a file that cannot be moved is deleted: retention never fails a write or a flush.
// Limits:   Trim; the caller's bounds.

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/status.h"

namespace hearth {

inline constexpr char kWalArchiveFolder[] = "replication";

// The number of a WAL file's name; 0 for other names, be it of a log for people to read.
uint64_t WalNumber(const std::string& name);

class WalArchive : public rocksdb::FileSystemWrapper {
 public:
  WalArchive(std::shared_ptr<rocksdb::FileSystem> base, std::string wal_dir);

  const char* Name() const override { return "hearth.wal-archive"; }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // Creates the folder, or removes it with what is in it.
  Status SetRetaining(bool retaining);
  bool retaining() const { return retaining_.load(std::memory_order_acquire); }
  std::string folder() const { return wal_dir_ + "/" + kWalArchiveFolder; }

  struct File {
    uint64_t number = 0;
    uint64_t first_seq = 0;  // 0: nothing readable in it yet
    uint64_t size_bytes = 0;
    bool live = false;
  };
  // Live and retained ones, the oldest first. Reads the beginning of files it does not know yet.
  Status List(std::vector<File>* files);
  // Where the file stands now.
  Status OpenFile(uint64_t number, std::unique_ptr<rocksdb::FSRandomAccessFile>* file);
  // Deletes retained files, the oldest first, while they take more than bytes_max, but none that
  // holds sequences from keep_seq on.
  Status Trim(uint64_t bytes_max, uint64_t keep_seq);
  // The same for files that were last written before a wall clock time.
  Status TrimOlder(int64_t before_ms, uint64_t keep_seq);
  // Of the retained files, as of the last List or Trim.
  uint64_t retained_bytes() const { return retained_bytes_.load(std::memory_order_relaxed); }

 private:
  std::string PathOf(uint64_t number, bool live) const;
  uint64_t FirstSeq(const std::string& path);
  // Deletes retained files from the oldest on as long as may_go says so and keep_seq allows.
  Status TrimWhile(uint64_t keep_seq, const std::function<bool(const File& file)>& may_go);

  const std::string wal_dir_;
  std::atomic<bool> retaining_{false};
  std::atomic<uint64_t> retained_bytes_{0};
  std::mutex mutex_;
  std::map<uint64_t, uint64_t> first_seqs_;  // by file number
};

}  // namespace hearth
