#pragma once

// BlockedClients: who waits for a key (BLPOP and its like), and who serves them.
//
// A blocking command that cannot answer is parked here while its Tx still holds its keys, so no
// write can slip between its look and its wait. Every later Tx that writes a list, a sorted set or
// a stream tells which; the thread that ran it then runs the parked commands again, first come
// first served, each in a Tx of its own, and hands the bytes of the reply to the client's worker.
// A client whose command still has nothing to answer keeps its place. Who may no longer run the
// command is refused then: users may have changed while it waited.
//
// Thread:   any, unless stated. Serve() is exclusive: others wait for it. The lock of the registry
//           is taken last, under shard locks too.
// Lifetime: from Server::Start until the workers have ended.
// Limits:   one entry a client; the ready queue holds each key once; one timer for all.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "engine/ready_key.h"
#include "src/acl/users.h"
#include "src/command.h"

namespace hearth {

class Server;
struct AclVerdict;

class BlockedClients {
 public:
  explicit BlockedClients(Server& server);
  ~BlockedClients();
  BlockedClients(const BlockedClients&) = delete;
  BlockedClients& operator=(const BlockedClients&) = delete;

  // Parks the session. Requires: its worker's thread, and the command's Tx is still open.
  void Block(Session& session, const Command& command, const Args& args,
             std::span<const KeyRef> keys, BlockRequest request);

  // Takes what a Tx wrote; a thread that is no worker leaves the serving to one.
  void NoteReady(std::vector<ReadyKey> keys);
  bool has_ready() const { return has_ready_.load(std::memory_order_relaxed); }

  struct Served {
    uint64_t barrier = 0;  // of what the commands wrote or saw
    uint64_t changes = 0;
  };
  // Runs the commands that wait for ready keys. Requires: a worker's thread without a Tx.
  Served Serve();

  // Ends a client's wait: with the reply of a timeout, or with an error. False: it does not wait.
  bool Unblock(uint64_t client_id, bool with_error);
  // Ends all waits with an error, and then the connections: the role has changed.
  void EndAll();
  // The client has left.
  void Forget(uint64_t client_id);

  size_t client_count() const { return client_count_.load(std::memory_order_relaxed); }
  size_t timed_count() const;
  size_t key_count() const;

  // Ends the timer; nobody is told of timeouts from now on.
  void Stop();

 private:
  enum class End : uint8_t { kTimeout, kUnblocked, kUnblockedError, kRoleChanged, kGone };
  struct Waiter;
  using WaiterPtr = std::shared_ptr<Waiter>;
  using KeyName = std::pair<uint32_t, std::string>;
  struct KeyWaiters {
    std::map<uint64_t, WaiterPtr> by_ticket;
    size_t wake_when_gone_count = 0;
    bool ready = false;  // in the ready queue
  };
  // What a key is seen to hold while its waiters are served; unset before the first look.
  struct Presence {
    bool present;
    ObjectType type;
  };
  enum class Outcome : uint8_t { kNext, kLater };

  void Enqueue(const KeyName& name, KeyWaiters& waiters);
  std::optional<KeyName> TakeReady();
  void ServeKey(const KeyName& name, Served* served);
  WaiterPtr Next(const KeyName& name, uint64_t after_ticket, const std::optional<Presence>& seen);
  Outcome RunAgain(const WaiterPtr& waiter, const KeyName& name, std::optional<Presence>* seen,
                   Served* served);
  void HandOver(const WaiterPtr& waiter, const Reply& reply, std::string bytes, uint64_t barrier);
  // Whether the client's user still may run the command. False: it was refused or is to leave.
  bool PassPermissions(const WaiterPtr& waiter);
  void Refuse(const WaiterPtr& waiter, const AclUserPtr& user, const AclVerdict& verdict);
  void Requeue(const KeyName& name);
  void ServeSoon(const KeyName& name);
  void Return(const WaiterPtr& waiter);
  void EndLocked(const WaiterPtr& waiter, End end);
  void RemoveLocked(const WaiterPtr& waiter);
  void Answer(const WaiterPtr& waiter, bool served, bool failed, std::function<void(Reply&)> write);
  void TimerMain();

  Server& server_;
  std::mutex serve_mutex_;

  mutable std::mutex mutex_;
  std::map<KeyName, KeyWaiters> keys_;
  std::map<uint64_t, WaiterPtr> by_client_;
  std::map<std::pair<int64_t, uint64_t>, WaiterPtr> by_deadline_;  // (us, ticket)
  std::deque<KeyName> ready_;
  std::set<KeyName> ready_soon_;  // not empty: some worker's timer will take them
  uint64_t next_ticket_ = 1;
  std::atomic<bool> has_ready_{false};
  std::atomic<size_t> client_count_{0};

  bool stopping_ = false;
  std::condition_variable timer_wanted_;
  std::thread timer_;
};

}  // namespace hearth
