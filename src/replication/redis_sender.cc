// Tested by tests/replication/to_redis_test.py.
#include "src/replication/redis_sender.h"

#include <algorithm>

#include "net/worker.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/replication/replica_link.h"
#include "src/replication/replica_sender.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

}  // namespace

RedisSender::RedisSender(Session& session, std::shared_ptr<ReplicaPeer> peer,
                         RedisFollowerWishes wishes, std::function<void(ReplicaState)> attach)
    : session_(session),
      feed_(session.server().replication().redis_feed()),
      peer_(std::move(peer)),
      wishes_(wishes),
      attach_(std::move(attach)) {
  peer_->is_redis = true;
}

RedisSender::~RedisSender() {
  feed_.Leave(job_.get(), session_.id());
}

std::string RedisSender::who() const {
  return peer_->ip + ":" + std::to_string(peer_->port);
}

// Runs work on the connection's worker, if that is still there. Any thread.
void RedisSender::Post(const ReplicaPeer& peer, std::function<void(RedisSender& sender)> work) {
  peer.worker->Post([alive = peer.connection, work = std::move(work)] {
    const auto connection = alive.lock();
    if (connection && !connection->is_closed()) work(*ReplicaSender::Of(*connection)->redis());
  });
}

// From now on it is sent file and stream; nothing else may come between.
void RedisSender::BecomeMute() {
  session_.SetReplyMode(ReplyMode::kOff);
  session_.connection().SetSentNotice(true);
}

void RedisSender::Send(std::string_view bytes) {
  Connection& connection = session_.connection();
  connection.reply().Unmuted([&] { connection.reply().Raw(bytes); });
  session_.server().replication().stats().sent_bytes += bytes.size();
  connection.MarkDirty();
}

void RedisSender::Psync(std::string_view id, int64_t offset) {
  acks_ = true;
  auto& stats = session_.server().replication().stats();
  // Redis counts a stream's bytes from 1: it names the first that it has not got.
  const auto wanted = static_cast<uint64_t>(std::max<int64_t>(offset, 1)) - 1;
  if (offset < 1 || !feed_.stream().Attach(session_.id(), id, wanted)) {
    if (offset >= 0) ++stats.sync_partial_err;
    if (peer_->port == 0 || feed_.MayAsk(who())) return Begin(/*is_psync=*/true);
    return session_.connection().reply().Error("NOMASTERLINK a file was asked for just now");
  }
  ++stats.sync_partial_ok;
  Log(LogLevel::kNotice, "Partial resynchronization request from " + who() +
                             " accepted. Sending from offset " + std::to_string(offset));
  Send("+CONTINUE " + std::string(id) + "\r\n");
  BecomeMute();
  attach_(ReplicaState::kOnline);
  offset_ = wanted;
  file_seq_ = feed_.stream().SeqAt(wanted, session_.server().engine().log().committed_seq());
  GoOnline();
}

void RedisSender::Begin(bool is_psync) {
  Log(LogLevel::kNotice, "Replica " + who() + " asks for synchronization: an RDB file for it" +
                             (wishes_.rdb_only ? " alone" : ", then the commands"));
  BecomeMute();
  peer_->acks = acks_ && !wishes_.rdb_only;
  attach_(ReplicaState::kWaitFiles);
  job_ = std::make_shared<RedisFeed::Job>();
  job_->follower = session_.id();
  job_->has_stream = !wishes_.rdb_only;
  job_->functions_only = wishes_.functions_only;
  job_->on_begin = [peer = peer_, is_psync](const CommandStream::Start& start, uint64_t seq) {
    Post(*peer,
         [is_psync, start, seq](RedisSender& sender) { sender.OnFileBegun(is_psync, start, seq); });
  };
  job_->on_end = [peer = peer_](std::shared_ptr<UnnamedFile> file, const Status& status) {
    Post(*peer, [file, status](RedisSender& sender) { sender.OnFileEnded(file, status); });
  };
  feed_.WriteFile(job_);
}

void RedisSender::OnFileBegun(bool is_psync, const CommandStream::Start& start, uint64_t seq) {
  preamble_ = start.preamble;
  offset_ = start.offset;
  file_seq_ = seq;
  if (!is_psync) return;
  const uint64_t offset = start.offset - start.preamble.size();
  const std::string id = start.id.empty() ? NewReplicationId() : start.id;
  Send("+FULLRESYNC " + id + " " + std::to_string(offset) + "\r\n");
}

void RedisSender::OnFileEnded(std::shared_ptr<UnnamedFile> file, const Status& status) {
  job_ = nullptr;
  if (!file) {
    Log(LogLevel::kWarning, "No RDB file for " + who() + ": " + status.message());
    return session_.connection().Close("the RDB file could not be written");
  }
  ++session_.server().replication().stats().sync_full;
  file_ = std::move(file);
  peer_->state = ReplicaState::kSendFiles;
  Log(LogLevel::kNotice,
      "Sending an RDB file of " + std::to_string(file_->size_bytes()) + " bytes to " + who());
  Send("$" + std::to_string(file_->size_bytes()) + "\r\n");
  SendFile();
}

// A piece at a time, read by a reader; the next when there is room for it.
void RedisSender::SendFile() {
  if (is_reading_ || session_.connection().is_closing()) return;
  window_full_ = session_.connection().output_bytes() >= kSendWindowBytes;
  if (window_full_) return;
  const uint64_t left = file_->size_bytes() - file_offset_;
  if (left == 0) {
    file_ = nullptr;
    if (!wishes_.rdb_only) return GoOnline();
    Log(LogLevel::kNotice,
        "Close the connection with replica " + who() + " as RDB transfer is complete");
    return session_.connection().CloseAfterReply();
  }
  is_reading_ = true;
  struct Piece {
    std::string bytes;
    Status status;
  };
  auto piece = std::make_shared<Piece>();
  const size_t size = std::min<uint64_t>(left, kReadBytes);
  session_.server().engine().RunOnReaders([peer = peer_, piece, file = file_, offset = file_offset_,
                                           size] {
    piece->status = file->Read(offset, size, &piece->bytes);
    Post(*peer, [piece](RedisSender& sender) { sender.OnPieceRead(piece->bytes, piece->status); });
  });
}

void RedisSender::OnPieceRead(const std::string& bytes, const Status& status) {
  is_reading_ = false;
  if (!status.ok()) return session_.connection().Close("the RDB file can't be read");
  file_offset_ += bytes.size();
  Send(bytes);
  SendFile();
}

void RedisSender::GoOnline() {
  peer_->state = ReplicaState::kOnline;
  peer_->ack_us = LinkNowUs();
  peer_->acked_seq = file_seq_;
  is_streaming_ = true;
  Log(LogLevel::kNotice, "Synchronization with replica " + who() + " succeeded");
  if (!preamble_.empty()) Send(preamble_);
  session_.server().replication().OnReplicasChanged();
  Pump();
}

void RedisSender::Pump() {
  Connection& connection = session_.connection();
  if (!is_streaming_ || connection.is_closing()) return;
  Engine& engine = session_.server().engine();
  window_full_ = false;
  std::string bytes;
  while (connection.output_bytes() < kSendWindowBytes) {
    peer_->is_hungry = true;  // first: a commit from here on is told
    engine.feed().WantNotice();
    bytes.clear();
    if (!feed_.stream().Read(session_.id(), offset_, engine.log().committed_seq(), kReadBytes,
                             &bytes)) {
      return CloseTooSlow();
    }
    if (bytes.empty()) return;
    peer_->is_hungry = false;
    offset_ += bytes.size();
    Send(bytes);
  }
  window_full_ = true;
}

// Somebody whose window stays full is not pumped.
bool RedisSender::IsKept() {
  std::string nothing;
  return feed_.stream().Read(session_.id(), offset_, /*committed_seq=*/0, 0, &nothing);
}

void RedisSender::CloseTooSlow() {
  Log(LogLevel::kWarning,
      "Client " + session_.Describe() +
          " scheduled to be closed ASAP for overcoming of output buffer limits.");
  session_.connection().Close("the stream does not reach so far back");
}

void RedisSender::OnOutputSent() {
  if (!window_full_ || session_.connection().output_bytes() > kSendWindowBytes / 2) return;
  Post(*peer_, [](RedisSender& sender) {
    if (!sender.window_full_) return;
    sender.file_ ? sender.SendFile() : sender.Pump();
  });
}

void RedisSender::Ack(uint64_t offset) {
  peer_->ack_us = LinkNowUs();
  if (!is_streaming_) return;
  Server& server = session_.server();
  const uint64_t committed = server.engine().log().committed_seq();
  const uint64_t seq = std::max(file_seq_, feed_.stream().SeqAt(offset, committed));
  peer_->acked_seq = std::max(peer_->acked_seq.load(), seq);
  server.replication().OnAck();
}

void RedisSender::Tick() {
  if (peer_->state == ReplicaState::kWaitFiles) return Send("\n");
  if (!wishes_.rdb_only && !IsKept()) return CloseTooSlow();
  if (!is_streaming_ || !acks_) return;
  const int64_t timeout_us = session_.server().config().Int("repl-timeout") * 1'000'000;
  if (LinkNowUs() - peer_->ack_us <= timeout_us) return;
  Log(LogLevel::kWarning, "Disconnecting timedout replica (streaming sync): " + who());
  session_.connection().Close("the replica is silent");
}

void RedisSender::AskForAck() {
  if (!is_streaming_ || !acks_) return;
  const std::string_view words[] = {"REPLCONF", "GETACK", "*"};
  feed_.stream().AppendLoose({std::nullopt, StreamWords(words)});
  Pump();
}

}  // namespace hearth
