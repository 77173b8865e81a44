#pragma once

// WalCursor: reads committed groups from WAL files, live and retained, one after another.
//
// It keeps its file and offset between calls and reads in pieces of a block, so that a replica
// which lags by any amount costs one buffer and the groups of one call. Each group must begin where
// the last one ended. Groups that are not committed yet are never returned, though they stand in
// the file already.
//
// A file's torn end is passed over only when the next file begins exactly with the sequence that is
// wanted: then what is torn was never committed.
//
// Thread:   one; it may wait for the disk (a reader's thread).
// Lifetime: not longer than its ReplicationFeed.
// Errors:   NotFound: the history does not reach the sequence (files are gone, it was written
//           without a WAL, or it is no group's beginning); Corruption: damage. After an error the
//           cursor is of no use.

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/group.h"
#include "engine/status.h"

namespace hearth {

class WalArchive;

class WalCursor {
 public:
  using Groups = std::vector<std::shared_ptr<const Group>>;

  // Begins with the group whose first sequence is from_seq.
  WalCursor(WalArchive* archive, uint64_t from_seq) : archive_(archive), next_seq_(from_seq) {}

  // Appends groups of about max_bytes, at least one, up to limit_seq, which is committed. None:
  // the cursor is there.
  Status Read(uint64_t limit_seq, size_t max_bytes, Groups* groups);
  // What the next Read begins with.
  uint64_t next_seq() const { return next_seq_; }
  // The last group that was passed over on the way to the first one; null: the file begins there.
  const std::shared_ptr<const Group>& passed() const { return passed_; }

 private:
  enum class Found { kRecord, kEnd, kDamage };

  Status OpenFirst();
  Status OpenNext(bool damaged);
  Status OpenFile(uint64_t number);
  Found ReadRecord(std::string* record, Status* status);
  Found ReadFragment(uint8_t* type, std::string_view* bytes, Status* status);

  WalArchive* archive_;
  uint64_t next_seq_;
  std::shared_ptr<const Group> passed_;
  uint64_t file_number_ = 0;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  uint64_t offset_ = 0;        // of the next fragment
  uint64_t block_offset_ = 0;  // of what block_ holds
  std::string block_;
};

}  // namespace hearth
