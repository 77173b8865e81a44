#pragma once

// RecoverFromWal: takes a store, that of a snapshot say, forward by the groups that stand in the
// WAL files of the store which it was taken of, up to a point that is asked for: a time, a
// sequence, or the flush that nobody wanted.
//
// The files are read as wal_archive.h lays them out, live and retained, and stay as they are; the
// store that they belong to may be in use. The groups are applied as a primary's are: at their own
// sequences, each checked. Then a new history begins (Engine::Promote): no replica goes on with
// what was left out, and all is flushed: the store needs no log of its own.
//
// Thread:   one; nothing else uses the engine.
// Errors:   NotFound: the files do not reach the store's end, or a part between is missing;
//           Invalid: they are of another history; Corruption: damage before the point. What was
//           applied until then stays, and the history is the old one still: with what is missing,
//           the same call goes on.
// Limits:   holds some MB of groups, however many there are, and at the end one log file.

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "engine/engine.h"

namespace hearth {

struct RecoveryTarget {
  uint64_t seq = std::numeric_limits<uint64_t>::max();        // groups that end at or before it
  uint64_t commit_ms = std::numeric_limits<uint64_t>::max();  // committed at or before it (unix)
  bool before_flush = false;  // up to the first FLUSHDB or FLUSHALL, without it
};

struct RecoveryReport {
  uint64_t begin_seq = 0;  // of the store when it began
  uint64_t end_seq = 0;
  uint64_t end_ms = 0;  // when the last group was committed, unix
  uint64_t group_count = 0;
  bool reached_target = false;  // else the files ended first
  // The first group that was left out, if any: when it was committed, and its rows as text.
  uint64_t next_ms = 0;
  std::string next_text;
  bool is_torn = false;  // the last file ends within a record
};

// progress: called now and then with the sequence that is reached.
// Requires: engine.is_replica().
Status RecoverFromWal(Engine& engine, const std::string& wal_dir, const RecoveryTarget& target,
                      const std::function<void(uint64_t seq)>& progress, RecoveryReport* report);

}  // namespace hearth
