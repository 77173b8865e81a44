// Tested by tests/engine/table_test.cc.
#include "engine/table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>

#include "engine/check.h"
#include "engine/cursor.h"

namespace hearth {
namespace {

constexpr uint64_t kHashMask = (uint64_t{1} << kPositionHashBits) - 1;

// Cells that may be used before a segment grows: 7/8 of them; one is always empty, because a probe
// ends there.
constexpr uint32_t UsableCells(uint32_t cell_count) {
  return cell_count - cell_count / 8 - 1;
}

// The next larger size of a segment: its bytes are 2^k or 3 * 2^k, as the allocator's classes.
constexpr uint32_t LargerCellCount(uint32_t cell_count) {
  const uint32_t words = cell_count + 1;
  return (std::has_single_bit(words) ? words / 2 * 3 : words / 3 * 4) - 1;
}

bool Before(const Table::Placed& a, const Table::Placed& b) {
  return a.position != b.position ? a.position < b.position : a.object->key() < b.object->key();
}

}  // namespace

Table::Table(uint32_t first_slot, uint32_t slot_count, uint64_t (*hash_of)(std::string_view))
    : first_slot_(first_slot),
      slot_count_(slot_count),
      hash_of_(hash_of),
      holding_((slot_count + 63) / 64) {}

Table::~Table() {
  Clear();
}

// The place of a position within the segment's range, scaled to its cells.
uint32_t Table::HomeOf(const Segment& segment, uint64_t position) {
  const uint64_t within = position << (64 - kPositionHashBits + segment.depth);
  return static_cast<uint32_t>(((within >> 32) * segment.cell_count) >> 32);
}

Table::Cell* Table::FindCell(uint64_t position, std::string_view key) const {
  if (!records_) return nullptr;
  const SlotRecord& record = RecordOf(position);
  if (record.where == nullptr) return nullptr;
  Segment* segment = SegmentOf(record, position);
  const Cell tag = TagOf(position);
  Cell* cells = segment->cells();
  for (uint32_t i = HomeOf(*segment, position); cells[i] != 0;) {
    if ((cells[i] & kTagMask) == tag) {
      if (ObjectOf(cells[i])->key() == key) return &cells[i];
    }
    if (++i == segment->cell_count) i = 0;
  }
  return nullptr;
}

void Table::Replace(Cell* cell, Object* with) {
  *cell = MakeCell(with, *cell & kTagMask);
}

Table::Segment* Table::NewSegment(uint32_t cell_count, uint32_t depth) {
  const size_t size = sizeof(Segment) + cell_count * sizeof(Cell);
  auto* segment = static_cast<Segment*>(std::calloc(1, size));
  if (segment == nullptr) throw std::bad_alloc();
  segment->cell_count = cell_count;
  segment->depth = depth;
  overhead_bytes_ += size;
  return segment;
}

void Table::FreeSegment(Segment* segment) {
  overhead_bytes_ -= sizeof(Segment) + segment->cell_count * sizeof(Cell);
  std::free(segment);
}

void Table::PutCell(Segment* segment, Cell cell, uint64_t position) {
  Cell* cells = segment->cells();
  uint32_t i = HomeOf(*segment, position);
  while (cells[i] != 0) {
    if (++i == segment->cell_count) i = 0;
  }
  cells[i] = cell;
  ++segment->used;
}

// Takes a cell out and moves later ones of its run back, so that no run has a gap.
void Table::EraseCell(Segment* segment, uint32_t index) {
  Cell* cells = segment->cells();
  const uint32_t count = segment->cell_count;
  uint32_t gap = index;
  for (uint32_t i = index;;) {
    if (++i == count) i = 0;
    if (cells[i] == 0 || i == index) break;
    const uint32_t home = HomeOf(*segment, HashOf(cells[i]));
    // The cell may fill the gap unless its home lies (cyclically) behind the gap.
    const bool stays = gap <= i ? (gap < home && home <= i) : (gap < home || home <= i);
    if (stays) continue;
    cells[gap] = cells[i];
    gap = i;
  }
  cells[gap] = 0;
  --segment->used;
}

// Puts a segment's cells into low, or into high those whose hash has the bit.
void Table::PutCells(const Segment& from, Segment* low, Segment* high, uint64_t high_bit) {
  const std::span<const Cell> cells(from.cells(), from.cell_count);
  for (const Cell cell : cells) __builtin_prefetch(ObjectOf(cell));
  for (const Cell cell : cells) {
    if (cell == 0) continue;
    const uint64_t hash = HashOf(cell);
    PutCell((hash & high_bit) != 0 ? high : low, cell, hash);
  }
}

// Points every directory entry of the segment's range at it.
void Table::SetSegment(SlotRecord& record, uint64_t position, Segment* segment) {
  if (record.depth == 0) {
    record.where = segment;
    return;
  }
  auto** directory = static_cast<Segment**>(record.where);
  const uint32_t span_bits = record.depth - segment->depth;
  const uint64_t first = DirectoryIndex(position, record.depth) >> span_bits << span_bits;
  std::fill_n(directory + first, uint64_t{1} << span_bits, segment);
}

void Table::Split(SlotRecord& record, Segment* segment, uint64_t position) {
  if (segment->depth == record.depth) {
    const uint64_t old_count = record.depth == 0 ? 1 : uint64_t{1} << record.depth;
    auto** wider = static_cast<Segment**>(std::malloc(old_count * 2 * sizeof(Segment*)));
    if (wider == nullptr) throw std::bad_alloc();
    for (uint64_t i = 0; i < old_count; ++i) {
      Segment* old = record.depth == 0 ? segment : static_cast<Segment**>(record.where)[i];
      wider[2 * i] = wider[2 * i + 1] = old;
    }
    if (record.depth > 0) {
      std::free(record.where);
      overhead_bytes_ -= old_count * sizeof(Segment*);
    }
    overhead_bytes_ += old_count * 2 * sizeof(Segment*);
    record.where = wider;
    ++record.depth;
  }
  const uint32_t depth = segment->depth + 1u;
  const uint64_t half_bit = uint64_t{1} << (kPositionHashBits - depth);
  uint32_t high_count = 0;
  for (uint32_t i = 0; i < segment->cell_count; ++i) {
    const Cell cell = segment->cells()[i];
    high_count += cell != 0 && (HashOf(cell) & half_bit) != 0;
  }
  const auto count_for = [](uint32_t used) {
    uint32_t cell_count = kCellsMin;
    while (UsableCells(cell_count) <= used) cell_count = LargerCellCount(cell_count);
    return cell_count;
  };
  Segment* low = NewSegment(count_for(segment->used - high_count), depth);
  Segment* high = NewSegment(count_for(high_count), depth);
  PutCells(*segment, low, high, half_bit);
  FreeSegment(segment);
  SetSegment(record, position & ~half_bit, low);
  SetSegment(record, position | half_bit, high);
}

// Makes the segment of position able to take one more cell.
void Table::MakeRoom(SlotRecord& record, uint64_t position) {
  if (record.where == nullptr) {
    record.where = NewSegment(kCellsMin, 0);
    return;
  }
  Segment* segment = SegmentOf(record, position);
  while (segment->used >= UsableCells(segment->cell_count)) {
    bool alike = true;  // all keys at one position: splitting parts nothing
    for (uint32_t i = 0; alike && i < segment->cell_count; ++i) {
      const Cell cell = segment->cells()[i];
      alike = cell == 0 || HashOf(cell) == (position & kHashMask);
    }
    if (segment->cell_count >= kCellsMax && !alike && segment->depth + 1 < kPositionHashBits) {
      Split(record, segment, position);
    } else {
      Segment* larger = NewSegment(LargerCellCount(segment->cell_count), segment->depth);
      PutCells(*segment, larger, larger, 0);
      FreeSegment(segment);
      SetSegment(record, position, larger);
    }
    segment = SegmentOf(record, position);
  }
}

void Table::MarkSlot(uint32_t index, bool holds) {
  const uint64_t bit = uint64_t{1} << (index % 64);
  if (holds) {
    holding_[index / 64] |= bit;
  } else {
    holding_[index / 64] &= ~bit;
  }
}

void Table::Insert(uint64_t position, Object* object) {
  if (!records_) {
    records_ = std::make_unique<SlotRecord[]>(slot_count_);
    overhead_bytes_ += slot_count_ * sizeof(SlotRecord);
  }
  SlotRecord& record = RecordOf(position);
  MakeRoom(record, position);
  PutCell(SegmentOf(record, position), MakeCell(object, TagOf(position)), position);
  if (record.size++ == 0) MarkSlot(SlotOfPosition(position) - first_slot_, true);
  ++size_;
}

Object* Table::Remove(uint64_t position, std::string_view key) {
  Cell* cell = FindCell(position, key);
  if (cell == nullptr) return nullptr;
  Object* object = ObjectOf(*cell);
  SlotRecord& record = RecordOf(position);
  Segment* segment = SegmentOf(record, position);
  EraseCell(segment, static_cast<uint32_t>(cell - segment->cells()));
  --size_;
  if (--record.size == 0) {
    MarkSlot(SlotOfPosition(position) - first_slot_, false);
    if (record.depth == 0) {
      FreeSegment(segment);
      record.where = nullptr;
    }
  }
  return object;
}

size_t Table::SlotSize(uint32_t slot) const {
  return records_ ? records_[slot - first_slot_].size : 0;
}

void Table::PrefetchCell(uint64_t position) const {
  if (!records_) return;
  const SlotRecord& record = RecordOf(position);
  if (record.where == nullptr) return;
  const Segment* segment = SegmentOf(record, position);
  __builtin_prefetch(segment);
  if (record.depth != 0) return;
  // The cell count is not read (it would wait for the line) but told by the number of keys.
  const uint64_t within = position << (64 - kPositionHashBits);
  const uint64_t words = record.size + record.size / 7 + 2;
  const uint64_t doubled = std::bit_ceil(words);
  const uint64_t cell_count = words <= doubled / 4 * 3 ? doubled / 4 * 3 : doubled;
  __builtin_prefetch(segment->cells() + ((within >> 32) * cell_count >> 32));
}

void Table::PrefetchObject(uint64_t position) const {
  if (!records_) return;
  const SlotRecord& record = RecordOf(position);
  if (record.where == nullptr) return;
  const Segment* segment = SegmentOf(record, position);
  const Cell tag = TagOf(position) >> kTagShift;
  const Cell* cells = segment->cells();
  for (uint32_t i = HomeOf(*segment, position); cells[i] != 0;) {
    if (cells[i] >> kTagShift == tag) {
      const char* object = reinterpret_cast<const char*>(ObjectOf(cells[i]));
      __builtin_prefetch(object);
      __builtin_prefetch(object + 64);
      return;
    }
    if (++i == segment->cell_count) i = 0;
  }
}

uint64_t Table::SegmentEnd(const Segment* segment, uint64_t position) {
  return position | (kHashMask >> segment->depth);
}

uint64_t Table::SkipEmptySlots(uint64_t from) const {
  if (!records_ || from == kWalkEnd) return kWalkEnd;
  const uint64_t slot = SlotOfPosition(from);
  uint32_t index = slot < first_slot_ ? 0 : static_cast<uint32_t>(slot - first_slot_);
  if (index >= slot_count_) return kWalkEnd;
  uint64_t word = holding_[index / 64] & (~uint64_t{0} << (index % 64));
  for (size_t at = index / 64;; word = holding_[at]) {
    if (word != 0) {
      const auto found =
          static_cast<uint32_t>(at * 64) + static_cast<uint32_t>(std::countr_zero(word));
      const uint64_t start = uint64_t{first_slot_ + found} << kPositionHashBits;
      return std::max(start, from);
    }
    if (++at == holding_.size()) return kWalkEnd;
  }
}

void Table::AppendSorted(const Segment* segment, uint64_t first, uint64_t last,
                         std::vector<Placed>* out) const {
  const uint64_t slot = first & ~kHashMask;
  const size_t start = out->size();
  for (uint32_t i = 0; i < segment->cell_count; ++i) {
    const Cell cell = segment->cells()[i];
    if (cell == 0) continue;
    const uint64_t position = slot | HashOf(cell);
    if (position >= first && position <= last) out->push_back({position, ObjectOf(cell)});
  }
  std::sort(out->begin() + static_cast<ptrdiff_t>(start), out->end(), Before);
}

uint64_t Table::Walk(uint64_t from, size_t count_min, std::vector<Placed>* out) const {
  const size_t start = out->size();
  const size_t enough = start + std::max<size_t>(count_min, 1);
  while (true) {
    from = SkipEmptySlots(from);
    if (from == kWalkEnd) return kWalkEnd;
    const Segment* segment = SegmentOf(RecordOf(from), from);
    const uint64_t end = SegmentEnd(segment, from);
    AppendSorted(segment, from, end, out);
    if (out->size() >= enough) {
      // Keep all that share the cursor of the last one asked for; the rest is for the next call.
      const uint64_t last = CursorOf((*out)[enough - 1].position);
      size_t keep = enough;
      while (keep < out->size() && CursorOf((*out)[keep].position) == last) ++keep;
      const bool cut = keep < out->size();
      out->resize(keep);
      if (cut) return PlaceOf(last + 1);
      return end == UINT64_MAX ? kWalkEnd : end + 1;
    }
    if (end == UINT64_MAX) return kWalkEnd;
    from = end + 1;
  }
}

void Table::WalkRange(uint64_t first, uint64_t last, std::vector<Placed>* out) const {
  for (uint64_t from = first;;) {
    from = SkipEmptySlots(from);
    if (from == kWalkEnd || from > last) return;
    const Segment* segment = SegmentOf(RecordOf(from), from);
    const uint64_t end = SegmentEnd(segment, from);
    AppendSorted(segment, from, std::min(end, last), out);
    if (end >= last) return;
    from = end + 1;
  }
}

size_t Table::Sample(uint64_t random, bool only_expiring,
                     const std::function<bool(const Object*)>& visit) const {
  if (size_ == 0) return 0;
  const Cell must_have = only_expiring ? kExpiryBit : 0;
  uint64_t ordinal = random % size_;
  uint32_t index = 0;
  while (ordinal >= records_[index].size) ordinal -= records_[index++].size;
  random *= 0x9e3779b97f4a7c15;  // other bits decide of the place in the slot
  uint64_t position = uint64_t{first_slot_ + index} << kPositionHashBits | (random & kHashMask);
  const Segment* const first = SegmentOf(records_[index], position);
  const uint32_t start = static_cast<uint32_t>(random >> 32) % first->cell_count;
  size_t passed = 0;
  const auto goes_on = [&](const Segment* segment, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) {
      const Cell cell = segment->cells()[i];
      if (cell == 0) continue;
      ++passed;
      if ((cell & must_have) == must_have && !visit(ObjectOf(cell))) return false;
    }
    return true;
  };
  if (!goes_on(first, start, first->cell_count)) return passed;
  for (const Segment* segment = first;;) {
    const uint64_t end = SegmentEnd(segment, position);
    position = end == UINT64_MAX ? kWalkEnd : SkipEmptySlots(end + 1);
    if (position == kWalkEnd) position = SkipEmptySlots(0);
    segment = SegmentOf(RecordOf(position), position);
    if (segment == first) break;
    if (!goes_on(segment, 0, segment->cell_count)) return passed;
  }
  (void)goes_on(first, 0, start);
  return passed;
}

void Table::Clear() {
  if (!records_) return;
  for (uint32_t index = 0; index < slot_count_; ++index) {
    SlotRecord& record = records_[index];
    if (record.where == nullptr) continue;
    const uint64_t count = record.depth == 0 ? 1 : uint64_t{1} << record.depth;
    Segment* previous = nullptr;
    for (uint64_t i = 0; i < count; ++i) {
      Segment* segment = record.depth == 0 ? static_cast<Segment*>(record.where)
                                           : static_cast<Segment**>(record.where)[i];
      if (segment == previous) continue;
      previous = segment;
      for (uint32_t c = 0; c < segment->cell_count; ++c) {
        if (segment->cells()[c] != 0) Object::Free(ObjectOf(segment->cells()[c]));
      }
      FreeSegment(segment);
    }
    if (record.depth > 0) {
      std::free(record.where);
      overhead_bytes_ -= count * sizeof(Segment*);
    }
    record = {};
  }
  std::fill(holding_.begin(), holding_.end(), 0);
  size_ = 0;
}

}  // namespace hearth
