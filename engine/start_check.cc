// Tested by tests/engine/start_check_test.cc.
#include "engine/start_check.h"

#include <algorithm>

#include "engine/manifest.h"
#include "engine/wal_archive.h"
#include "engine/wal_reader.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

constexpr char kWayOut[] =
    " Nothing was changed or deleted. Ways out: restore the file; start from a snapshot directory; "
    "resync from a replica; or start once with 'accept-data-loss yes', which keeps what stands "
    "before the damage and begins a new history";

constexpr char kOwnerName[] = "hearth.owner";
constexpr char kIdentityName[] = "/IDENTITY";

struct WalFindings {
  uint64_t last_seq = 0;  // of the last whole record before any damage
  std::string damaged_file;
  uint64_t damaged_offset = 0;
  bool middle = false;                  // whole records stand behind the damage
  std::vector<std::string> behind_gap;  // logs that do not follow on what is left before them
  bool none_live = true;                // no log that a recovery would read
};

Status ListWals(rocksdb::FileSystem* file_system, const std::string& dir,
                std::vector<std::string>* names) {
  std::vector<std::string> children;
  const rocksdb::IOStatus status = file_system->GetChildren(dir, {}, &children, nullptr);
  if (!status.ok()) return Status::IoError("cannot list " + dir + ": " + status.ToString());
  for (const std::string& name : children) {
    if (WalNumber(name) != 0) names->push_back(name);  // dir may hold a log file for people too
  }
  // Names are numbers of at least six digits.
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return Status::Ok();
}

Status ReadWals(rocksdb::FileSystem* file_system, const std::string& dir,
                const ManifestFacts& facts, WalFindings* found, StartFindings* findings) {
  std::vector<std::string> names;
  if (Status status = ListWals(file_system, dir, &names); !status.ok()) return status;
  found->last_seq = facts.known ? facts.flushed_seq : 0;
  for (const std::string& name : names) {
    if (WalNumber(name) < facts.first_live_log) continue;
    found->none_live = false;
    if (!found->behind_gap.empty()) {
      found->behind_gap.push_back(name);
      continue;
    }
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
      // A store that has flushed nothing has a log from its first sequence on.
      if ((facts.known || found->last_seq != 0) && record.seq > found->last_seq + 1) {
        found->damaged_file = path + " (the log before it, with the sequences from " +
                              std::to_string(found->last_seq + 1) + " to " +
                              std::to_string(record.seq - 1) + ", is missing)";
        found->behind_gap.push_back(name);
        break;
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

const std::string& WalDir(const StoreOptions& options) {
  return options.wal_dir.empty() ? options.dir : options.wal_dir;
}

// Logs where there is no store, or another store's logs, would become a part of this one.
Status CheckWalOwner(rocksdb::FileSystem* file_system, const StoreOptions& options, bool fresh) {
  const std::string& wal_dir = WalDir(options);
  std::vector<std::string> names;
  if (Status status = ListWals(file_system, wal_dir, &names); !status.ok()) return status;
  if (names.empty()) return Status::Ok();
  if (fresh) {
    return Status::Invalid("There is no store in " + options.dir + ", but " + wal_dir + "/" +
                           names.front() +
                           " is the log of one: name an empty wal-dir, or the dir that this log "
                           "belongs to. Nothing was changed or deleted.");
  }
  std::string owner, identity;
  if (!ReadWholeFile(file_system, wal_dir + "/" + kOwnerName, &owner).ok() ||
      !ReadWholeFile(file_system, options.dir + kIdentityName, &identity).ok() ||
      owner == identity) {
    return Status::Ok();
  }
  return Status::Invalid("The logs in " + wal_dir + " are another store's than the one in " +
                         options.dir + " (" + kOwnerName +
                         " and IDENTITY differ): name the "
                         "wal-dir of this store, or an empty one. Nothing was changed or deleted.");
}

// Takes logs away from RocksDB that do not follow on what is before them: it would replay them and
// leave a hole.
Status PutAside(rocksdb::FileSystem* file_system, const std::string& dir,
                const std::vector<std::string>& names, StartFindings* findings) {
  for (const std::string& name : names) {
    const rocksdb::IOStatus status =
        file_system->RenameFile(dir + "/" + name, dir + "/" + name + ".lost", {}, nullptr);
    if (!status.ok()) return FromRocks(status);
    findings->warnings.push_back("The write-ahead log " + dir + "/" + name +
                                 " is not used and was renamed to " + name + ".lost");
  }
  return Status::Ok();
}

}  // namespace

std::string LostGroupsText(const std::string& dir, uint64_t recovered_seq, uint64_t synced_seq) {
  return "The store in " + dir + " ends at sequence " + std::to_string(recovered_seq) +
         ", but everything up to " + std::to_string(synced_seq) +
         " was on the disk: synced data is missing." + kWayOut;
}

Status NoteWalOwner(const Store& store) {
  const StoreOptions& options = store.options();
  if (WalDir(options) == options.dir) return Status::Ok();
  std::string owner, identity;
  Status status = ReadWholeFile(store.file_system(), options.dir + kIdentityName, &identity);
  if (!status.ok()) return status;
  if (ReadWholeFile(store.file_system(), WalDir(options) + "/" + kOwnerName, &owner).ok() &&
      owner == identity) {
    return Status::Ok();
  }
  return WriteFileAtomically(store.file_system(), WalDir(options), kOwnerName, identity);
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
    return CheckWalOwner(file_system, options, /*fresh=*/true);
  }
  if (Status status = CheckWalOwner(file_system, options, /*fresh=*/false); !status.ok()) {
    return status;
  }
  if (mark_status.IsCorruption()) {
    if (!accept_data_loss) return Status::Corruption(mark_status.message() + "." + kWayOut);
    findings->warnings.push_back(mark_status.message());
  }
  findings->synced_seq = mark.synced_seq;
  findings->clean_shutdown = mark.clean;
  findings->power_lost = mark_status.ok() && !mark.clean && mark.boot_id != BootId();

  WalFindings wal;
  const std::string& wal_dir = WalDir(options);
  ManifestFacts facts;
  Status status = ReadManifest(file_system, options.dir, &facts);
  if (status.IsCorruption()) return Status::Corruption(status.message() + "." + kWayOut);
  if (status.ok()) status = ReadWals(file_system, wal_dir, facts, &wal, findings);
  if (!status.ok()) return status;
  // A store that runs has a log: what the mark, up to a second behind, does not tell would be lost.
  // A power loss may take one that was just made.
  if (facts.known && wal.none_live && mark_status.ok() && !mark.clean && !findings->power_lost &&
      !accept_data_loss) {
    return Status::Corruption("The store in " + options.dir +
                              " was not shut down cleanly, and no write-ahead log of it is in " +
                              wal_dir + ": name the wal-dir that it had." + kWayOut);
  }
  if (wal.damaged_file.empty()) {
    const bool lost = facts.known && wal.last_seq < mark.synced_seq;
    return lost && !accept_data_loss
               ? Status::Corruption(LostGroupsText(options.dir, wal.last_seq, mark.synced_seq))
               : Status::Ok();
  }

  std::string text =
      "The write-ahead log " + wal.damaged_file +
      (wal.behind_gap.empty() ? " is damaged at offset " + std::to_string(wal.damaged_offset) +
                                    ", after sequence " + std::to_string(wal.last_seq)
                              : " cannot be used");
  const bool below_mark = wal.last_seq != 0 && wal.last_seq < mark.synced_seq;
  const bool followed = wal.middle || !wal.behind_gap.empty();
  if (((followed && !findings->power_lost) || below_mark) && !accept_data_loss) {
    return Status::Corruption(
        text +
        (below_mark   ? ", below what was synced (" + std::to_string(mark.synced_seq) + ")."
         : wal.middle ? " with whole records behind it."
                      : ".") +
        kWayOut);
  }
  if (!wal.behind_gap.empty()) return PutAside(file_system, wal_dir, wal.behind_gap, findings);
  findings->warnings.push_back(text + ": it is cut there, " + std::to_string(findings->torn_bytes) +
                               " bytes are dropped");
  return Status::Ok();
}

}  // namespace hearth
