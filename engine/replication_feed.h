#pragma once

// ReplicationFeed: the committed groups in order, for whoever sends them on: the newest from a ring
// in memory, older ones from WAL files (wal_cursor.h).
//
// A group is given to the feed when it is committed (with `always`: synced), never before and never
// when its write failed. Sequences that name the beginning of a group, or the one behind the last,
// are the only ones to resume at.
//
// As long as the feed is not active it keeps no group, no WAL file (but for retain_always), and
// costs a commit nothing. The first slot, or becoming a replica, makes it active, also over
// restarts: then the slots' file is there. The ring fills from the next group on.
//
// A slot is a named promise to keep WAL files: those of groups behind its confirmed sequence. It
// outlives restarts (confirmed sequences may then be some seconds old). A slot that holds more than
// slot_bytes_max, or was not moved for slot_ms_max, is dropped with a warning, so that a replica
// that never comes back does not fill the disk.
//
// Thread:   any; Read never waits for the disk. The listener runs on the committing thread and must
//           not call back.
// Lifetime: the engine's; cursors end before it.
// Errors:   NotFound = a full resync is needed. Retention that fails is a warning in the log.
// Limits:   ring_bytes_max, retain_bytes_max, slot_bytes_max, kSlotsMax.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/clock.h"
#include "engine/group.h"
#include "engine/status.h"
#include "engine/wal_archive.h"
#include "engine/wal_cursor.h"

namespace hearth {

struct FeedLimits {
  uint64_t ring_bytes_max = 64 << 20;             // repl-backlog-size; 0 = no ring
  uint64_t retain_bytes_max = uint64_t{1} << 30;  // repl-wal-retain-size, beyond what slots hold
  int64_t retain_ms_max = 0;                      // repl-wal-retain-time; 0 = any age
  uint64_t slot_bytes_max = uint64_t{8} << 30;    // repl-slot-max-size; 0 = any size
  int64_t slot_ms_max = 0;                        // repl-slot-max-age; 0 = any age
  bool retain_always = false;                     // wal-retain: files, also while not active
};

class ReplicationFeed {
 public:
  using Groups = WalCursor::Groups;
  using Log = std::function<void(int level, const std::string& line)>;
  static constexpr size_t kSlotsMax = 1024;
  static constexpr int64_t kReplicaSlotMsMax = 3'600'000;

  // dir: where the slots are remembered.
  ReplicationFeed(std::shared_ptr<WalArchive> archive, std::string dir, const Clock& clock,
                  FeedLimits limits, Log log);

  void SetLimits(const FeedLimits& limits);
  FeedLimits limits() const;
  // Off drops ring, slots and retained files.
  Status SetActive(bool active);
  bool active() const { return active_.load(std::memory_order_acquire); }

  // -- Reading
  // Appends groups from from_seq on, of about max_bytes, at least one; none = up to date. NotFound:
  // the history does not reach from_seq, or no group begins there. Busy: read it with a cursor.
  Status Read(uint64_t from_seq, size_t max_bytes, Groups* groups);
  // A cursor for what the ring does not hold; go over to Read when next_seq() >= ring_seq().
  std::unique_ptr<WalCursor> NewCursor(uint64_t from_seq) {
    return std::make_unique<WalCursor>(archive_.get(), from_seq);
  }
  // May wait for the disk.
  Status ReadFromWal(WalCursor* cursor, size_t max_bytes, Groups* groups) {
    return cursor->Read(last_seq(), max_bytes, groups);
  }
  // Whether some way leads to from_seq. Looks at the WAL files: may wait for the disk.
  bool Reaches(uint64_t from_seq);
  // The oldest sequence that can be read, last_seq() + 1 when there is none. May wait for the disk.
  uint64_t oldest_seq();
  // The oldest in the ring, last_seq() + 1 when it is empty.
  uint64_t ring_seq() const;
  uint64_t ring_bytes() const;
  uint64_t last_seq() const { return last_seq_.load(std::memory_order_acquire); }
  uint64_t retained_bytes() const { return archive_->retained_bytes(); }

  // Called after a commit when somebody has asked with WantNotice since the last call. Set before
  // the first commit. Ask first, then Read: nothing is missed.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }
  bool wants_notice() const { return wants_notice_.load(std::memory_order_relaxed); }
  void WantNotice() { wants_notice_.store(true, std::memory_order_seq_cst); }

  // -- Slots
  struct Slot {
    std::string name;
    uint64_t confirmed_seq = 0;  // everything up to here is no longer needed
    uint64_t held_bytes = 0;     // of WAL files behind it, as of the last Tick
    bool active = false;         // SetSlot was called since the start
    int64_t seen_ms = 0;         // wall clock of that
  };
  // Makes or moves a slot; it never moves back. A new one is on the disk when this returns Ok.
  Status SetSlot(std::string_view name, uint64_t confirmed_seq);
  // Whether it was there.
  bool DropSlot(std::string_view name);
  std::vector<Slot> Slots() const;

  // -- The engine's
  // A group was committed. Under the commit log's mutex.
  void Commit(std::shared_ptr<const Group> group);
  // The same without its bytes: the feed is not active.
  void CommitSeq(uint64_t last_seq) { last_seq_.store(last_seq, std::memory_order_release); }
  // Tells the listener. Without locks.
  void Notify() {
    if (wants_notice_.load(std::memory_order_seq_cst) && wants_notice_.exchange(false)) {
      if (listener_) listener_();
    }
  }
  // The store was opened and ends at last_seq: what the ring holds beyond the last commit before is
  // not known.
  void Restart(uint64_t last_seq);
  // Other data: ring and files are of no use; the slots stay, and hold what comes from here on.
  Status Reset(uint64_t last_seq);
  // Keeps the bounds and writes moved slots down. Slots of a replica are mostly those of a primary
  // that it was: they last for kReplicaSlotMsMax. The keeper's, now and then.
  void Tick(bool is_replica);
  // The disk is nearly full: retained files of about so many bytes go, the oldest first, and those
  // that slots hold, with all slots, when the others are not enough. The keeper's.
  void GiveUpRetained(uint64_t bytes);

 private:
  void Retain(bool retaining);
  Status LoadSlots();
  Status SaveSlots();
  Status SaveSlotsLocked();

  const std::shared_ptr<WalArchive> archive_;
  const std::string dir_;
  const Clock& clock_;
  const Log log_;
  std::function<void()> listener_;
  std::atomic<bool> active_{false};
  std::atomic<bool> wants_notice_{false};
  std::atomic<uint64_t> last_seq_{0};

  mutable std::mutex mutex_;
  FeedLimits limits_;
  std::deque<std::shared_ptr<const Group>> ring_;  // without gaps
  uint64_t ring_bytes_ = 0;
  std::map<std::string, Slot, std::less<>> slots_;
  bool slots_moved_ = false;
  int64_t saved_us_ = 0;
  const int64_t started_ms_;  // wall clock
  std::mutex save_mutex_;
};

}  // namespace hearth
