// Tested by tests/engine/start_check_test.cc.
#include "engine/start_check.h"

#include <algorithm>
#include <cstdlib>

#include "engine/codec.h"
#include "engine/wal_reader.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

constexpr char kWayOut[] =
    " Nothing was changed or deleted. Ways out: restore the file; start from a snapshot directory; "
    "resync from a replica; or start once with 'accept-data-loss yes', which keeps what stands "
    "before the damage and begins a new history";

struct WalFindings {
  uint64_t last_seq = 0;  // of the last whole record before any damage
  std::string damaged_file;
  uint64_t damaged_offset = 0;
  bool middle = false;  // whole records stand behind the damage
};

// The log number in one record of the MANIFEST (RocksDB's VersionEdit: tagged fields; those that
// matter here come before the lists of files). Unchanged when the record names none.
void ReadLogNumber(std::string_view edit, uint64_t* log_number) {
  enum : uint64_t {
    kComparator = 1,
    kLogNumber = 2,
    kNextFile = 3,
    kLastSequence = 4,
    kPrevLogNumber = 9,
    kMinLogToKeep = 10,
    kMaxColumnFamily = 203,
    kSafeToSkip = 1 << 13,  // tags with this bit carry a length
  };
  uint64_t tag, value;
  while (ReadVarint(&edit, &tag) && ReadVarint(&edit, &value)) {
    if (tag == kLogNumber) *log_number = std::max(*log_number, value);
    if (tag == kComparator || (tag & kSafeToSkip) != 0) {
      if (value > edit.size()) return;
      edit.remove_prefix(value);
    } else if (tag != kLogNumber && tag != kNextFile && tag != kLastSequence &&
               tag != kPrevLogNumber && tag != kMinLogToKeep && tag != kMaxColumnFamily) {
      return;
    }
  }
}

// The number of the oldest log that recovery still needs; older files only wait for deletion.
Status FirstLiveWal(rocksdb::FileSystem* file_system, const std::string& dir, uint64_t* number) {
  std::string current, manifest;
  if (Status status = ReadWholeFile(file_system, dir + "/CURRENT", &current); !status.ok()) {
    return status;
  }
  while (!current.empty() && current.back() == '\n') current.pop_back();
  if (Status status = ReadWholeFile(file_system, dir + "/" + current, &manifest); !status.ok()) {
    return {status.code(), "the store's " + current + " cannot be read: " + status.message()};
  }
  *number = 0;
  WalReader reader(manifest);
  std::string_view edit;
  while (reader.ReadBytes(&edit)) ReadLogNumber(edit, number);
  return Status::Ok();
}

Status ListWals(rocksdb::FileSystem* file_system, const std::string& dir,
                std::vector<std::string>* names) {
  std::vector<std::string> children;
  const rocksdb::IOStatus status = file_system->GetChildren(dir, {}, &children, nullptr);
  if (!status.ok()) return FromRocks(status);
  for (const std::string& name : children) {
    if (name.size() > 4 && name.ends_with(".log")) names->push_back(name);
  }
  // Names are numbers of at least six digits.
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return Status::Ok();
}

Status ReadWals(rocksdb::FileSystem* file_system, const std::string& dir, uint64_t first_live,
                WalFindings* found, StartFindings* findings) {
  std::vector<std::string> names;
  if (Status status = ListWals(file_system, dir, &names); !status.ok()) return status;
  for (const std::string& name : names) {
    if (std::strtoull(name.c_str(), nullptr, 10) < first_live) continue;
    std::string contents;
    const std::string path = dir + "/" + name;
    if (Status status = ReadWholeFile(file_system, path, &contents); !status.ok()) return status;
    findings->wal_bytes += contents.size();
    WalReader reader(contents);
    WalReader::Record record;
    while (reader.Read(&record)) {
      if (!found->damaged_file.empty()) {
        found->middle = true;
        return Status::Ok();
      }
      if (found->last_seq != 0 && record.seq > found->last_seq + 1) {
        found->damaged_file = path + " (the log before it is missing)";
        found->middle = true;
        return Status::Ok();
      }
      found->last_seq = std::max(found->last_seq, record.seq + record.count - 1);
    }
    if (reader.damaged() && found->damaged_file.empty()) {
      found->damaged_file = path;
      found->damaged_offset = reader.good_offset();
      findings->torn_bytes = contents.size() - reader.good_offset();
      if (reader.valid_after_damage()) {
        found->middle = true;
        return Status::Ok();
      }
    }
  }
  return Status::Ok();
}

}  // namespace

std::string LostGroupsText(const std::string& dir, uint64_t recovered_seq, uint64_t synced_seq) {
  return "The store in " + dir + " ends at sequence " + std::to_string(recovered_seq) +
         ", but everything up to " + std::to_string(synced_seq) +
         " was on the disk: synced data is missing." + kWayOut;
}

Status CheckStart(const Store& store, bool accept_data_loss, StartFindings* findings) {
  const StoreOptions& options = store.options();
  rocksdb::FileSystem* file_system = store.file_system();
  const bool has_current = file_system->FileExists(options.dir + "/CURRENT", {}, nullptr).ok();
  Watermark mark;
  const Status mark_status = ReadWatermark(file_system, options.dir, &mark);
  if (!has_current) {
    // Never create an empty store where one has been.
    if (!mark_status.IsNotFound()) {
      return Status::Corruption("There was a store in " + options.dir +
                                ", but its CURRENT file is missing." + kWayOut);
    }
    findings->fresh = true;
    return Status::Ok();
  }
  if (mark_status.IsCorruption()) {
    if (!accept_data_loss) return Status::Corruption(mark_status.message() + "." + kWayOut);
    findings->warnings.push_back(mark_status.message());
  }
  findings->synced_seq = mark.synced_seq;
  findings->clean_shutdown = mark.clean;
  findings->power_lost = mark_status.ok() && !mark.clean && mark.boot_id != BootId();

  WalFindings wal;
  const std::string& wal_dir = options.wal_dir.empty() ? options.dir : options.wal_dir;
  uint64_t first_live = 0;
  Status status = FirstLiveWal(file_system, options.dir, &first_live);
  if (status.ok()) status = ReadWals(file_system, wal_dir, first_live, &wal, findings);
  if (!status.ok()) return status;
  if (wal.damaged_file.empty()) return Status::Ok();

  std::string text = "The write-ahead log " + wal.damaged_file + " is damaged at offset " +
                     std::to_string(wal.damaged_offset) + ", after sequence " +
                     std::to_string(wal.last_seq);
  const bool below_mark = wal.last_seq != 0 && wal.last_seq < mark.synced_seq;
  if (((wal.middle && !findings->power_lost) || below_mark) && !accept_data_loss) {
    return Status::Corruption(
        text +
        (below_mark ? ", below what was synced (" + std::to_string(mark.synced_seq) + ")."
                    : " with whole records behind it.") +
        kWayOut);
  }
  findings->warnings.push_back(text + ": it is cut there, " + std::to_string(findings->torn_bytes) +
                               " bytes are dropped");
  return Status::Ok();
}

}  // namespace hearth
