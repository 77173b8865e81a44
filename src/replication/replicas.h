#pragma once

// Replicas: those that follow this server, as all threads may see them. Each is served by its
// sender (replica_sender.h) on its connection's worker.
//
// Thread:   any. A peer's atomics are written by its worker; the rest does not change while it is
//           in the list.
// Lifetime: a peer is shared with whoever looks; it is in the list as long as its connection
//           follows.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "src/replication/replica_inbox.h"

namespace hearth {

class Worker;

enum class ReplicaState : uint8_t { kWaitFiles, kSendFiles, kOnline };
// As INFO names it: "wait_bgsave", "send_bulk", "online".
const char* ReplicaStateName(ReplicaState state);

struct ReplicaPeer {
  uint64_t connection_id = 0;
  Worker* worker = nullptr;
  std::weak_ptr<Connection> connection;
  std::string ip;
  int port = 0;
  std::string id;         // engine/replica_id.h; empty: it told none
  bool is_redis = false;  // follows as replicas of Redis do
  bool acks = true;       // tells what it has applied
  std::atomic<ReplicaState> state{ReplicaState::kOnline};
  std::atomic<uint64_t> acked_seq{0};      // applied there
  std::atomic<uint64_t> synced_seq{0};     // and on its disk
  std::atomic<int64_t> ack_us{0};          // monotonic
  std::atomic<uint32_t> wanted_events{0};  // classes, bits
  std::atomic<bool> is_hungry{false};      // has sent everything: is to be woken by a commit
  ReplicaInbox inbox;
};

class Replicas {
 public:
  void Attach(std::shared_ptr<ReplicaPeer> peer);
  void Detach(const std::shared_ptr<ReplicaPeer>& peer);

  // In the order of their coming.
  std::vector<std::shared_ptr<ReplicaPeer>> List() const;
  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // Of those online: how many have applied, or synced, everything up to seq.
  size_t CountAcked(uint64_t seq) const;
  size_t CountSynced(uint64_t seq) const;
  // Online, and heard of within max_lag_s; 0 = ever.
  size_t CountGood(int64_t max_lag_s, int64_t now_us) const;

  // The classes of keyspace events that any of them wants.
  uint32_t WantedEvents() const;
  // Puts a letter into the inbox of each that is online and, when it is an event, wants its class
  // (0: a message). How many inboxes were full.
  size_t Send(const ReplicaLetter& letter, uint32_t event_class = 0);
  // The groups above seq were not kept: letters behind them go.
  void DropLettersAbove(uint64_t seq);
  // There are new groups: wakes the senders that wait for them.
  void OnCommit();
  // Runs visit on the worker of every replica, with its connection.
  void ForEach(const std::function<void(Connection&)>& visit);
  // Closes all their connections, or those of some.
  void CloseAll(const std::string& reason);
  void CloseIf(const std::function<bool(const ReplicaPeer&)>& is_meant, const std::string& reason);

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ReplicaPeer>> peers_;
  std::atomic<size_t> count_{0};
};

}  // namespace hearth
