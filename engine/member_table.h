#pragma once

// MemberTable: the members of one big collection by name: a hash table that never stalls.
//
// Extendible hashing (Fagin et al., 1979): a directory leads to segments by the first bits of a
// member's hash; a segment is an open-addressing array of 8-byte cells that splits alone. Cells
// stand roughly in the order of their hashes, which is the order of Walk, so a cursor goes by
// hashes: it stays good however the table grows, shrinks or is loaded anew.
//
// An entry is one allocation whose address stays the same until its removal:
//   entry = member-size:varint member payload
// The payload is its type's (a hash field's value, a score), of any size that the type knows.
//
// Thread:   guarded by its key's shard lock.
// Lifetime: owns its entries.
// Limits:   no operation moves more than one segment's cells; the directory doubles by copying
//           pointers. Members whose hashes are all equal share one segment that grows.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace hearth {

// One entry; a pointer to it points to its first byte.
class MemberEntry {
 public:
  // A new one with room for payload_size bytes behind the member.
  static MemberEntry* Make(std::string_view member, size_t payload_size);
  static void Free(MemberEntry* entry);

  std::string_view member() const {
    const char* from;
    const size_t size = ReadSize(&from);
    return {from, size};
  }
  char* payload() {
    const char* from;
    const size_t size = ReadSize(&from);
    return const_cast<char*>(from) + size;
  }
  const char* payload() const { return const_cast<MemberEntry*>(this)->payload(); }
  // What the allocator gave.
  size_t allocated_size() const;

 private:
  size_t ReadSize(const char** rest) const {
    const auto* byte = reinterpret_cast<const unsigned char*>(this);
    size_t size = 0;
    int shift = 0;
    while (*byte >= 0x80) {
      size |= size_t{*byte++ & 0x7fu} << shift;
      shift += 7;
    }
    size |= size_t{*byte++} << shift;
    *rest = reinterpret_cast<const char*>(byte);
    return size;
  }
};

class MemberTable {
 public:
  static constexpr size_t kPrefetchMax = 32;

  MemberTable() = default;
  ~MemberTable();
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;

  // What Walk goes by.
  static uint64_t HashOf(std::string_view member);

  size_t size() const { return size_; }
  // Of the cells and entries.
  size_t memory_bytes() const { return memory_bytes_; }

  // Fetches into the processor's cache what Find will read; of more than kPrefetchMax members only
  // the first. Does nothing for a table that is there anyway.
  void Prefetch(std::span<const std::string_view> members) const;
  // nullptr when absent.
  MemberEntry* Find(std::string_view member) const;
  // Takes the entry over. Requires: its member is absent.
  void Insert(MemberEntry* entry);
  // Puts another entry of the same member in the old one's place; the old one is freed.
  // Requires: old is in the table.
  void Replace(MemberEntry* old, MemberEntry* entry);
  // Unlinks the entry and returns it, or nullptr; the caller frees it.
  MemberEntry* Remove(std::string_view member);

  // Calls visit for at least count entries from the cursor (cursor.h) on, in the order of their
  // hashes, as long as there are as many. Returns the next cursor; 0 = all were visited. An entry
  // that is there during the whole walk is visited exactly once.
  uint64_t Walk(uint64_t cursor, size_t count,
                const std::function<void(const MemberEntry&)>& visit) const;
  template <typename Visit>
  void Each(Visit visit) const {
    for (size_t index = 0; index < directory_.size(); ++index) {
      const Segment* segment = directory_[index];
      if (!IsFirst(index, *segment)) continue;
      for (uint32_t i = 0; i < segment->cell_count; ++i) {
        if (segment->cells()[i] != 0) visit(*EntryOf(segment->cells()[i]));
      }
    }
  }
  // Uniformly chosen by the generator, which gives 64 random bits a call. Requires: not empty.
  template <typename Generator>
  MemberEntry* Random(Generator&& generator) const {
    while (true) {
      const size_t index = generator() % directory_.size();
      const Segment* segment = directory_[index];
      // Every segment once, every cell with the same probability.
      if (!IsFirst(index, *segment)) continue;
      const uint64_t cell = generator() % cell_count_max_;
      if (cell < segment->cell_count && segment->cells()[cell] != 0) {
        return EntryOf(segment->cells()[cell]);
      }
    }
  }

 private:
  // entry address (48 bits) | tag (16 bits); 0 = empty. The tag is the 16 bits of the hash behind
  // those that all members of the segment share: it tells the cell's home without the entry.
  using Cell = uint64_t;
  static constexpr int kTagShift = 48;
  static constexpr uint32_t kCellsMin = 8;
  static constexpr uint32_t kCellsMax = 256;

  struct Segment {
    uint32_t cell_count;  // a power of two
    uint32_t used : 24;
    uint32_t depth : 8;  // hash bits that all its members share
    Cell* cells() { return reinterpret_cast<Cell*>(this + 1); }
    const Cell* cells() const { return reinterpret_cast<const Cell*>(this + 1); }
  };

  static MemberEntry* EntryOf(Cell cell) {
    return reinterpret_cast<MemberEntry*>(cell & ((Cell{1} << kTagShift) - 1));
  }
  size_t DirectoryIndex(uint64_t hash) const { return depth_ == 0 ? 0 : hash >> (64 - depth_); }
  // Whether the index is the first of those that lead to the segment.
  bool IsFirst(size_t index, const Segment& segment) const {
    return (index & ((size_t{1} << (depth_ - segment.depth)) - 1)) == 0;
  }
  static uint64_t TagOf(const Segment& segment, uint64_t hash) {
    return (segment.depth == 0 ? hash : hash << segment.depth) >> kTagShift;
  }
  static uint32_t HomeOf(const Segment& segment, uint64_t tag) {
    return static_cast<uint32_t>(tag * segment.cell_count >> (64 - kTagShift));
  }
  Cell* FindCell(std::string_view member, uint64_t hash, Segment** segment) const;
  Segment* NewSegment(uint32_t cell_count, uint32_t depth);
  void FreeSegment(Segment* segment);
  void PutIn(Segment* segment, MemberEntry* entry, uint64_t hash);
  void EraseCell(Segment* segment, uint32_t index);
  void MakeRoom(uint64_t hash);
  void Point(uint64_t hash, Segment* segment);
  void Shrink(uint64_t hash);

  std::vector<Segment*> directory_;
  uint32_t depth_ = 0;
  uint32_t cell_count_max_ = 0;
  size_t size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth
