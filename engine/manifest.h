#pragma once

// Manifest: what RocksDB's MANIFEST says about the write-ahead logs, read without RocksDB.
//
//   record = field*                       in the framing of a log file (wal_reader.h)
//   field  = tag:varint content           RocksDB's VersionEdit
//   tag    = 1 comparator:bytes | 2 log number | 3 next file | 4 last sequence | 9 previous log
//          | 10 first log to keep | 203 highest column family | 200 column family
//          | 201 column family's name:bytes | 300 left in the group  (varints)
//          | 5 compaction cursor: level:varint key:bytes
//          | 6 deleted file: level:varint number:varint
//          | 103 new file: level:varint number:varint size:varint smallest:bytes largest:bytes
//            smallest seq:varint largest seq:varint (tag:varint bytes)* 1
//          | with bit 13 set, anything else: bytes
//   bytes  = length:varint byte[length]
//
// Source: RocksDB wiki, "MANIFEST"; checked against 7.8 by the tests.
//
// Thread: one, before the store is opened.

#include <rocksdb/file_system.h>

#include <cstdint>
#include <string>

#include "engine/status.h"

namespace hearth {

struct ManifestFacts {
  // The oldest log that recovery still needs; older files only wait for their deletion.
  uint64_t first_live_log = 0;
  // Everything up to here stands in table files, and the oldest live log goes on behind it.
  // Only when known is set: a newer format may hold fields that we cannot read.
  uint64_t flushed_seq = 0;
  bool known = false;
};

Status ReadManifest(rocksdb::FileSystem* file_system, const std::string& dir, ManifestFacts* facts);

}  // namespace hearth
