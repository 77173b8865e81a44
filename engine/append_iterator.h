#pragma once

// RunIterator: one moment of an append memtable, read in order: a merge of its runs.
//
// In forward mode each cursor stands at the first entry of its run not before the current one, in
// backward mode at the last one not after it; no two entries are equal, so a change of direction
// is one step of every cursor.
//
// Thread:   one at a time.
// Lifetime: not beyond the memtable, which owns the rows; the runs are held.

#include <cstddef>
#include <vector>

#include "engine/append_runs.h"

namespace hearth::append {

class RunIterator : public rocksdb::MemTableRep::Iterator {
 public:
  explicit RunIterator(View view);

  bool Valid() const override { return !heap_.empty(); }
  const char* key() const override { return heap_.front()->entry().row; }
  void Next() override { Move(/*forward=*/true); }
  void Prev() override { Move(/*forward=*/false); }
  void Seek(const Slice& internal_key, const char* memtable_key) override;
  void SeekForPrev(const Slice& internal_key, const char* memtable_key) override;
  void SeekToFirst() override;
  void SeekToLast() override;

 private:
  struct Cursor {
    const Entry* entries;
    ptrdiff_t count;
    ptrdiff_t index;  // -1 and count: past the ends
    bool Valid() const { return index >= 0 && index < count; }
    const Entry& entry() const { return entries[index]; }
  };

  void AddCursor(const Run& run);
  ptrdiff_t LowerBound(const Cursor& cursor, const Target& target) const;
  void Move(bool forward);
  static void PrefetchAhead(const Cursor& cursor, ptrdiff_t step);
  void BuildHeap(bool forward);
  bool Before(const Cursor* a, const Cursor* b) const {
    return forward_ ? less_(a->entry(), b->entry()) : less_(b->entry(), a->entry());
  }
  void SiftDown(size_t i);

  View view_;
  EntryLess less_;
  std::vector<Cursor> cursors_;
  std::vector<Cursor*> heap_;
  bool forward_ = true;
};

}  // namespace hearth::append
