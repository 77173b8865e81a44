#pragma once

// ReplicaSender: what a primary does for one replica: answers its PSYNC, sends the groups, gives
// the files of a checkpoint.
//
// Groups come from the feed's ring; what is older is read from WAL files on a reader thread. The
// sender writes to its connection only while little output waits there, so a replica costs the
// same memory however far it is behind; where it has got to is its slot's business. What is
// committed while groups flow is sent together, kGatherTime later at most: a wake-up and a call of
// the kernel for each commit would cost a busy primary more than the groups' bytes. The first group
// after a silence leaves at once, and so does what an acknowledgement is asked for.
//
// Thread:   its connection's worker.
// Lifetime: its session's, from the first REPLCONF on.
// Errors:   a history that no longer reaches closes the connection: the replica asks again, and
//           gets a full resync.
// Limits:   kSendWindowBytes and one group; a chunk a time. Messages and events wait in the peer's
//           inbox until the window has room for them.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/full_sync.h"
#include "engine/replication_feed.h"
#include "src/command.h"
#include "src/replication/frame.h"
#include "src/replication/redis_sender.h"
#include "src/replication/replicas.h"

namespace hearth {

class Session;
class Replication;

inline constexpr size_t kSendWindowBytes = 512 * 1024;

class ReplicaSender {
 public:
  explicit ReplicaSender(Session& session);
  ~ReplicaSender();
  ReplicaSender(const ReplicaSender&) = delete;
  ReplicaSender& operator=(const ReplicaSender&) = delete;

  // Null: its client has not said that it is a replica.
  static ReplicaSender* Of(Connection& connection);

  // -- What REPLCONF tells. Once attached, the address stays: others read it.
  void SetPort(int port) {
    if (!is_attached_) peer_->port = port;
  }
  void SetIp(std::string_view ip) {
    if (!is_attached_) peer_->ip = ip;
  }
  void set_is_hearth() { is_hearth_ = true; }
  RedisFollowerWishes& wishes() { return wishes_; }
  // False: not an id.
  bool set_id(std::string_view id);
  bool is_hearth() const { return is_hearth_; }
  // Whether it follows, or gets files.
  bool is_attached() const { return is_attached_; }
  void Ack(uint64_t applied_seq, uint64_t synced_seq);

  // SYNC, and PSYNC id offset, of a client that follows as replicas of Redis do.
  void SyncRedis() { MakeRedis().Sync(); }
  void PsyncRedis(std::string_view id, int64_t offset) { MakeRedis().Psync(id, offset); }
  // Null: it does not.
  RedisSender* redis() { return redis_.get(); }

  // PSYNC id next: answers later, and sends from then on.
  void Psync(std::string_view id, uint64_t next_seq);
  // REPLCONF files, REPLCONF chunk: answered by frames, later.
  void SendFiles(std::string_view checkpoint_id);
  void SendChunk(std::string_view checkpoint_id, uint64_t file, uint64_t offset, uint64_t size);

  // Sends what there is, as far as the window goes.
  void Pump();
  // The connection has sent something.
  void OnOutputSent();
  // Once a second: a heartbeat when it is due, and the end of a replica that is silent too long.
  void Tick();
  // An acknowledgement is wanted as soon as everything up to seq is there.
  void AskForAck(uint64_t seq);
  void SendFrame(FrameType type, uint64_t first, uint32_t count, std::string_view payload);
  void NoteSent(size_t size);
  // There is something in the peer's inbox.
  void DrainInbox();

  // What REPLCONF events tells.
  void WantEvents(uint32_t classes);

  const ReplicaPeer& peer() const { return *peer_; }

 private:
  RedisSender& MakeRedis();
  void Attach(ReplicaState state);
  void AnswerPsync(bool partial, uint64_t next_seq, const std::string& line);
  void SendGroups(const ReplicationFeed::Groups& groups);
  void ReadBehind();
  void PostPump();
  void PumpLater();
  void CheckId();
  void CloseDead(const ReplicaPeer& other);
  bool LowerStaleBarrier();
  void SendLetters();
  // Runs work on a reader thread, then finish here; the session takes no command meanwhile.
  void Later(std::function<void()> work, std::function<void()> finish);
  // The replica's id, so that it finds its slot from whatever address it comes.
  std::string slot() const { return peer_->id.empty() ? who() : peer_->id; }
  std::string who() const { return peer_->ip + ":" + std::to_string(peer_->port); }

  Session& session_;
  Replication& replication_;
  std::shared_ptr<ReplicaPeer> peer_;
  RedisFollowerWishes wishes_;
  std::unique_ptr<RedisSender> redis_;  // does it all, for such a client
  bool is_hearth_ = false;
  bool is_attached_ = false;
  uint64_t next_seq_ = 0;
  uint64_t ack_wanted_seq_ = 0;  // 0 = none
  std::shared_ptr<WalCursor> cursor_;
  bool reading_ = false;  // on a reader thread
  bool pump_posted_ = false;
  bool pump_later_ = false;  // a timer runs
  bool window_full_ = false;
  bool drops_told_ = false;  // in the log
  int64_t sent_us_ = 0;      // the last frame
  std::shared_ptr<const SharedCheckpoint> checkpoint_;
  int64_t chunk_due_us_ = 0;  // when the chunk asked for last may be read: repl-full-sync-rate
};

}  // namespace hearth
