#pragma once

// DiskModel: what a power loss would leave of the files that went through a FaultFileSystem.
//
// Thread: any, except DropUnsynced: no file may be in use.

#include <rocksdb/io_status.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace hearth {

using rocksdb::IOStatus;

// One spelling a path: no "//", no "/./", no "/" at the end.
std::string NormalPath(const std::string& path);
std::string NameOfPath(const std::string& path);

// One file's bytes, whatever names it has: an inode. Guarded by the DiskModel's mutex.
struct FileState {
  uint64_t size = 0;
  uint64_t synced_size = 0;
  std::vector<std::pair<uint64_t, uint64_t>> undefined_ranges;  // [from, to)
  std::string grave;  // a hidden name that keeps the bytes when no visible one may
};
using FilePtr = std::shared_ptr<FileState>;

// Two maps of names: what the program sees and what the disk is sure to have. A name in neither
// was never touched and is durable. The real files follow the first map until DropUnsynced.
class DiskModel {
 public:
  using Act = std::function<IOStatus()>;

  explicit DiskModel(std::string graveyard) : graveyard_(std::move(graveyard)) {
    std::filesystem::create_directories(graveyard_);
  }
  ~DiskModel() {
    std::error_code ignored;
    std::filesystem::remove_all(graveyard_, ignored);
  }

  // Names. Each is called around the real operation, which `act` is: one at a time, so that the
  // model's order is the disk's.
  IOStatus Create(const std::string& path, FilePtr* file, const Act& act);
  IOStatus Reopen(const std::string& path, FilePtr* file, const Act& act);
  IOStatus Delete(const std::string& path, const Act& act);
  IOStatus Rename(const std::string& from, const std::string& to, const Act& act);
  IOStatus Link(const std::string& from, const std::string& to, const Act& act);
  void DirectorySynced(const std::string& path);

  // Bytes.
  void Written(const FilePtr& file, uint64_t end);
  void Truncated(const FilePtr& file, uint64_t size);
  void TruncatedByName(const std::string& path, uint64_t size);
  uint64_t SizeOf(const FilePtr& file) const;
  void Synced(const FilePtr& file, uint64_t size);
  // Returns the size that is still defined.
  uint64_t SyncFailed(const FilePtr& file);

  void DropUnsynced();

 private:
  using Names = std::map<std::string, FilePtr>;

  static FilePtr Find(const Names& names, const std::string& path) {
    const auto found = names.find(path);
    return found == names.end() ? nullptr : found->second;
  }
  FilePtr TrackLocked(const std::string& path);
  void BuryLocked(const std::string& path);
  void EmptyUnusedGravesLocked();
  void RenameDirectoryLocked(const std::string& from, const std::string& to);
  void DropBytesLocked();
  void DropNamesLocked();
  std::string GiveGraveLocked(const FilePtr& file, const std::string& real_path);

  const std::string graveyard_;
  mutable std::mutex mutex_;
  Names live_;
  Names durable_;
  uint64_t grave_count_ = 0;
};

}  // namespace hearth
