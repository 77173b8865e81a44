// Tested by tests/engine/list_nodes_test.cc.
#include "engine/list_indexes.h"

#include <algorithm>

namespace hearth {

uint64_t ListIndexes::AtRun(uint32_t position) const {
  const auto after =
      std::upper_bound(runs_->begin(), runs_->end(), position,
                       [](uint32_t wanted, const Run& run) { return wanted < run.position; });
  const Run& run = *(after - 1);
  return run.first + uint64_t{position - run.position} * run.step;
}

// Puts an index behind those of the runs.
void ListIndexes::AddRun(uint64_t index, uint32_t position) {
  if (!runs_->empty()) {
    Run& last = runs_->back();
    const uint32_t count = position - last.position;
    if (index == last.first + uint64_t{count} * last.step) return;
    const uint64_t step = index - last.first;
    if (count == 1 && step <= UINT32_MAX) {
      last.step = static_cast<uint32_t>(step);
      return;
    }
  }
  runs_->push_back({position, static_cast<uint32_t>(kListIndexStep), index});
}

// Back to the form without runs when there is but one of the usual step.
void ListIndexes::Simplify() {
  if (runs_ == nullptr || runs_->size() != 1 || runs_->front().step != kListIndexStep) return;
  first_ = runs_->front().first;
  runs_.reset();
}

void ListIndexes::PushBack(uint64_t index, uint32_t count) {
  if (runs_ == nullptr) {
    if (count == 0) first_ = index;
    if (index == first_ + count * kListIndexStep) return;
    runs_ = std::make_unique<std::vector<Run>>();
    runs_->push_back({0, static_cast<uint32_t>(kListIndexStep), first_});
  }
  AddRun(index, count);
}

void ListIndexes::PushFront(uint64_t index, uint32_t count) {
  if (runs_ == nullptr && (count == 0 || index == first_ - kListIndexStep)) {
    first_ = index;
    return;
  }
  std::vector<uint64_t> indexes = {index};
  Read(count, &indexes);
  Assign(indexes);
}

void ListIndexes::DropFront(uint32_t drop_count, uint32_t count) {
  if (drop_count == count) {
    runs_.reset();
    return;
  }
  const uint64_t first = At(drop_count);
  if (runs_ == nullptr) {
    first_ = first;
    return;
  }
  auto run = runs_->begin();
  while (run + 1 != runs_->end() && (run + 1)->position <= drop_count) ++run;
  run->first = first;
  run->position = drop_count;
  runs_->erase(runs_->begin(), run);
  for (Run& left : *runs_) left.position -= drop_count;
  const uint32_t first_count = runs_->size() > 1 ? (*runs_)[1].position : count - drop_count;
  if (first_count == 1) runs_->front().step = static_cast<uint32_t>(kListIndexStep);
  Simplify();
}

void ListIndexes::DropBack(uint32_t drop_count, uint32_t count) {
  if (runs_ == nullptr) return;
  const uint32_t left = count - drop_count;
  while (!runs_->empty() && runs_->back().position >= left) runs_->pop_back();
  if (runs_->empty()) {
    runs_.reset();
    return;
  }
  if (left - runs_->back().position == 1) {
    runs_->back().step = static_cast<uint32_t>(kListIndexStep);
  }
  Simplify();
}

void ListIndexes::Read(uint32_t count, std::vector<uint64_t>* to) const {
  if (runs_ == nullptr) {
    for (uint32_t i = 0; i < count; ++i) to->push_back(first_ + i * kListIndexStep);
    return;
  }
  for (size_t i = 0; i < runs_->size(); ++i) {
    const Run& run = (*runs_)[i];
    const uint32_t end = i + 1 < runs_->size() ? (*runs_)[i + 1].position : count;
    uint64_t index = run.first;
    for (uint32_t position = run.position; position < end; ++position, index += run.step) {
      to->push_back(index);
    }
  }
}

void ListIndexes::Assign(const std::vector<uint64_t>& indexes) {
  runs_ = std::make_unique<std::vector<Run>>();
  for (uint32_t position = 0; position < indexes.size(); ++position) {
    AddRun(indexes[position], position);
  }
  if (runs_->empty()) runs_.reset();
  if (runs_ != nullptr) runs_->shrink_to_fit();
  Simplify();
}

}  // namespace hearth
