#pragma once

// GroupFollower: follows a primary of this kind: asks for the groups behind its own last sequence,
// or for the files of a checkpoint first, and applies what comes.
//
//   -> REPLCONF replica-id <id>                            replica_id.h
//   -> PSYNC <id> <next sequence> [FAILOVER]
//   <- +CONTINUE <id>                                      then frames (frame.h)
//   <- +FULLRESYNC <id> <last> <id2 or -> <id2's last> <1: empty, 0> (<id> <last>)* [replica]
//   -> REPLCONF files <checkpoint or ->                    <- kFiles or kRefusal
//   -> REPLCONF chunk <checkpoint> <file's place> <offset> <size>   <- kChunk or kRefusal
//   -> REPLCONF ACK <applied> FACK <synced>                at any time, no answer
//   -> REPLCONF events <classes of keyspace events>        at any time, no answer
//
// A full resync is pulled: chunks that are missing are asked for, kChunksAhead at a time; what has
// come stays on the disk over cuts and restarts. Meanwhile the old data are served.
//
// Thread:   Follow and Finish: the link's. `host` is called on it.
// Lifetime: its owner's; outlives the link.
// Errors:   of the link: by ReplicaLink::Fail. A damaged frame ends the connection; the next one
//           asks from the same sequence.
// Limits:   ApplyQueue's and FrameReader's; kChunksAhead chunks of kChunkSize.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/full_sync.h"
#include "src/replication/apply_queue.h"
#include "src/replication/followed_mark.h"
#include "src/replication/frame.h"
#include "src/replication/replica_link.h"

namespace hearth {

inline constexpr size_t kChunkSize = 512 * 1024;
inline constexpr size_t kChunksAhead = 8;

// What following asks of the server.
class FollowHost {
 public:
  virtual ~FollowHost() = default;
  // The data are about to be exchanged, or were: replicas of this one must ask anew.
  virtual void OnExchange() = 0;
  // The first group of a link has been asked for: what was an attempt to fail over is done.
  virtual void OnFollowing() = 0;
  // Whether what was received waits for somebody here: nothing is read from the link meanwhile.
  virtual bool IsBehind() = 0;
  // A message published on the primary, behind the group that ends at seq. On the applying thread,
  // as is OnEvent.
  virtual void OnMessage(std::string_view channel, std::string_view message, uint64_t seq) = 0;
  // The classes of keyspace events that somebody wants here, a bit each (EventClass).
  virtual uint32_t WantedEvents() = 0;
  // One of them; what it tells of is applied up to seq.
  virtual void OnEvent(const WireEvent& event, uint64_t seq) = 0;
};

class GroupFollower {
 public:
  // accept_empty: a primary without history and keys may replace what this server holds.
  GroupFollower(Engine& engine, FollowHost& host, bool accept_empty);
  ~GroupFollower();

  // What is known of this primary from before a restart. Before Follow.
  void GoOn(const FollowedMark& mark) { mark_ = mark; }
  // The next PSYNC asks the primary-to-be to take over (FAILOVER).
  void AskToTakeOver() { ask_to_take_over_ = true; }
  // The primary's last sequence, as it told last.
  uint64_t primary_seq() const { return primary_seq_; }

  void Follow(LinkSocket& socket, ReplicaLink& link);
  void Finish();

 private:
  struct FullOffer;

  bool TellId(LinkSocket& socket, ReplicaLink& link);
  void Stream(LinkSocket& socket, ReplicaLink& link);
  bool Take(Frame& frame, ReplicaLink& link);
  void WantAck();
  uint64_t DurableSeq() const;
  bool SendAck(LinkSocket& socket, ReplicaLink& link);
  bool SendWantedEvents(LinkSocket& socket, ReplicaLink& link);
  void Resync(LinkSocket& socket, ReplicaLink& link, const std::string& line);
  bool MayResync(const FullOffer& offer, uint64_t common, ReplicaLink& link);
  // The last sequence that this server and the primary have in common; 0: none that is known.
  uint64_t CommonSeq(const FullOffer& offer);
  void KeepDiverged(uint64_t common);
  void NoteUnfit(const Status& status, ReplicaLink& link);
  bool Fetch(LinkSocket& socket, ReplicaLink& link, FullSyncTarget& target);
  bool FetchChunks(LinkSocket& socket, ReplicaLink& link, FullSyncTarget& target);
  bool NextFrame(LinkSocket& socket, ReplicaLink& link, Frame* frame);
  Status Meanwhile(LinkSocket& socket, ReplicaLink& link, const std::function<Status()>& work);

  Engine& engine_;
  FollowHost& host_;
  const bool accept_empty_;
  std::atomic<bool> ask_to_take_over_{false};
  std::atomic<uint64_t> primary_seq_{0};
  void Mark(const ReplicaLink& link, bool refused);

  // Until REPLICAOF makes another follower: whether the primary was followed, what it offered was
  // refused; and where a group could not be applied.
  FollowedMark mark_;
  uint64_t unfit_seq_ = UINT64_MAX;
  std::unique_ptr<FrameReader> reader_;  // of the connection that stands
  uint64_t pushed_seq_ = 0;              // the last sequence given to the queue
  // An acknowledgement is wanted as soon as this is applied, and again when that is.
  std::optional<uint64_t> ack_wanted_seq_, ack_wanted_next_;
  std::atomic<bool> wants_wake_{false};  // the queue is to wake the link when there is room
  int64_t acked_us_ = 0;
  uint64_t acked_seq_ = 0, acked_synced_ = 0;
  uint32_t wanted_events_ = 0;   // as the primary knows it
  std::vector<SyncFile> files_;  // of the checkpoint that is fetched
  std::atomic<ReplicaLink*> link_{nullptr};
  ApplyQueue queue_;
};

}  // namespace hearth
