// Tested by tests/engine/wal_recovery_test.cc.
#include "engine/wal_recovery.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/group.h"
#include "engine/wal_archive.h"
#include "engine/wal_cursor.h"
#include "engine/wal_reader.h"

namespace hearth {
namespace {

constexpr size_t kReadBytes = 4 << 20;

class Recovery {
 public:
  Recovery(Engine& engine, const std::string& wal_dir, const RecoveryTarget& target,
           RecoveryReport* report)
      : engine_(engine),
        target_(target),
        report_(report),
        archive_(std::make_shared<WalArchive>(rocksdb::FileSystem::Default(), wal_dir)),
        state_(engine.log().CommittedState()),
        cursor_(archive_.get(), engine.log().committed_seq() + 1) {
    report_->begin_seq = report_->end_seq = engine.log().committed_seq();
    report_->end_ms = state_.commit_ms;
  }

  Status Run(const std::function<void(uint64_t seq)>& progress) {
    for (bool is_first = true;; is_first = false) {
      WalCursor::Groups groups;
      const Status read = cursor_.Read(std::numeric_limits<uint64_t>::max(), kReadBytes, &groups);
      if (is_first) {
        if (Status status = CheckPassed(); !status.ok()) return status;
      }
      if (Status status = Take(&groups); !status.ok()) return status;
      if (Status status = engine_.ApplyGroups(groups); !status.ok()) return status;
      for (const auto& group : groups) report_->end_seq = group->last_seq();
      report_->group_count += groups.size();
      progress(report_->end_seq);
      if (report_->reached_target) return Status::Ok();
      if (!read.ok()) return End(read);
    }
  }

 private:
  // The group before the first one has to be the store's last, or nothing fits.
  Status CheckPassed() const {
    const auto& passed = cursor_.passed();
    if (passed == nullptr) return Status::Ok();  // a file begins behind it
    StoreState state;
    std::string error;
    if (passed->last_seq() == report_->begin_seq &&
        ValidateGroup(passed->payload, passed->first_seq, engine_.options().db_count, &state,
                      &error) &&
        state.history == state_.history) {
      return Status::Ok();
    }
    return Status::Invalid(
        "the write-ahead log has a group from sequence " + std::to_string(passed->first_seq) +
        " to " + std::to_string(passed->last_seq()) + ", which is not the store's last, of " +
        std::to_string(report_->begin_seq) + ": it has another history");
  }

  // Checks the groups, and leaves out those that are behind the target.
  Status Take(WalCursor::Groups* groups) {
    for (size_t i = 0; i < groups->size(); ++i) {
      const Group& group = *(*groups)[i];
      StoreState state;
      std::string error;
      if (!ValidateGroup(group.payload, group.first_seq, engine_.options().db_count, &state,
                         &error)) {
        return Status::Corruption("the group at sequence " + std::to_string(group.first_seq) +
                                  " is damaged: " + error);
      }
      const uint64_t before_seq = group.first_seq - 1;
      if (!state.history.Covers(state_.history.id, before_seq, before_seq)) {
        return Status::Invalid("the write-ahead log goes on at sequence " +
                               std::to_string(group.first_seq) + " with the history " +
                               state.history.id + ", the store has " + state_.history.id);
      }
      if (IsBehindTarget(group, state)) {
        report_->reached_target = true;
        report_->next_ms = state.commit_ms;
        report_->next_text = GroupText(group);
        groups->resize(i);
        return Status::Ok();
      }
      state_ = std::move(state);
      report_->end_ms = state_.commit_ms;
    }
    return Status::Ok();
  }

  bool IsBehindTarget(const Group& group, const StoreState& state) const {
    // A flush takes a new id for each database; SWAPDB exchanges those that there are.
    return group.last_seq() > target_.seq || state.commit_ms > target_.commit_ms ||
           (target_.before_flush && state.next_db_id != state_.next_db_id);
  }

  // Nothing more can be read: that is the end, or something is missing.
  Status End(const Status& read) {
    std::vector<WalArchive::File> files;
    if (Status status = archive_->List(&files); !status.ok()) return status;
    uint64_t first_seq = 0, last_first_seq = 0;
    for (const WalArchive::File& file : files) {
      if (file.first_seq == 0) continue;
      if (first_seq == 0) first_seq = file.first_seq;
      last_first_seq = file.first_seq;
    }
    const uint64_t next_seq = cursor_.next_seq();
    if (first_seq == 0) return Status::NotFound("there is no write-ahead log");
    if (first_seq > next_seq) {
      return Status::NotFound("the write-ahead log begins at sequence " +
                              std::to_string(first_seq) + ", the store ends at " +
                              std::to_string(next_seq - 1));
    }
    if (last_first_seq >= next_seq) {
      return Status(read.code(), read.message() + "; there is more behind that");
    }
    if (!read.IsNotFound() && !read.IsCorruption()) return read;
    return LookBehind(next_seq, files);
  }

  // The last file, once more: it may go on behind a gap or behind damage. A group that follows was
  // written meanwhile, and is behind the end as it was.
  Status LookBehind(uint64_t next_seq, const std::vector<WalArchive::File>& files) {
    const auto last = std::find_if(files.rbegin(), files.rend(), [](const WalArchive::File& file) {
      return file.first_seq != 0;
    });
    std::string contents;
    if (Status status = ReadFile(*last, &contents); !status.ok()) return status;
    WalReader reader(contents);
    for (WalReader::Record record; reader.Read(&record);) {
      if (record.count == 0 || record.seq < next_seq) continue;
      if (record.seq == next_seq) return Status::Ok();
      return Status::NotFound("the write-ahead log has nothing from sequence " +
                              std::to_string(next_seq) + " to " + std::to_string(record.seq - 1) +
                              "; there is more behind that");
    }
    if (reader.damaged() && reader.valid_after_damage()) {
      return Status::Corruption("the write-ahead log " + std::to_string(last->number) +
                                " is damaged at offset " + std::to_string(reader.good_offset()) +
                                ", before sequence " + std::to_string(next_seq) +
                                "; there is more behind that");
    }
    report_->is_torn = reader.damaged();
    return Status::Ok();
  }

  Status ReadFile(const WalArchive::File& file, std::string* contents) {
    std::unique_ptr<rocksdb::FSRandomAccessFile> source;
    if (Status status = archive_->OpenFile(file.number, &source); !status.ok()) return status;
    contents->resize(file.size_bytes);
    rocksdb::Slice read;
    const rocksdb::IOStatus io =
        source->Read(0, contents->size(), {}, &read, contents->data(), nullptr);
    if (!io.ok()) return FromRocks(io);
    if (read.data() != contents->data()) contents->assign(read.data(), read.size());
    contents->resize(read.size());
    return Status::Ok();
  }

  Engine& engine_;
  const RecoveryTarget& target_;
  RecoveryReport* const report_;
  const std::shared_ptr<WalArchive> archive_;
  StoreState state_;
  WalCursor cursor_;
};

}  // namespace

Status RecoverFromWal(Engine& engine, const std::string& wal_dir, const RecoveryTarget& target,
                      const std::function<void(uint64_t seq)>& progress, RecoveryReport* report) {
  Status status = Recovery(engine, wal_dir, target, report).Run(progress);
  if (status.ok()) status = engine.Promote();
  // What stands in its own log is missing where a server with another wal-dir opens it.
  return status.ok() ? engine.store().Flush(/*wait=*/true) : status;
}

}  // namespace hearth
