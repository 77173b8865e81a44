#pragma once

// RdbValue: a value as Redis' RDB format carries it, in plain C++ types.
//
// The codec between Redis' value encodings (what DUMP answers, RESTORE takes and an RDB file
// holds behind each key) and neutral values. It knows no keyspace, no Tx and no sockets. The
// reader takes every encoding of RDB 6 to 12, and of Valkey's 80, but modules; the writer writes
// what a Redis 7.0 (RDB 10) restores, but for hashes with field expiry, which need RDB 12.
//
// Thread:   any; pure functions.
// Errors:   Corruption: the bytes are not such a value, or not one that Redis could have written
//           (duplicates, NaN scores, wrong order or counts); NotFound: a collection without
//           elements, which RESTORE refuses and a loader of files skips; Invalid: a type that is
//           known but not supported (modules) or not known.
// Limits:   announced sizes allocate nothing before their bytes are there; a compressed string
//           expands to kRdbExpandedBytesMax at most.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/status.h"

namespace hearth {

struct RdbList {
  std::vector<std::string> elements;

  bool operator==(const RdbList&) const = default;
};

// Members in the order of the encoding; no two are equal.
struct RdbSet {
  std::vector<std::string> members;

  bool operator==(const RdbSet&) const = default;
};

// Members in the order of the encoding, which need not be by score; no two are equal, no score
// is NaN.
struct RdbSortedSet {
  std::vector<std::pair<std::string, double>> members;

  bool operator==(const RdbSortedSet&) const = default;
};

struct RdbHashField {
  std::string field;
  std::string value;
  int64_t expire_at_ms = -1;  // Unix time; -1: does not expire by itself

  bool operator==(const RdbHashField&) const = default;
};

// Fields in the order of the encoding; no two names are equal.
struct RdbHash {
  std::vector<RdbHashField> fields;

  bool operator==(const RdbHash&) const = default;
};

struct RdbStreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  auto operator<=>(const RdbStreamId&) const = default;
};

struct RdbStreamEntry {
  RdbStreamId id;
  std::vector<std::pair<std::string, std::string>> fields;  // at least one

  bool operator==(const RdbStreamEntry&) const = default;
};

// An entry that was delivered and not acknowledged.
struct RdbStreamPending {
  RdbStreamId id;
  int64_t delivery_time_ms = 0;
  uint64_t delivery_count = 0;
  size_t consumer_index = 0;  // in RdbStreamGroup::consumers

  bool operator==(const RdbStreamPending&) const = default;
};

struct RdbStreamConsumer {
  std::string name;
  int64_t seen_time_ms = 0;
  int64_t active_time_ms = -1;  // -1: never read an entry

  bool operator==(const RdbStreamConsumer&) const = default;
};

struct RdbStreamGroup {
  std::string name;
  RdbStreamId last_id;
  int64_t entries_read = -1;                 // -1: not known
  std::vector<RdbStreamPending> pending;     // ascending ids
  std::vector<RdbStreamConsumer> consumers;  // no two names are equal

  bool operator==(const RdbStreamGroup&) const = default;
};

// The one collection that may be empty.
struct RdbStream {
  std::vector<RdbStreamEntry> entries;  // ascending ids
  RdbStreamId last_id;                  // of the last entry or later
  RdbStreamId first_id;                 // of the first entry; 0-0 without entries
  RdbStreamId max_deleted_id;
  uint64_t entries_added = 0;          // at least entries.size()
  std::vector<RdbStreamGroup> groups;  // no two names are equal

  bool operator==(const RdbStream&) const = default;
};

using RdbValue = std::variant<std::string, RdbList, RdbSet, RdbSortedSet, RdbHash, RdbStream>;

// The byte in front of a value that names its encoding.
enum RdbType : uint8_t {
  kRdbString = 0,
  kRdbList = 1,
  kRdbSet = 2,
  kRdbSortedSet = 3,  // scores as decimals
  kRdbHash = 4,
  kRdbSortedSet2 = 5,  // scores as binary doubles
  kRdbModule = 6,
  kRdbModule2 = 7,
  kRdbHashZipmap = 9,
  kRdbListZiplist = 10,
  kRdbSetIntset = 11,
  kRdbSortedSetZiplist = 12,
  kRdbHashZiplist = 13,
  kRdbListQuicklist = 14,
  kRdbStreamListpacks = 15,
  kRdbHashListpack = 16,
  kRdbSortedSetListpack = 17,
  kRdbListQuicklist2 = 18,
  kRdbStreamListpacks2 = 19,
  kRdbSetListpack = 20,
  kRdbStreamListpacks3 = 21,
  kRdbHashMetadataPreRelease = 22,
  kRdbHashListpackExPreRelease = 23,
  kRdbHashMetadata = 24,
  kRdbHashListpackEx = 25,
  kRdbHashOfValkey = 0x80,  // 22 in what Valkey 9 writes
};

// The version of what Valkey 9 writes. Redis' own end before it.
inline constexpr int kRdbVersionOfValkey = 80;

// The type that a byte names in what is of a version.
inline uint8_t RdbTypeOf(uint8_t byte, int version) {
  constexpr uint8_t kUnknown = 0x81;
  if (byte == kRdbHashOfValkey) return kUnknown;
  const bool is_valkey = version == kRdbVersionOfValkey;
  return byte == kRdbHashMetadataPreRelease && is_valkey ? uint8_t{kRdbHashOfValkey} : byte;
}

// The largest size that a compressed string may expand to.
inline constexpr size_t kRdbExpandedBytesMax = size_t{512} << 20;

// What decides between packed and plain encodings, under Redis' names and defaults.
struct RdbEncodingLimits {
  size_t hash_max_listpack_entries = 512;
  size_t hash_max_listpack_value = 64;
  size_t zset_max_listpack_entries = 128;
  size_t zset_max_listpack_value = 64;
  size_t set_max_intset_entries = 512;
  int list_max_listpack_size = -2;  // > 0: elements a node; -1 to -5: 4, 8, 16, 32, 64 KiB a node
  size_t stream_node_max_bytes = 4096;   // 0: no limit
  size_t stream_node_max_entries = 100;  // 0: no limit
  bool rdbcompression = true;
};

// Reads one value of a type from the front of *bytes and removes it there. What follows is left:
// a payload's reader checks that nothing does. After an error *bytes and *value are of no use.
Status ReadRdbValue(uint8_t type, std::string_view* bytes, RdbValue* value);

// Appends a value's bytes and returns the type that must be put before them (in a file, before
// the key). Requires: the value is one that ReadRdbValue could give; the order of fields, members
// and pending entries is free.
uint8_t WriteRdbValue(const RdbValue& value, const RdbEncodingLimits& limits, std::string* out);

}  // namespace hearth
