#pragma once

// Checkpoint: a snapshot of the whole store as a directory of hard links, and its manifest.
//
//   <snapshot-dir>/<UTC time>-<sequence>/        openable as a data directory
//     CURRENT MANIFEST-* OPTIONS-* *.sst *.log   RocksDB's files
//     hearth.mark                                the sequence that must be recovered
//     SNAPSHOT                                   the manifest
//   SNAPSHOT  = "hearth-snapshot 1\n" field* file* "end\n"
//   field     = ("sequence" | "time-ms" | "keys" | "replication-id") " " value "\n"
//   file      = "file " size-bytes " " xxh3-64:hex " " name "\n"
//
// A checkpoint is made under a temporary name, verified, synced and renamed: a directory that
// bears its final name is whole. Its cost does not depend on the size of the data, but for the
// checksums, which read the files that an earlier snapshot does not know already.
//
// Thread: any; one at a time (Busy otherwise).
// Errors: the previous snapshots stay; the temporary directory is removed now or at the next start.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/status.h"

struct XXH3_state_s;

namespace hearth {

inline constexpr char kSnapshotManifestName[] = "SNAPSHOT";
inline constexpr char kSnapshotUnfinishedSuffix[] = ".unfinished";

struct SnapshotInfo {
  std::string path;
  uint64_t sequence = 0;
  int64_t time_ms = 0;
  uint64_t keys = 0;
  uint64_t size_bytes = 0;
  std::string replication_id;
};

struct CheckpointOptions {
  std::string dir;                               // the snapshots' directory
  size_t keep = 3;                               // newest ones that stay; 0 = all
  bool verify = true;                            // read every block's checksum of the new files
  const std::atomic<bool>* cancelled = nullptr;  // once true the checkpoint is given up
  std::vector<std::string> known_dirs;           // others with snapshots of this store
};

// What stands in a checkpoint's files: the last sequence, and the state row. Errors: Corruption.
Status ReadCheckpointState(const std::string& dir, uint32_t db_count, uint64_t* sequence,
                           StoreState* state);

// Makes a snapshot of at least everything committed when it was called.
Status MakeCheckpoint(Engine& engine, const CheckpointOptions& options, SnapshotInfo* info);

// Snapshots in dir, the newest first. Directories without a whole manifest are left out.
std::vector<SnapshotInfo> ListSnapshots(const std::string& dir);

struct SnapshotFile {
  std::string name;
  uint64_t size_bytes = 0;
  std::string checksum;  // XXH3-64, 16 hexadecimal digits
};
// What stands in a snapshot; false when its manifest is missing or damaged.
bool ReadSnapshot(const std::string& path, SnapshotInfo* info, std::vector<SnapshotFile>* files);

// XXH3-64 of bytes that come piece by piece.
class RunningChecksum {
 public:
  RunningChecksum();
  ~RunningChecksum();
  RunningChecksum(const RunningChecksum&) = delete;
  RunningChecksum& operator=(const RunningChecksum&) = delete;

  void Reset();
  void Update(std::string_view bytes);
  // 16 hexadecimal digits.
  std::string Text() const;

 private:
  XXH3_state_s* const state_;
};

// XXH3-64 of a file, 16 hexadecimal digits. Reads it in pieces.
Status FileChecksum(const std::string& path, std::string* checksum);
// Makes a file, or a folder's names, survive a power loss.
Status SyncPath(const std::string& path);

// Removes what an interrupted checkpoint left behind.
void RemoveUnfinishedSnapshots(const std::string& dir);

}  // namespace hearth
