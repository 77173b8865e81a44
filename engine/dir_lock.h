#pragma once

// DirLock: a folder is one process' alone, from before anything in it is looked at: what a start
// clears away may be what a running server is making. RocksDB's own lock comes later, and there is
// none for a wal-dir.
//
//   <dir>/hearth.lock   locked by flock(2) while its process lives; holds that process' id
//
// Thread:   one.
// Lifetime: the lock ends with it. The file stays.

#include <string>

#include "engine/status.h"

namespace hearth {

class DirLock {
 public:
  DirLock() = default;
  ~DirLock();
  DirLock(const DirLock&) = delete;
  DirLock& operator=(const DirLock&) = delete;

  // Busy: another process has it, or another DirLock of this one. A folder where no file can be
  // made is left to those who want to write there: Ok. Requires: none was taken.
  Status Take(const std::string& dir);

 private:
  int fd_ = -1;
};

}  // namespace hearth
