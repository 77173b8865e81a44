#pragma once

// RedisSender: what a primary does for one client that follows as replicas of Redis do: an RDB file
// of all data, then the commands that change them (command_stream.h).
//
// SYNC wants both at once; PSYNC may go on where its client was cut off; with `REPLCONF rdb-only`
// the file is all. The file is written first and its size told ($size), so that a client needs no
// mark at its end. Until it is there the client gets a newline a second.
//
// Thread:   its connection's worker.
// Lifetime: its ReplicaSender's.
// Errors:   a file that can't be written, and a follower that takes too little for too long, close
//           the connection.
// Limits:   kSendWindowBytes of output and one unit of the stream.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/replication/redis_feed.h"
#include "src/replication/replicas.h"

namespace hearth {

class Session;

// What the client has said of itself by REPLCONF.
struct RedisFollowerWishes {
  bool rdb_only = false;
  bool functions_only = false;
};

class RedisSender {
 public:
  // attach: makes the peer known, in the state that it has then.
  RedisSender(Session& session, std::shared_ptr<ReplicaPeer> peer, RedisFollowerWishes wishes,
              std::function<void(ReplicaState)> attach);
  ~RedisSender();
  RedisSender(const RedisSender&) = delete;
  RedisSender& operator=(const RedisSender&) = delete;

  // SYNC: the file, then the stream. Answers later.
  void Sync() { Begin(/*is_psync=*/false); }
  // PSYNC id offset. Answers at once, or later, by CONTINUE or FULLRESYNC.
  void Psync(std::string_view id, int64_t offset);

  // REPLCONF ACK: it has the stream up to the offset.
  void Ack(uint64_t offset);
  void Pump();
  void OnOutputSent();
  // Once a second.
  void Tick();
  // An acknowledgement is wanted.
  void AskForAck();

 private:
  void Begin(bool is_psync);
  void BecomeMute();
  void OnFileBegun(bool is_psync, const CommandStream::Start& start, uint64_t seq);
  void OnFileEnded(std::shared_ptr<UnnamedFile> file, const Status& status);
  void SendFile();
  void GoOnline();
  bool IsKept();
  void CloseTooSlow();
  void Send(std::string_view bytes);
  void OnPieceRead(const std::string& bytes, const Status& status);
  static void Post(const ReplicaPeer& peer, std::function<void(RedisSender& sender)> work);
  std::string who() const;

  Session& session_;
  RedisFeed& feed_;
  std::shared_ptr<ReplicaPeer> peer_;
  const RedisFollowerWishes wishes_;
  const std::function<void(ReplicaState)> attach_;
  std::shared_ptr<RedisFeed::Job> job_;  // until its file is there
  std::shared_ptr<UnnamedFile> file_;    // until it is sent
  uint64_t file_offset_ = 0;
  bool is_reading_ = false;
  bool acks_ = false;  // by PSYNC
  std::string preamble_;
  uint64_t offset_ = 0;    // of the stream, to be sent next
  uint64_t file_seq_ = 0;  // what the file holds
  bool is_streaming_ = false;
  bool window_full_ = false;
};

}  // namespace hearth
