#pragma once

// SnapshotCopy: a snapshot that a server starts from is linked into a private copy, so that it
// stays as it is, and the copy goes its own way.
//
//   <dir>/SNAPSHOT         the snapshot (checkpoint.h)
//   <dir>.opened           its copy: what is opened
//     ORIGIN               the checksum of the SNAPSHOT that it is a copy of
//     COPIED               "from a snapshot": not opened yet; "..., opened": without a history of
//                          its own yet (a replica has its primary's). Whoever puts a store together
//                          from a snapshot's files writes it too.
//
// Thread: one, before the store is opened; of several processes that start from one snapshot the
// first makes the copy (flock(2) on the snapshot's directory), and the others wait for it.

#include <string>

#include "engine/status.h"

namespace hearth {

// When data_dir is a snapshot, makes its copy, if there is none; *working_dir is what to open: also
// when the snapshot was removed since the copy was made. Else that is data_dir itself. Errors:
// Invalid: there is a copy, of another snapshot; Corruption: the snapshot is not whole, and no copy
// was begun; Busy: another process takes long to make it.
Status PrepareDataDir(const std::string& data_dir, std::string* working_dir);

// Invalid: the store in dir is a copy that was never opened, and wal_dir holds logs already: of
// another store, whose writes would go on behind the snapshot.
Status CheckSnapshotCopy(const std::string& dir, const std::string& wal_dir);
// It was opened.
void NoteSnapshotCopyOpened(const std::string& dir);

// Whether dir is such a copy that has no history of its own yet: before EndSnapshotCopy.
bool IsSnapshotCopy(const std::string& dir);
void EndSnapshotCopy(const std::string& dir);

}  // namespace hearth
