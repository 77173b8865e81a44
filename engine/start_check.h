#pragma once

// StartCheck: looks at what is on the disk before RocksDB may touch it.
//
// RocksDB's recovery drops everything behind a damaged WAL record and then deletes the evidence.
// So the WAL files are read first: a torn end is cut with a warning; damage with whole records
// behind it, or an end below the fsynced high-water mark, refuses the start and changes nothing.
// After a power loss unsynced blocks may be missing anywhere above the mark: then, and only then,
// damage above it is a torn end too.
// A wal-dir names the store whose logs it holds, by RocksDB's IDENTITY: another store's would be
// replayed into this one.
//
//   <wal-dir>/hearth.owner   the contents of <dir>/IDENTITY; not there when both are one folder
//
// Thread: one, before the store is opened.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/status.h"
#include "engine/store.h"

namespace hearth {

struct StartFindings {
  bool fresh = false;  // no store here yet
  bool clean_shutdown = false;
  bool power_lost = false;  // unclean, and the machine was restarted since
  uint64_t synced_seq = 0;
  uint64_t wal_bytes = 0;
  uint64_t torn_bytes = 0;
  std::vector<std::string> warnings;
};

// Errors: Corruption that names the file and the way out, which accept_data_loss turns into a
// warning; Invalid when the logs are another store's.
Status CheckStart(const Store& store, bool accept_data_loss, StartFindings* findings);

// Writes whose logs the wal-dir holds. Requires: the store was opened.
Status NoteWalOwner(const Store& store);

// What to tell when the store ends at recovered although synced was promised.
std::string LostGroupsText(const std::string& dir, uint64_t recovered_seq, uint64_t synced_seq);

}  // namespace hearth
