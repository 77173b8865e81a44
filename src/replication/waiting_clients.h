#pragma once

// WaitingClients: who waits in WAIT or WAITAOF for replicas, or for the disk.
//
// Thread:   any.
// Lifetime: from Server::Start until the workers have ended.
// Limits:   one entry a client.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "net/reply.h"

namespace hearth {

class Server;
class Session;

class WaitingClients {
 public:
  explicit WaitingClients(Server& server) : server_(server) {}

  struct Wish {
    uint64_t seq = 0;  // everything up to here
    int64_t replica_count = 0;
    int64_t timeout_ms = 0;   // 0 = for ever
    bool synced = false;      // WAITAOF: on the disks, also on...
    int64_t local_count = 0;  // ...this server's, 0 or 1
  };
  // Parks the session until the wish is fulfilled. Its worker's thread.
  void Add(Session& session, const Wish& wish);
  // Something has moved: answers those that need to wait no longer.
  void Check();
  bool any() const { return count_.load(std::memory_order_relaxed) > 0; }
  // Whether somebody waits for this server's own disk.
  bool waits_for_disk() const { return disk_count_.load(std::memory_order_relaxed) > 0; }
  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // Ends all waits: the role has changed.
  void EndAll();
  // CLIENT UNBLOCK. False: it does not wait here.
  bool Unblock(uint64_t client_id, bool with_error);
  void Forget(uint64_t client_id);

  // The reply as of now; true when the wish is fulfilled.
  bool IsFulfilled(const Wish& wish) const;
  void WriteReply(const Wish& wish, Reply& reply) const;

 private:
  enum class End : uint8_t { kReached, kTimeout, kUnblocked, kRoleChanged };
  struct Waiter {
    Wish wish;
    uint64_t ticket = 0;
    Session* session = nullptr;  // used on its worker only
    std::function<void(std::function<void(Reply&)>)> answer;
    std::function<void(std::function<void()>)> post;
  };
  void EndLocked(std::map<uint64_t, Waiter>::iterator waiter, End end);

  Server& server_;
  mutable std::mutex mutex_;
  std::map<uint64_t, Waiter> waiters_;  // by client
  uint64_t next_ticket_ = 1;
  std::atomic<size_t> count_{0}, disk_count_{0};
};

}  // namespace hearth
