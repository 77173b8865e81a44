// Tested by tests/engine/checkpoint_test.cc.
#include "engine/checkpoint.h"

#include <fcntl.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/check.h"
#include "engine/watermark.h"

namespace hearth {
namespace fs = std::filesystem;

RunningChecksum::RunningChecksum() : state_(XXH3_createState()) {
  HEARTH_CHECK(state_ != nullptr);
  Reset();
}

RunningChecksum::~RunningChecksum() {
  XXH3_freeState(state_);
}

void RunningChecksum::Reset() {
  XXH3_64bits_reset(state_);
}

void RunningChecksum::Update(std::string_view bytes) {
  XXH3_64bits_update(state_, bytes.data(), bytes.size());
}

std::string RunningChecksum::Text() const {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits_digest(state_)));
  return text;
}

Status FileChecksum(const std::string& path, std::string* checksum) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::IoError("cannot read " + path);
  constexpr size_t kChunk = 1 << 20;
  std::string chunk(kChunk, '\0');
  RunningChecksum running;
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    running.Update({chunk.data(), static_cast<size_t>(file.gcount())});
  }
  *checksum = running.Text();
  return file.bad() ? Status::IoError("cannot read " + path) : Status::Ok();
}

Status SyncPath(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::IoError("cannot open " + path);
  const int failed = ::fsync(fd);
  ::close(fd);
  return failed != 0 ? Status::IoError("cannot sync " + path) : Status::Ok();
}

namespace {

constexpr char kManifestHeader[] = "hearth-snapshot 1";

struct FileEntry {
  uint64_t size_bytes = 0;
  std::string checksum;
};

bool ReadManifest(const std::string& dir, SnapshotInfo* info,
                  std::map<std::string, FileEntry>* files) {
  std::ifstream file(dir + "/" + kSnapshotManifestName);
  std::string line;
  if (!std::getline(file, line) || line != kManifestHeader) return false;
  info->path = dir;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "end") return true;
    if (name == "sequence") words >> info->sequence;
    if (name == "time-ms") words >> info->time_ms;
    if (name == "keys") words >> info->keys;
    if (name == "replication-id") words >> info->replication_id;
    if (name == "file") {
      FileEntry entry;
      std::string file_name;
      words >> entry.size_bytes >> entry.checksum >> file_name;
      info->size_bytes += entry.size_bytes;
      if (files != nullptr) (*files)[file_name] = entry;
    }
  }
  return false;
}

std::string UtcName(int64_t time_ms, uint64_t sequence) {
  const std::time_t seconds = time_ms / 1000;
  std::tm utc;
  gmtime_r(&seconds, &utc);
  char text[64];
  std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
  return std::string(text) + "-" + std::to_string(sequence);
}

// Block checksums of a table file, as RocksDB wrote them.
Status VerifyTable(const std::string& path) {
  rocksdb::SstFileReader reader{rocksdb::Options()};
  Status status = FromRocks(reader.Open(path));
  if (status.ok()) status = FromRocks(reader.VerifyChecksum());
  if (!status.ok()) return {status.code(), path + ": " + status.message()};
  return status;
}

// A line of the log now and then while a checkpoint takes long.
class Progress {
 public:
  explicit Progress(Engine& engine) : engine_(engine), told_us_(engine.clock().MonotonicUs()) {}
  void Tell(const std::string& line) {
    const int64_t now_us = engine_.clock().MonotonicUs();
    if (now_us - told_us_ < kEveryUs || !engine_.options().log) return;
    told_us_ = now_us;
    engine_.options().log(1, "Snapshot: " + line);
  }

 private:
  static constexpr int64_t kEveryUs = 1'000'000;
  Engine& engine_;
  int64_t told_us_;
};

// Table files of a new checkpoint that a snapshot lists, and so are known to be good: those that
// are the very same, by another link. Names come again, of the same size even, when the store's
// files were lost and made anew.
std::map<std::string, FileEntry> KnownFiles(const std::string& dir,
                                            const CheckpointOptions& options) {
  std::vector<std::string> snapshot_dirs = options.known_dirs;
  snapshot_dirs.push_back(options.dir);
  std::map<std::string, FileEntry> known;
  for (const std::string& snapshot_dir : snapshot_dirs) {
    for (const SnapshotInfo& old : ListSnapshots(snapshot_dir)) {
      SnapshotInfo scratch;
      std::map<std::string, FileEntry> files;
      if (!ReadManifest(old.path, &scratch, &files)) continue;
      for (auto& [name, entry] : files) {
        std::error_code ignored;
        if (!name.ends_with(".sst") || known.contains(name)) continue;
        if (!fs::equivalent(dir + "/" + name, old.path + "/" + name, ignored)) continue;
        known.emplace(name, std::move(entry));
      }
    }
  }
  return known;
}

// Lists, verifies, checksums and syncs the files of a new checkpoint.
Status DescribeFiles(const std::string& dir, const CheckpointOptions& options, Progress* progress,
                     std::ostringstream* manifest) {
  const std::map<std::string, FileEntry> known = KnownFiles(dir, options);
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return Status::IoError("cannot list " + dir + ": " + error.message());
  std::sort(names.begin(), names.end());
  uint64_t done_bytes = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    progress->Tell(std::to_string(i) + " of " + std::to_string(names.size()) + " files, " +
                   std::to_string(done_bytes >> 20) + " MB are verified and synced");
    if (options.cancelled != nullptr && *options.cancelled) {
      return Status::Busy("the snapshot was given up: the server stops");
    }
    const std::string path = dir + "/" + name;
    FileEntry entry{fs::file_size(path, error), {}};
    if (error) return Status::IoError("cannot look at " + path + ": " + error.message());
    done_bytes += entry.size_bytes;
    const auto old = known.find(name);
    if (old != known.end() && old->second.size_bytes == entry.size_bytes) {
      entry = old->second;
    } else {
      if (name.ends_with(".sst") && options.verify) {
        if (Status status = VerifyTable(path); !status.ok()) return status;
      }
      if (Status status = FileChecksum(path, &entry.checksum); !status.ok()) return status;
      if (Status status = SyncPath(path); !status.ok()) return status;
    }
    *manifest << "file " << entry.size_bytes << " " << entry.checksum << " " << name << "\n";
  }
  return Status::Ok();
}

void RemoveOldSnapshots(const CheckpointOptions& options) {
  if (options.keep == 0) return;
  const std::vector<SnapshotInfo> snapshots = ListSnapshots(options.dir);
  for (size_t i = options.keep; i < snapshots.size(); ++i) {
    std::error_code error;
    fs::remove_all(snapshots[i].path, error);
  }
}

Status FillCheckpoint(Engine& engine, const CheckpointOptions& options, const std::string& dir,
                      SnapshotInfo* info) {
  Progress progress(engine);
  // What a store that failed has on the disk may not be all that was acknowledged.
  if (Status failure = engine.log().failure(); !failure.ok()) return failure;
  {
    auto guard = engine.store().Guard();
    if (engine.store().db() == nullptr) return Status::IoError("the store is closed");
    rocksdb::Checkpoint* raw = nullptr;
    Status status = FromRocks(rocksdb::Checkpoint::Create(engine.store().db(), &raw));
    if (!status.ok()) return status;
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    // 0: flush first, so that the checkpoint needs no WAL that might be cut mid-record.
    status = FromRocks(checkpoint->CreateCheckpoint(dir, /*log_size_for_flush=*/0));
    if (!status.ok()) return status;
  }
  progress.Tell("the memtables are flushed and the files are linked");
  StoreState state;
  Status status = ReadCheckpointState(dir, engine.options().db_count, &info->sequence, &state);
  if (!status.ok()) return status;
  std::error_code ignored;
  for (const char* name : {"LOCK", "LOG"}) fs::remove(dir + "/" + name, ignored);
  for (const DbState& db : state.dbs) info->keys += db.keys;
  info->replication_id = state.history.id;
  info->time_ms = engine.clock().WallMs();
  status = WriteWatermark(rocksdb::FileSystem::Default().get(), dir, {info->sequence, true, {}});
  if (!status.ok()) return status;

  std::ostringstream manifest;
  manifest << kManifestHeader << "\nsequence " << info->sequence << "\ntime-ms " << info->time_ms
           << "\nkeys " << info->keys << "\nreplication-id " << info->replication_id << "\n";
  status = DescribeFiles(dir, options, &progress, &manifest);
  if (!status.ok()) return status;
  manifest << "end\n";
  return WriteFileAtomically(rocksdb::FileSystem::Default().get(), dir, kSnapshotManifestName,
                             manifest.str());
}

}  // namespace

// From the checkpoint itself, because the live store goes on meanwhile.
Status ReadCheckpointState(const std::string& dir, uint32_t db_count, uint64_t* sequence,
                           StoreState* state) {
  rocksdb::Options options;
  options.info_log_level = rocksdb::FATAL_LEVEL;
  options.info_log = nullptr;
  options.env = rocksdb::Env::Default();
  rocksdb::DB* raw = nullptr;
  Status status = FromRocks(rocksdb::DB::OpenForReadOnly(options, dir, &raw));
  if (!status.ok()) return status;
  const std::unique_ptr<rocksdb::DB> db(raw);
  *sequence = db->GetLatestSequenceNumber();
  std::string row;
  status = FromRocks(db->Get({}, std::string(kStateRowKey), &row));
  if (!status.ok()) return status;
  if (ParseState(row, db_count, state)) return Status::Ok();
  return Status::Corruption(std::string("the state row ") + WhatIsWrongWithState(row));
}

Status MakeCheckpoint(Engine& engine, const CheckpointOptions& options, SnapshotInfo* info) {
  std::error_code error;
  // A folder in place of one that is away would be taken for an empty store.
  const std::string& store_dir = engine.options().store.dir;
  if (!fs::exists(store_dir + "/CURRENT", error)) {
    return Status::IoError("the store's files are not in " + store_dir + " any more");
  }
  fs::create_directories(options.dir, error);
  if (error) return Status::IoError("cannot create " + options.dir + ": " + error.message());
  RemoveUnfinishedSnapshots(options.dir);
  const std::string unfinished =
      options.dir + "/" + std::to_string(engine.clock().MonotonicUs()) + kSnapshotUnfinishedSuffix;
  *info = {};
  Status status = FillCheckpoint(engine, options, unfinished, info);
  if (status.ok()) {
    info->path = options.dir + "/" + UtcName(info->time_ms, info->sequence);
    // The same second and sequence: the same data.
    fs::remove_all(info->path, error);
    fs::rename(unfinished, info->path, error);
    if (error) status = Status::IoError("cannot rename " + unfinished + ": " + error.message());
  }
  if (status.ok()) status = SyncPath(options.dir);
  if (!status.ok()) {
    fs::remove_all(unfinished, error);
    return status;
  }
  RemoveOldSnapshots(options);
  SnapshotInfo written;
  if (ReadManifest(info->path, &written, nullptr)) info->size_bytes = written.size_bytes;
  return status;
}

std::vector<SnapshotInfo> ListSnapshots(const std::string& dir) {
  std::vector<SnapshotInfo> snapshots;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    SnapshotInfo info;
    if (path.ends_with(kSnapshotUnfinishedSuffix)) continue;
    if (ReadManifest(path, &info, nullptr)) snapshots.push_back(info);
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const SnapshotInfo& a, const SnapshotInfo& b) {
    return std::tie(a.time_ms, a.sequence) > std::tie(b.time_ms, b.sequence);
  });
  return snapshots;
}

void RemoveUnfinishedSnapshots(const std::string& dir) {
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    if (path.ends_with(kSnapshotUnfinishedSuffix) ||
        path.ends_with(std::string(kSnapshotUnfinishedSuffix) + ".tmp")) {
      fs::remove_all(path, ignored);
    }
  }
}

bool ReadSnapshot(const std::string& path, SnapshotInfo* info, std::vector<SnapshotFile>* files) {
  std::map<std::string, FileEntry> entries;
  if (!ReadManifest(path, info, &entries)) return false;
  for (const auto& [name, entry] : entries) {
    files->push_back({name, entry.size_bytes, entry.checksum});
  }
  return true;
}

}  // namespace hearth
