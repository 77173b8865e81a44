// Asking a primary for its groups, and applying them. Tested by
// tests/src/replication/replication_test.cc.
#include "src/replication/group_follower.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "engine/replica_id.h"
#include "src/log.h"

namespace hearth {
namespace {

constexpr int64_t kAckUs = 100'000, kAckIdleUs = 1'000'000;
constexpr size_t kReadBytes = 256 * 1024;
constexpr int kFramesPerReadMax = 4096;
constexpr int64_t kBehindMs = 5;

}  // namespace

GroupFollower::GroupFollower(Engine& engine, FollowHost& host, bool accept_empty)
    : engine_(engine), host_(host), accept_empty_(accept_empty), queue_(engine, [this] {
        ReplicaLink* const link = link_.load();
        if (link != nullptr && wants_wake_) link->wakeup().Wake();
      }) {}

GroupFollower::~GroupFollower() = default;

void GroupFollower::Finish() {
  queue_.WaitApplied();
  link_ = nullptr;
}

// By what the primary is to know this server's slot. False: the socket broke.
bool GroupFollower::TellId(LinkSocket& socket, ReplicaLink& link) {
  Status kept;
  const std::string id =
      KeptReplicaId(engine_.store().file_system(), engine_.options().store.dir, &kept);
  if (id.empty()) {
    Log(LogLevel::kWarning, "The replica's id can't be kept: " + kept.message());
    return true;
  }
  const std::string_view words[] = {"REPLCONF", "replica-id", id};
  if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
  if (!socket.ReadLine(link.settings().timeout_ms)) return false;
  link.NoteIo();
  return true;
}

void GroupFollower::Follow(LinkSocket& socket, ReplicaLink& link) {
  link_ = &link;
  if (!TellId(socket, link)) return link.Fail(socket.error());
  queue_.WaitApplied();
  queue_.Reset();
  if (!engine_.log().accepting()) return link.Fail("the store refuses writes");

  const History history = engine_.log().history();
  pushed_seq_ = engine_.log().committed_seq();
  reader_ = std::make_unique<FrameReader>();
  wanted_events_ = 0;
  ack_wanted_seq_ = ack_wanted_next_ = std::nullopt;
  acked_us_ = 0;
  const std::string next = std::to_string(pushed_seq_ + 1);
  std::vector<std::string_view> words = {"PSYNC", history.id, next};
  if (ask_to_take_over_) words.emplace_back("FAILOVER");
  const int64_t timeout_ms = link.settings().timeout_ms;
  std::optional<std::string> line;
  if (socket.WriteCommand(words, timeout_ms)) line = socket.ReadLine(timeout_ms);
  if (!line) return link.Fail("PSYNC: " + socket.error());
  link.NoteIo();
  if (line->starts_with("+CONTINUE")) {
    ask_to_take_over_ = false;
    host_.OnFollowing();
    return Stream(socket, link);
  }
  if (line->starts_with("+FULLRESYNC ")) {
    ask_to_take_over_ = false;
    host_.OnFollowing();
    return Resync(socket, link, *line);
  }
  link.Fail("PSYNC: " + *line);
}

// Over restarts too.
void GroupFollower::Mark(const ReplicaLink& link, bool refused) {
  if (mark_.followed && mark_.refused == refused) return;
  mark_ = {.followed = true, .refused = refused};
  WriteFollowedMark(engine_, link.host() + " " + std::to_string(link.port()), refused);
}

void GroupFollower::Stream(LinkSocket& socket, ReplicaLink& link) {
  const bool was_up = link.is_up();
  Mark(link, /*refused=*/false);
  link.SetState(LinkState::kConnected);
  if (!was_up) {
    Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: the primary goes on from sequence " +
                               std::to_string(pushed_seq_ + 1));
  }
  while (!link.dropped()) {
    if (const Status status = queue_.status(); !status.ok()) return NoteUnfit(status, link);
    if (!SendAck(socket, link) || !SendWantedEvents(socket, link)) {
      return link.Fail(socket.error());
    }
    if (host_.IsBehind()) {
      link.wakeup().Sleep(kBehindMs);
      continue;
    }
    const bool is_full = queue_.is_full();
    wants_wake_ = is_full || ack_wanted_seq_.has_value();
    if (wants_wake_ && queue_.is_idle()) continue;  // the queue was done before it could know
    if (is_full) {
      link.wakeup().Sleep(kAckUs / 1000);
      continue;
    }
    const IoResult result = socket.Read(reader_->Prepare(kReadBytes), kAckUs / 1000);
    if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
      return link.Fail(socket.error());
    }
    if (result.size == 0) {
      if (LinkNowUs() - link.last_io_us() > link.settings().timeout_ms * 1000) {
        return link.Fail("MASTER timeout: no data nor PING received...");
      }
      continue;
    }
    link.NoteIo();
    link.received_bytes() += result.size;
    reader_->Commit(result.size);
    Frame frame;
    FrameReader::Result next;
    int count = 0;
    while ((next = reader_->Next(&frame)) == FrameReader::Result::kFrame) {
      if (!Take(frame, link)) return;
      if (++count % kFramesPerReadMax == 0 && link.dropped()) break;
    }
    if (next == FrameReader::Result::kDamaged) return link.Fail(reader_->error());
  }
  if (!link.wakeup().stopped()) link.Fail("closed by CLIENT KILL");
}

// A group that can't be applied twice will never be.
void GroupFollower::NoteUnfit(const Status& status, ReplicaLink& link) {
  const std::string why = "applying failed: " + status.message();
  if (status.code() != Status::Code::kInvalid) return link.Fail(why);
  const uint64_t last_seq = engine_.log().committed_seq();
  if (std::exchange(unfit_seq_, last_seq) == last_seq) return link.FailForGood(why);
  link.Fail(why);
}

// False: the link has failed.
bool GroupFollower::Take(Frame& frame, ReplicaLink& link) {
  switch (frame.type) {
    case FrameType::kGroup: {
      if (frame.first != pushed_seq_ + 1 || frame.count == 0) {
        link.Fail("a group at " + std::to_string(frame.first) + ", not at " +
                  std::to_string(pushed_seq_ + 1));
        return false;
      }
      auto group = std::make_shared<Group>();
      group->first_seq = frame.first;
      group->count = frame.count;
      group->payload = std::move(frame.payload);
      pushed_seq_ = group->last_seq();
      if (pushed_seq_ > primary_seq_) primary_seq_ = pushed_seq_;
      queue_.Push(std::move(group));
      return true;
    }
    case FrameType::kHeartbeat:
      primary_seq_ = frame.first;
      return true;
    case FrameType::kGetAck:
      WantAck();
      return true;
    case FrameType::kMessage:
      if (frame.count <= frame.payload.size()) {
        const size_t size_bytes = frame.payload.size();
        queue_.PushThen(
            [this, seq = pushed_seq_, channel_size = frame.count,
             payload = std::move(frame.payload)] {
              const std::string_view text(payload);
              host_.OnMessage(text.substr(0, channel_size), text.substr(channel_size), seq);
            },
            size_bytes);
      }
      return true;
    case FrameType::kEvent:
      if (auto event = DecodeEvent(frame)) {
        const uint64_t seq = frame.first;
        queue_.PushThen([this, seq, event = std::move(*event)] { host_.OnEvent(event, seq); },
                        frame.payload.size() + sizeof(WireEvent));
      }
      return true;
    default:
      return true;  // of a resync that was given up, or of a later version
  }
}

// When they have changed. False: the socket broke.
bool GroupFollower::SendWantedEvents(LinkSocket& socket, ReplicaLink& link) {
  const uint32_t wanted = host_.WantedEvents();
  if (wanted == wanted_events_) return true;
  const std::string text = std::to_string(wanted);
  const std::string_view words[] = {"REPLCONF", "events", text};
  if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
  wanted_events_ = wanted;
  return true;
}

// Of what has come up to now: what comes later may come without end.
void GroupFollower::WantAck() {
  (ack_wanted_seq_ ? ack_wanted_next_ : ack_wanted_seq_) = pushed_seq_;
}

// Synced, or in the files of the store although nothing syncs its log.
uint64_t GroupFollower::DurableSeq() const {
  return std::max(engine_.log().synced_seq(), engine_.store().flushed_seq());
}

// When one is due. False: the socket broke.
bool GroupFollower::SendAck(LinkSocket& socket, ReplicaLink& link) {
  const int64_t now_us = LinkNowUs();
  const uint64_t applied = engine_.log().committed_seq();
  const uint64_t synced = std::min(DurableSeq(), applied);
  const bool moved = applied != acked_seq_ || synced != acked_synced_;
  const bool asked = ack_wanted_seq_ && applied >= *ack_wanted_seq_;
  const int64_t waited_us = now_us - acked_us_;
  if (!asked && !(moved && waited_us >= kAckUs) && waited_us < kAckIdleUs) return true;
  const std::string applied_text = std::to_string(applied), synced_text = std::to_string(synced);
  const std::string_view words[] = {"REPLCONF", "ACK", applied_text, "FACK", synced_text};
  if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
  if (asked) ack_wanted_seq_ = std::exchange(ack_wanted_next_, std::nullopt);
  acked_us_ = now_us;
  acked_seq_ = applied;
  acked_synced_ = synced;
  return true;
}

}  // namespace hearth
