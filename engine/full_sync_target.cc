// Tested by tests/engine/full_sync_test.cc.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/full_sync.h"
#include "engine/watermark.h"

namespace hearth {
namespace fs = std::filesystem;
namespace {

constexpr char kIncomingFolder[] = "/incoming";
constexpr char kStateName[] = "STATE";
constexpr char kStateHeader[] = "hearth-sync 1";
constexpr char kCompleteName[] = "COMPLETE";
constexpr char kPartSuffix[] = ".part";
constexpr char kRangesSuffix[] = ".done";

Status SystemError(const std::string& what) {
  const std::string text = what + ": " + std::strerror(errno);
  return errno == ENOSPC || errno == EDQUOT ? Status::NoSpace(text) : Status::IoError(text);
}

Status WriteAll(int fd, std::string_view bytes, uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return SystemError("cannot write " + path);
    bytes.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return Status::Ok();
}

void AddRange(std::map<uint64_t, uint64_t>* ranges, uint64_t from, uint64_t to) {
  if (from >= to) return;
  auto at = ranges->upper_bound(from);
  if (at != ranges->begin() && std::prev(at)->second >= from) {
    --at;
    from = at->first;
    to = std::max(to, at->second);
    at = ranges->erase(at);
  }
  while (at != ranges->end() && at->first <= to) {
    to = std::max(to, at->second);
    at = ranges->erase(at);
  }
  (*ranges)[from] = to;
}

uint64_t CoveredBytes(const std::map<uint64_t, uint64_t>& ranges) {
  uint64_t bytes = 0;
  for (const auto& [from, to] : ranges) bytes += to - from;
  return bytes;
}

bool SameSize(const std::string& path, uint64_t size) {
  std::error_code error;
  return fs::file_size(path, error) == size && !error;
}

}  // namespace

FullSyncTarget::FullSyncTarget(std::string data_dir)
    : data_dir_(std::move(data_dir)), dir_(data_dir_ + kIncomingFolder) {
  (void)ReadState();
}

FullSyncTarget::~FullSyncTarget() {
  for (auto& [name, part] : parts_) ClosePart(&part);
}

std::string FullSyncTarget::checkpoint_id() const {
  return checkpoint_id_;
}

Status FullSyncTarget::WriteState() const {
  std::ostringstream text;
  text << kStateHeader << "\ncheckpoint " << checkpoint_id_ << "\n";
  for (const auto& [name, part] : parts_) {
    text << "file " << part.file.size_bytes << " " << part.file.checksum << " " << name << "\n";
  }
  text << "end\n";
  return WriteFileAtomically(rocksdb::FileSystem::Default().get(), dir_, kStateName, text.str());
}

// Takes over what an earlier run collected; false when there is nothing.
bool FullSyncTarget::ReadState() {
  std::ifstream file(PathOf(kStateName));
  std::string line, id;
  std::map<std::string, Part> parts;
  if (!std::getline(file, line) || line != kStateHeader) return false;
  while (std::getline(file, line) && line != "end") {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "checkpoint") words >> id;
    if (word != "file") continue;
    Part part;
    words >> part.file.size_bytes >> part.file.checksum >> part.file.name;
    if (!words.fail() && IsSyncFileName(part.file.name)) parts[part.file.name] = std::move(part);
  }
  if (line != "end" || id.empty()) return false;
  for (auto& [name, part] : parts) {
    part.whole = SameSize(PathOf(name), part.file.size_bytes);
    if (part.whole) continue;
    std::ifstream ranges(PathOf(name) + kRangesSuffix);
    while (std::getline(ranges, line)) {
      // A torn line is none: it lacks its end.
      std::istringstream words(line);
      uint64_t offset, size;
      std::string end;
      if (!(words >> offset >> size >> end) || end != ".") continue;
      if (size > part.file.size_bytes || offset > part.file.size_bytes - size) continue;
      AddRange(&part.ranges, offset, offset + size);
    }
  }
  checkpoint_id_ = std::move(id);
  parts_ = std::move(parts);
  return true;
}

Status FullSyncTarget::Begin(const std::string& checkpoint_id, const std::vector<SyncFile>& files) {
  if (files.empty() || files.size() > kSyncFilesMax) return Status::Invalid("no such checkpoint");
  if (checkpoint_id.empty() || checkpoint_id.find_first_of(" \n") != std::string::npos) {
    return Status::Invalid("the checkpoint's id is not one");
  }
  followed_name_.clear();
  std::map<std::string, Part> next;
  for (const SyncFile& file : files) {
    if (!IsSyncFileName(file.name)) {
      return Status::Corruption("the checkpoint names a file that no checkpoint has");
    }
    next[file.name].file = file;
  }
  for (const char* name : {"CURRENT", "hearth.mark"}) {
    if (!next.contains(name)) return Status::Corruption("the checkpoint is not whole");
  }
  std::error_code error;
  fs::create_directories(dir_, error);
  if (error) return Status::IoError("cannot create " + dir_ + ": " + error.message());
  fs::remove(PathOf(kCompleteName), error);
  const bool same = checkpoint_id == checkpoint_id_;
  for (auto& [name, old] : parts_) {
    ClosePart(&old);
    const auto found = next.find(name);
    const bool wanted = found != next.end() && found->second.file == old.file;
    if (wanted && (same || old.whole)) {
      found->second = std::move(old);
    } else {
      for (const char* suffix : {"", kPartSuffix, kRangesSuffix}) {
        fs::remove(PathOf(name) + suffix, error);
      }
    }
  }
  parts_ = std::move(next);
  checkpoint_id_ = checkpoint_id;
  for (auto& [name, part] : parts_) {
    if (part.whole || !part.ranges.empty()) continue;
    if (Status status = Reuse(&part); !status.ok()) return status;
  }
  return WriteState();
}

// Links a file that the live store has too: table files never change.
Status FullSyncTarget::Reuse(Part* part) {
  const std::string live = data_dir_ + "/" + part->file.name;
  if (part->file.size_bytes == 0) {
    if (Status status = OpenPart(part); !status.ok()) return status;
    return CheckWhole(part);
  }
  if (!part->file.name.ends_with(".sst") || !SameSize(live, part->file.size_bytes)) {
    return Status::Ok();
  }
  std::string checksum;
  if (!FileChecksum(live, &checksum).ok() || checksum != part->file.checksum) return Status::Ok();
  std::error_code error;
  fs::create_hard_link(live, PathOf(part->file.name), error);
  part->whole = part->checked = !error;
  return Status::Ok();
}

std::vector<SyncRange> FullSyncTarget::Missing(size_t count_max) const {
  std::vector<SyncRange> missing;
  for (const auto& [name, part] : parts_) {
    if (part.whole) continue;
    uint64_t from = 0;
    const auto add = [&](uint64_t to) {
      for (; from < to && missing.size() < count_max;) {
        const uint64_t size = std::min<uint64_t>(to - from, kSyncChunkMax);
        missing.push_back({name, from, size});
        from += size;
      }
    };
    for (const auto& [begin, end] : part.ranges) {
      add(begin);
      from = end;
    }
    add(part.file.size_bytes);
    if (missing.size() >= count_max) break;
  }
  return missing;
}

uint64_t FullSyncTarget::missing_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, part] : parts_) {
    if (!part.whole) bytes += part.file.size_bytes - CoveredBytes(part.ranges);
  }
  return bytes;
}

uint64_t FullSyncTarget::total_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, part] : parts_) bytes += part.file.size_bytes;
  return bytes;
}

Status FullSyncTarget::OpenPart(Part* part) {
  if (part->fd >= 0) return Status::Ok();
  // One file at a time: a checkpoint may have more files than a process has descriptors.
  for (auto& [name, other] : parts_) ClosePart(&other);
  const std::string path = PathOf(part->file.name);
  part->fd = ::open((path + kPartSuffix).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (part->fd < 0) return SystemError("cannot create " + path + kPartSuffix);
  part->ranges_fd =
      ::open((path + kRangesSuffix).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (part->ranges_fd < 0) return SystemError("cannot create " + path + kRangesSuffix);
  return Status::Ok();
}

void FullSyncTarget::ClosePart(Part* part) {
  if (part->fd >= 0) ::close(part->fd);
  if (part->ranges_fd >= 0) ::close(part->ranges_fd);
  part->fd = part->ranges_fd = -1;
}

Status FullSyncTarget::Write(const std::string& name, uint64_t offset, std::string_view bytes) {
  const auto found = parts_.find(name);
  if (found == parts_.end()) return Status::Corruption("a chunk of a file that was not announced");
  Part& part = found->second;
  if (bytes.size() > part.file.size_bytes || offset > part.file.size_bytes - bytes.size()) {
    return Status::Corruption("a chunk that reaches beyond its file");
  }
  if (part.whole || bytes.empty()) return Status::Ok();
  if (Status status = OpenPart(&part); !status.ok()) return status;
  if (Status status = WriteAll(part.fd, bytes, offset, name); !status.ok()) return status;
  // The disk is not to wait for the file's end. A hint: what fails will fail in fsync.
  (void)::sync_file_range(part.fd, static_cast<off64_t>(offset), static_cast<off64_t>(bytes.size()),
                          SYNC_FILE_RANGE_WRITE);
  Follow(name, offset, bytes);
  const std::string line = std::to_string(offset) + " " + std::to_string(bytes.size()) + " .\n";
  if (::write(part.ranges_fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return SystemError("cannot write " + name + kRangesSuffix);
  }
  AddRange(&part.ranges, offset, offset + bytes.size());
  return CoveredBytes(part.ranges) == part.file.size_bytes ? CheckWhole(&part) : Status::Ok();
}

void FullSyncTarget::Follow(const std::string& name, uint64_t offset, std::string_view bytes) {
  if (offset == 0) {
    followed_name_ = name;
    followed_bytes_ = 0;
    followed_.Reset();
  }
  if (followed_name_ != name) return;
  if (followed_bytes_ != offset) return followed_name_.clear();
  followed_.Update(bytes);
  followed_bytes_ += bytes.size();
}

// Gives a file that has all its bytes its name.
Status FullSyncTarget::CheckWhole(Part* part) {
  const std::string path = PathOf(part->file.name);
  std::error_code error;
  const auto give_up = [&] {
    ClosePart(part);
    part->ranges.clear();
    for (const char* suffix : {kPartSuffix, kRangesSuffix}) fs::remove(path + suffix, error);
  };
  if (::fsync(part->fd) != 0) {
    const Status status = SystemError("cannot sync " + path + kPartSuffix);
    give_up();  // what was not written may look as if it were
    return status;
  }
  ClosePart(part);
  std::string checksum;
  if (followed_name_ == part->file.name && followed_bytes_ == part->file.size_bytes) {
    checksum = followed_.Text();
  } else if (Status status = FileChecksum(path + kPartSuffix, &checksum); !status.ok()) {
    return status;
  }
  if (checksum != part->file.checksum || !SameSize(path + kPartSuffix, part->file.size_bytes)) {
    give_up();
    return Status::Corruption("the file " + part->file.name + " has a wrong checksum");
  }
  fs::rename(path + kPartSuffix, path, error);
  if (error) return Status::IoError("cannot rename " + path + kPartSuffix);
  fs::remove(path + kRangesSuffix, error);
  part->ranges.clear();
  part->whole = part->checked = true;
  return Status::Ok();
}

Status FullSyncTarget::Finish() {
  if (parts_.empty()) return Status::Invalid("no resync was begun");
  for (auto& [name, part] : parts_) {
    // The last chunk came, and then a crash or an error before the file got its name.
    if (!part.whole && CoveredBytes(part.ranges) == part.file.size_bytes) {
      Status status = OpenPart(&part);
      if (status.ok()) status = CheckWhole(&part);
      if (!status.ok()) return status;
    }
    if (!part.whole) return Status::Invalid("the file " + name + " is not whole yet");
  }
  // What was whole before a power loss may not be any more.
  for (auto& [name, part] : parts_) {
    std::string checksum = part.file.checksum;
    Status status = part.checked ? Status::Ok() : FileChecksum(PathOf(name), &checksum);
    if (status.ok() && checksum != part.file.checksum) {
      status = Status::Corruption("the file " + name + " has a wrong checksum");
    }
    if (status.ok()) status = SyncPath(PathOf(name));
    if (!status.ok()) {
      std::error_code error;
      fs::remove(PathOf(name), error);
      part.whole = false;
      return status;
    }
  }
  if (Status status = SyncPath(dir_); !status.ok()) return status;
  return WriteFileAtomically(rocksdb::FileSystem::Default().get(), dir_, kCompleteName, "1\n");
}

Status FullSyncTarget::Remove() {
  for (auto& [name, part] : parts_) ClosePart(&part);
  parts_.clear();
  checkpoint_id_.clear();
  std::error_code error;
  fs::remove_all(dir_, error);
  return error ? Status::IoError("cannot remove " + dir_ + ": " + error.message()) : Status::Ok();
}

}  // namespace hearth
