// Tested by tests/engine/replication_feed_test.cc.
#include "engine/replication_feed.h"

#include <algorithm>
#include <sstream>

#include "engine/store.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

constexpr char kSlotsName[] = "SLOTS";
constexpr char kSlotsHeader[] = "hearth-slots 1";
constexpr size_t kSlotNameMax = 256;  // bytes
constexpr int64_t kSaveEveryUs = 5'000'000;
// What a group costs in the ring beside its bytes.
constexpr uint64_t kGroupOverhead = 96;

uint64_t RingSize(const Group& group) {
  return group.payload.capacity() + kGroupOverhead;
}

// Names stand in a file of lines and words.
bool IsSlotName(std::string_view name) {
  return !name.empty() && name.size() <= kSlotNameMax &&
         std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

ReplicationFeed::ReplicationFeed(std::shared_ptr<WalArchive> archive, std::string dir,
                                 const Clock& clock, FeedLimits limits, Log log)
    : archive_(std::move(archive)),
      dir_(std::move(dir)),
      clock_(clock),
      log_(std::move(log)),
      limits_(limits),
      started_ms_(clock.WallMs()) {
  const Status loaded = archive_->retaining() ? LoadSlots() : Status::NotFound("");
  if (!loaded.ok() && !loaded.IsNotFound()) {
    log_(2, "the replication slots are lost: " + loaded.message());
  }
  active_ = !loaded.IsNotFound();
  if (!active_) Retain(limits_.retain_always);
}

// Whether files are retained while the feed is not active.
void ReplicationFeed::Retain(bool retaining) {
  if (retaining == archive_->retaining()) return;
  if (Status status = archive_->SetRetaining(retaining); !status.ok()) {
    log_(2, "cannot begin or end retaining write-ahead logs: " + status.message());
  }
}

void ReplicationFeed::SetLimits(const FeedLimits& limits) {
  std::lock_guard save_lock(save_mutex_);
  {
    std::lock_guard lock(mutex_);
    limits_ = limits;
  }
  if (!active()) Retain(limits.retain_always);
}

FeedLimits ReplicationFeed::limits() const {
  std::lock_guard lock(mutex_);
  return limits_;
}

Status ReplicationFeed::SetActive(bool active) {
  std::lock_guard save_lock(save_mutex_);
  if (active == active_) return Status::Ok();
  if (active) {
    const Status status = archive_->SetRetaining(true);
    active_ = true;  // without WAL files the ring still serves
    return status.ok() ? SaveSlotsLocked() : status;
  }
  {
    std::lock_guard lock(mutex_);
    active_ = false;
    ring_.clear();
    ring_bytes_ = 0;
    slots_.clear();
  }
  if (!limits().retain_always) return archive_->SetRetaining(false);
  return FromRocks(archive_->DeleteFile(dir_ + "/" + kSlotsName, {}, nullptr));
}

void ReplicationFeed::Commit(std::shared_ptr<const Group> group) {
  std::lock_guard lock(mutex_);
  const uint64_t last_seq = group->last_seq();
  if (active_) {
    // What came while the feed was not active is not in the ring.
    if (!ring_.empty() && ring_.back()->last_seq() + 1 != group->first_seq) {
      ring_.clear();
      ring_bytes_ = 0;
    }
    ring_bytes_ += RingSize(*group);
    ring_.push_back(std::move(group));
    while (ring_bytes_ > limits_.ring_bytes_max) {
      ring_bytes_ -= RingSize(*ring_.front());
      ring_.pop_front();
    }
  }
  last_seq_.store(last_seq, std::memory_order_release);
}

void ReplicationFeed::Restart(uint64_t last_seq) {
  std::lock_guard lock(mutex_);
  if (!ring_.empty() && ring_.back()->last_seq() != last_seq) {
    ring_.clear();
    ring_bytes_ = 0;
  }
  last_seq_.store(last_seq, std::memory_order_release);
}

Status ReplicationFeed::Reset(uint64_t last_seq) {
  const bool was_active = active();
  std::map<std::string, Slot, std::less<>> slots;
  {
    std::lock_guard lock(mutex_);
    slots = slots_;
  }
  Status status = SetActive(false);
  // Files of the store before are known by their numbers, active or not.
  if (archive_->retaining() || !was_active) status = archive_->SetRetaining(false);
  Retain(limits().retain_always);
  last_seq_.store(last_seq, std::memory_order_release);
  if (was_active && status.ok()) status = SetActive(true);
  if (!was_active || !status.ok() || slots.empty()) return status;
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, slot] : slots) {
      slot.confirmed_seq = last_seq;
      slot.held_bytes = 0;
      slot.active = false;
    }
    slots_ = std::move(slots);
  }
  return SaveSlots();
}

Status ReplicationFeed::Read(uint64_t from_seq, size_t max_bytes, Groups* groups) {
  std::lock_guard lock(mutex_);
  const uint64_t last = last_seq();
  if (from_seq == last + 1) return Status::Ok();
  const auto out_of_reach = [&] {
    return Status::NotFound("no group begins at sequence " + std::to_string(from_seq));
  };
  if (from_seq == 0 || from_seq > last) return out_of_reach();
  // The ring may lag behind: groups that were committed while the feed was not active.
  const bool in_ring = !ring_.empty() && ring_.back()->last_seq() == last;
  if (!in_ring || ring_.front()->first_seq > from_seq) {
    return Status::Busy("the group is no longer in memory");
  }
  auto at = std::ranges::lower_bound(ring_, from_seq, {},
                                     [](const auto& group) { return group->first_seq; });
  if (at == ring_.end() || (*at)->first_seq != from_seq) return out_of_reach();
  for (size_t bytes = 0; at != ring_.end() && (bytes == 0 || bytes < max_bytes); ++at) {
    bytes += (*at)->payload.size();
    groups->push_back(*at);
  }
  return Status::Ok();
}

uint64_t ReplicationFeed::ring_seq() const {
  std::lock_guard lock(mutex_);
  const bool in_ring = !ring_.empty() && ring_.back()->last_seq() == last_seq();
  return in_ring ? ring_.front()->first_seq : last_seq() + 1;
}

uint64_t ReplicationFeed::ring_bytes() const {
  std::lock_guard lock(mutex_);
  return ring_bytes_;
}

// The oldest sequence from which the files lead on to the ring or the end: a file that does not
// follow on the one before begins anew. Whether they are sound shows in the reading.
uint64_t ReplicationFeed::oldest_seq() {
  const uint64_t ring = ring_seq();
  std::vector<WalArchive::File> files;
  if (!archive_->List(&files).ok()) return ring;
  for (const WalArchive::File& file : files) {
    if (file.first_seq != 0) return std::min(file.first_seq, ring);
  }
  return ring;
}

bool ReplicationFeed::Reaches(uint64_t from_seq) {
  const uint64_t last = last_seq();
  if (from_seq == 0 || from_seq > last + 1) return false;
  if (from_seq == last + 1 || from_seq >= ring_seq()) {
    Groups groups;
    return Read(from_seq, 0, &groups).ok();
  }
  WalCursor cursor(archive_.get(), from_seq);
  Groups groups;
  return cursor.Read(last, 0, &groups).ok();
}

Status ReplicationFeed::SetSlot(std::string_view name, uint64_t confirmed_seq) {
  if (!IsSlotName(name)) return Status::Invalid("not a slot's name");
  bool is_new;
  {
    std::lock_guard lock(mutex_);
    const auto found = slots_.find(name);
    is_new = found == slots_.end();
    if (is_new && slots_.size() >= kSlotsMax) return Status::Busy("there are too many slots");
    Slot& slot = is_new ? slots_[std::string(name)] : found->second;
    slot.name = name;
    slots_moved_ |= slot.confirmed_seq < confirmed_seq;
    slot.confirmed_seq = std::max(slot.confirmed_seq, confirmed_seq);
    slot.active = true;
    slot.seen_ms = clock_.WallMs();
  }
  if (!is_new) return Status::Ok();
  if (Status status = SetActive(true); !status.ok()) return status;
  return SaveSlots();
}

bool ReplicationFeed::DropSlot(std::string_view name) {
  {
    std::lock_guard lock(mutex_);
    const auto found = slots_.find(name);
    if (found == slots_.end()) return false;
    slots_.erase(found);
  }
  if (Status status = SaveSlots(); !status.ok()) {
    log_(2, "cannot write the replication slots: " + status.message());
  }
  return true;
}

std::vector<ReplicationFeed::Slot> ReplicationFeed::Slots() const {
  std::lock_guard lock(mutex_);
  std::vector<Slot> slots;
  for (const auto& [name, slot] : slots_) slots.push_back(slot);
  return slots;
}

// file = "hearth-slots 1\n" ("slot " confirmed-seq " " seen-ms " " name "\n")* "end\n"
Status ReplicationFeed::LoadSlots() {
  std::string contents;
  if (Status status = ReadWholeFile(archive_.get(), dir_ + "/" + kSlotsName, &contents);
      !status.ok()) {
    return status;
  }
  std::istringstream lines(contents);
  std::string line;
  std::map<std::string, Slot, std::less<>> slots;
  if (!std::getline(lines, line) || line != kSlotsHeader) {
    return Status::Corruption(dir_ + "/" + kSlotsName + " is damaged");
  }
  while (std::getline(lines, line) && line != "end") {
    std::istringstream words(line);
    std::string word;
    Slot slot;
    if (words >> word >> slot.confirmed_seq >> slot.seen_ms >> slot.name) slots[slot.name] = slot;
  }
  if (line != "end") return Status::Corruption(dir_ + "/" + kSlotsName + " is damaged");
  slots_ = std::move(slots);
  return Status::Ok();
}

Status ReplicationFeed::SaveSlots() {
  std::lock_guard save_lock(save_mutex_);
  return active() ? SaveSlotsLocked() : Status::Ok();
}

Status ReplicationFeed::SaveSlotsLocked() {
  std::ostringstream text;
  text << kSlotsHeader << "\n";
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : slots_) {
      text << "slot " << slot.confirmed_seq << " " << slot.seen_ms << " " << name << "\n";
    }
    slots_moved_ = false;
    saved_us_ = clock_.MonotonicUs();
  }
  text << "end\n";
  return WriteFileAtomically(archive_.get(), dir_, kSlotsName, text.str());
}

// Slots that hold too much go; then files that nobody holds, down to the bound.
void ReplicationFeed::Tick(bool is_replica) {
  if (!active() && !archive_->retaining()) return;
  std::vector<WalArchive::File> files;
  if (Status status = archive_->List(&files); !status.ok()) {
    log_(2, "cannot look at the retained write-ahead logs: " + status.message());
    return;
  }
  const auto held_behind = [&](uint64_t seq) {
    uint64_t bytes = 0;
    // From the newest back to the one that holds the next sequence.
    for (size_t i = files.size(); i > 0; --i) {
      bytes += files[i - 1].size_bytes;
      if (files[i - 1].first_seq != 0 && files[i - 1].first_seq <= seq + 1) break;
    }
    return bytes;
  };
  std::vector<std::string> dropped;
  uint64_t keep_seq = UINT64_MAX;
  bool save;
  FeedLimits limits;
  {
    std::lock_guard lock(mutex_);
    limits = limits_;
    int64_t slot_ms_max = limits.slot_ms_max;
    if (is_replica && (slot_ms_max == 0 || slot_ms_max > kReplicaSlotMsMax)) {
      slot_ms_max = kReplicaSlotMsMax;
    }
    for (auto at = slots_.begin(); at != slots_.end();) {
      Slot& slot = at->second;
      slot.held_bytes = held_behind(slot.confirmed_seq);
      const int64_t unmoved_ms = clock_.WallMs() - std::max(slot.seen_ms, started_ms_);
      if (limits.slot_bytes_max > 0 && slot.held_bytes > limits.slot_bytes_max) {
        dropped.push_back(slot.name + " was dropped: it held " +
                          std::to_string(slot.held_bytes >> 20) + " MB of write-ahead logs");
        at = slots_.erase(at);
      } else if (slot_ms_max > 0 && unmoved_ms > slot_ms_max) {
        dropped.push_back(slot.name + " was dropped: it was not used for " +
                          std::to_string(unmoved_ms / 1000) + " s");
        at = slots_.erase(at);
      } else {
        keep_seq = std::min(keep_seq, slot.confirmed_seq + 1);
        ++at;
      }
    }
    save = !dropped.empty() || (slots_moved_ && clock_.MonotonicUs() - saved_us_ >= kSaveEveryUs);
  }
  for (const std::string& what : dropped) {
    log_(2,
         "The replication slot " + what + "; a replica that comes back to it needs a full resync");
  }
  if (save) {
    if (Status status = SaveSlots(); !status.ok()) {
      log_(2, "cannot write the replication slots: " + status.message());
    }
  }
  Status status = archive_->Trim(limits.retain_bytes_max, keep_seq);
  if (status.ok() && limits.retain_ms_max > 0) {
    status = archive_->TrimOlder(clock_.WallMs() - limits.retain_ms_max, keep_seq);
  }
  if (!status.ok()) log_(2, "cannot remove retained write-ahead logs: " + status.message());
}

void ReplicationFeed::GiveUpRetained(uint64_t bytes) {
  std::vector<WalArchive::File> files;
  Status status = archive_->List(&files);
  const uint64_t before = archive_->retained_bytes();
  if (!status.ok() || before == 0) return;
  const uint64_t bytes_max = before - std::min(before, bytes);
  uint64_t keep_seq = UINT64_MAX;
  size_t slot_count = 0;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : slots_) {
      keep_seq = std::min(keep_seq, slot.confirmed_seq + 1);
    }
    slot_count = slots_.size();
  }
  status = archive_->Trim(bytes_max, keep_seq);
  if (status.ok() && archive_->retained_bytes() > bytes_max && slot_count > 0) {
    {
      std::lock_guard lock(mutex_);
      slots_.clear();
    }
    if (Status saved = SaveSlots(); !saved.ok()) {
      log_(2, "cannot write the replication slots: " + saved.message());
    }
    status = archive_->Trim(bytes_max, UINT64_MAX);
  } else {
    slot_count = 0;
  }
  if (!status.ok()) log_(2, "cannot remove retained write-ahead logs: " + status.message());
  if (archive_->retained_bytes() >= before) return;
  log_(2,
       "The disk is nearly full: " + std::to_string((before - archive_->retained_bytes()) >> 10) +
           " KB of retained write-ahead logs were given up" +
           (slot_count == 0 ? std::string()
                            : ", and " + std::to_string(slot_count) +
                                  " replication slots: replicas that lag need a full resync"));
}

}  // namespace hearth
