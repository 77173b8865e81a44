#pragma once

// ReplicaInbox: messages and keyspace events on their way to one replica. Any thread puts them in;
// the replica's sender takes them out, in order, each behind the groups that it was written behind.
//
// Nobody promises that they arrive: of what a replica does not take, the newest is dropped, and
// counted.
//
// Thread: any.
// Limits: kReplicaInboxBytesMax, or one letter that is bigger.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/replication/frame.h"

namespace hearth {

inline constexpr size_t kReplicaInboxBytesMax = 16 << 20;

// A frame to be. What is sent to many shares its payload.
struct ReplicaLetter {
  FrameType type = FrameType::kMessage;
  uint32_t count = 0;
  uint64_t barrier = 0;  // goes behind the group that holds this sequence
  std::shared_ptr<const std::string> payload;

  size_t size_bytes() const { return sizeof(ReplicaLetter) + payload->size(); }
};

class ReplicaInbox {
 public:
  // kWake: kept, and nobody has been told yet that there is something: the caller sees to it that
  // the sender calls StartDrain, and takes.
  enum class Kept : uint8_t { kDropped, kKept, kWake };
  Kept Put(const ReplicaLetter& letter);
  void StartDrain();

  // The next letters, as far as their barriers are below next_seq: of about size_bytes.
  std::vector<ReplicaLetter> Take(uint64_t next_seq, size_t size_bytes);
  // The first letter waits for no group above seq any more. False: it did not.
  bool LowerFirst(uint64_t seq);
  bool is_empty() const { return bytes_.load(std::memory_order_relaxed) == 0; }
  // The groups above seq were not kept: nobody is to hear of them.
  void DropAbove(uint64_t seq);

  size_t size_bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t dropped_count() const { return dropped_count_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::deque<ReplicaLetter> letters_;
  std::atomic<size_t> bytes_{0};  // changed under the mutex
  bool drain_posted_ = false;
  std::atomic<uint64_t> dropped_count_{0};
};

}  // namespace hearth
