// Tested by tests/src/replication/replication_test.cc.
#include "src/replication/replica_sender.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/replica_id.h"
#include "net/worker.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/replication/file_list.h"
#include "src/replication/replica_link.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kReadBehindBytes = 512 * 1024;
// A replica that is there acknowledges once a second.
constexpr int64_t kSilentUs = 2'500'000;
constexpr std::chrono::milliseconds kGatherTime(1);

}  // namespace

ReplicaSender::ReplicaSender(Session& session)
    : session_(session),
      replication_(session.server().replication()),
      peer_(std::make_shared<ReplicaPeer>()) {
  Connection& connection = session.connection();
  peer_->connection_id = connection.id();
  peer_->worker = &connection.worker();
  peer_->connection = connection.weak_from_this();
  const std::string& address = connection.peer_address();
  peer_->ip = address.substr(0, address.rfind(':'));
  if (peer_->ip.starts_with('[')) peer_->ip = peer_->ip.substr(1, peer_->ip.size() - 2);
}

ReplicaSender::~ReplicaSender() {
  if (!is_attached_) return;
  replication_.replicas().Detach(peer_);
  replication_.OnReplicasChanged();
  if (peer_->wanted_events != 0) replication_.OnWantedEvents();
}

ReplicaSender* ReplicaSender::Of(Connection& connection) {
  if (connection.handler() == nullptr) return nullptr;
  return static_cast<Session*>(connection.handler())->replica_sender();
}

bool ReplicaSender::set_id(std::string_view id) {
  const bool is_id = IsReplicaId(id);
  if (is_id && !is_attached_) peer_->id = id;
  return is_id;
}

// A copied data folder has the id of its original: while both follow, the later one's slot goes by
// its address. One that is silent is the same replica, behind a connection that has died.
void ReplicaSender::CheckId() {
  for (const auto& other : replication_.replicas().List()) {
    if (other == peer_ || peer_->id.empty() || other->id != peer_->id) continue;
    if (other->ip == peer_->ip && other->port == peer_->port) continue;  // itself, before a cut
    if (LinkNowUs() - other->ack_us > kSilentUs) {
      CloseDead(*other);
      continue;
    }
    Log(LogLevel::kWarning, "Replicas " + other->ip + ":" + std::to_string(other->port) + " and " +
                                who() + " have the same id, as copies of one data folder have: " +
                                "remove REPLICA-ID from one and restart it");
    peer_->id.clear();
  }
}

void ReplicaSender::CloseDead(const ReplicaPeer& other) {
  other.worker->Post([alive = other.connection] {
    const auto connection = alive.lock();
    if (!connection || connection->is_closed()) return;
    connection->Close("the replica has come back from another address");
  });
}

RedisSender& ReplicaSender::MakeRedis() {
  redis_ = std::make_unique<RedisSender>(session_, peer_, wishes_,
                                         [this](ReplicaState state) { Attach(state); });
  return *redis_;
}

void ReplicaSender::Attach(ReplicaState state) {
  peer_->state = state;
  peer_->ack_us = LinkNowUs();
  is_attached_ = true;
  replication_.replicas().Attach(peer_);
  replication_.OnReplicasChanged();
  session_.server().ApplyLimits(session_);
}

void ReplicaSender::Later(std::function<void()> work, std::function<void()> finish) {
  auto answer = session_.AnswerLater();
  Worker& worker = session_.connection().worker();
  session_.server().engine().RunOnReaders([&worker, work = std::move(work),
                                           finish = std::move(finish),
                                           answer = std::move(answer)]() mutable {
    work();
    worker.Post([finish = std::move(finish), answer = std::move(answer)] {
      answer([&](Reply&) { finish(); });
    });
  });
}

void ReplicaSender::Psync(std::string_view id, uint64_t next_seq) {
  struct Result {
    bool partial = false;
    std::string line;
  };
  auto result = std::make_shared<Result>();
  CheckId();
  Later(
      [this, &server = session_.server(), result, id = std::string(id), next_seq, slot = slot()] {
        Engine& engine = server.engine();
        const Status active = engine.feed().SetActive(true);
        if (!active.ok()) Log(LogLevel::kWarning, "Groups can't be kept: " + active.message());
        const uint64_t last = engine.log().committed_seq();  // no group of a later history
        const History history = engine.log().history();
        const Lineage lineage = engine.log().ReadLineage();
        result->partial =
            next_seq > 0 &&
            (history.Covers(id, next_seq - 1, last) || lineage.Covers(id, next_seq - 1)) &&
            engine.feed().Reaches(next_seq);
        if (result->partial) {
          const Status status = engine.feed().SetSlot(slot, next_seq - 1);
          if (!status.ok())
            Log(LogLevel::kWarning, "No slot for " + slot + ": " + status.message());
          result->line = "CONTINUE " + history.id;
        } else if (server.replication().is_replica() && !server.replication().link_is_up()) {
          result->line = "-NOMASTERLINK Can't SYNC while not connected with my master";
        } else {
          result->line = "FULLRESYNC " + history.id + " " + std::to_string(last) + " " +
                         (history.id2.empty() ? "-" : history.id2) + " " +
                         std::to_string(history.id2_seq) + " " + (engine.IsEmpty() ? "1" : "0");
          for (const Lineage::Ancestor& ancestor : lineage.ancestors) {
            result->line += " " + ancestor.id + " " + std::to_string(ancestor.last_seq);
          }
          if (server.replication().is_replica()) result->line += " replica";
        }
      },
      [this, result, next_seq] { AnswerPsync(result->partial, next_seq, result->line); });
}

void ReplicaSender::AnswerPsync(bool partial, uint64_t next_seq, const std::string& line) {
  Connection& connection = session_.connection();
  // Begun since PSYNC was taken: it closes those that are attached, and this one is not yet.
  if (replication_.is_loading()) {
    return connection.reply().Unmuted([&] { connection.reply().Error(kErrLoading); });
  }
  connection.reply().Unmuted([&] {
    line.starts_with('-') ? connection.reply().Error(line.substr(1))
                          : connection.reply().Simple(line);
  });
  if (line.starts_with('-')) return;
  // From now on the replica is sent frames; nothing else may come between them.
  session_.SetReplyMode(ReplyMode::kOff);
  connection.SetSentNotice(true);
  next_seq_ = next_seq;
  Attach(partial ? ReplicaState::kOnline : ReplicaState::kWaitFiles);
  auto& stats = replication_.stats();
  if (!partial) {
    Log(LogLevel::kNotice, "Replica " + who() +
                               " asks for synchronization; full resync: sequence " +
                               std::to_string(next_seq) + " of its history is not ours to give");
    if (next_seq > 1) ++stats.sync_partial_err;
    return;
  }
  ++stats.sync_partial_ok;
  Log(LogLevel::kNotice, "Partial resynchronization request from " + who() +
                             " accepted. Sending from sequence " + std::to_string(next_seq));
  peer_->acked_seq = next_seq - 1;
  Pump();
}

void ReplicaSender::Ack(uint64_t applied_seq, uint64_t synced_seq) {
  if (!is_attached_) return;
  if (redis_) return redis_->Ack(applied_seq);
  peer_->ack_us = LinkNowUs();
  if (peer_->state != ReplicaState::kOnline) return;
  peer_->acked_seq = applied_seq;
  peer_->synced_seq = synced_seq;
  (void)session_.server().engine().feed().SetSlot(slot(), std::min(applied_seq, synced_seq));
  replication_.OnAck();
}

void ReplicaSender::SendFiles(std::string_view checkpoint_id) {
  struct Result {
    std::shared_ptr<const SharedCheckpoint> checkpoint;
    Status status;
    bool resumes = false;
  };
  auto result = std::make_shared<Result>();
  const std::string who = this->who();
  Log(LogLevel::kNotice, "Starting a checkpoint for the full resync of " + who);
  Later(
      [&server = session_.server(), result, id = std::string(checkpoint_id), slot = slot()] {
        FullSyncSource& source = server.replication().full_sync_source();
        result->checkpoint = source.Find(id);
        if (result->checkpoint &&
            !server.engine().feed().Reaches(result->checkpoint->sequence + 1)) {
          result->checkpoint = nullptr;
        }
        result->resumes = result->checkpoint != nullptr;
        if (!result->checkpoint) result->status = source.Share(&result->checkpoint);
        if (!result->status.ok()) return;
        // What follows the checkpoint is kept for this replica, however long the files take.
        (void)server.engine().feed().DropSlot(slot);
        result->status = server.engine().feed().SetSlot(slot, result->checkpoint->sequence);
      },
      [this, result, who] {
        if (!result->status.ok()) {
          Log(LogLevel::kWarning,
              "No checkpoint for the full resync of " + who + ": " + result->status.message());
          return SendFrame(FrameType::kRefusal, 0, 0, result->status.message());
        }
        checkpoint_ = result->checkpoint;
        if (!result->resumes) ++replication_.stats().sync_full;
        peer_->state = ReplicaState::kSendFiles;
        peer_->ack_us = LinkNowUs();
        Log(LogLevel::kNotice, "Full resync of " + who + ": checkpoint " + checkpoint_->id + ", " +
                                   std::to_string(checkpoint_->files.size()) + " files, " +
                                   std::to_string(checkpoint_->size_bytes) + " bytes");
        SendFrame(FrameType::kFiles, checkpoint_->sequence, 0,
                  EncodeFileList(checkpoint_->id, checkpoint_->files));
      });
}

void ReplicaSender::SendChunk(std::string_view checkpoint_id, uint64_t file, uint64_t offset,
                              uint64_t size) {
  if (!checkpoint_ || checkpoint_->id != checkpoint_id || file >= checkpoint_->files.size() ||
      size > kSyncChunkMax || offset > checkpoint_->files[file].size_bytes) {
    return SendFrame(FrameType::kRefusal, 0, 0, "the checkpoint is not there any more");
  }
  peer_->ack_us = LinkNowUs();
  // The reader makes the whole frame: the worker that sends it has other clients.
  struct Result {
    OwnedBytes frame;
    Status status;
  };
  auto result = std::make_shared<Result>();
  size = std::min(size, checkpoint_->files[file].size_bytes - offset);
  const auto read = [result, checkpoint = checkpoint_, file, offset, size] {
    OwnedBytes frame(kFrameHeaderSize + size);
    const std::span<char> payload(frame.data() + kFrameHeaderSize, size);
    result->status = checkpoint->ReadChunk(checkpoint->files[file].name, offset, payload);
    const std::string header = FrameHeader(FrameType::kChunk, offset, static_cast<uint32_t>(file),
                                           {payload.data(), payload.size()});
    std::memcpy(frame.data(), header.data(), header.size());
    result->frame = std::move(frame);
  };
  const auto finish = [this, result] {
    if (!result->status.ok()) {
      return SendFrame(FrameType::kRefusal, 0, 0, result->status.message());
    }
    Reply& reply = session_.connection().reply();
    const size_t size = result->frame.size();
    reply.Unmuted([&] { reply.Raw(std::move(result->frame)); });
    NoteSent(size);
  };
  const int64_t wait_ms = replication_.PaceFullSync(size);
  chunk_due_us_ = LinkNowUs() + wait_ms * 1000;
  if (wait_ms == 0) return Later(read, finish);
  // Beyond repl-full-sync-rate: the reading begins later.
  auto answer = session_.AnswerLater();
  Worker& worker = session_.connection().worker();
  worker.RunAfter(std::chrono::milliseconds(wait_ms),
                  [&engine = session_.server().engine(), &worker, read, finish, answer] {
                    engine.RunOnReaders([&worker, read, finish, answer] {
                      read();
                      worker.Post([finish, answer] { answer([&](Reply&) { finish(); }); });
                    });
                  });
}

void ReplicaSender::SendFrame(FrameType type, uint64_t first, uint32_t count,
                              std::string_view payload) {
  Connection& connection = session_.connection();
  connection.reply().Unmuted([&] {
    connection.reply().Raw(FrameHeader(type, first, count, payload));
    if (!payload.empty()) connection.reply().Raw(payload);
  });
  NoteSent(kFrameHeaderSize + payload.size());
}

void ReplicaSender::NoteSent(size_t size) {
  replication_.stats().sent_bytes += size;
  sent_us_ = LinkNowUs();
  session_.connection().MarkDirty();
}

void ReplicaSender::SendGroups(const ReplicationFeed::Groups& groups) {
  for (const auto& group : groups) {
    SendFrame(FrameType::kGroup, group->first_seq, group->count, group->payload);
    next_seq_ = group->last_seq() + 1;
  }
  SendLetters();
  if (ack_wanted_seq_ != 0 && next_seq_ > ack_wanted_seq_) {
    ack_wanted_seq_ = 0;
    SendFrame(FrameType::kGetAck, 0, 0, {});
  }
}

void ReplicaSender::Pump() {
  if (redis_) return redis_->Pump();
  pump_posted_ = false;
  Connection& connection = session_.connection();
  if (!is_attached_ || peer_->state != ReplicaState::kOnline || reading_ ||
      connection.is_closing()) {
    return;
  }
  ReplicationFeed& feed = session_.server().engine().feed();
  ReplicationFeed::Groups groups;
  window_full_ = false;
  SendLetters();
  bool flows = false;
  while (connection.output_bytes() < kSendWindowBytes) {
    if (cursor_ && next_seq_ < feed.ring_seq()) return ReadBehind();
    cursor_ = nullptr;
    groups.clear();
    if (flows) return PumpLater();
    peer_->is_hungry = true;  // first: a commit from here on is told
    feed.WantNotice();
    const Status status = feed.Read(next_seq_, kReadBytes, &groups);
    if (status.code() == Status::Code::kBusy) {
      peer_->is_hungry = false;
      cursor_ = feed.NewCursor(next_seq_);
      return ReadBehind();
    }
    if (!status.ok()) {
      Log(LogLevel::kWarning, "Replica " + who() + " is too far behind: " + status.message());
      return connection.Close("the history does not reach the replica's sequence");
    }
    if (groups.empty()) return;
    peer_->is_hungry = false;
    SendGroups(groups);
    flows = next_seq_ > feed.last_seq();
  }
  window_full_ = true;
}

// Reads a piece of the WAL files on a reader thread and sends it.
void ReplicaSender::ReadBehind() {
  reading_ = true;
  struct Result {
    ReplicationFeed::Groups groups;
    Status status;
  };
  auto result = std::make_shared<Result>();
  Worker& worker = session_.connection().worker();
  Engine& engine = session_.server().engine();
  engine.RunOnReaders([&worker, &engine, result, cursor = cursor_, alive = peer_->connection] {
    result->status = engine.feed().ReadFromWal(cursor.get(), kReadBehindBytes, &result->groups);
    worker.Post([result, alive] {
      const auto connection = alive.lock();
      if (!connection || connection->is_closed()) return;
      ReplicaSender& sender = *Of(*connection);
      sender.reading_ = false;
      if (!result->status.ok()) {
        Log(LogLevel::kWarning,
            "The log for replica " + sender.who() + " can't be read: " + result->status.message());
        return connection->Close("the history does not reach the replica's sequence");
      }
      sender.SendGroups(result->groups);
      if (result->groups.empty()) sender.cursor_ = nullptr;
      sender.Pump();
    });
  });
}

void ReplicaSender::OnOutputSent() {
  if (redis_) return redis_->OnOutputSent();
  if (!window_full_ || pump_posted_ ||
      session_.connection().output_bytes() > kSendWindowBytes / 2) {
    return;
  }
  PostPump();
}

void ReplicaSender::PostPump() {
  pump_posted_ = true;
  peer_->worker->Post([alive = peer_->connection] {
    const auto connection = alive.lock();
    if (connection && !connection->is_closed()) Of(*connection)->Pump();
  });
}

void ReplicaSender::PumpLater() {
  if (pump_later_) return;
  pump_later_ = true;
  peer_->worker->RunAfter(kGatherTime, [alive = peer_->connection] {
    const auto connection = alive.lock();
    if (!connection || connection->is_closed()) return;
    ReplicaSender& sender = *Of(*connection);
    sender.pump_later_ = false;
    sender.Pump();
  });
}

void ReplicaSender::Tick() {
  if (!is_attached_) return;
  if (redis_) return redis_->Tick();
  Server& server = session_.server();
  const int64_t now_us = LinkNowUs();
  const int64_t timeout_us = server.config().Int("repl-timeout") * 1'000'000;
  const bool gets_files = peer_->state == ReplicaState::kSendFiles;
  // One that gets files acknowledges too; it is not heard while the chunk it asked for is not due.
  const bool acknowledges = gets_files || peer_->state == ReplicaState::kOnline;
  if (acknowledges && now_us - std::max<int64_t>(peer_->ack_us, chunk_due_us_) > timeout_us) {
    Log(LogLevel::kWarning, std::string("Disconnecting timedout replica (") +
                                (gets_files ? "full" : "streaming") + " sync): " + who());
    return session_.connection().Close("the replica is silent");
  }
  if (!drops_told_ && peer_->inbox.dropped_count() != 0) {
    drops_told_ = true;
    Log(LogLevel::kWarning, "Replica " + who() +
                                " takes messages or keyspace events too slowly: some are dropped "
                                "(repl_dropped_messages, repl_dropped_events)");
  }
  const int64_t period_us = server.config().Int("repl-ping-replica-period") * 1'000'000;
  if (now_us - sent_us_ < period_us || session_.connection().output_bytes() > kSendWindowBytes) {
    return;
  }
  const std::string beat =
      EncodeHeartbeat(server.engine().log().committed_seq(), server.clock().WallMs());
  session_.connection().reply().Unmuted([&] { session_.connection().reply().Raw(beat); });
  sent_us_ = now_us;
  session_.connection().MarkDirty();
}

void ReplicaSender::AskForAck(uint64_t seq) {
  if (redis_) return redis_->AskForAck();
  if (!is_attached_ || peer_->state != ReplicaState::kOnline || peer_->acked_seq >= seq) return;
  if (next_seq_ > seq) {
    SendFrame(FrameType::kGetAck, 0, 0, {});
    return;
  }
  ack_wanted_seq_ = std::max(ack_wanted_seq_, seq);
  if (pump_later_) Pump();
}

void ReplicaSender::WantEvents(uint32_t classes) {
  peer_->wanted_events = classes;
  replication_.OnWantedEvents();
}

void ReplicaSender::DrainInbox() {
  peer_->inbox.StartDrain();
  const bool may_send = is_attached_ && peer_->state == ReplicaState::kOnline;
  if (may_send && !session_.connection().is_closing()) SendLetters();
}

// A client's barrier of before the data were exchanged names what never was. While the log has
// failed nobody can tell it from what was lost.
bool ReplicaSender::LowerStaleBarrier() {
  const CommitLog& log = session_.server().engine().log();
  return log.accepting() && peer_->inbox.LowerFirst(log.joined_seq());
}

// What does not fit waits until the window has room again (OnOutputSent).
void ReplicaSender::SendLetters() {
  Connection& connection = session_.connection();
  while (!peer_->inbox.is_empty()) {
    const size_t waiting = connection.output_bytes();
    if (waiting >= kSendWindowBytes) {
      window_full_ = true;
      return;
    }
    const auto letters = peer_->inbox.Take(next_seq_, kSendWindowBytes - waiting);
    if (letters.empty() && !LowerStaleBarrier()) return;
    for (const ReplicaLetter& letter : letters) {
      SendFrame(letter.type, letter.barrier, letter.count, *letter.payload);
    }
  }
}

}  // namespace hearth
