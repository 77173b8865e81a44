#pragma once

// ListIndexes: the row indexes of the elements of one list node, ascending.
//
// Pushing gives indexes at equal distances, kListIndexStep, so that nothing but the first is kept;
// removals and insertions in the middle leave runs of equal distances, which are kept as runs.
// The owner knows the count of elements and tells it.
//
// Thread: guarded by its key's shard lock.

#include <cstdint>
#include <memory>
#include <vector>

namespace hearth {

// Between the indexes of neighbours that were pushed: room for what is inserted between them.
inline constexpr uint64_t kListIndexStep = uint64_t{1} << 20;

class ListIndexes {
 public:
  // Requires: position < count.
  uint64_t At(uint32_t position) const {
    if (runs_ == nullptr) [[likely]]
      return first_ + position * kListIndexStep;
    return AtRun(position);
  }
  // count: of the elements before the change.
  void PushFront(uint64_t index, uint32_t count);
  void PushBack(uint64_t index, uint32_t count);
  void DropFront(uint32_t drop_count, uint32_t count);
  void DropBack(uint32_t drop_count, uint32_t count);
  // Appends all.
  void Read(uint32_t count, std::vector<uint64_t>* to) const;
  void Assign(const std::vector<uint64_t>& indexes);
  // Beside the object itself.
  size_t memory_bytes() const {
    return runs_ == nullptr ? 0 : sizeof(*runs_) + runs_->capacity() * sizeof(Run);
  }

 private:
  struct Run {
    uint32_t position;  // of its first element
    uint32_t step;
    uint64_t first;
  };

  uint64_t AtRun(uint32_t position) const;
  void AddRun(uint64_t index, uint32_t position);
  void Simplify();

  uint64_t first_ = 0;
  std::unique_ptr<std::vector<Run>> runs_;  // null: one run of kListIndexStep from first_ on
};

}  // namespace hearth
