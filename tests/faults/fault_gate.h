#pragma once

// FaultGate: counts the operations of a disk, makes those fail that were chosen, and blocks those
// that are frozen.
//
// Thread: any.

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/fault_file_system.h"

namespace hearth {

using rocksdb::IOStatus;

class FaultGate {
 public:
  // Counts the operation, blocks while it is frozen, and says how it fails, if it does.
  std::optional<Fault> Enter(FileOp op, const std::string& path);
  // The same, for operations that fail without any effect.
  IOStatus Admit(FileOp op, const std::string& path) { return StatusOf(Enter(op, path), path); }
  static IOStatus StatusOf(const std::optional<Fault>& fault, const std::string& path);

  void Inject(Fault fault);
  void Heal();
  void Freeze(FileOpMatch match);
  void Release();
  void WaitForFrozen(size_t count);
  uint64_t Count(FileOp op) const;
  uint64_t failed_count() const;

 private:
  static bool Matches(const FileOpMatch& match, FileOp op, const std::string& name);
  bool FrozenLocked(FileOp op, const std::string& name) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<uint64_t, kFileOpCount> counts_ = {};
  uint64_t failed_count_ = 0;
  std::vector<Fault> faults_;  // nth counts down; 0: spent
  std::vector<FileOpMatch> freezes_;
  size_t frozen_count_ = 0;
};

}  // namespace hearth
