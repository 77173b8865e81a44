#pragma once

// Rows: the formats of everything that stands in the store's one column family.
//
//   row        = head | element | library | state
//   head       = key: 'k' db-id:u32be position:u64be key-bytes
//                value: version:u8 kind:u8 flags:u8 [expire-at-ms:i64le] body
//   kind       = type (low 4 bits) | encoding (high 4 bits)
//   flags      = bit 0: expire-at-ms is there; bit 1: the collection is spread;
//                bit 2: it is a spread hash, and no field of it expires
//   body       = string-bytes | packed-bytes | object-id:u64le type's-head-bytes (spread)
//   element    = key: 'm' db-id:u32be object-id:u64be element-bytes
//                value: version:u8 value-bytes
//   library    = key: 'f' name-bytes (a library of functions)
//                value: version:u8 code-bytes
//   state      = key: 'x' "state"
//                value: version:u8 commit-ms:u64le history next-db-id:varint
//                       { index:varint db-id:varint keys:varint expires:varint }
//   history    = version 1: id:40 bytes (hexadecimal digits)
//                version 2: flags:u8 id:20 bytes [id2:20 bytes id2-seq:varint]
//                           [place-id:20 bytes place-offset:varint place-db:varint]
//                flags bit 0: id2 is there; bit 1: rows were written once; bit 2: a place
//                (stream_place.h) is there
//
// The state row ends every commit group: the databases' ids and counts after the group, when it
// was committed and which history it belongs to. Databases that are not listed have db-id = index
// and hold nothing. Every format begins with a version byte.
//
// Thread: any; pure functions.
// Errors: a row that does not parse is false: the caller reports corruption.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/codec.h"
#include "engine/history.h"
#include "engine/object.h"
#include "engine/stream_place.h"

namespace hearth {

inline constexpr char kHeadTable = 'k';
inline constexpr char kElementTable = 'm';
inline constexpr char kLibraryTable = 'f';
inline constexpr char kStateTable = 'x';
inline constexpr std::string_view kStateRowKey = "xstate";
inline constexpr std::string_view kLineageRowKey = "xlineage";
inline constexpr uint8_t kHeadRowVersion = 1;
inline constexpr uint8_t kElementRowVersion = 1;
inline constexpr char kLibraryRowVersion = 1;
inline constexpr uint8_t kStateRowVersion = 2;
inline constexpr char kLineageRowVersion = 1;

// The part of a head row's key before the key's own bytes.
inline constexpr size_t kHeadKeyPrefixSize = 13;

inline void WriteHeadKeyPrefix(char* to, uint32_t db_id, uint64_t position) {
  to[0] = kHeadTable;
  PutBigEndian32(to + 1, db_id);
  PutBigEndian64(to + 5, position);
}

std::string HeadKey(uint32_t db_id, uint64_t position, std::string_view key);

struct HeadKeyParts {
  uint32_t db_id;
  uint64_t position;
  std::string_view key;
};
bool ParseHeadKey(std::string_view row_key, HeadKeyParts* parts);

// The part of an element row's key before the element's own bytes.
inline constexpr size_t kElementKeyPrefixSize = 13;

inline void WriteElementKeyPrefix(char* to, uint32_t db_id, uint64_t object_id) {
  to[0] = kElementTable;
  PutBigEndian32(to + 1, db_id);
  PutBigEndian64(to + 5, object_id);
}

// The key of an element's row; with an empty element, where the rows of an object id begin.
std::string ElementKey(uint32_t db_id, uint64_t object_id, std::string_view element);

struct ElementKeyParts {
  uint32_t db_id;
  uint64_t object_id;
  std::string_view element;
};
bool ParseElementKey(std::string_view row_key, ElementKeyParts* parts);
// Takes the version byte off.
bool ParseElementValue(std::string_view row_value, std::string_view* value);

// Takes the version byte of a library's row off.
bool ParseLibraryValue(std::string_view row_value, std::string_view* code);

// Largest header before a head row's value bytes.
inline constexpr size_t kHeadValueHeaderSizeMax = 11;
// Writes the header of an object's head row; returns its size in bytes.
size_t WriteHeadValueHeader(char* to, const Object& object);

struct HeadValueParts {
  ObjectType type;
  Encoding encoding;
  int64_t expire_at_ms;
  bool spread;
  bool fields_stay;        // a spread hash whose fields do not expire
  uint64_t object_id;      // of a spread collection
  std::string_view value;  // string or packed bytes; the type's head bytes of a spread collection
};
bool ParseHeadValue(std::string_view row_value, HeadValueParts* parts);

struct DbState {
  uint32_t id = 0;
  uint64_t keys = 0;
  uint64_t expires = 0;
};

struct StoreState {
  uint64_t commit_ms = 0;
  History history;
  StreamPlace place;
  bool written = false;  // some group held more than its state row, ever
  uint32_t next_db_id = 0;
  std::vector<DbState> dbs;  // by index

  // A store that holds nothing, with ids = indexes.
  static StoreState Fresh(uint32_t db_count, std::string replication_id);
};
void AppendState(std::string* row, const StoreState& state);
std::string EncodeState(const StoreState& state);
// Grows state->dbs to db_count; false when the row is damaged or names a database beyond that.
bool ParseState(std::string_view row_value, uint32_t db_count, StoreState* state);
// Of a row that ParseState refuses, for people: goes on behind "the state row".
const char* WhatIsWrongWithState(std::string_view row_value);

// A version byte, then of each ancestor its id and its last sequence, a varint.
std::string EncodeLineage(const Lineage& lineage);
bool ParseLineage(std::string_view row_value, Lineage* lineage);

// A row as text, for tests and tools: `head db=0 slot=12182 key=foo string/int value=1`.
std::string RowText(std::string_view row_key, std::string_view row_value);
// Its key alone: `head db=0 slot=12182 key=foo`.
std::string RowKeyText(std::string_view row_key);

}  // namespace hearth
