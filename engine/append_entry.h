#pragma once

// Append entries: a row of the append memtable as its runs hold it, and the order of rows.
//
// Thread: any; pure functions of rows that never change.

#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hearth::append {

using rocksdb::Slice;

inline constexpr size_t kTrailerSize = 8;  // an internal key = user key + sequence and type

// ---- Entries and their order ------------------------------------------------------------------

// high and low: a prefix of the key that is made for our rows (rows.h), so that two numbers tell
// nearly all of them apart. A prefix that differs orders as the keys do; one that is equal says
// nothing.
//   prefix = table:1 db-id:2 (position | object-id):5 the next 8 bytes        of 'k' and 'm' rows
// Of a head row the position's other 3 bytes come first among the 8. What does not fit its bytes
// (a database id of 65535 or more, an object id of 2^40 or more) ends the prefix with ones.
struct Entry {
  uint64_t high;
  uint64_t low;
  const char* row;
};

inline uint64_t BigEndian64(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap64(value);
}

// Bytes of a key that make its prefix.
inline constexpr size_t kPrefixKeySize = 21;

inline Entry MakePrefix(const char* key, const char* row) {
  constexpr uint64_t kOnes = ~uint64_t{0};
  const auto table = static_cast<uint64_t>(static_cast<unsigned char>(key[0]));
  if (table != 'k' && table != 'm') return {BigEndian64(key), BigEndian64(key + 8), row};
  const uint64_t db_id = BigEndian64(key) << 8 >> 32;
  if (db_id >= 0xffff) return {table << 56 | kOnes >> 8, kOnes, row};
  const uint64_t high = table << 56 | db_id << 40, id = BigEndian64(key + 5);
  if (table == 'k') return {high | id >> 24, BigEndian64(key + 10), row};
  if (id >= kOnes >> 24) return {high | kOnes >> 24, kOnes, row};
  return {high | id, BigEndian64(key + 13), row};
}

inline Entry MakeEntry(const char* user_key, size_t size, const char* row) {
  if (size >= kPrefixKeySize) return MakePrefix(user_key, row);
  char padded[kPrefixKeySize] = {};
  std::memcpy(padded, user_key, size);
  return MakePrefix(padded, row);
}

// A row is: varint32 size of the internal key, internal key, varint32 size of the value, value.
inline Slice InternalKeyOfRow(const char* row) {
  const auto* byte = reinterpret_cast<const unsigned char*>(row);
  uint32_t size = 0;
  int shift = 0;
  do {
    size |= static_cast<uint32_t>(*byte & 127) << shift;
    shift += 7;
  } while (*byte++ & 128);
  return {reinterpret_cast<const char*>(byte), size};
}

inline Entry EntryOfRow(const char* row) {
  const Slice key = InternalKeyOfRow(row);
  return MakeEntry(key.data(), key.size() - kTrailerSize, row);
}

// As RocksDB's comparator of internal keys over a bytewise one: the newest first among equals.
inline int CompareInternalKeys(const Slice& a, const Slice& b) {
  const Slice user_a(a.data(), a.size() - kTrailerSize), user_b(b.data(), b.size() - kTrailerSize);
  if (const int order = user_a.compare(user_b); order != 0) return order;
  uint64_t trailer_a, trailer_b;  // little-endian
  std::memcpy(&trailer_a, user_a.data() + user_a.size(), kTrailerSize);
  std::memcpy(&trailer_b, user_b.data() + user_b.size(), kTrailerSize);
  return trailer_a > trailer_b ? -1 : trailer_a < trailer_b ? 1 : 0;
}

struct EntryLess {
  bool operator()(const Entry& a, const Entry& b) const {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return CompareInternalKeys(InternalKeyOfRow(a.row), InternalKeyOfRow(b.row)) < 0;
  }
};

// What a Seek looks for; row is unused.
struct Target {
  explicit Target(const Slice& key)
      : internal_key(key), prefix(MakeEntry(key.data(), key.size() - kTrailerSize, nullptr)) {}
  int CompareTo(const Entry& entry) const {
    if (entry.high != prefix.high) return prefix.high < entry.high ? -1 : 1;
    if (entry.low != prefix.low) return prefix.low < entry.low ? -1 : 1;
    return CompareInternalKeys(internal_key, InternalKeyOfRow(entry.row));
  }
  Slice internal_key;
  Entry prefix;
};

}  // namespace hearth::append
