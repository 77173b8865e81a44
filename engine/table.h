#pragma once

// Table: the resident objects of one database in one shard, in position order.
//
// One 16-byte record a slot leads to a segment, or, once that has split, to a directory of
// segments by further position bits (extendible hashing: Fagin et al., 1979). A segment is one
// allocation of 2^k or 3 * 2^k bytes: a header and cells, open addressing with linear probing; it
// grows from one such size to the next, up to 255 cells, and then splits in two of the size that
// fits. A key's first cell is the place of its position
// within the segment's range, so cells stand roughly in position order. A cell is one word:
//
//   cell = object address (48 bits) | expires (1 bit) | tag of the position (15 bits); 0 = empty
//
// Find touches the slot's record (16 bytes a slot: they stay in the caches), one line of cells and
// the object. No operation rehashes more than one segment; a directory doubles by copying pointers.
//
// Thread:   guarded by its shard's lock.
// Lifetime: owns its objects.
// Limits:   a segment whose keys all share one position cannot split and grows beyond 255 cells.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/object.h"
#include "engine/position.h"

namespace hearth {

enum class SweepAction { kKeep, kRemove };

class Table {
 public:
  using Cell = uint64_t;
  static constexpr uint64_t kWalkEnd = UINT64_MAX;

  struct Placed {
    uint64_t position;
    Object* object;
  };

  // Where a sweep goes on: the next position.
  struct SweepHand {
    uint64_t position = 0;
  };

  // hash_of tells the hash bits of a key's position; tests give others than the real one.
  Table(uint32_t first_slot, uint32_t slot_count,
        uint64_t (*hash_of)(std::string_view key) = PositionHashOf);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // nullptr when not resident; tombstones are found.
  Object* Find(uint64_t position, std::string_view key) const {
    const Cell* cell = FindCell(position, key);
    return cell == nullptr ? nullptr : ObjectOf(*cell);
  }
  Cell* FindCell(uint64_t position, std::string_view key) const;
  // Puts an object of the same key in the cell, the same one after a change of its expiry or of
  // kElementsExpire; an old one is the caller's.
  void Replace(Cell* cell, Object* with);
  // Requires: the key is not resident.
  void Insert(uint64_t position, Object* object);
  // Unlinks and returns it, or nullptr.
  Object* Remove(uint64_t position, std::string_view key);

  size_t size() const { return size_; }
  size_t SlotSize(uint32_t slot) const;
  // Bytes held beside the objects.
  size_t overhead_bytes() const { return overhead_bytes_; }

  // Three stages, each for all keys before the next: what leads to a position's cells, the cells,
  // the objects.
  void PrefetchRecord(uint64_t position) const {
    if (records_) __builtin_prefetch(&RecordOf(position));
  }
  void PrefetchCell(uint64_t position) const;
  void PrefetchObject(uint64_t position) const;

  // Appends objects with position >= from, ascending by (position, key): at least count_min if
  // there are as many, and all that share the last one's cursor (cursor.h). Returns where to go on,
  // the first place of a cursor, or kWalkEnd.
  uint64_t Walk(uint64_t from, size_t count_min, std::vector<Placed>* out) const;
  // Appends all objects with positions from first to last, both included, in order.
  void WalkRange(uint64_t first, uint64_t last, std::vector<Placed>* out) const;

  // Visits about objects_max objects from the hand on, wrapping once; whole segments at a time.
  // kRemove unlinks and frees the object. Returns how many were visited.
  template <typename Visit>
  size_t Sweep(SweepHand* hand, size_t objects_max, Visit visit) {
    return SweepCells(hand, objects_max, 0, visit);
  }
  // The same, but calls visit only for objects that expire or whose elements do; the others
  // count as visited too.
  template <typename Visit>
  size_t SweepExpiring(SweepHand* hand, size_t objects_max, Visit visit) {
    return SweepCells(hand, objects_max, kExpiryBit, visit);
  }

  // Visits objects from a random one on, slots being chosen by their sizes, wrapping once, until
  // visit returns false. Returns how many it passed. only_expiring: as SweepExpiring.
  size_t Sample(uint64_t random, bool only_expiring,
                const std::function<bool(const Object*)>& visit) const;

  void Clear();

 private:
  // cell_count cells follow. All keys share the slot and the first depth hash bits.
  struct Segment {
    uint32_t cell_count;
    uint32_t used : 24;
    uint32_t depth : 8;
    Cell* cells() { return reinterpret_cast<Cell*>(this + 1); }
    const Cell* cells() const { return reinterpret_cast<const Cell*>(this + 1); }
  };
  static_assert(sizeof(Segment) == 8);

  // depth 0: where is the segment (or null); else a directory of 2^depth segment pointers.
  struct SlotRecord {
    void* where = nullptr;
    uint32_t size = 0;
    uint32_t depth = 0;
  };

  static constexpr Cell kAddressMask = (Cell{1} << 48) - 1;
  static constexpr Cell kExpiryBit = Cell{1} << 48;
  static constexpr int kTagShift = 49;
  static constexpr Cell kTagMask = ~Cell{0} << kTagShift;
  static constexpr uint32_t kCellsMin = 7;
  static constexpr uint32_t kCellsMax = 255;

  static Object* ObjectOf(Cell cell) { return reinterpret_cast<Object*>(cell & kAddressMask); }
  static Cell TagOf(uint64_t position) {
    // The index uses the high hash bits; the tag the low ones.
    return (position & 0x7fff) << kTagShift;
  }
  static Cell MakeCell(Object* object, Cell tag) {
    return reinterpret_cast<Cell>(object) |
           (object->has_expiry() || object->elements_expire() ? kExpiryBit : 0) | tag;
  }
  // A position's place in its segment; its hash bits are enough, here and in PutCell.
  static uint32_t HomeOf(const Segment& segment, uint64_t position);
  uint64_t HashOf(Cell cell) const { return hash_of_(ObjectOf(cell)->key()); }
  static uint64_t DirectoryIndex(uint64_t position, uint32_t depth) {
    return (position << (64 - kPositionHashBits)) >> (64 - depth);
  }

  SlotRecord& RecordOf(uint64_t position) const {
    return records_[SlotOfPosition(position) - first_slot_];
  }
  Segment* SegmentOf(const SlotRecord& record, uint64_t position) const {
    if (record.depth == 0) return static_cast<Segment*>(record.where);
    return static_cast<Segment**>(record.where)[DirectoryIndex(position, record.depth)];
  }
  Segment* NewSegment(uint32_t cell_count, uint32_t depth);
  void FreeSegment(Segment* segment);
  void PutCells(const Segment& from, Segment* low, Segment* high, uint64_t high_bit);
  void SetSegment(SlotRecord& record, uint64_t position, Segment* segment);
  void MakeRoom(SlotRecord& record, uint64_t position);
  void Split(SlotRecord& record, Segment* segment, uint64_t position);
  static void PutCell(Segment* segment, Cell cell, uint64_t position);
  void EraseCell(Segment* segment, uint32_t index);
  // The last position of the segment that holds position, within the slot.
  static uint64_t SegmentEnd(const Segment* segment, uint64_t position);
  // The first position at or after `from` in a slot that holds anything; kWalkEnd = none.
  uint64_t SkipEmptySlots(uint64_t from) const;
  void AppendSorted(const Segment* segment, uint64_t first, uint64_t last,
                    std::vector<Placed>* out) const;
  void MarkSlot(uint32_t index, bool holds);

  template <typename Visit>
  size_t SweepCells(SweepHand* hand, size_t objects_max, Cell must_have, Visit visit);

  const uint32_t first_slot_;
  const uint32_t slot_count_;
  uint64_t (*const hash_of_)(std::string_view);
  std::unique_ptr<SlotRecord[]> records_;
  std::vector<uint64_t> holding_;  // a bit a slot: it holds objects
  size_t size_ = 0;
  size_t overhead_bytes_ = 0;
};

template <typename Visit>
size_t Table::SweepCells(SweepHand* hand, size_t objects_max, Cell must_have, Visit visit) {
  const uint64_t lowest = uint64_t{first_slot_} << kPositionHashBits;
  const size_t round = size_;
  uint64_t position = hand->position < lowest ? lowest : hand->position;
  size_t visited = 0;
  bool wrapped = false;
  while (visited < objects_max && visited < round) {
    position = SkipEmptySlots(position);
    if (position == kWalkEnd) {
      if (wrapped || size_ == 0) break;
      wrapped = true;
      position = lowest;
      continue;
    }
    SlotRecord& record = RecordOf(position);
    Segment* segment = SegmentOf(record, position);
    const uint64_t end = SegmentEnd(segment, position);
    // Removal shifts later cells back, so a removed cell's index is looked at again.
    for (uint32_t i = 0; i < segment->cell_count;) {
      const Cell cell = segment->cells()[i];
      Object* object = ObjectOf(cell);
      if (cell == 0 || (visited += 1, (cell & must_have) != must_have) ||
          visit(object) == SweepAction::kKeep) {
        ++i;
        continue;
      }
      EraseCell(segment, i);
      if (--record.size == 0) MarkSlot(SlotOfPosition(position) - first_slot_, false);
      --size_;
      Object::Free(object);
    }
    position = end + 1;
    if (end == UINT64_MAX) position = lowest, wrapped = true;
  }
  hand->position = position;
  return visited;
}

}  // namespace hearth
