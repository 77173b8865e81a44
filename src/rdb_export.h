#pragma once

// RdbExport: all data of the server as an RDB file, from a consistent view of the store.
//
// The view is taken at construction; what is written afterwards is not in the file, however long
// writing it takes. The keyspace in memory is neither asked nor changed: nothing becomes resident,
// no counter of INFO moves, no shard is locked. Keys and fields whose time has come are in the file
// with it, as in Redis' own: who loads it judges.
//
// Thread:   one at a time, any but a worker: reads and writes the disk for as long as it takes.
// Lifetime: within the engine's; while it lives the store can't be closed or reopened, so a server
//           that stops, or takes other data, cancels it and waits.
// Errors:   NoSpace, IoError: the file can't be written, or writes are refused meanwhile (a log
//           that failed, a disk that is short of space); Corruption: of the store; Busy: cancelled.
//           After one there is no file.
// Limits:   one value in memory at a time, up to three times: as the store has it, copied, encoded.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/stored_keys.h"
#include "src/commands/dump.h"
#include "src/rdb/rdb_value.h"

namespace hearth {

struct RdbExportOptions {
  bool keys = true;
  bool functions = true;
  // Further fields, behind those that every file has: repl-id, repl-offset, ...
  std::vector<std::pair<std::string, std::string>> aux;
  // Asked every few thousand keys and every megabyte: true ends the export. Null: never.
  std::function<bool()> cancelled;
  RdbEncodingLimits limits = DumpLimits();
};

struct RdbExportInfo {
  uint64_t seq = 0;  // of the view
  uint64_t size_bytes = 0;
  uint64_t key_count = 0;
  int version = 0;  // of the format: 10, or 12 where fields of hashes expire
};

class RdbExport {
 public:
  explicit RdbExport(Engine& engine) : engine_(engine), stored_(engine.keyspace()) {}

  // Everything up to this sequence will be in the file.
  uint64_t seq() const { return stored_.seq(); }
  // Writes the file anew; it is not synced. May be called again. info may be null.
  Status Write(const std::string& path, const RdbExportOptions& options, RdbExportInfo* info);

 private:
  Engine& engine_;
  StoredKeys stored_;
};

// Both in one.
Status ExportRdb(Engine& engine, const std::string& path, const RdbExportOptions& options,
                 RdbExportInfo* info);

}  // namespace hearth
