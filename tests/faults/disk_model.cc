// Test: tests/engine/fault_file_system_test.cc
#include "tests/faults/disk_model.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace hearth {
namespace {

std::string ParentOf(const std::string& normal) {
  return std::filesystem::path(normal).parent_path().string();
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

std::string NormalPath(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

std::string NameOfPath(const std::string& path) {
  return std::filesystem::path(NormalPath(path)).filename().string();
}

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

IOStatus DiskModel::Create(const std::string& path, FilePtr* file, const Act& act) {
  std::lock_guard lock(mutex_);
  *file = TrackLocked(path);
  const IOStatus status = act();
  if (!status.ok()) return status;
  if (*file == nullptr) *file = live_[path] = std::make_shared<FileState>();
  (*file)->size = (*file)->synced_size = 0;  // an old file is truncated: its bytes may be gone
  (*file)->undefined_ranges.clear();
  return status;
}

IOStatus DiskModel::Reopen(const std::string& path, FilePtr* file, const Act& act) {
  std::lock_guard lock(mutex_);
  *file = TrackLocked(path);
  const IOStatus status = act();
  if (status.ok() && *file == nullptr) *file = live_[path] = std::make_shared<FileState>();
  return status;
}

IOStatus DiskModel::Delete(const std::string& path, const Act& act) {
  std::lock_guard lock(mutex_);
  BuryLocked(path);
  const IOStatus status = act();
  if (status.ok()) live_.erase(path);
  return status;
}

IOStatus DiskModel::Rename(const std::string& from, const std::string& to, const Act& act) {
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

IOStatus DiskModel::Link(const std::string& from, const std::string& to, const Act& act) {
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

}  // namespace hearth
