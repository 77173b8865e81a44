// Tested by tests/engine/full_sync_test.cc.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/full_sync.h"

namespace hearth {
namespace fs = std::filesystem;
namespace {

constexpr char kOutgoingFolder[] = "/outgoing";
// Holds the history while a checkpoint is made.
constexpr char kMakingSlot[] = "checkpoint";

std::string SlotOf(const SharedCheckpoint& checkpoint) {
  return std::string(kMakingSlot) + "-" + checkpoint.id;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// OPTIONS files are left out: nobody reads them, and one could name other folders.
bool IsSyncFileName(std::string_view name) {
  constexpr std::string_view kManifest = "MANIFEST-";
  if (name == "CURRENT" || name == "hearth.mark") return true;
  if (name.starts_with(kManifest)) return IsNumber(name.substr(kManifest.size()));
  if (!name.ends_with(".sst") && !name.ends_with(".log")) return false;
  return IsNumber(name.substr(0, name.size() - 4));
}

Status SharedCheckpoint::ReadChunk(const std::string& name, uint64_t offset,
                                   std::span<char> bytes) const {
  const auto file =
      std::ranges::find_if(files, [&](const SyncFile& listed) { return listed.name == name; });
  if (file == files.end()) return Status::Invalid("the checkpoint has no file of that name");
  if (offset > file->size_bytes || bytes.size() > file->size_bytes - offset) {
    return Status::Invalid("the chunk lies outside the file");
  }
  const std::string path = path_ + "/" + name;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::IoError("cannot open " + path);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  ::close(fd);
  return done == bytes.size() ? Status::Ok() : Status::IoError("cannot read " + path);
}

FullSyncSource::FullSyncSource(Engine& engine, Options options)
    : engine_(engine), options_(options), dir_(engine.options().store.dir + kOutgoingFolder) {
  RemoveUnfinishedSnapshots(dir_);
  for (const SnapshotInfo& info : ListSnapshots(dir_)) TakeOver(info);
  // Slots whose checkpoint is gone.
  for (const ReplicationFeed::Slot& slot : engine_.feed().Slots()) {
    const std::string prefix = std::string(kMakingSlot);
    if (slot.name == prefix || (slot.name.starts_with(prefix + "-") &&
                                !kept_.contains(slot.name.substr(prefix.size() + 1)))) {
      (void)engine_.feed().DropSlot(slot.name);
    }
  }
}

void FullSyncSource::TakeOver(const SnapshotInfo& info) {
  auto checkpoint = std::make_shared<SharedCheckpoint>();
  SnapshotInfo read;
  std::vector<SnapshotFile> files;
  if (!ReadSnapshot(info.path, &read, &files)) return;
  checkpoint->id = fs::path(info.path).filename().string();
  checkpoint->sequence = read.sequence;
  checkpoint->history_id = read.replication_id;
  checkpoint->path_ = info.path;
  for (SnapshotFile& file : files) {
    if (!IsSyncFileName(file.name)) continue;
    checkpoint->size_bytes += file.size_bytes;
    checkpoint->files.push_back({std::move(file.name), file.size_bytes, std::move(file.checksum)});
  }
  if (Status status = engine_.feed().SetSlot(SlotOf(*checkpoint), checkpoint->sequence);
      !status.ok() && engine_.options().log) {
    engine_.options().log(2, "cannot hold the history of a checkpoint: " + status.message());
  }
  std::lock_guard lock(mutex_);
  kept_[checkpoint->id] = {checkpoint, read.time_ms, engine_.clock().WallMs()};
}

// What somebody has removed by hand is not handed out.
bool FullSyncSource::IsThere(const Kept& kept) {
  std::error_code error;
  return fs::exists(kept.checkpoint->path_ + "/CURRENT", error) || error;
}

// The newest that is young enough and that the history still leads on from.
std::shared_ptr<const SharedCheckpoint> FullSyncSource::FindUsable() {
  const int64_t now_ms = engine_.clock().WallMs();
  const History history = engine_.log().history();
  const uint64_t last_seq = engine_.log().committed_seq();
  const Lineage lineage = engine_.log().ReadLineage();
  const auto covers = [&](const SharedCheckpoint& checkpoint) {
    return history.Covers(checkpoint.history_id, checkpoint.sequence, last_seq) ||
           lineage.Covers(checkpoint.history_id, checkpoint.sequence);
  };
  std::vector<std::shared_ptr<SharedCheckpoint>> usable;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, kept] : kept_) {
      const bool young = now_ms >= kept.made_ms && now_ms - kept.made_ms <= options_.reused_ms_max;
      if (young && covers(*kept.checkpoint) && IsThere(kept)) usable.push_back(kept.checkpoint);
    }
  }
  for (auto at = usable.rbegin(); at != usable.rend(); ++at) {
    if (!engine_.feed().Reaches((*at)->sequence + 1)) continue;
    std::lock_guard lock(mutex_);
    const auto kept = kept_.find((*at)->id);
    if (kept == kept_.end()) continue;
    kept->second.used_ms = now_ms;
    return *at;
  }
  return nullptr;
}

Status FullSyncSource::Share(std::shared_ptr<const SharedCheckpoint>* checkpoint) {
  std::lock_guard make_lock(make_mutex_);
  *checkpoint = FindUsable();
  if (*checkpoint != nullptr) return Status::Ok();
  // What comes from now on must stay reachable.
  const uint64_t committed_seq = engine_.log().committed_seq();
  if (Status status = engine_.feed().SetSlot(kMakingSlot, committed_seq); !status.ok()) {
    return status;
  }
  CheckpointOptions options;
  options.dir = dir_;
  options.keep = 0;
  options.verify = options_.verify;
  options.cancelled = options_.cancelled;
  if (options_.snapshot_dir) options.known_dirs.push_back(options_.snapshot_dir());
  SnapshotInfo info;
  const Status status = MakeCheckpoint(engine_, options, &info);
  if (status.ok()) TakeOver(info);
  (void)engine_.feed().DropSlot(kMakingSlot);
  if (!status.ok()) return status;
  *checkpoint = Find(fs::path(info.path).filename().string());
  return *checkpoint != nullptr ? Status::Ok() : Status::IoError("the checkpoint is gone");
}

std::shared_ptr<const SharedCheckpoint> FullSyncSource::Find(const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto kept = kept_.find(id);
  if (kept == kept_.end() || !IsThere(kept->second)) return nullptr;
  kept->second.used_ms = engine_.clock().WallMs();
  return kept->second.checkpoint;
}

void FullSyncSource::Tick() {
  const int64_t now_ms = engine_.clock().WallMs();
  std::vector<std::shared_ptr<SharedCheckpoint>> unused;
  {
    std::lock_guard lock(mutex_);
    for (auto at = kept_.begin(); at != kept_.end();) {
      Kept& kept = at->second;
      if (kept.checkpoint.use_count() > 1) kept.used_ms = now_ms;
      if (now_ms - kept.used_ms < options_.unused_ms_max) {
        ++at;
        continue;
      }
      unused.push_back(std::move(kept.checkpoint));
      at = kept_.erase(at);
    }
  }
  for (const auto& checkpoint : unused) {
    (void)engine_.feed().DropSlot(SlotOf(*checkpoint));
    std::error_code error;
    fs::remove_all(checkpoint->path_, error);
  }
}

}  // namespace hearth
