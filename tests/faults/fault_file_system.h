#pragma once

// FaultFileSystem: a disk that can fail, stall and lose power, below RocksDB and below our own
// small files, on top of a real file system.
//
// It promises three things:
//   power loss   DropUnsynced() turns the real files into what strict POSIX guarantees to be on the
//                disk: of each file the bytes it had when its last successful Sync began, and of
//                each directory the names it had at its last successful Fsync. Creations, links,
//                renames and deletions since then are undone: a name never fsynced goes, a file
//                deleted or renamed over comes back. (ext4 often keeps more; a program may not
//                count on it.)
//   faults       the N-th operation of a kind, or all from the N-th on, fail until Heal().
//   stalls       operations of a kind block until Release().
//
// A failed Sync leaves the bytes since the last successful one undefined, as Linux does: they
// can be read for now, and are zeros after a power loss even if a later Sync succeeds. With
// FaultError::kSyncLosesData they are gone from the file at once.
//
// What it does not model: directories are durable when created or renamed; bytes overwritten in
// place (a RandomRWFile, a PositionedAppend below the end) are durable as far as the file was;
// writes inside one file are not reordered; files written by others (RocksDB's LOG and LOCK, which
// bypass this class) and files that were there before it are durable as they are.
//
// Thread:    any, except DropUnsynced and the destructor: no file may be in use.
// Lifetime:  outlives every file opened through it. The graveyard must be on the same volume; it
//            keeps deleted files until their directory is fsynced and is emptied by DropUnsynced.
// Errors:    injected ones are not retryable and carry "injected" in their message.
// Limits:    ReuseWritableFile (recycle_log_file_num) is refused.

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace hearth {

enum class FileOp {
  kCreate,  // NewWritableFile, ReopenWritableFile, NewRandomRWFile
  kOpen,    // NewSequentialFile, NewRandomAccessFile, NewDirectory
  kRead,    // of any file; a MultiRead counts once
  kAppend,  // Append, PositionedAppend, RandomRWFile::Write
  kSync,    // Sync and Fsync of a file; RangeSync is neither counted nor durable
  kDirSync,
  kRename,
  kDelete,
  kLink,
};
inline constexpr size_t kFileOpCount = 9;

enum class FaultError {
  kNoSpace,        // ENOSPC
  kIoError,        // EIO
  kSyncLosesData,  // EIO; for kSync: what the file got since its last sync is cut off at once
};

// Which operations: of one kind or all, on every file or on those whose last path component
// contains a text: ".log", ".sst", "MANIFEST".
struct FileOpMatch {
  std::optional<FileOp> op;
  std::string name_part;
};

struct Fault {
  FileOpMatch match;
  FaultError error = FaultError::kIoError;
  uint64_t nth = 1;  // the first matching operation from now on is 1
  bool and_all_after = false;
  // Of an append that fails, the bytes that reach the file all the same.
  size_t torn_size = 0;
};

class DiskModel;  // what a power loss would leave
class FaultGate;  // counts, fails and blocks

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // The graveyard directory is created.
  FaultFileSystem(std::shared_ptr<rocksdb::FileSystem> target, std::string graveyard);
  ~FaultFileSystem() override;
  const char* Name() const override { return "HearthFaultFileSystem"; }

  // Power loss. Requires: the store is closed; to close it without letting it write more, call
  // PowerOff first. Heals every fault.
  void DropUnsynced();
  // From now on every operation but reads fails with EIO.
  void PowerOff();

  void Inject(Fault fault);
  void Heal();

  // Operations asked for since construction, failed ones included.
  uint64_t Count(FileOp op) const;
  uint64_t failed_count() const;

  // Matching operations block. Several freezes may be in force; Release ends them all.
  void Freeze(FileOpMatch match);
  void Release();
  // Returns when so many operations are blocked.
  void WaitForFrozen(size_t count);

  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using IODebugContext = rocksdb::IODebugContext;
  using FileOptions = rocksdb::FileOptions;

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext* debug) override;
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* debug) override;
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override;
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override;
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             IODebugContext* debug) override;
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                           IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override;
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions& options,
                    IODebugContext* debug) override;

 private:
  const std::shared_ptr<FaultGate> gate_;
  const std::shared_ptr<DiskModel> disk_;
};

}  // namespace hearth
