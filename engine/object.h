#pragma once

// Object: one resident key, in one allocation: header, key bytes, value bytes.
//
// A string's value is its bytes, a packed collection's too; a spread collection's value, and a long
// string's (long_string.h), is the address of its Collection, which the object owns.
//
// A tombstone is an object whose key is known to be deleted; it stays until the memtable that
// holds its deletion is flushed, so that nobody asks the store for it. Objects are owned by a Table
// and changed only through a Tx.
//
// Thread:   guarded by its shard's lock.
// Lifetime: from Object::Make until Object::Free; a change of size makes a new one.
// Limits:   key and value up to 4 GiB - 1 each (clients are held to 512 MB by proto-max-bulk-len).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth {

class Collection;

// Stored on disk in head rows: values never change.
enum class ObjectType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kSortedSet = 3,
  kHash = 4,
  kStream = 6,
};

// What OBJECT ENCODING answers. Stored on disk: values never change.
enum class Encoding : uint8_t {
  kRaw = 0,
  kInt = 1,
  kHashtable = 2,
  kIntset = 6,
  kSkiplist = 7,
  kEmbstr = 8,
  kQuicklist = 9,
  kStream = 10,
  kListpack = 11,
  kListpackEx = 12,  // a hash of few fields, some of which were given an expiry
};

// As OBJECT ENCODING prints it.
std::string_view EncodingName(Encoding encoding);

inline constexpr int64_t kNoExpiry = -1;

struct Object {
  static constexpr uint8_t kTombstone = 1;
  static constexpr uint8_t kSpread = 2;          // the value is a Collection's address
  static constexpr uint8_t kElementsExpire = 4;  // fields of a hash: the expiry sweep looks
  static constexpr uint8_t kHotMax = 3;

  uint64_t position;
  uint64_t seq;          // sequence number of the last change; 0 = as the store has it
  int64_t expire_at_ms;  // wall clock; kNoExpiry = never
  uint32_t key_size;     // bytes
  uint32_t value_size;   // bytes that stand here; see value() for a string's
  uint32_t access;       // LRU: seconds; LFU: minutes << 8 | logarithmic counter (Redis' scheme)
  ObjectType type;
  Encoding encoding;
  uint8_t flags : 6;
  uint8_t hot : 2;     // touches since the demotion hand passed, saturating at kHotMax
  uint8_t size_class;  // of its allocation

  // A new object with room for value_size bytes, copied from value when that is not null.
  static Object* Make(uint64_t position, std::string_view key, const char* value,
                      size_t value_size);
  // A new object for a spread collection, which it owns from now on.
  static Object* MakeSpread(uint64_t position, std::string_view key, Collection* collection);
  // Frees its collection too; a big one on a thread of its own.
  static void Free(Object* object);

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view key() const { return {bytes(), key_size}; }
  // A string's value, or packed bytes. Requires: a string, or not spread.
  std::string_view value() const {
    if (spread()) [[unlikely]]
      return SpreadValue();
    return {bytes() + key_size, value_size};
  }
  char* mutable_value() { return bytes() + key_size; }

  bool tombstone() const { return (flags & kTombstone) != 0; }
  bool has_expiry() const { return expire_at_ms != kNoExpiry; }
  bool elements_expire() const { return (flags & kElementsExpire) != 0; }
  bool spread() const { return (flags & kSpread) != 0; }
  // Requires: spread.
  Collection* collection() const {
    Collection* address;
    std::memcpy(&address, bytes() + key_size, sizeof(address));
    return address;
  }
  // Leaves an empty string behind. Requires: spread.
  Collection* ReleaseCollection();
  // Bytes of its allocation. Asking the allocator would cost a cache miss for each write.
  size_t allocated_size() const { return SizeOfClass(size_class); }
  // The same with its collection.
  size_t memory_size() const;

  // Sizes are rounded as jemalloc rounds them: four steps a doubling, each a multiple of 16.
  static uint8_t ClassOfSize(size_t size) {
    const size_t whole = (size + 15) & ~size_t{15};
    const int doubling = std::bit_width(whole - 1) - 1;
    const size_t step = size_t{1} << (doubling - 2);
    return static_cast<uint8_t>(doubling * 4 + (whole + step - 1) / step - 5);
  }
  static size_t SizeOfClass(uint8_t size_class) {
    return size_t{size_class % 4u + 5u} << (size_class / 4 - 2);
  }

 private:
  std::string_view SpreadValue() const;
};

static_assert(sizeof(Object) == 40);

}  // namespace hearth
