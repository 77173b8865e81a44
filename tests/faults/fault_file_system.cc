// Test: tests/engine/fault_file_system_test.cc
#include "tests/faults/fault_file_system.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "engine/check.h"

namespace hearth {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// One spelling a path: no "//", no "/./", no "/" at the end.
std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

std::string ParentOf(const std::string& normal) {
  return std::filesystem::path(normal).parent_path().string();
}

std::string NameOf(const std::string& path) {
  return std::filesystem::path(Normal(path)).filename().string();
}

bool IsBelow(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

uint64_t RealSize(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

}  // namespace

// ---- Faults and stalls -----------------------------------------------------------------------

class FaultGate {
 public:
  // Counts the operation, blocks while it is frozen, and says how it fails, if it does.
  std::optional<Fault> Enter(FileOp op, const std::string& path);
  // The same, for operations that fail without any effect.
  IOStatus Admit(FileOp op, const std::string& path) { return StatusOf(Enter(op, path), path); }
  static IOStatus StatusOf(const std::optional<Fault>& fault, const std::string& path);

  void Inject(Fault fault);
  void Heal();
  void Freeze(FileOpMatch match);
  void Release();
  void WaitForFrozen(size_t count);
  uint64_t Count(FileOp op) const;
  uint64_t failed_count() const;

 private:
  static bool Matches(const FileOpMatch& match, FileOp op, const std::string& name);
  bool FrozenLocked(FileOp op, const std::string& name) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<uint64_t, kFileOpCount> counts_ = {};
  uint64_t failed_count_ = 0;
  std::vector<Fault> faults_;  // nth counts down; 0: spent
  std::vector<FileOpMatch> freezes_;
  size_t frozen_count_ = 0;
};

bool FaultGate::Matches(const FileOpMatch& match, FileOp op, const std::string& name) {
  return (!match.op || *match.op == op) && name.find(match.name_part) != std::string::npos;
}

bool FaultGate::FrozenLocked(FileOp op, const std::string& name) const {
  return std::any_of(freezes_.begin(), freezes_.end(),
                     [&](const FileOpMatch& match) { return Matches(match, op, name); });
}

std::optional<Fault> FaultGate::Enter(FileOp op, const std::string& path) {
  const std::string name = NameOf(path);
  std::unique_lock lock(mutex_);
  ++counts_[static_cast<size_t>(op)];
  if (FrozenLocked(op, name)) {
    ++frozen_count_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !FrozenLocked(op, name); });
    --frozen_count_;
  }
  std::optional<Fault> chosen;
  for (Fault& fault : faults_) {
    if (fault.nth == 0 || !Matches(fault.match, op, name)) continue;
    if (fault.nth > 1) {
      --fault.nth;
      continue;
    }
    if (!fault.and_all_after) fault.nth = 0;
    if (!chosen) chosen = fault;
  }
  if (chosen) ++failed_count_;
  return chosen;
}

IOStatus FaultGate::StatusOf(const std::optional<Fault>& fault, const std::string& path) {
  if (!fault) return IOStatus::OK();
  if (fault->error == FaultError::kNoSpace) {
    return IOStatus::NoSpace("injected: no space left on device", path);
  }
  return IOStatus::IOError("injected: input/output error", path);
}

void FaultGate::Inject(Fault fault) {
  HEARTH_CHECK(fault.nth >= 1);
  std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultGate::Heal() {
  std::lock_guard lock(mutex_);
  faults_.clear();
}

void FaultGate::Freeze(FileOpMatch match) {
  std::lock_guard lock(mutex_);
  freezes_.push_back(std::move(match));
}

void FaultGate::Release() {
  std::lock_guard lock(mutex_);
  freezes_.clear();
  changed_.notify_all();
}

void FaultGate::WaitForFrozen(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return frozen_count_ >= count; });
}

uint64_t FaultGate::Count(FileOp op) const {
  std::lock_guard lock(mutex_);
  return counts_[static_cast<size_t>(op)];
}

uint64_t FaultGate::failed_count() const {
  std::lock_guard lock(mutex_);
  return failed_count_;
}

// ---- What a power loss leaves ----------------------------------------------------------------

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
  explicit DiskModel(std::string graveyard) : graveyard_(std::move(graveyard)) {
    std::filesystem::create_directories(graveyard_);
  }
  ~DiskModel() {
    std::error_code ignored;
    std::filesystem::remove_all(graveyard_, ignored);
  }

  // Names. Each is called around the real operation, which `act` is: one at a time, so that the
  // model's order is the disk's.
  template <typename Act>
  IOStatus Create(const std::string& path, FilePtr* file, Act act);
  template <typename Act>
  IOStatus Reopen(const std::string& path, FilePtr* file, Act act);
  template <typename Act>
  IOStatus Delete(const std::string& path, Act act);
  template <typename Act>
  IOStatus Rename(const std::string& from, const std::string& to, Act act);
  template <typename Act>
  IOStatus Link(const std::string& from, const std::string& to, Act act);
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

// The file under that name; one that was there before is durable as it is. Null when there is none.
FilePtr DiskModel::TrackLocked(const std::string& path) {
  if (FilePtr file = Find(live_, path)) return file;
  if (durable_.contains(path) || !std::filesystem::is_regular_file(path)) return nullptr;
  auto file = std::make_shared<FileState>();
  file->size = file->synced_size = RealSize(path);
  live_[path] = durable_[path] = file;
  return file;
}

std::string DiskModel::GiveGraveLocked(const FilePtr& file, const std::string& real_path) {
  if (file->grave.empty()) {
    file->grave = graveyard_ + "/" + std::to_string(++grave_count_);
    std::filesystem::create_hard_link(real_path, file->grave);
  }
  return file->grave;
}

// Before a name is taken from a file: if a power loss would give it back, keep the bytes.
void DiskModel::BuryLocked(const std::string& path) {
  const FilePtr file = TrackLocked(path);
  if (file == nullptr) return;
  const bool durable_somewhere = std::any_of(durable_.begin(), durable_.end(),
                                             [&](const auto& name) { return name.second == file; });
  if (durable_somewhere) GiveGraveLocked(file, path);
}

void DiskModel::EmptyUnusedGravesLocked() {
  std::set<std::string> needed;
  for (const auto& [path, file] : durable_) needed.insert(file->grave);
  for (const auto& [path, file] : live_) {
    if (!needed.contains(file->grave)) file->grave.clear();
  }
  for (const auto& entry : std::filesystem::directory_iterator(graveyard_)) {
    if (!needed.contains(entry.path().string())) std::filesystem::remove(entry.path());
  }
}

template <typename Act>
IOStatus DiskModel::Create(const std::string& path, FilePtr* file, Act act) {
  std::lock_guard lock(mutex_);
  *file = TrackLocked(path);
  const IOStatus status = act();
  if (!status.ok()) return status;
  if (*file == nullptr) *file = live_[path] = std::make_shared<FileState>();
  (*file)->size = (*file)->synced_size = 0;  // an old file is truncated: its bytes may be gone
  (*file)->undefined_ranges.clear();
  return status;
}

template <typename Act>
IOStatus DiskModel::Reopen(const std::string& path, FilePtr* file, Act act) {
  std::lock_guard lock(mutex_);
  *file = TrackLocked(path);
  const IOStatus status = act();
  if (status.ok() && *file == nullptr) *file = live_[path] = std::make_shared<FileState>();
  return status;
}

template <typename Act>
IOStatus DiskModel::Delete(const std::string& path, Act act) {
  std::lock_guard lock(mutex_);
  BuryLocked(path);
  const IOStatus status = act();
  if (status.ok()) live_.erase(path);
  return status;
}

template <typename Act>
IOStatus DiskModel::Rename(const std::string& from, const std::string& to, Act act) {
  std::lock_guard lock(mutex_);
  const bool is_directory = std::filesystem::is_directory(from);
  const FilePtr file = is_directory ? nullptr : TrackLocked(from);
  if (!is_directory) BuryLocked(to);
  const IOStatus status = act();
  if (!status.ok()) return status;
  if (is_directory) {
    RenameDirectoryLocked(from, to);
  } else {
    live_.erase(from);
    live_[to] = file;
  }
  return status;
}

template <typename Act>
IOStatus DiskModel::Link(const std::string& from, const std::string& to, Act act) {
  std::lock_guard lock(mutex_);
  const FilePtr file = TrackLocked(from);
  const IOStatus status = act();
  if (status.ok()) live_[to] = file;
  return status;
}

void DiskModel::RenameDirectoryLocked(const std::string& from, const std::string& to) {
  for (Names* names : {&live_, &durable_}) {
    Names renamed;
    for (const auto& [path, file] : *names) {
      renamed[IsBelow(path, from) ? to + path.substr(from.size()) : path] = file;
    }
    names->swap(renamed);
  }
}

void DiskModel::DirectorySynced(const std::string& path) {
  std::lock_guard lock(mutex_);
  std::erase_if(durable_, [&](const auto& name) { return ParentOf(name.first) == path; });
  for (const auto& [name, file] : live_) {
    if (ParentOf(name) == path) durable_[name] = file;
  }
  EmptyUnusedGravesLocked();
}

void DiskModel::Written(const FilePtr& file, uint64_t end) {
  std::lock_guard lock(mutex_);
  file->size = std::max(file->size, end);
}

void DiskModel::Truncated(const FilePtr& file, uint64_t size) {
  std::lock_guard lock(mutex_);
  file->size = size;
  file->synced_size = std::min(file->synced_size, size);
}

void DiskModel::TruncatedByName(const std::string& path, uint64_t size) {
  FilePtr file;
  {
    std::lock_guard lock(mutex_);
    file = TrackLocked(path);
  }
  if (file != nullptr) Truncated(file, size);
}

uint64_t DiskModel::SizeOf(const FilePtr& file) const {
  std::lock_guard lock(mutex_);
  return file->size;
}

void DiskModel::Synced(const FilePtr& file, uint64_t size) {
  std::lock_guard lock(mutex_);
  file->synced_size = std::max(file->synced_size, std::min(size, file->size));
}

uint64_t DiskModel::SyncFailed(const FilePtr& file) {
  std::lock_guard lock(mutex_);
  if (file->size > file->synced_size) {
    file->undefined_ranges.emplace_back(file->synced_size, file->size);
  }
  return file->synced_size;
}

void DiskModel::DropUnsynced() {
  std::lock_guard lock(mutex_);
  DropBytesLocked();
  DropNamesLocked();
  live_ = durable_;
  for (const auto& [path, file] : live_) file->grave.clear();
  EmptyUnusedGravesLocked();
}

void DiskModel::DropBytesLocked() {
  std::map<FilePtr, std::string> real_paths;
  for (const auto& [path, file] : live_) real_paths[file] = path;
  for (const auto& [path, file] : durable_) {
    if (!file->grave.empty()) real_paths[file] = file->grave;
  }
  for (const auto& [file, path] : real_paths) {
    if (RealSize(path) > file->synced_size) std::filesystem::resize_file(path, file->synced_size);
    file->size = file->synced_size;
    if (file->undefined_ranges.empty()) continue;
    std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
    for (const auto& [from, to] : file->undefined_ranges) {
      if (from >= file->size) continue;
      bytes.seekp(static_cast<std::streamoff>(from));
      bytes << std::string(std::min(to, file->size) - from, '\0');
    }
    file->undefined_ranges.clear();
  }
}

// First every file that is to come back gets a second name, then the names are rewritten.
void DiskModel::DropNamesLocked() {
  for (const auto& [path, file] : live_) {
    const bool comes_back = std::any_of(durable_.begin(), durable_.end(),
                                        [&](const auto& name) { return name.second == file; });
    if (comes_back) GiveGraveLocked(file, path);
  }
  for (const auto& [path, file] : live_) {
    if (Find(durable_, path) != file) std::filesystem::remove(path);
  }
  for (const auto& [path, file] : durable_) {
    if (Find(live_, path) == file) continue;
    std::filesystem::create_directories(ParentOf(path));
    std::filesystem::create_hard_link(file->grave, path);
  }
}

// ---- Files opened through it -------------------------------------------------------------------

namespace {

// What an open file needs of the file system that opened it.
struct Opened {
  std::shared_ptr<FaultGate> gate;
  std::shared_ptr<DiskModel> disk;
  std::string path;
  FilePtr file;  // null for what is only read

  IOStatus Admit(FileOp op) const { return gate->Admit(op, path); }
  // Only what was written before the sync began is durable after it.
  template <typename Act>
  IOStatus Sync(Act act) const {
    const uint64_t size = disk->SizeOf(file);
    const auto fault = gate->Enter(FileOp::kSync, path);
    IOStatus status = FaultGate::StatusOf(fault, path);
    if (status.ok()) status = act();
    if (status.ok()) {
      disk->Synced(file, size);
      return status;
    }
    const uint64_t defined_size = disk->SyncFailed(file);
    if (fault && fault->error == FaultError::kSyncLosesData) {
      std::error_code ignored;
      std::filesystem::resize_file(path, defined_size, ignored);
    }
    return status;
  }
};

class SequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  SequentialFile(std::unique_ptr<rocksdb::FSSequentialFile> file, Opened opened)
      : FSSequentialFileOwnerWrapper(std::move(file)), opened_(std::move(opened)) {}

  IOStatus Read(size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    const IOStatus status = opened_.Admit(FileOp::kRead);
    if (!status.ok()) return status;
    return FSSequentialFileOwnerWrapper::Read(size, options, result, scratch, debug);
  }
  IOStatus PositionedRead(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                          char* scratch, IODebugContext* debug) override {
    const IOStatus status = opened_.Admit(FileOp::kRead);
    if (!status.ok()) return status;
    return FSSequentialFileOwnerWrapper::PositionedRead(offset, size, options, result, scratch,
                                                        debug);
  }

 private:
  const Opened opened_;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, Opened opened)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), opened_(std::move(opened)) {}

  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    const IOStatus status = opened_.Admit(FileOp::kRead);
    if (!status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    const IOStatus status = opened_.Admit(FileOp::kRead);
    if (!status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, debug);
  }

 private:
  const Opened opened_;
};

class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, Opened opened)
      : FSWritableFileOwnerWrapper(std::move(file)), opened_(std::move(opened)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const auto fault = opened_.gate->Enter(FileOp::kAppend, opened_.path);
    if (!fault) return Extend(data, options, debug);
    if (fault->torn_size > 0) {
      const Slice torn(data.data(), std::min(fault->torn_size, data.size()));
      const IOStatus status = Extend(torn, options, debug);
      if (!status.ok()) return status;
    }
    return FaultGate::StatusOf(fault, opened_.path);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*verification*/,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    IOStatus status = opened_.Admit(FileOp::kAppend);
    if (!status.ok()) return status;
    status = FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, debug);
    if (status.ok()) opened_.disk->Written(opened_.file, offset + data.size());
    return status;
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& /*verification*/,
                            IODebugContext* debug) override {
    return PositionedAppend(data, offset, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) opened_.disk->Truncated(opened_.file, size);
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return opened_.Sync([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return opened_.Sync([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }

 private:
  IOStatus Extend(const Slice& data, const IOOptions& options, IODebugContext* debug) {
    const uint64_t offset = opened_.disk->SizeOf(opened_.file);
    const IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) opened_.disk->Written(opened_.file, offset + data.size());
    return status;
  }

  const Opened opened_;
};

class RandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  RandomRWFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, Opened opened)
      : FSRandomRWFileOwnerWrapper(std::move(file)), opened_(std::move(opened)) {}

  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    IOStatus status = opened_.Admit(FileOp::kAppend);
    if (!status.ok()) return status;
    status = FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
    if (status.ok()) opened_.disk->Written(opened_.file, offset + data.size());
    return status;
  }
  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    const IOStatus status = opened_.Admit(FileOp::kRead);
    if (!status.ok()) return status;
    return FSRandomRWFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return opened_.Sync([&] { return FSRandomRWFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return opened_.Sync([&] { return FSRandomRWFileOwnerWrapper::Fsync(options, debug); });
  }

 private:
  const Opened opened_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, Opened opened)
      : FSDirectoryWrapper(std::move(directory)), opened_(std::move(opened)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return Sync([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how); });
  }

 private:
  template <typename Act>
  IOStatus Sync(Act act) {
    IOStatus status = opened_.Admit(FileOp::kDirSync);
    if (status.ok()) status = act();
    if (status.ok()) opened_.disk->DirectorySynced(opened_.path);
    return status;
  }

  const Opened opened_;
};

}  // namespace

// ---- The file system ---------------------------------------------------------------------------

FaultFileSystem::FaultFileSystem(std::shared_ptr<rocksdb::FileSystem> target, std::string graveyard)
    : FileSystemWrapper(target),
      gate_(std::make_shared<FaultGate>()),
      disk_(std::make_shared<DiskModel>(std::move(graveyard))) {}

FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::DropUnsynced() {
  gate_->Heal();
  disk_->DropUnsynced();
}

void FaultFileSystem::PowerOff() {
  for (const FileOp op : {FileOp::kCreate, FileOp::kAppend, FileOp::kSync, FileOp::kDirSync,
                          FileOp::kRename, FileOp::kDelete, FileOp::kLink}) {
    Inject({.match = {.op = op}, .error = FaultError::kIoError, .and_all_after = true});
  }
}

void FaultFileSystem::Inject(Fault fault) {
  gate_->Inject(std::move(fault));
}
void FaultFileSystem::Heal() {
  gate_->Heal();
}
uint64_t FaultFileSystem::Count(FileOp op) const {
  return gate_->Count(op);
}
uint64_t FaultFileSystem::failed_count() const {
  return gate_->failed_count();
}
void FaultFileSystem::Freeze(FileOpMatch match) {
  gate_->Freeze(std::move(match));
}
void FaultFileSystem::Release() {
  gate_->Release();
}
void FaultFileSystem::WaitForFrozen(size_t count) {
  gate_->WaitForFrozen(count);
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& path, const FileOptions& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                            IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kOpen, path);
  if (status.ok()) status = target()->NewSequentialFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<SequentialFile>(std::move(*file), Opened{gate_, disk_, path, nullptr});
  return status;
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& path, const FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kOpen, path);
  if (status.ok()) status = target()->NewRandomAccessFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<RandomAccessFile>(std::move(*file), Opened{gate_, disk_, path, nullptr});
  return status;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path, const FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kCreate, path);
  if (!status.ok()) return status;
  Opened opened{gate_, disk_, Normal(path), nullptr};
  status = disk_->Create(opened.path, &opened.file,
                         [&] { return target()->NewWritableFile(path, options, file, debug); });
  if (!status.ok()) return status;
  *file = std::make_unique<WritableFile>(std::move(*file), std::move(opened));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kCreate, path);
  if (!status.ok()) return status;
  Opened opened{gate_, disk_, Normal(path), nullptr};
  status = disk_->Reopen(opened.path, &opened.file,
                         [&] { return target()->ReopenWritableFile(path, options, file, debug); });
  if (!status.ok()) return status;
  *file = std::make_unique<WritableFile>(std::move(*file), std::move(opened));
  return status;
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string& path,
                                            const std::string& /*old_path*/,
                                            const FileOptions& /*options*/,
                                            std::unique_ptr<rocksdb::FSWritableFile>* /*file*/,
                                            IODebugContext* /*debug*/) {
  return IOStatus::NotSupported("a file system with faults does not recycle files", path);
}

IOStatus FaultFileSystem::NewRandomRWFile(const std::string& path, const FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                          IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kCreate, path);
  if (!status.ok()) return status;
  Opened opened{gate_, disk_, Normal(path), nullptr};
  status = disk_->Reopen(opened.path, &opened.file,
                         [&] { return target()->NewRandomRWFile(path, options, file, debug); });
  if (!status.ok()) return status;
  *file = std::make_unique<RandomRWFile>(std::move(*file), std::move(opened));
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  IOStatus status = gate_->Admit(FileOp::kOpen, path);
  if (status.ok()) status = target()->NewDirectory(path, options, directory, debug);
  if (!status.ok()) return status;
  *directory = std::make_unique<Directory>(std::move(*directory),
                                           Opened{gate_, disk_, Normal(path), nullptr});
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kDelete, path);
  if (!status.ok()) return status;
  return disk_->Delete(Normal(path), [&] { return target()->DeleteFile(path, options, debug); });
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kRename, to);
  if (!status.ok()) return status;
  return disk_->Rename(Normal(from), Normal(to),
                       [&] { return target()->RenameFile(from, to, options, debug); });
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to,
                                   const IOOptions& options, IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kLink, to);
  if (!status.ok()) return status;
  return disk_->Link(Normal(from), Normal(to),
                     [&] { return target()->LinkFile(from, to, options, debug); });
}

IOStatus FaultFileSystem::Truncate(const std::string& path, size_t size, const IOOptions& options,
                                   IODebugContext* debug) {
  const IOStatus status = target()->Truncate(path, size, options, debug);
  if (status.ok()) disk_->TruncatedByName(Normal(path), size);
  return status;
}

}  // namespace hearth
