// Tested by tests/engine/start_check_test.cc.
#include "engine/manifest.h"

#include <algorithm>

#include "engine/codec.h"
#include "engine/wal_reader.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

enum Tag : uint64_t {
  kComparator = 1,
  kLogNumber = 2,
  kNextFile = 3,
  kLastSequence = 4,
  kCompactCursor = 5,
  kDeletedFile = 6,
  kPrevLogNumber = 9,
  kMinLogToKeep = 10,
  kNewFile = 103,
  kColumnFamily = 200,
  kColumnFamilyName = 201,
  kMaxColumnFamily = 203,
  kInGroup = 300,
  kSafeToSkip = 1 << 13,
};
constexpr uint64_t kEndOfFileFields = 1;

bool SkipBytes(std::string_view* from) {
  uint64_t size;
  if (!ReadVarint(from, &size) || size > from->size()) return false;
  from->remove_prefix(size);
  return true;
}

bool SkipVarints(std::string_view* from, int count) {
  uint64_t ignored;
  while (count-- > 0) {
    if (!ReadVarint(from, &ignored)) return false;
  }
  return true;
}

bool ReadNewFile(std::string_view* from, uint64_t* largest_seq) {
  uint64_t tag;
  if (!SkipVarints(from, 3) || !SkipBytes(from) || !SkipBytes(from)) return false;
  if (!SkipVarints(from, 1) || !ReadVarint(from, largest_seq)) return false;
  while (ReadVarint(from, &tag)) {
    if (tag == kEndOfFileFields) return true;
    if (!SkipBytes(from)) return false;
  }
  return false;
}

struct Edit {
  uint64_t log_number = 0, last_seq = 0, flushed_seq = 0;
  bool has_last_seq = false;
  bool whole = false;  // every field was understood
};

Edit ParseEdit(std::string_view text) {
  Edit edit;
  uint64_t tag, value;
  while (!text.empty()) {
    if (!ReadVarint(&text, &tag)) return edit;
    bool good = true;
    if (tag == kNewFile) {
      good = ReadNewFile(&text, &value);
      if (good) edit.flushed_seq = std::max(edit.flushed_seq, value);
    } else if (tag == kDeletedFile) {
      good = SkipVarints(&text, 2);
    } else if (tag == kCompactCursor) {
      good = SkipVarints(&text, 1) && SkipBytes(&text);
    } else if (tag == kComparator || tag == kColumnFamilyName || (tag & kSafeToSkip) != 0) {
      good = SkipBytes(&text);
    } else if (tag == kLogNumber || tag == kNextFile || tag == kLastSequence ||
               tag == kPrevLogNumber || tag == kMinLogToKeep || tag == kColumnFamily ||
               tag == kMaxColumnFamily || tag == kInGroup) {
      good = ReadVarint(&text, &value);
      if (good && tag == kLogNumber) edit.log_number = value;
      if (good && tag == kLastSequence) edit.last_seq = value, edit.has_last_seq = true;
    } else {
      good = false;
    }
    if (!good) return edit;
  }
  edit.whole = true;
  return edit;
}

}  // namespace

// A MANIFEST begins at an open: its first record bears the sequence that the store had then, and
// all of that was in table files. (The greatest sequence of a file alone would be too low: a
// compaction to the last level sets it to zero.) Later records bear the sequence of the moment,
// flushed or not, so from then on the files that flushes made count.
namespace {

// "MANIFEST-" digits "\n", as RocksDB writes it.
bool NamesManifest(std::string_view current) {
  constexpr std::string_view kPrefix = "MANIFEST-";
  if (!current.starts_with(kPrefix) || !current.ends_with('\n')) return false;
  const std::string_view digits =
      current.substr(kPrefix.size(), current.size() - kPrefix.size() - 1);
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Status ReadManifest(rocksdb::FileSystem* file_system, const std::string& dir,
                    ManifestFacts* facts) {
  std::string current, manifest;
  if (Status status = ReadWholeFile(file_system, dir + "/CURRENT", &current); !status.ok()) {
    return status;
  }
  if (!NamesManifest(current)) {
    return Status::Corruption("The file " + dir + "/CURRENT is damaged: it names no MANIFEST");
  }
  current.pop_back();
  if (Status status = ReadWholeFile(file_system, dir + "/" + current, &manifest); !status.ok()) {
    if (!status.IsNotFound()) return status;
    return Status::Corruption("The file " + dir + "/" + current +
                              ", which CURRENT names, is missing");
  }
  *facts = {};
  facts->known = true;
  WalReader reader(manifest);
  std::string_view record;
  bool opened = false;
  while (reader.ReadBytes(&record)) {
    const Edit edit = ParseEdit(record);
    facts->first_live_log = std::max(facts->first_live_log, edit.log_number);
    facts->flushed_seq = std::max(facts->flushed_seq, edit.flushed_seq);
    if (!opened && edit.has_last_seq) {
      facts->flushed_seq = std::max(facts->flushed_seq, edit.last_seq);
      opened = true;
    }
    facts->known = facts->known && edit.whole;
  }
  return Status::Ok();
}

}  // namespace hearth
