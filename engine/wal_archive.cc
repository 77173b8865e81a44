// Tested by tests/engine/replication_feed_test.cc.
#include "engine/wal_archive.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/store.h"

namespace hearth {
namespace {

constexpr char kSuffix[] = ".log";
// A log file's first record: its fragment's header, then the batch's sequence.
constexpr size_t kFragmentHeaderSize = 7;
constexpr uint8_t kFull = 1, kFirst = 2;

std::string NameOf(uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "%06llu%s", static_cast<unsigned long long>(number), kSuffix);
  return name;
}

}  // namespace

uint64_t WalNumber(const std::string& name) {
  if (name[0] < '0' || name[0] > '9') return 0;
  char* end;
  const uint64_t number = std::strtoull(name.c_str(), &end, 10);
  return std::strcmp(end, kSuffix) == 0 ? number : 0;
}

WalArchive::WalArchive(std::shared_ptr<rocksdb::FileSystem> base, std::string wal_dir)
    : rocksdb::FileSystemWrapper(std::move(base)), wal_dir_(std::move(wal_dir)) {
  retaining_ = target()->FileExists(folder(), {}, nullptr).ok();
}

std::string WalArchive::PathOf(uint64_t number, bool live) const {
  return (live ? wal_dir_ : folder()) + "/" + NameOf(number);
}

rocksdb::IOStatus WalArchive::DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                         rocksdb::IODebugContext* debug) {
  const size_t slash = path.rfind('/');
  const uint64_t number = slash == std::string::npos ? 0 : WalNumber(path.substr(slash + 1));
  if (number != 0 && retaining() && path.substr(0, slash) == wal_dir_) {
    const rocksdb::IOStatus moved =
        target()->RenameFile(path, PathOf(number, /*live=*/false), options, debug);
    if (moved.ok()) return moved;
  }
  return target()->DeleteFile(path, options, debug);
}

Status WalArchive::SetRetaining(bool retaining) {
  const rocksdb::IOOptions io;
  if (retaining) {
    const Status status = FromRocks(target()->CreateDirIfMissing(folder(), io, nullptr));
    retaining_ = status.ok();
    return status;
  }
  retaining_ = false;
  {
    std::lock_guard lock(mutex_);
    first_seqs_.clear();  // the store's data may be exchanged: then numbers mean other files
  }
  std::vector<std::string> names;
  if (!target()->GetChildren(folder(), io, &names, nullptr).ok()) return Status::Ok();
  for (const std::string& name : names) {
    if (name != "." && name != "..") {
      (void)target()->DeleteFile(folder() + "/" + name, io, nullptr);
    }
  }
  retained_bytes_ = 0;
  return FromRocks(target()->DeleteDir(folder(), io, nullptr));
}

// 0 when nothing readable is there yet. The checksum is the reader's business.
uint64_t WalArchive::FirstSeq(const std::string& path) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (!target()->NewRandomAccessFile(path, {}, &file, nullptr).ok()) return 0;
  char scratch[kFragmentHeaderSize + sizeof(uint64_t)];
  rocksdb::Slice read;
  if (!file->Read(0, sizeof(scratch), {}, &read, scratch, nullptr).ok()) return 0;
  if (read.size() < sizeof(scratch)) return 0;
  const auto type = static_cast<uint8_t>(read[kFragmentHeaderSize - 1]);
  if (type != kFull && type != kFirst) return 0;
  uint64_t seq;
  std::memcpy(&seq, read.data() + kFragmentHeaderSize, sizeof(seq));
  return seq;
}

Status WalArchive::List(std::vector<File>* files) {
  const rocksdb::IOOptions io;
  std::map<uint64_t, File> found;
  // Files only go from live to retained: in this order none is missed.
  for (const bool live : {true, false}) {
    if (!live && !retaining()) break;
    std::vector<std::string> names;
    const rocksdb::IOStatus status =
        target()->GetChildren(live ? wal_dir_ : folder(), io, &names, nullptr);
    if (!status.ok()) return FromRocks(status);
    for (const std::string& name : names) {
      const uint64_t number = WalNumber(name);
      if (number == 0) continue;
      uint64_t size = 0;
      const std::string path = PathOf(number, live);
      if (!target()->GetFileSize(path, io, &size, nullptr).ok()) continue;  // it just went
      found[number] = {number, 0, size, live};
    }
  }
  std::lock_guard lock(mutex_);
  std::erase_if(first_seqs_, [&](const auto& known) { return !found.contains(known.first); });
  uint64_t retained_bytes = 0;
  for (auto& [number, file] : found) {
    uint64_t& first_seq = first_seqs_[number];
    if (first_seq == 0) first_seq = FirstSeq(PathOf(number, file.live));
    if (first_seq == 0 && file.live) first_seq = FirstSeq(PathOf(number, /*live=*/false));
    file.first_seq = first_seq;
    if (!file.live) retained_bytes += file.size_bytes;
    files->push_back(file);
  }
  retained_bytes_ = retained_bytes;
  return Status::Ok();
}

Status WalArchive::OpenFile(uint64_t number, std::unique_ptr<rocksdb::FSRandomAccessFile>* file) {
  rocksdb::IOStatus status;
  for (const bool live : {true, false}) {
    status = target()->NewRandomAccessFile(PathOf(number, live), {}, file, nullptr);
    if (status.ok()) break;
  }
  if (status.IsPathNotFound() || status.IsNotFound()) {
    return Status::NotFound("the write-ahead log " + NameOf(number) + " is gone");
  }
  return FromRocks(status);
}

Status WalArchive::TrimWhile(uint64_t keep_seq,
                             const std::function<bool(const File& file)>& may_go) {
  std::vector<File> files;
  if (Status status = List(&files); !status.ok()) return status;
  for (size_t i = 0; i + 1 < files.size(); ++i) {
    const File& file = files[i];
    if (file.live || !may_go(file)) break;
    // What it holds ends where the next one with anything in it begins.
    const auto next = std::find_if(files.begin() + static_cast<ptrdiff_t>(i) + 1, files.end(),
                                   [](const File& other) { return other.first_seq != 0; });
    if (next == files.end() || next->first_seq > keep_seq) break;
    const rocksdb::IOStatus status =
        target()->DeleteFile(PathOf(file.number, /*live=*/false), {}, nullptr);
    if (!status.ok()) return FromRocks(status);
    retained_bytes_ -= file.size_bytes;
  }
  return Status::Ok();
}

Status WalArchive::Trim(uint64_t bytes_max, uint64_t keep_seq) {
  return TrimWhile(keep_seq, [&](const File&) { return retained_bytes() > bytes_max; });
}

Status WalArchive::TrimOlder(int64_t before_ms, uint64_t keep_seq) {
  return TrimWhile(keep_seq, [&](const File& file) {
    uint64_t written_s = 0;
    const std::string path = PathOf(file.number, /*live=*/false);
    return target()->GetFileModificationTime(path, {}, &written_s, nullptr).ok() &&
           static_cast<int64_t>(written_s) * 1000 < before_ms;
  });
}

}  // namespace hearth
