// Tested by tests/engine/member_table_test.cc.
#include "engine/member_table.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/cursor.h"

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

namespace hearth {
namespace {

// A segment is full at this part of its cells.
constexpr uint32_t kFullOf8 = 7;
// The directory may be this much wider than its segments need: beyond, segments grow.
constexpr uint32_t kDepthMax = 40;
// Below so many members the processor's cache holds most of the table.
constexpr size_t kPrefetchSizeMin = 4096;

}  // namespace

MemberEntry* MemberEntry::Make(std::string_view member, size_t payload_size) {
  size_t header = 1;
  for (size_t rest = member.size() >> 7; rest != 0; rest >>= 7) ++header;
  auto* bytes = static_cast<unsigned char*>(std::malloc(header + member.size() + payload_size));
  if (bytes == nullptr) throw std::bad_alloc();
  size_t rest = member.size();
  for (size_t i = 0; i < header; ++i, rest >>= 7) {
    bytes[i] = static_cast<unsigned char>((rest & 0x7f) | (i + 1 < header ? 0x80 : 0));
  }
  member.copy(reinterpret_cast<char*>(bytes) + header, member.size());
  return reinterpret_cast<MemberEntry*>(bytes);
}

void MemberEntry::Free(MemberEntry* entry) {
  std::free(entry);
}

size_t MemberEntry::allocated_size() const {
  return malloc_usable_size(const_cast<MemberEntry*>(this));
}

MemberTable::~MemberTable() {
  for (size_t index = 0; index < directory_.size(); ++index) {
    Segment* segment = directory_[index];
    if (!IsFirst(index, *segment)) continue;
    for (uint32_t i = 0; i < segment->cell_count; ++i) {
      if (segment->cells()[i] != 0) MemberEntry::Free(EntryOf(segment->cells()[i]));
    }
  }
  // Freed last: IsFirst reads a segment for each of its indexes.
  std::sort(directory_.begin(), directory_.end());
  directory_.erase(std::unique(directory_.begin(), directory_.end()), directory_.end());
  for (Segment* segment : directory_) std::free(segment);
}

uint64_t MemberTable::HashOf(std::string_view member) {
  return XXH3_64bits(member.data(), member.size());
}

MemberTable::Segment* MemberTable::NewSegment(uint32_t cell_count, uint32_t depth) {
  auto* segment =
      static_cast<Segment*>(std::calloc(1, sizeof(Segment) + cell_count * sizeof(Cell)));
  if (segment == nullptr) throw std::bad_alloc();
  segment->cell_count = cell_count;
  segment->depth = depth;
  cell_count_max_ = std::max(cell_count_max_, cell_count);
  memory_bytes_ += malloc_usable_size(segment);
  return segment;
}

void MemberTable::FreeSegment(Segment* segment) {
  memory_bytes_ -= malloc_usable_size(segment);
  std::free(segment);
}

MemberTable::Cell* MemberTable::FindCell(std::string_view member, uint64_t hash,
                                         Segment** in) const {
  if (directory_.empty()) return nullptr;
  Segment* segment = directory_[DirectoryIndex(hash)];
  *in = segment;
  const uint32_t mask = segment->cell_count - 1;
  const uint64_t tag = TagOf(*segment, hash);
  for (uint32_t i = HomeOf(*segment, tag);; i = (i + 1) & mask) {
    Cell& cell = segment->cells()[i];
    if (cell == 0) return nullptr;
    if (cell >> kTagShift == tag && EntryOf(cell)->member() == member) return &cell;
  }
}

void MemberTable::Prefetch(std::span<const std::string_view> members) const {
  if (size_ < kPrefetchSizeMin) return;
  struct Look {
    uint64_t hash;
    const Segment* segment;
    const Cell* home;
  };
  std::array<Look, kPrefetchMax> looks;
  const size_t count = std::min(members.size(), kPrefetchMax);
  for (size_t i = 0; i < count; ++i) {
    looks[i].hash = HashOf(members[i]);
    looks[i].segment = directory_[DirectoryIndex(looks[i].hash)];
    __builtin_prefetch(looks[i].segment);
  }
  for (size_t i = 0; i < count; ++i) {
    Look& look = looks[i];
    look.home = look.segment->cells() + HomeOf(*look.segment, TagOf(*look.segment, look.hash));
    __builtin_prefetch(look.home);
  }
  for (size_t i = 0; i < count; ++i) {
    const Look& look = looks[i];
    const Cell* const end = look.segment->cells() + look.segment->cell_count;
    const uint64_t tag = TagOf(*look.segment, look.hash);
    for (const Cell* cell = look.home; cell != end && *cell != 0; ++cell) {
      if (*cell >> kTagShift != tag) continue;
      __builtin_prefetch(EntryOf(*cell));
      break;
    }
  }
}

MemberEntry* MemberTable::Find(std::string_view member) const {
  Segment* segment;
  const Cell* cell = FindCell(member, HashOf(member), &segment);
  return cell == nullptr ? nullptr : EntryOf(*cell);
}

void MemberTable::PutIn(Segment* segment, MemberEntry* entry, uint64_t hash) {
  const uint32_t mask = segment->cell_count - 1;
  const uint64_t tag = TagOf(*segment, hash);
  uint32_t i = HomeOf(*segment, tag);
  while (segment->cells()[i] != 0) i = (i + 1) & mask;
  segment->cells()[i] = reinterpret_cast<Cell>(entry) | tag << kTagShift;
  ++segment->used;
}

// Lets every directory entry that shares the segment's hash bits lead to it.
void MemberTable::Point(uint64_t hash, Segment* segment) {
  const uint32_t free_bits = depth_ - segment->depth;
  const size_t first = DirectoryIndex(hash) >> free_bits << free_bits;
  std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(first), size_t{1} << free_bits, segment);
}

void MemberTable::MakeRoom(uint64_t hash) {
  if (directory_.empty()) {
    directory_.push_back(NewSegment(kCellsMin, 0));
    memory_bytes_ += sizeof(Segment*);
  }
  while (true) {
    Segment* segment = directory_[DirectoryIndex(hash)];
    if (segment->used + 1u <= segment->cell_count * kFullOf8 / 8) return;
    const bool grow = segment->cell_count < kCellsMax || segment->depth >= kDepthMax;
    Segment* halves[2] = {
        NewSegment(grow ? segment->cell_count * 2 : kCellsMax, segment->depth + (grow ? 0 : 1)),
        nullptr};
    if (!grow) {
      halves[1] = NewSegment(kCellsMax, segment->depth + 1);
      if (segment->depth == depth_) {
        std::vector<Segment*> wider(directory_.size() * 2);
        for (size_t i = 0; i < wider.size(); ++i) wider[i] = directory_[i / 2];
        memory_bytes_ += directory_.size() * sizeof(Segment*);
        directory_ = std::move(wider);
        ++depth_;
      }
    }
    for (uint32_t i = 0; i < segment->cell_count; ++i) {
      const Cell cell = segment->cells()[i];
      if (cell == 0) continue;
      const uint64_t cell_hash = HashOf(EntryOf(cell)->member());
      const bool upper = !grow && ((cell_hash >> (63 - segment->depth)) & 1) != 0;
      PutIn(halves[upper], EntryOf(cell), cell_hash);
    }
    if (grow) {
      Point(hash, halves[0]);
    } else {
      const uint64_t bit = uint64_t{1} << (63 - segment->depth);
      Point(hash & ~bit, halves[0]);
      Point(hash | bit, halves[1]);
    }
    FreeSegment(segment);
  }
}

void MemberTable::Insert(MemberEntry* entry) {
  const uint64_t hash = HashOf(entry->member());
  MakeRoom(hash);
  PutIn(directory_[DirectoryIndex(hash)], entry, hash);
  memory_bytes_ += entry->allocated_size();
  ++size_;
}

void MemberTable::Replace(MemberEntry* old, MemberEntry* entry) {
  const uint64_t hash = HashOf(old->member());
  Segment* segment;
  Cell* cell = FindCell(old->member(), hash, &segment);
  *cell = reinterpret_cast<Cell>(entry) | *cell >> kTagShift << kTagShift;
  memory_bytes_ += entry->allocated_size();
  memory_bytes_ -= old->allocated_size();
  MemberEntry::Free(old);
}

// Closes the gap, so that every run of cells stays unbroken.
void MemberTable::EraseCell(Segment* segment, uint32_t index) {
  const uint32_t mask = segment->cell_count - 1;
  uint32_t gap = index;
  for (uint32_t i = (gap + 1) & mask; segment->cells()[i] != 0; i = (i + 1) & mask) {
    const uint32_t home = HomeOf(*segment, segment->cells()[i] >> kTagShift);
    if (((i - home) & mask) < ((i - gap) & mask)) continue;
    segment->cells()[gap] = segment->cells()[i];
    gap = i;
  }
  segment->cells()[gap] = 0;
  --segment->used;
}

MemberEntry* MemberTable::Remove(std::string_view member) {
  const uint64_t hash = HashOf(member);
  Segment* segment;
  const Cell* cell = FindCell(member, hash, &segment);
  if (cell == nullptr) return nullptr;
  MemberEntry* entry = EntryOf(*cell);
  EraseCell(segment, static_cast<uint32_t>(cell - segment->cells()));
  memory_bytes_ -= entry->allocated_size();
  --size_;
  Shrink(hash);
  return entry;
}

// Joins a sparse segment with its neighbour; a single one becomes smaller.
void MemberTable::Shrink(uint64_t hash) {
  Segment* segment = directory_[DirectoryIndex(hash)];
  if (segment->used * 8u >= segment->cell_count) return;
  Segment* neighbour = nullptr;
  uint32_t depth = segment->depth;
  if (depth > 0) {
    neighbour = directory_[DirectoryIndex(hash ^ uint64_t{1} << (64 - depth))];
    if (neighbour->depth != depth || neighbour->used * 4u > kCellsMax) return;
    --depth;
  } else if (segment->cell_count <= kCellsMin) {
    return;
  }
  Segment* joined = NewSegment(neighbour ? kCellsMax : segment->cell_count / 2, depth);
  for (const Segment* from : {segment, neighbour}) {
    if (from == nullptr) continue;
    for (uint32_t i = 0; i < from->cell_count; ++i) {
      const Cell cell = from->cells()[i];
      if (cell != 0) PutIn(joined, EntryOf(cell), HashOf(EntryOf(cell)->member()));
    }
  }
  Point(hash, joined);
  FreeSegment(segment);
  if (neighbour != nullptr) FreeSegment(neighbour);
  // One segment left: the directory goes.
  if (joined->depth == 0 && depth_ > 0) {
    memory_bytes_ -= (directory_.size() - 1) * sizeof(Segment*);
    std::vector<Segment*>(1, joined).swap(directory_);
    depth_ = 0;
  }
}

uint64_t MemberTable::Walk(uint64_t cursor, size_t count,
                           const std::function<void(const MemberEntry&)>& visit) const {
  struct Hashed {
    uint64_t hash;
    const MemberEntry* entry;
  };
  std::vector<Hashed> page;
  size_t visited = 0;
  if (!IsCursor(cursor)) return 0;
  uint64_t place = PlaceOf(cursor), last = 0;
  while (!directory_.empty()) {
    const size_t index = DirectoryIndex(place);
    const Segment* segment = directory_[index];
    page.clear();
    for (uint32_t i = 0; i < segment->cell_count; ++i) {
      if (segment->cells()[i] == 0) continue;
      const MemberEntry* entry = EntryOf(segment->cells()[i]);
      const uint64_t hash = HashOf(entry->member());
      if (hash >= place) page.push_back({hash, entry});
    }
    std::sort(page.begin(), page.end(),
              [](const Hashed& a, const Hashed& b) { return a.hash < b.hash; });
    for (const Hashed& hashed : page) {
      // What shares a cursor goes together.
      if (visited >= count && (visited == 0 || CursorOf(hashed.hash) != last)) {
        return CursorOf(hashed.hash);
      }
      last = CursorOf(hashed.hash);
      visit(*hashed.entry);
      ++visited;
    }
    const uint64_t width = segment->depth == 0 ? 0 : uint64_t{1} << (64 - segment->depth);
    if (width == 0) return 0;
    place = (place & ~(width - 1)) + width;
    if (place == 0) return 0;
  }
  return 0;
}

}  // namespace hearth
