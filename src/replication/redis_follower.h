#pragma once

// RedisFollower: follows a Redis (PSYNC2, RDB up to version 12) or a Valkey (RDB 80): loads its
// RDB file and runs its command stream, so that data move here while the Redis goes on serving.
//
//   -> REPLCONF version 9.0.0               a Redis does not know it, and says so
//   -> REPLCONF capa eof capa psync2
//   -> PSYNC <id> <offset + 1>  |  PSYNC ? -1
//   <- +CONTINUE [<id>]                                then commands (command_scanner.h)
//   <- +FULLRESYNC <id> <offset>                       then LF*, a file, commands
//      file = "$" size CRLF RDB  |  "$EOF:" mark:40 CRLF RDB mark
//   -> REPLCONF ACK <offset>                           once a second, no answer; LF while it loads
//
// The store is a primary's meanwhile, with a history of its own, which Hearth replicas may follow;
// what expires is hidden and waits for the DEL of the Redis (Keyspace::SetExpiryHeld). The offset
// counts the bytes of commands whose effects are committed, and it is committed with them
// (stream_place.h): behind a restart, or a crash, the stream goes on from there. A write of
// somebody else's meanwhile ends that: then a full resync comes.
//
// A full resync takes the place of all data, from its first key on; until it is complete, clients
// get -LOADING (Replication::BeginLoad). It is committed group by group, not at once.
//
// Thread:   Follow and Finish: the link's; the offsets from any.
// Lifetime: its owner's; outlives the link.
// Errors:   of the link, by ReplicaLink::Fail. Behind a command that could not be run because the
//           store refused it, or whose reply did not come, the next resync is full. One that is
//           not known here (or not in this form) ends the link for good: nothing behind it is
//           applied, the data and their place stay, so that REPLICAOF, or a server that knows it,
//           goes on with it; within EXEC, whose other commands have run, the place is forgotten.
//           Other errors are logged and counted: the data differ from then on.
// Limits:   kStreamPendingBytesMax of commands under way, beyond that nothing is read; entries of
//           the file as RdbFileReader, at most proto-max-bulk-len each.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "src/rdb/rdb_file_reader.h"
#include "src/replication/command_scanner.h"
#include "src/replication/replica_link.h"
#include "src/replication/stream_client.h"

namespace hearth {

class FollowHost;
class RdbLoader;
class Server;

inline constexpr size_t kStreamPendingBytesMax = 16 << 20;
inline constexpr size_t kStreamErrorsLoggedMax = 20;

class RedisFollower {
 public:
  RedisFollower(Server& server, FollowHost& host, bool accept_empty);
  ~RedisFollower();

  // Behind the handshake, with a primary that is no Hearth.
  void Follow(LinkSocket& socket, ReplicaLink& link);
  // The link is going to stop, or the primary is a Hearth now: a load that was not completed is
  // dropped, with what it had loaded (Replication::DropLoaded).
  void Finish();

  // Bytes of the primary's stream: received, and applied.
  uint64_t received_offset() const { return shown_received_; }
  uint64_t applied_offset() const { return shown_applied_; }
  // Commands of the stream that were answered by an error.
  uint64_t error_count() const { return error_count_; }

 private:
  struct Pending {
    uint64_t end_offset;  // of the stream, behind it
    uint32_t db;          // selected behind it
    bool advances;        // not within MULTI
    bool must_succeed;    // else what follows would go wrong
    std::string name;
  };
  class FileSource;

  bool TakeFullResync(LinkSocket& socket, ReplicaLink& link, const std::string& line);
  bool Load(FileSource& source, ReplicaLink& link);
  bool LoadEntries(RdbFileReader& reader, RdbLoader& loader, std::string* error);
  std::string DropAll();

  // Where the store's data stand in a primary's stream, if that is known.
  void TakePlaceOfStore();
  void ForgetPlace();
  void Stream(LinkSocket& socket, ReplicaLink& link);
  bool StreamSome(LinkSocket& socket, ReplicaLink& link, StreamClient& client);
  bool TakeCommands(ReplicaLink& link, StreamClient& client);
  void TakeCommand(const ScannedCommand& command, StreamClient& client);
  void TakeReply(const std::string& error);
  bool SendAck(LinkSocket& socket, ReplicaLink& link);
  // What was received whole is applied. False: it could not be.
  bool Drain(StreamClient& client);
  void RefuseStream(ReplicaLink& link);
  void Wait(const LinkSocket& socket, ReplicaLink& link, const StreamClient& client, bool read);

  Server& server_;
  FollowHost& host_;
  const bool accept_empty_;

  // Where the stream is applied up to; an empty id asks for a full resync.
  std::string primary_id_;
  uint64_t applied_ = 0;
  uint32_t applied_db_ = 0;

  // Of the connection that stands.
  std::unique_ptr<CommandScanner> scanner_;
  std::shared_ptr<StreamPlaces> places_;
  std::deque<Pending> pending_;
  uint64_t received_ = 0;
  uint64_t requested_ack_ = 0;  // as soon as it is applied; 0: none
  uint32_t db_ = 0;
  uint64_t outside_multi_ = 0;  // the last offset that is
  uint32_t outside_multi_db_ = 0;
  bool in_multi_ = false;
  int64_t acked_us_ = 0;
  std::string broken_;       // why what follows may not be applied
  bool is_refused_ = false;  // since it is not known here
  std::string stop_;         // why nothing behind what was taken can be
  uint64_t reply_count_ = 0;

  bool dropped_old_ = false;  // by the load that goes on
  bool is_unfit_ = false;     // what it loads: another try would bring the same, or something worse
  // What the last file had that is not known here, if that ended it.
  std::string unknown_, last_unknown_;
  std::atomic<uint64_t> shown_received_{0}, shown_applied_{0}, error_count_{0};
};

}  // namespace hearth
