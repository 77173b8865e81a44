// Test: tests/engine/fault_file_system_test.cc
#include "tests/faults/fault_gate.h"

#include <algorithm>
#include <utility>

#include "engine/check.h"
#include "tests/faults/disk_model.h"

namespace hearth {

bool FaultGate::Matches(const FileOpMatch& match, FileOp op, const std::string& name) {
  return (!match.op || *match.op == op) && name.find(match.name_part) != std::string::npos;
}

bool FaultGate::FrozenLocked(FileOp op, const std::string& name) const {
  return std::any_of(freezes_.begin(), freezes_.end(),
                     [&](const FileOpMatch& match) { return Matches(match, op, name); });
}

std::optional<Fault> FaultGate::Enter(FileOp op, const std::string& path) {
  const std::string name = NameOfPath(path);
  std::unique_lock lock(mutex_);
  ++counts_[static_cast<size_t>(op)];
  if (FrozenLocked(op, name)) {
    ++frozen_count_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !FrozenLocked(op, name); });
    --frozen_count_;
  }
  std::optional<Fault> chosen;
  for (Fault& fault : faults_) {
    if (fault.nth == 0 || !Matches(fault.match, op, name)) continue;
    if (fault.nth > 1) {
      --fault.nth;
      continue;
    }
    if (!fault.and_all_after) fault.nth = 0;
    if (!chosen) chosen = fault;
  }
  if (chosen) ++failed_count_;
  return chosen;
}

IOStatus FaultGate::StatusOf(const std::optional<Fault>& fault, const std::string& path) {
  if (!fault) return IOStatus::OK();
  if (fault->error == FaultError::kNoSpace) {
    return IOStatus::NoSpace("injected: no space left on device", path);
  }
  return IOStatus::IOError("injected: input/output error", path);
}

void FaultGate::Inject(Fault fault) {
  HEARTH_CHECK(fault.nth >= 1);
  std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultGate::Heal() {
  std::lock_guard lock(mutex_);
  faults_.clear();
}

void FaultGate::Freeze(FileOpMatch match) {
  std::lock_guard lock(mutex_);
  freezes_.push_back(std::move(match));
}

void FaultGate::Release() {
  std::lock_guard lock(mutex_);
  freezes_.clear();
  changed_.notify_all();
}

void FaultGate::WaitForFrozen(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return frozen_count_ >= count; });
}

uint64_t FaultGate::Count(FileOp op) const {
  std::lock_guard lock(mutex_);
  return counts_[static_cast<size_t>(op)];
}

uint64_t FaultGate::failed_count() const {
  std::lock_guard lock(mutex_);
  return failed_count_;
}

}  // namespace hearth
