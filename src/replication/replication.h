#pragma once

// Replication: the server's role and what belongs to it: as a replica the link to its primary, as
// a primary its replicas, and the change from one to the other.
//
// A role changes on the control thread, one change at a time: who asks (REPLICAOF, FAILOVER) waits
// for it without holding a worker. Before a server becomes a replica its gate closes for writes,
// every worker has ended the turn it was in, and all that was written is committed; before it
// becomes a primary everything that was received is applied and a new history id is committed.
//
// Thread:   any, unless stated.
// Lifetime: from before the engine is opened until after it is shut down; Stop ends its threads
//           while the workers still run.
// Errors:   those of the link are logged and shown by INFO and ROLE.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "engine/full_sync.h"
#include "src/replication/primary_follower.h"
#include "src/replication/replica_link.h"
#include "src/replication/replicas.h"
#include "src/replication/waiting_clients.h"

namespace hearth {

class CommandStream;
class RedisFeed;
class Server;

inline constexpr std::string_view kErrRoleChanged =
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

struct ReplicationStats {
  std::atomic<uint64_t> sync_full{0}, sync_partial_ok{0}, sync_partial_err{0};
  std::atomic<uint64_t> sent_bytes{0}, received_bytes{0};
  // What replicas, or subscribers here, did not take in time.
  std::atomic<uint64_t> dropped_messages{0}, dropped_events{0};
};

struct PrimaryAddress {
  std::string host;
  int port = 0;
  bool operator==(const PrimaryAddress&) const = default;
};

enum class FailoverState : uint8_t { kNone, kWaitForSync, kInProgress };
const char* FailoverStateName(FailoverState state);

// There while data are replaced: what the store in the directory holds is not whole.
std::string LoadMarkPath(const std::string& store_dir);

class Replication final : public FollowHost {
 public:
  explicit Replication(Server& server);
  ~Replication() override;

  // What the configuration makes of this server, before the engine is opened.
  void ReadRole();
  // With the engine and the workers.
  void Start();
  void Stop();

  bool is_replica() const { return is_replica_.load(std::memory_order_relaxed); }
  // The error of a write that the role forbids; empty: it may run.
  std::string_view WriteRefusal() const;
  // Whether reads are refused too: MASTERDOWN.
  bool RefusesStaleReads() const;

  // Null: it is a primary.
  std::shared_ptr<ReplicaLink> link() const;
  bool link_is_up() const;
  std::optional<PrimaryAddress> primary() const;
  // Of a Redis that is followed: bytes of its stream. nullopt: a Hearth is, or none.
  struct StreamOffsets {
    uint64_t received = 0, applied = 0;
    uint64_t error_count = 0;  // commands that were answered by an error
  };
  std::optional<StreamOffsets> stream_offsets() const;

  // A full resync from a Redis, or its files, take the place of the data: from BeginLoad to EndLoad
  // clients and replicas get -LOADING, also behind a crash, which then drops what there is. For one
  // thread; an error text or "". EndLoad: everything is committed, and becomes durable.
  bool is_loading() const { return is_loading_.load(std::memory_order_acquire); }
  // cause: what the mark says that stands on the disk meanwhile.
  std::string BeginLoad(const std::string& cause);
  // Keys and function libraries.
  std::string DropData();
  std::string EndLoad();
  // The load was given up: DropData and EndLoad. Once it has failed it is tried again, from a
  // thread of this object, until it succeeds or another load begins.
  std::string DropLoaded();
  // Another one whenever all data are replaced: what was read over such a change, or is_loading(),
  // is neither the old nor the new.
  uint64_t data_generation() const;
  bool HasStayed(uint64_t generation) const {
    return !is_loading() && generation == data_generation();
  }

  Replicas& replicas() { return replicas_; }
  RedisFeed& redis_feed() { return *redis_feed_; }
  CommandStream& command_stream();
  WaitingClients& waiting_clients() { return waiting_clients_; }
  FullSyncSource& full_sync_source() { return *full_sync_source_; }
  ReplicationStats& stats() { return stats_; }

  // Changes of the role. done is called on the control thread, with an error text or "".
  using Done = std::function<void(std::string error)>;
  void SetPrimary(PrimaryAddress address, Done done);
  void Promote(std::string why, Done done);

  // FAILOVER. timeout_ms 0 = none; no target = whichever replica has caught up first.
  struct FailoverOptions {
    std::optional<PrimaryAddress> target;
    int64_t timeout_ms = 0;
    bool force = false;
  };
  // False: one is under way.
  bool StartFailover(FailoverOptions options);
  // Whether one was under way.
  bool AbortFailover(const std::string& why);
  FailoverState failover_state() const { return failover_state_; }

  // Milliseconds to wait before `size` more bytes of files may be read (repl-full-sync-rate).
  int64_t PaceFullSync(uint64_t size);

  // A replica came, went or changed its state; one has acknowledged.
  void OnReplicasChanged();
  void OnAck();
  // A message published here goes on to the replicas; barrier: of what its publisher wrote before.
  void ForwardMessage(std::string_view channel, std::string_view message, uint64_t barrier);
  // The commits above seq have failed, and no worker runs a turn any more that was in one of them.
  void OnCommitFailed(uint64_t seq);

  // Who publishes events here; the classes that notify-keyspace-events asks for. Before Start.
  using EventPublisher = std::function<void(const std::vector<KeyEvent>&)>;
  void SetEventPublisher(EventPublisher publisher) { publish_events_ = std::move(publisher); }
  void SetOwnEvents(uint32_t classes);
  // Keyspace events of changes made here go to the replicas that want them; barrier: of the
  // changes.
  void ForwardEvents(const std::vector<KeyEvent>& events, uint64_t barrier);
  // A replica wants other classes of events than before.
  void OnWantedEvents();

  // Calls `done` on the control thread once every worker has ended the turn it is in. What has
  // passed a gate before has ended then, but for parted EXECs.
  void AfterRunningWrites(std::function<void()> done);
  bool has_parted_execs() const { return parted_exec_count_ != 0; }
  // An EXEC waits between two of its parts, or does so no more (it may wait more than once).
  void NotePartedExec(uint64_t client_id);
  void ForgetPartedExec(uint64_t client_id);

  // INFO replication, and the fields of a replica in INFO stats.
  void WriteInfo(std::string* out);

  // FollowHost
  void OnExchange() override;
  void OnFollowing() override;
  bool IsBehind() override;
  void OnMessage(std::string_view channel, std::string_view message, uint64_t seq) override;
  uint32_t WantedEvents() override;
  void OnEvent(const WireEvent& event, uint64_t seq) override;

 private:
  struct Following {
    Following(Server& server, PrimaryAddress address, Replication& host);
    PrimaryFollower follower;
    ReplicaLink link;
  };

  void ControlMain();
  void Post(std::function<void()> task);
  LinkSettings ReadLinkSettings() const;
  // goes_on: nobody has asked for it since it was followed last.
  void Follow(const PrimaryAddress& address, bool take_over, bool goes_on = false);
  void StopFollowing();
  std::string BecomePrimary(const std::string& why);
  void BecomeReplica();
  void RemoveIncoming();
  void CloseRedisFollowers();
  void WaitForWorkers();
  void ReadLoadMark();
  std::string DropLoadedLocked();
  void RetryDrop(uint64_t load_count);
  void ReadConfig();
  void SendEvent(const WireEvent& event, uint64_t barrier);
  void Tick();
  void TickFailover();
  void EndFailover(const std::string& why);
  void WriteReplicaInfo(std::string* out);
  void WriteReplicasInfo(std::string* out);
  void WriteStreamInfo(std::string* out);

  Server& server_;
  std::atomic<bool> is_replica_{false};
  std::atomic<bool> is_loading_{false};
  std::mutex load_mutex_;  // one begins or drops a load at a time
  std::atomic<uint64_t> load_count_{0};
  std::atomic<bool> drop_is_due_{false};  // it has failed
  std::atomic<bool> serves_stale_{true};
  std::atomic<int64_t> min_replicas_{0}, max_lag_s_{10};
  std::atomic<int64_t> good_replicas_{0};
  EventPublisher publish_events_;
  std::mutex events_mutex_;                                      // of changes
  std::atomic<uint32_t> own_events_{0}, events_of_replicas_{0};  // classes
  mutable std::mutex mutex_;
  std::shared_ptr<Following> following_;

  Replicas replicas_;
  std::unique_ptr<RedisFeed> redis_feed_;
  WaitingClients waiting_clients_;
  std::unique_ptr<FullSyncSource> full_sync_source_;
  std::atomic<bool> cancelled_{false};
  ReplicationStats stats_;
  std::atomic<int64_t> full_sync_free_us_{0};  // when the next chunk may be read

  std::atomic<FailoverState> failover_state_{FailoverState::kNone};
  std::mutex failover_mutex_;
  FailoverOptions failover_;
  int64_t failover_until_us_ = 0;
  bool failover_is_quiet_ = false;  // no write is under way
  uint64_t failover_count_ = 0;
  std::mutex parted_mutex_;
  std::set<uint64_t> parted_execs_;  // clients
  std::atomic<size_t> parted_exec_count_{0};

  uint64_t tick_count_ = 0;
  std::mutex control_mutex_;
  std::condition_variable control_wanted_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  bool started_ = false;
  std::thread control_;
};

}  // namespace hearth
