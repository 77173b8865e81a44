// Tested by tests/src/rdb_export_test.cc.
#include "src/rdb_export.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "engine/process_memory.h"
#include "src/rdb/rdb_file_writer.h"
#include "src/server.h"
#include "src/stored_value.h"

namespace hearth {
namespace {

constexpr uint64_t kKeysBetweenChecks = 2048;
// The system begins to write so much at a time: a flood at its leisure would hold up the log's
// syncs.
constexpr uint64_t kWriteOutBytes = uint64_t{4} << 20;

// A file that goes away unless it is kept.
class OutputFile {
 public:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}
  ~OutputFile() {
    if (fd_ < 0) return;
    close(fd_);
    unlink(path_.c_str());
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status Open() {
    fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd_ < 0 ? Error("cannot create ") : Status::Ok();
  }

  Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = write(fd_, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return Error("cannot write ");
      bytes.remove_prefix(static_cast<size_t>(size));
      size_bytes_ += static_cast<uint64_t>(size);
    }
    if (size_bytes_ - begun_bytes_ >= kWriteOutBytes) {
      (void)sync_file_range(fd_, static_cast<off_t>(begun_bytes_),
                            static_cast<off_t>(size_bytes_ - begun_bytes_), SYNC_FILE_RANGE_WRITE);
      begun_bytes_ = size_bytes_;
    }
    return Status::Ok();
  }

  Status Keep() {
    if (close(fd_) != 0) {
      const Status status = Error("cannot write ");
      unlink(path_.c_str());
      fd_ = -1;
      return status;
    }
    fd_ = -1;
    return Status::Ok();
  }

 private:
  Status Error(const std::string& what) const {
    const std::string text = what + path_ + ": " + std::strerror(errno);
    return errno == ENOSPC || errno == EDQUOT ? Status::NoSpace(text) : Status::IoError(text);
  }

  const std::string path_;
  int fd_ = -1;
  uint64_t size_bytes_ = 0;
  uint64_t begun_bytes_ = 0;  // the system was told to write these
};

// One attempt at a file, in one version of the format.
class Attempt {
 public:
  Attempt(Engine& engine, StoredKeys& stored, const RdbExportOptions& options, int version,
          OutputFile& file)
      : engine_(engine),
        stored_(stored),
        options_(options),
        file_(file),
        tx_(engine.keyspace(), {}, engine.clock().WallMs(), {.touch = false, .see_expired = true}),
        writer_([this](std::string_view bytes) { return Take(bytes); }, version, options.limits) {}

  Status Run() {
    (void)(Note(MayGoOn()) && WriteAux() && WriteLibraries() && WriteKeys() && writer_.Finish());
    return status_;
  }
  bool needs_newer_version() const { return writer_.needs_newer_version(); }
  uint64_t size_bytes() const { return writer_.size_bytes(); }
  uint64_t key_count() const { return key_count_; }

 private:
  bool Note(const Status& status) {
    if (status_.ok()) status_ = status;
    return status.ok();
  }

  // A log that has failed is healed by opening the store anew, which the view prevents.
  Status MayGoOn() {
    if (options_.cancelled && options_.cancelled()) return Status::Busy("the export is cancelled");
    std::string reason;
    if (!engine_.WritesAllowed(&reason)) return Status::IoError(reason);
    return Status::Ok();
  }

  bool Take(std::string_view bytes) { return Note(MayGoOn()) && Note(file_.Append(bytes)); }

  bool WriteAux() {
    const ProcessMemory memory = ReadProcessMemory();
    const size_t used = memory.allocated_bytes > 0 ? memory.allocated_bytes : memory.rss_bytes;
    bool good = writer_.Aux("redis-ver", kRedisVersion) && writer_.Aux("redis-bits", "64") &&
                writer_.Aux("ctime", std::to_string(engine_.clock().WallMs() / 1000)) &&
                writer_.Aux("used-mem", std::to_string(used));
    for (const auto& [name, text] : options_.aux) good = good && writer_.Aux(name, text);
    return good && writer_.Aux("aof-base", "0");
  }

  bool WriteLibraries() {
    if (!options_.functions) return true;
    return Note(stored_.Libraries(
               [&](std::string_view, std::string_view code) { return writer_.Function(code); })) &&
           writer_.good();
  }

  bool WriteKeys() {
    if (!options_.keys) return true;
    return Note(stored_.Keys(
               [&](uint32_t db, const Object& object) { return WriteKey(db, object); })) &&
           writer_.good();
  }

  bool WriteKey(uint32_t db, const Object& object) {
    if (db_ != db) {
      const DbState& state = stored_.dbs()[db];
      db_ = db;
      if (!writer_.SelectDb(db, state.keys, state.expires)) return false;
    }
    if (++key_count_ % kKeysBetweenChecks == 0 && !Note(MayGoOn())) return false;
    return writer_.Key(object.key(), object.has_expiry() ? object.expire_at_ms() : -1,
                       ReadStoredValue(tx_, object.key(), object));
  }

  Engine& engine_;
  StoredKeys& stored_;
  const RdbExportOptions& options_;
  OutputFile& file_;
  Tx tx_;  // holds nothing: the objects are in no keyspace
  RdbFileWriter writer_;
  std::optional<uint32_t> db_;
  uint64_t key_count_ = 0;
  Status status_;
};

}  // namespace

Status RdbExport::Write(const std::string& path, const RdbExportOptions& options,
                        RdbExportInfo* info) {
  for (int version = kRdbVersion;; version = kRdbVersionExpiringFields) {
    OutputFile file(path);
    if (Status status = file.Open(); !status.ok()) return status;
    Attempt attempt(engine_, stored_, options, version, file);
    if (Status status = attempt.Run(); !status.ok()) return status;
    if (attempt.needs_newer_version()) continue;
    if (Status status = file.Keep(); !status.ok()) return status;
    if (info != nullptr) *info = {seq(), attempt.size_bytes(), attempt.key_count(), version};
    return Status::Ok();
  }
}

Status ExportRdb(Engine& engine, const std::string& path, const RdbExportOptions& options,
                 RdbExportInfo* info) {
  return RdbExport(engine).Write(path, options, info);
}

}  // namespace hearth
