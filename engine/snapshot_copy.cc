// Tested by tests/engine/snapshot_copy_test.cc.
#include "engine/snapshot_copy.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/store.h"
#include "engine/wal_archive.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

constexpr char kCopiedName[] = "COPIED";
constexpr char kOriginName[] = "ORIGIN";
constexpr char kNew[] = "from a snapshot\n";
constexpr char kOpened[] = "from a snapshot, opened\n";

std::string FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

Status WriteFile(const std::string& dir, const char* name, const std::string& contents) {
  return WriteFileAtomically(rocksdb::FileSystem::Default().get(), dir, name, contents);
}

// Table files never change and may be shared; the rest is copied. Folders are none of it.
Status CopyFiles(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::directory_iterator it(from, error);
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code unlinked;
    if (name == kSnapshotManifestName || !it->is_regular_file(unlinked)) continue;
    const std::string target = to + "/" + name;
    if (name.ends_with(".sst")) fs::create_hard_link(it->path(), target, unlinked);
    if (!name.ends_with(".sst") || unlinked) {
      std::error_code failed;
      fs::copy_file(it->path(), target, failed);
      if (failed) return Status::IoError("cannot copy " + name + ": " + failed.message());
      if (Status status = SyncPath(target); !status.ok()) return status;
    }
  }
  return error ? Status::IoError("cannot list " + from + ": " + error.message()) : Status::Ok();
}

// Before anything is made: whether all is there that the manifest lists.
Status CheckListed(const std::string& dir) {
  const std::string way_out =
      ". Nothing was changed. Ways out: restore the file; start from another snapshot";
  SnapshotInfo info;
  std::vector<SnapshotFile> files;
  if (!ReadSnapshot(dir, &info, &files)) {
    return Status::Corruption("The list of the snapshot's files, " + dir + "/" +
                              kSnapshotManifestName + ", is damaged" + way_out);
  }
  for (const SnapshotFile& file : files) {
    const std::string path = dir + "/" + file.name;
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) return Status::Corruption("The snapshot's file " + path + " is missing" + way_out);
    if (size == file.size_bytes) continue;
    return Status::Corruption("The snapshot's file " + path + " has " + std::to_string(size) +
                              " bytes instead of " + std::to_string(file.size_bytes) + way_out);
  }
  return Status::Ok();
}

// Who makes the copy of a snapshot does so alone; the others find it made. Held to the end of the
// scope; where it can't be had for want of a right, what follows tells.
class CopyLock {
 public:
  explicit CopyLock(const std::string& dir)
      : fd_(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~CopyLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  CopyLock(const CopyLock&) = delete;
  CopyLock& operator=(const CopyLock&) = delete;

  // False: another process has it for long.
  bool Take() {
    constexpr int kTriesMax = 200;
    constexpr std::chrono::milliseconds kBetween(50);
    for (int i = 0; fd_ >= 0 && i < kTriesMax; ++i) {
      if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
      std::this_thread::sleep_for(kBetween);
    }
    return fd_ < 0;
  }

 private:
  const int fd_;
};

}  // namespace

Status PrepareDataDir(const std::string& data_dir, std::string* working_dir) {
  *working_dir = data_dir;
  const std::string manifest = data_dir + "/" + kSnapshotManifestName;
  const std::string opened = data_dir + ".opened";
  std::error_code error;
  const bool is_snapshot = fs::exists(manifest, error);
  if (error) return Status::IoError("cannot look at " + data_dir + ": " + error.message());
  if (!is_snapshot) {
    // The snapshot was removed, as older ones are: its copy goes on.
    const bool is_gone = !fs::exists(data_dir + "/CURRENT", error) &&
                         fs::exists(opened + "/CURRENT", error) &&
                         !FirstLine(opened + "/" + kOriginName).empty();
    if (is_gone) *working_dir = opened;
    return Status::Ok();
  }
  CopyLock lock(data_dir);
  if (!lock.Take()) return Status::Busy("another process makes its copy of " + data_dir);
  *working_dir = opened;
  std::string origin;
  if (Status status = FileChecksum(manifest, &origin); !status.ok()) return status;
  if (fs::exists(*working_dir + "/CURRENT", error)) {  // opened before
    const std::string known = FirstLine(*working_dir + "/" + kOriginName);
    if (known.empty() || known == origin) return Status::Ok();
    return Status::Invalid(*working_dir + " is a copy of another snapshot than the one in " +
                           data_dir + ": move it away to start from that, or name it as dir");
  }
  if (Status status = CheckListed(data_dir); !status.ok()) return status;
  const std::string temporary = *working_dir + kSnapshotUnfinishedSuffix;
  fs::remove_all(temporary, error);
  fs::create_directories(temporary, error);
  if (error) return Status::IoError("cannot create " + temporary + ": " + error.message());
  Status status = CopyFiles(data_dir, temporary);
  if (status.ok()) status = WriteFile(temporary, kOriginName, origin + "\n");
  if (status.ok()) status = WriteFile(temporary, kCopiedName, kNew);
  if (!status.ok()) return status;
  fs::rename(temporary, *working_dir, error);
  if (error) return Status::IoError("cannot rename " + temporary + ": " + error.message());
  const std::string parent = fs::path(*working_dir).parent_path().string();
  return SyncPath(parent.empty() ? "." : parent);
}

Status CheckSnapshotCopy(const std::string& dir, const std::string& wal_dir) {
  if (wal_dir == dir || FirstLine(dir + "/" + kCopiedName) + "\n" != kNew) return Status::Ok();
  std::error_code error;
  for (fs::directory_iterator it(wal_dir, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (WalNumber(name) == 0) continue;
    return Status::Invalid("The store in " + dir + " is a snapshot's, and " + wal_dir + "/" + name +
                           " is the log of another one, which would go on behind it: name an empty "
                           "wal-dir (recover-wal is for such a log)");
  }
  return Status::Ok();
}

void NoteSnapshotCopyOpened(const std::string& dir) {
  if (IsSnapshotCopy(dir)) (void)WriteFile(dir, kCopiedName, kOpened);
}

bool IsSnapshotCopy(const std::string& dir) {
  std::error_code error;
  return fs::exists(dir + "/" + kCopiedName, error);
}

void EndSnapshotCopy(const std::string& dir) {
  std::error_code error;
  fs::remove(dir + "/" + kCopiedName, error);
}

}  // namespace hearth
