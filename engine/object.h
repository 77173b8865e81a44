#pragma once

// Object: one resident key, in one allocation:
//
//   header (16 bytes) [value size and key size, 4 bytes each] [expiry, 8 bytes] key value
//
// The sizes stand in the header while both are below 256; the expiry's place is there for keys that
// were given one. A key's position is not kept: its key tells it (position.h).
//
// A string's value is its bytes, a packed collection's too; a spread collection's value, and a long
// string's (long_string.h), is the address of its Collection, which the object owns.
//
// A tombstone is an object whose key is known to be deleted; it stays until the memtable that
// holds its deletion is flushed, so that nobody asks the store for it. Objects are owned by a Table
// and changed only through a Tx.
//
// Thread:   guarded by its shard's lock.
// Lifetime: from Object::Make until Object::Free; a change of size, or the first expiry, makes a
//           new one.
// Limits:   key and value up to 4 GiB - 1 each (clients are held to 512 MB by proto-max-bulk-len);
//           sequence numbers of 56 bits, as RocksDB's own.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "engine/check.h"
#include "engine/position.h"

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
  static constexpr uint8_t kUnread = 8;          // spread, but no element was read
  static constexpr uint8_t kHotMax = 3;

  uint64_t seq : 56;         // sequence number of the last change; 0 = as the store has it
  uint64_t flags : 4;        // kTombstone ...
  uint64_t hot : 2;          // touches since the demotion hand passed, saturating at kHotMax
  uint64_t wide : 1;         // the sizes stand behind the header
  uint64_t expiry_room : 1;  // an expiry stands behind the header (and the sizes)
  uint32_t access;  // LRU: seconds; LFU: minutes << 8 | logarithmic counter (Redis' scheme)
  ObjectType type : 4;
  Encoding encoding : 4;
  uint8_t size_class;  // of its allocation

  // A new object with room for value_size bytes, copied from value when that is not null, and for
  // an expiry if it is to have one.
  static Object* Make(std::string_view key, const char* value, size_t value_size, bool expires);
  // A new object for a spread collection, which it owns from now on. Unread: see the flag.
  static Object* MakeSpread(std::string_view key, Collection* collection, bool expires,
                            bool unread = false);
  // Frees its collection too; a big one on a thread of its own.
  static void Free(Object* object);

  // Bytes of an object with room for a value of this size.
  static size_t SizeFor(size_t key_size, size_t value_size, bool expires) {
    const bool is_wide = key_size > kNarrowMax || value_size > kNarrowMax;
    return sizeof(Object) + (is_wide ? 8 : 0) + (expires ? 8 : 0) + key_size + value_size;
  }
  // Whether it can take such a value in place.
  bool Fits(size_t value_size, bool expires) const {
    return (wide || value_size <= kNarrowMax) && (expiry_room || !expires) &&
           PartsSize() + key_size() + value_size <= allocated_size() - sizeof(Object);
  }
  // Whether it is to: little of it would be idle, and it is not spread.
  bool Suits(size_t value_size, bool expires) const {
    return !spread() && Fits(value_size, expires) &&
           allocated_size() <= SizeFor(key_size(), value_size, expires) * 2 + 64;
  }

  std::string_view key() const { return {bytes(), key_size()}; }
  uint64_t position() const { return PositionOf(key()); }
  // A string's value, or packed bytes. Requires: a string, or not spread.
  std::string_view value() const {
    if (spread()) [[unlikely]]
      return SpreadValue();
    return {bytes() + key_size(), value_size()};
  }
  char* mutable_value() { return bytes() + key_size(); }
  // Bytes that stand here; see value() for a string's.
  size_t value_size() const { return wide ? Load<uint32_t>(this + 1) : narrow_value_size; }
  // Requires: Fits(size, false).
  void set_value_size(size_t size) {
    if (wide) {
      Store(this + 1, static_cast<uint32_t>(size));
    } else {
      narrow_value_size = static_cast<uint8_t>(size);
    }
  }

  bool tombstone() const { return (flags & kTombstone) != 0; }
  bool has_expiry() const { return expiry_room && expire_at_ms() != kNoExpiry; }
  // Wall clock; kNoExpiry = never.
  int64_t expire_at_ms() const { return expiry_room ? Load<int64_t>(ExpiryPlace()) : kNoExpiry; }
  // Requires: made with room for an expiry, or at_ms is kNoExpiry.
  void set_expire_at_ms(int64_t at_ms) {
    HEARTH_CHECK(expiry_room || at_ms == kNoExpiry);
    if (expiry_room) Store(const_cast<char*>(ExpiryPlace()), at_ms);
  }
  bool elements_expire() const { return (flags & kElementsExpire) != 0; }
  bool spread() const { return (flags & kSpread) != 0; }
  // Requires: spread.
  Collection* collection() const { return Load<Collection*>(bytes() + key_size()); }
  // Leaves an empty string behind. Requires: spread.
  Collection* ReleaseCollection();
  // Whether its Collection is an UnreadCollection; puts the whole one in its place.
  bool unread() const { return (flags & kUnread) != 0; }
  void Fill(Collection* collection);
  // What another form of the same key has beside its value: type, encoding, access, what its
  // elements do, the expiry. Requires: room for an expiry if the other has one.
  void TakeAttributes(const Object& other);
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

  // While not wide.
  uint8_t narrow_key_size;
  uint8_t narrow_value_size;

 private:
  static constexpr size_t kNarrowMax = 255;

  template <typename Value>
  static Value Load(const void* from) {
    Value value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }
  template <typename Value>
  static void Store(void* to, Value value) {
    std::memcpy(to, &value, sizeof(value));
  }

  // Of what may stand between the header and the key.
  size_t PartsSize() const { return (size_t{wide} + size_t{expiry_room}) * 8; }
  char* bytes() { return reinterpret_cast<char*>(this + 1) + PartsSize(); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1) + PartsSize(); }
  size_t key_size() const {
    return wide ? Load<uint32_t>(reinterpret_cast<const char*>(this + 1) + 4) : narrow_key_size;
  }
  const char* ExpiryPlace() const {
    return reinterpret_cast<const char*>(this + 1) + size_t{wide} * 8;
  }
  std::string_view SpreadValue() const;
};

static_assert(sizeof(Object) == 16);

struct ObjectFree {
  void operator()(Object* object) const { Object::Free(object); }
};
using ObjectPointer = std::unique_ptr<Object, ObjectFree>;

}  // namespace hearth
