// Tested by tests/src/replication/replica_inbox_test.cc.
#include "src/replication/replica_inbox.h"

#include <utility>

namespace hearth {

ReplicaInbox::Kept ReplicaInbox::Put(const ReplicaLetter& letter) {
  std::lock_guard lock(mutex_);
  if (bytes_ != 0 && bytes_ + letter.size_bytes() > kReplicaInboxBytesMax) {
    ++dropped_count_;
    return Kept::kDropped;
  }
  letters_.push_back(letter);
  bytes_ += letter.size_bytes();
  return std::exchange(drain_posted_, true) ? Kept::kKept : Kept::kWake;
}

void ReplicaInbox::StartDrain() {
  std::lock_guard lock(mutex_);
  drain_posted_ = false;
}

std::vector<ReplicaLetter> ReplicaInbox::Take(uint64_t next_seq, size_t size_bytes) {
  std::vector<ReplicaLetter> taken;
  size_t taken_bytes = 0;
  std::lock_guard lock(mutex_);
  while (!letters_.empty() && letters_.front().barrier < next_seq && taken_bytes < size_bytes) {
    taken_bytes += letters_.front().size_bytes();
    taken.push_back(std::move(letters_.front()));
    letters_.pop_front();
  }
  bytes_ -= taken_bytes;
  return taken;
}

bool ReplicaInbox::LowerFirst(uint64_t seq) {
  std::lock_guard lock(mutex_);
  if (letters_.empty() || letters_.front().barrier <= seq) return false;
  letters_.front().barrier = seq;
  return true;
}

void ReplicaInbox::DropAbove(uint64_t seq) {
  std::lock_guard lock(mutex_);
  std::erase_if(letters_, [&](const ReplicaLetter& letter) {
    if (letter.barrier <= seq) return false;
    bytes_ -= letter.size_bytes();
    return true;
  });
}

}  // namespace hearth
