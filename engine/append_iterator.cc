// Tested by tests/engine/append_memtable_test.cc.
#include "engine/append_iterator.h"

#include <algorithm>
#include <utility>

namespace hearth::append {

RunIterator::RunIterator(View view) : view_(std::move(view)) {
  const auto& runs = view_.version->runs;
  cursors_.reserve(runs.size() + view_.tail_runs.size());
  for (const auto& tiered : runs) AddCursor(tiered.run);
  for (const auto& run : view_.tail_runs) AddCursor(run);
  heap_.reserve(cursors_.size());
}

void RunIterator::AddCursor(const Run& run) {
  cursors_.push_back({run->begin(), static_cast<ptrdiff_t>(run->count()), 0});
}

void RunIterator::Seek(const Slice& internal_key, const char* /*memtable_key*/) {
  const Target target(internal_key);
  for (Cursor& cursor : cursors_) cursor.index = LowerBound(cursor, target);
  BuildHeap(/*forward=*/true);
}

void RunIterator::SeekForPrev(const Slice& internal_key, const char* /*memtable_key*/) {
  const Target target(internal_key);
  for (Cursor& cursor : cursors_) {
    cursor.index = LowerBound(cursor, target);
    const bool equal = cursor.Valid() && target.CompareTo(cursor.entry()) == 0;
    if (!equal) --cursor.index;
  }
  BuildHeap(/*forward=*/false);
}

void RunIterator::SeekToFirst() {
  for (Cursor& cursor : cursors_) cursor.index = 0;
  BuildHeap(/*forward=*/true);
}

void RunIterator::SeekToLast() {
  for (Cursor& cursor : cursors_) cursor.index = cursor.count - 1;
  BuildHeap(/*forward=*/false);
}

ptrdiff_t RunIterator::LowerBound(const Cursor& cursor, const Target& target) const {
  const auto* found = std::partition_point(cursor.entries, cursor.entries + cursor.count,
                                           [&](const Entry& e) { return target.CompareTo(e) > 0; });
  return found - cursor.entries;
}

void RunIterator::Move(bool forward) {
  const ptrdiff_t step = forward ? 1 : -1;
  if (forward != forward_) {
    for (Cursor& cursor : cursors_) cursor.index += step;
    BuildHeap(forward);
    return;
  }
  Cursor* top = heap_.front();
  top->index += step;
  if (!top->Valid()) {
    heap_.front() = heap_.back();
    heap_.pop_back();
  } else {
    PrefetchAhead(*top, step);
  }
  SiftDown(0);
}

// Rows lie in order of arrival: each is a cache miss to whoever reads them in order of keys.
void RunIterator::PrefetchAhead(const Cursor& cursor, ptrdiff_t step) {
  constexpr ptrdiff_t kAhead = 2;
  const ptrdiff_t index = cursor.index + kAhead * step;
  if (index < 0 || index >= cursor.count) return;
  const char* row = cursor.entries[index].row;
  __builtin_prefetch(row);
  __builtin_prefetch(row + 64);
}

void RunIterator::BuildHeap(bool forward) {
  forward_ = forward;
  heap_.clear();
  for (Cursor& cursor : cursors_) {
    if (cursor.Valid()) heap_.push_back(&cursor);
  }
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
}

void RunIterator::SiftDown(size_t i) {
  for (size_t child = 2 * i + 1; child < heap_.size(); child = 2 * i + 1) {
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
    if (!Before(heap_[child], heap_[i])) return;
    std::swap(heap_[i], heap_[child]);
    i = child;
  }
}

}  // namespace hearth::append
