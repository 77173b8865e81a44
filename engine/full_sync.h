#pragma once

// FullSync: giving a server all data of another one as the files of a checkpoint.
//
//   FullSyncSource  makes a checkpoint, or hands out one that is young enough, and reads chunks.
//   FullSyncTarget  collects the files in a folder of its own, over any number of cuts and
//   restarts. Engine::SwitchToIncoming makes what was collected the engine's data, at once or not
//   at all.
//
//   <data-dir>/outgoing/<name>/    checkpoints that replicas read, as checkpoint.h describes them
//   <data-dir>/incoming/           <target>
//   <target>/STATE = "hearth-sync 1\n" "checkpoint " id "\n" ("file " size " " xxh3:hex " " name
//                    "\n")* "end\n"
//   <target>/NAME.part, NAME.done = ranges that are there: (offset " " size " .\n")*   while
//   fetched <target>/NAME                                                                     whole
//   <target>/COMPLETE                                                     all verified and synced
//   <data-dir>/SWITCH = "hearth-switch 1\n" "phase " ("1" | "2") "\n" "end\n"
//   <data-dir>/replaced/, <wal-dir>/replaced/       the old data, until the new one was opened once
//
// A switch, and the start after a crash in the middle of it (ResolveSwitch): SWITCH with phase 1
// is written; the old files go to replaced/; phase 2 is written; the new files come from incoming/;
// SWITCH is removed. Each step may be repeated. Before SWITCH is on the disk the old data is the
// data, from then on the new one. Files are moved one by one because a data directory is often a
// mount point, which has no name to give away.
//
// Nothing a source says is trusted: file names are of a fixed set of patterns, sizes bounded by
// what is announced, every file has a checksum; chunks have that of the frame they come in.
//
// Thread:   source: any. Target: one at a time.
// Lifetime: a shared checkpoint's files stay as long as somebody holds it, then for unused_ms_max.
// Errors:   Corruption: a checksum or a name is wrong: fetch that chunk again, or give up.
// Limits:   kSyncFilesMax files, chunks of kSyncChunkMax bytes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/history.h"
#include "engine/status.h"

namespace hearth {

inline constexpr size_t kSyncFilesMax = 1 << 20;
inline constexpr size_t kSyncChunkMax = 16 << 20;  // bytes

struct SyncFile {
  std::string name;
  uint64_t size_bytes = 0;
  std::string checksum;  // XXH3-64, 16 hexadecimal digits
  bool operator==(const SyncFile&) const = default;
};

// RocksDB's files of a checkpoint and our mark: no folder, nothing else.
bool IsSyncFileName(std::string_view name);

// One checkpoint that replicas read.
class SharedCheckpoint {
 public:
  std::string id;         // names it over restarts of the source
  uint64_t sequence = 0;  // its last; a replica goes on behind it
  std::string history_id;
  std::vector<SyncFile> files;
  uint64_t size_bytes = 0;

  // Fills bytes from the file's offset on. May wait for the disk. Invalid: it has not so many.
  Status ReadChunk(const std::string& name, uint64_t offset, std::span<char> bytes) const;

 private:
  friend class FullSyncSource;
  std::string path_;
};

class FullSyncSource {
 public:
  struct Options {
    int64_t unused_ms_max = 600'000;  // repl-checkpoint-ttl
    int64_t reused_ms_max = 300'000;  // an older one is not handed out anew
    bool verify = true;
    const std::atomic<bool>* cancelled = nullptr;
    // Where snapshots of the store are; may be empty. What they list is not verified again.
    std::function<std::string()> snapshot_dir = {};
  };
  // Takes over what an earlier run left.
  FullSyncSource(Engine& engine, Options options);

  // A checkpoint that the feed still reaches behind; a slot holds what follows it. Makes one when
  // there is none: takes as long as MakeCheckpoint (a reader's thread). Callers at the same time
  // get the same one.
  Status Share(std::shared_ptr<const SharedCheckpoint>* checkpoint);
  // For a replica that resumes; null when it is gone.
  std::shared_ptr<const SharedCheckpoint> Find(const std::string& id);
  // Removes what nobody used for unused_ms_max. Now and then.
  void Tick();

 private:
  struct Kept {
    std::shared_ptr<SharedCheckpoint> checkpoint;
    int64_t made_ms = 0;
    int64_t used_ms = 0;
  };
  void TakeOver(const SnapshotInfo& info);
  std::shared_ptr<const SharedCheckpoint> FindUsable();
  static bool IsThere(const Kept& kept);

  Engine& engine_;
  const Options options_;
  const std::string dir_;
  std::mutex make_mutex_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
};

struct SyncRange {
  std::string name;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

class FullSyncTarget {
 public:
  // data_dir: of the engine; files that it has already are linked.
  explicit FullSyncTarget(std::string data_dir);
  ~FullSyncTarget();

  // Begins, or goes on with the parts of the same checkpoint that are there; parts of another are
  // removed, but for files that this one has too. May read much (checksums).
  Status Begin(const std::string& checkpoint_id, const std::vector<SyncFile>& files);
  // The checkpoint that parts are there of; empty = none. Known from construction on.
  std::string checkpoint_id() const;
  // What is still to be written, in pieces of at most kSyncChunkMax, count_max of them.
  std::vector<SyncRange> Missing(size_t count_max) const;
  uint64_t missing_bytes() const;
  uint64_t total_bytes() const;
  // Takes bytes that came as they were sent. Corruption: they don't lie within a file of the
  // checkpoint, or the file that they complete has another checksum: all of it is missing again.
  Status Write(const std::string& name, uint64_t offset, std::string_view bytes);
  // Checks every file, syncs all. Corruption names a bad file; it is missing again. Afterwards
  // Engine::SwitchToIncoming may be called.
  Status Finish();
  // Gives up: removes all parts.
  Status Remove();

 private:
  struct Part {
    SyncFile file;
    bool whole = false;
    bool checked = false;                 // by this object: whole, with its checksum
    std::map<uint64_t, uint64_t> ranges;  // offset -> end, merged
    int fd = -1;
    int ranges_fd = -1;
  };
  std::string PathOf(const std::string& name) const { return dir_ + "/" + name; }
  Status WriteState() const;
  bool ReadState();
  Status Reuse(Part* part);
  Status OpenPart(Part* part);
  void ClosePart(Part* part);
  Status CheckWhole(Part* part);
  void Follow(const std::string& name, uint64_t offset, std::string_view bytes);

  const std::string data_dir_;
  const std::string dir_;
  std::string checkpoint_id_;
  std::map<std::string, Part> parts_;
  // Of what came of one file from its beginning, in order: that need not be read again.
  RunningChecksum followed_;
  std::string followed_name_;
  uint64_t followed_bytes_ = 0;
};

// Ends a switch that was begun; *resumed tells whether there was one. The store is closed. May be
// repeated after an error. go_on is asked before each step, for tests that stop there.
Status ResolveSwitch(const std::string& data_dir, const std::string& wal_dir, bool* resumed,
                     const std::function<bool()>& go_on = {});
// Begins one: from now on the new data is the data. Requires: the store is closed.
// Errors: Invalid without a finished FullSyncTarget.
Status BeginSwitch(const std::string& data_dir);
bool IsIncomingComplete(const std::string& data_dir);
// Removes what was replaced, once the new data was opened.
void RemoveReplaced(const std::string& data_dir, const std::string& wal_dir);

}  // namespace hearth
