// Test: tests/engine/fault_file_system_test.cc
#include "tests/faults/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "tests/faults/disk_model.h"
#include "tests/faults/fault_gate.h"

namespace hearth {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::Slice;

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
  Opened opened{gate_, disk_, NormalPath(path), nullptr};
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
  Opened opened{gate_, disk_, NormalPath(path), nullptr};
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
  Opened opened{gate_, disk_, NormalPath(path), nullptr};
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
                                           Opened{gate_, disk_, NormalPath(path), nullptr});
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kDelete, path);
  if (!status.ok()) return status;
  return disk_->Delete(NormalPath(path),
                       [&] { return target()->DeleteFile(path, options, debug); });
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kRename, to);
  if (!status.ok()) return status;
  return disk_->Rename(NormalPath(from), NormalPath(to),
                       [&] { return target()->RenameFile(from, to, options, debug); });
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to,
                                   const IOOptions& options, IODebugContext* debug) {
  const IOStatus status = gate_->Admit(FileOp::kLink, to);
  if (!status.ok()) return status;
  return disk_->Link(NormalPath(from), NormalPath(to),
                     [&] { return target()->LinkFile(from, to, options, debug); });
}

IOStatus FaultFileSystem::Truncate(const std::string& path, size_t size, const IOOptions& options,
                                   IODebugContext* debug) {
  const IOStatus status = target()->Truncate(path, size, options, debug);
  if (status.ok()) disk_->TruncatedByName(NormalPath(path), size);
  return status;
}

}  // namespace hearth
