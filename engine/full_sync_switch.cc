// Tested by tests/engine/full_sync_test.cc.
#include <filesystem>

#include "engine/full_sync.h"
#include "engine/wal_archive.h"
#include "engine/watermark.h"

namespace hearth {
namespace fs = std::filesystem;
namespace {

constexpr char kIncomingFolder[] = "/incoming";
constexpr char kReplacedFolder[] = "/replaced";
constexpr char kCompleteName[] = "/COMPLETE";
constexpr char kSwitchName[] = "SWITCH";
constexpr char kPhase1[] = "hearth-switch 1\nphase 1\nend\n";
constexpr char kPhase2[] = "hearth-switch 1\nphase 2\nend\n";

// One switch; every step may be repeated.
class Switch {
 public:
  Switch(const std::string& data_dir, const std::string& wal_dir,
         const std::function<bool()>& go_on)
      : data_dir_(data_dir), wal_dir_(wal_dir), go_on_(go_on) {}

  Status MoveOldAway() {
    Status status = MoveOld(data_dir_);
    if (status.ok() && wal_dir_ != data_dir_) status = MoveOld(wal_dir_);
    return status;
  }

  Status MoveNewIn() {
    const std::string incoming = data_dir_ + kIncomingFolder;
    std::error_code error;
    if (fs::exists(incoming, error)) {
      for (const std::string& name : SyncFilesIn(incoming)) {
        const bool is_log = name.ends_with(".log") && wal_dir_ != data_dir_;
        const Status status = is_log ? CopyLog(incoming, name)
                                     : Rename(incoming + "/" + name, data_dir_ + "/" + name);
        if (!status.ok()) return status;
      }
      if (Status status = SyncPath(data_dir_); !status.ok()) return status;
      if (!Step()) return Interrupted();
      fs::remove_all(incoming, error);
      if (error) return Status::IoError("cannot remove " + incoming + ": " + error.message());
    }
    return Status::Ok();
  }

  bool Step() const { return !go_on_ || go_on_(); }
  static Status Interrupted() { return Status::IoError("the switch was interrupted"); }

 private:
  static std::vector<std::string> SyncFilesIn(const std::string& dir) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(dir, error)) {
      const std::string name = entry.path().filename().string();
      if (IsSyncFileName(name)) names.push_back(name);
    }
    return names;
  }

  Status Rename(const std::string& from, const std::string& to) const {
    if (!Step()) return Interrupted();
    std::error_code error;
    fs::rename(from, to, error);
    return error ? Status::IoError("cannot move " + from + ": " + error.message()) : Status::Ok();
  }

  Status MoveOld(const std::string& dir) const {
    const std::string replaced = dir + kReplacedFolder;
    std::error_code error;
    fs::create_directories(replaced, error);
    if (error) return Status::IoError("cannot create " + replaced + ": " + error.message());
    std::vector<std::string> names = SyncFilesIn(dir);
    for (const auto& entry : fs::directory_iterator(dir, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("OPTIONS-")) names.push_back(name);
    }
    for (const std::string& name : names) {
      if (Status status = Rename(dir + "/" + name, replaced + "/" + name); !status.ok()) {
        return status;
      }
    }
    const std::string archive = dir + "/" + kWalArchiveFolder;
    if (fs::exists(archive, error)) {
      const Status status = Rename(archive, replaced + "/" + kWalArchiveFolder);
      if (!status.ok()) return status;
    }
    if (Status status = SyncPath(replaced); !status.ok()) return status;
    return SyncPath(dir);
  }

  // To the logs' own folder, maybe on another file system.
  Status CopyLog(const std::string& incoming, const std::string& name) const {
    const std::string temporary = wal_dir_ + "/" + name + ".tmp";
    std::error_code error;
    fs::copy_file(incoming + "/" + name, temporary, fs::copy_options::overwrite_existing, error);
    if (error) return Status::IoError("cannot copy " + name + ": " + error.message());
    Status status = SyncPath(temporary);
    if (status.ok()) status = Rename(temporary, wal_dir_ + "/" + name);
    if (status.ok()) status = SyncPath(wal_dir_);
    if (status.ok()) fs::remove(incoming + "/" + name, error);
    return status;
  }

  const std::string& data_dir_;
  const std::string& wal_dir_;
  const std::function<bool()>& go_on_;
};

}  // namespace

bool IsIncomingComplete(const std::string& data_dir) {
  std::error_code error;
  return fs::exists(data_dir + kIncomingFolder + kCompleteName, error);
}

Status BeginSwitch(const std::string& data_dir) {
  if (!IsIncomingComplete(data_dir)) return Status::Invalid("the resync has not ended");
  std::error_code error;
  fs::remove_all(data_dir + kReplacedFolder, error);
  return WriteFileAtomically(rocksdb::FileSystem::Default().get(), data_dir, kSwitchName, kPhase1);
}

Status ResolveSwitch(const std::string& data_dir, const std::string& wal_dir, bool* resumed,
                     const std::function<bool()>& go_on) {
  const auto file_system = rocksdb::FileSystem::Default();
  std::string marker;
  *resumed = false;
  Status status = ReadWholeFile(file_system.get(), data_dir + "/" + kSwitchName, &marker);
  if (status.IsNotFound()) return Status::Ok();
  if (!status.ok()) return status;
  if (marker != kPhase1 && marker != kPhase2) {
    return Status::Corruption("the file " + data_dir + "/" + kSwitchName + " is damaged");
  }
  *resumed = true;
  Switch steps(data_dir, wal_dir, go_on);
  if (marker == kPhase1) {
    if (status = steps.MoveOldAway(); !status.ok()) return status;
    if (!steps.Step()) return Switch::Interrupted();
    status = WriteFileAtomically(file_system.get(), data_dir, kSwitchName, kPhase2);
    if (!status.ok()) return status;
  }
  if (status = steps.MoveNewIn(); !status.ok()) return status;
  if (!steps.Step()) return Switch::Interrupted();
  std::error_code error;
  fs::remove(data_dir + "/" + kSwitchName, error);
  if (error) return Status::IoError("cannot remove the switch's marker: " + error.message());
  return SyncPath(data_dir);
}

void RemoveReplaced(const std::string& data_dir, const std::string& wal_dir) {
  std::error_code error;
  fs::remove_all(data_dir + kReplacedFolder, error);
  if (wal_dir != data_dir) fs::remove_all(wal_dir + kReplacedFolder, error);
}

}  // namespace hearth
