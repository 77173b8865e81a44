// Asking a Redis for its stream, and running it. Tested by
// tests/src/replication/redis_follower_test.cc and tests/replication/from_redis_test.py.
#include "src/replication/redis_follower.h"

#include <poll.h>

#include "src/commands/groups.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/replication/group_follower.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr int64_t kAckUs = 1'000'000;
constexpr int kWaitMs = 100;
constexpr size_t kReadBytes = 256 * 1024;
constexpr int64_t kDrainUsMax = 60'000'000;
constexpr std::string_view kKnownValkey = "9.0.0";
constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";

}  // namespace

RedisFollower::RedisFollower(Server& server, FollowHost& host, bool accept_empty)
    : server_(server), host_(host), accept_empty_(accept_empty) {}

RedisFollower::~RedisFollower() = default;

void RedisFollower::Follow(LinkSocket& socket, ReplicaLink& link) {
  const int64_t timeout_ms = link.settings().timeout_ms;
  const auto ask = [&](std::initializer_list<std::string_view> words) {
    std::optional<std::string> line;
    if (socket.WriteCommand({words.begin(), words.size()}, timeout_ms)) {
      // An empty line says that the primary is busy preparing.
      do line = socket.ReadLine(timeout_ms);
      while (line && line->empty());
    }
    if (line) link.NoteIo();
    return line;
  };
  // Without it a Valkey 9 does not send hashes whose fields expire.
  if (!ask({"REPLCONF", "version", kKnownValkey})) {
    return link.Fail("REPLCONF version: " + socket.error());
  }
  if (!ask({"REPLCONF", "capa", "eof", "capa", "psync2"})) {
    return link.Fail("REPLCONF capa: " + socket.error());
  }
  scanner_ = std::make_unique<CommandScanner>();
  if (primary_id_.empty()) TakePlaceOfStore();
  const auto line = primary_id_.empty() ? ask({"PSYNC", "?", "-1"})
                                        : ask({"PSYNC", primary_id_, std::to_string(applied_ + 1)});
  if (!line) return link.Fail("PSYNC: " + socket.error());
  if (line->starts_with("+FULLRESYNC ")) {
    host_.OnFollowing();
    if (TakeFullResync(socket, link, *line)) Stream(socket, link);
    return;
  }
  if (line->starts_with("+CONTINUE") && !primary_id_.empty()) {
    host_.OnFollowing();
    if (line->size() > 10) primary_id_ = line->substr(10);
    return Stream(socket, link);
  }
  link.Fail("PSYNC: " + *line);
}

void RedisFollower::TakePlaceOfStore() {
  if (server_.replication().is_loading()) return;
  const StreamPlace place = server_.engine().log().stream_place();
  primary_id_ = place.id;
  applied_ = place.offset;
  applied_db_ = place.db;
}

// The next resync is full.
void RedisFollower::ForgetPlace() {
  primary_id_.clear();
  server_.engine().log().ForgetStreamPlace();
}

void RedisFollower::Stream(LinkSocket& socket, ReplicaLink& link) {
  places_ = std::make_shared<StreamPlaces>(primary_id_);
  StreamClient client(server_, &link, places_);
  pending_.clear();
  broken_.clear();
  stop_.clear();
  reply_count_ = 0;
  received_ = applied_;
  shown_received_ = shown_applied_ = applied_;
  requested_ack_ = 0;
  in_multi_ = false;
  acked_us_ = 0;
  outside_multi_ = applied_;
  outside_multi_db_ = db_ = applied_db_;
  if (!client.Run({"SELECT", std::to_string(db_)})) {
    if (!link.dropped()) ForgetPlace();  // it would fail again behind each +CONTINUE
    return link.Fail(client.error());
  }
  link.SetState(LinkState::kConnected);
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: following the Redis from its offset " +
                             std::to_string(applied_ + 1) + " on");
  bool ok = TakeCommands(link, client);
  while (ok && !link.dropped()) ok = StreamSome(socket, link, client);
  const bool is_drained = Drain(client);
  if (is_refused_) return RefuseStream(link);
  if (!is_drained) {
    ForgetPlace();
    const std::string& why = broken_.empty() ? client.error() : broken_;
    Log(LogLevel::kWarning, "The stream of the primary can't be applied, a full resync follows: " +
                                (why.empty() ? "no reply came" : why));
    link.Fail(why);
  } else if (!stop_.empty()) {
    link.FailForGood(stop_);
  } else if (ok && !link.wakeup().stopped()) {
    link.Fail("closed by CLIENT KILL");
  }
}

// It would be refused again, perhaps behind a full resync: no other try comes.
void RedisFollower::RefuseStream(ReplicaLink& link) {
  const StreamPlaces::Refusal refusal = places_->refusal();
  if (refusal.is_within_exec) ForgetPlace();
  link.FailForGood(refusal.why);
}

// False: the link has failed, or is to be refused.
bool RedisFollower::StreamSome(LinkSocket& socket, ReplicaLink& link, StreamClient& client) {
  const auto fail = [&](std::string why) {
    link.Fail(std::move(why));
    return false;
  };
  if (!client.Pump([this](const std::string& error) { TakeReply(error); })) {
    return fail(client.error());
  }
  if (is_refused_) return false;
  if (!broken_.empty()) return fail("applying: " + broken_);
  if (!SendAck(socket, link)) return fail(socket.error());
  // Within a MULTI nothing is applied before its EXEC: what is not taken yet bounds it.
  const uint64_t under_way = in_multi_ ? client.unsent_size() : received_ - applied_;
  const bool may_read = under_way < kStreamPendingBytesMax;
  IoResult result{IoStatus::kWantRead};
  if (may_read) result = socket.Read(scanner_->Prepare(kReadBytes), 0);
  if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
    return fail(socket.error());
  }
  if (result.size > 0) {
    link.NoteIo();
    link.received_bytes() += result.size;
    scanner_->Commit(result.size);
    return TakeCommands(link, client);
  }
  if (may_read && LinkNowUs() - link.last_io_us() > link.settings().timeout_ms * 1000) {
    return fail("MASTER timeout: no data nor PING received...");
  }
  Wait(socket, link, client, may_read);
  return true;
}

void RedisFollower::Wait(const LinkSocket& socket, ReplicaLink& link, const StreamClient& client,
                         bool read) {
  pollfd fds[3] = {
      {link.wakeup().fd(), POLLIN, 0},
      {client.fd(), static_cast<short>(client.wants_write() ? POLLIN | POLLOUT : POLLIN), 0},
      {socket.fd(), POLLIN, 0}};
  if (::poll(fds, read ? 3 : 2, kWaitMs) > 0 && fds[0].revents != 0) link.wakeup().Drain();
}

bool RedisFollower::TakeCommands(ReplicaLink& link, StreamClient& client) {
  ScannedCommand command;
  CommandScanner::Result result;
  while ((result = scanner_->Next(&command)) == CommandScanner::Result::kCommand) {
    TakeCommand(command, client);
    if (!stop_.empty()) return false;
    if (broken_.empty()) continue;
    link.Fail("applying: " + broken_);
    return false;
  }
  if (result != CommandScanner::Result::kDamaged) return true;
  link.Fail("what came behind offset " + std::to_string(received_) + " is no command");
  return false;
}

void RedisFollower::TakeCommand(const ScannedCommand& command, StreamClient& client) {
  received_ += command.bytes.size();
  shown_received_ = received_;
  if (command.name.empty()) {  // an empty line, which counts
    if (in_multi_) return;
    if (!pending_.empty()) {
      pending_.back().end_offset = received_;
    } else {
      shown_applied_ = applied_ = received_;
    }
    return;
  }
  Pending item{received_, db_, false, false, std::string(command.name.substr(0, 32))};
  if (IsWord(command.name, "SELECT")) {
    // Refused within MULTI it would go unnoticed, and what follows into another database.
    const auto db = ParseInt64(command.word);
    if (!db || *db < 0 || *db >= static_cast<int64_t>(DbCount())) {
      stop_ = "SELECT " + std::string(command.word.substr(0, 32)) + ": this server has " +
              std::to_string(DbCount()) + " (databases)";
      return;
    }
    item.must_succeed = true;
    item.db = db_ = static_cast<uint32_t>(*db);
  }
  if (IsWord(command.name, "MULTI")) {
    item.must_succeed = in_multi_ = true;
  } else if (IsWord(command.name, "EXEC")) {
    in_multi_ = false;
  }
  item.advances = !in_multi_;
  if (item.advances) {
    outside_multi_ = received_;
    outside_multi_db_ = db_;
  }
  places_->Push(outside_multi_, outside_multi_db_);
  if (IsWord(command.name, "REPLCONF")) {
    // GETACK; it counts when its turn comes.
    requested_ack_ = received_;
    client.Push(kPing);
  } else {
    client.Push(command.bytes);
  }
  pending_.push_back(std::move(item));
}

void RedisFollower::TakeReply(const std::string& error) {
  if (pending_.empty()) {
    broken_ = "a reply too many";
    return;
  }
  const Pending item = std::move(pending_.front());
  pending_.pop_front();
  const uint64_t index = reply_count_++;
  if (!broken_.empty()) return;
  if (!error.empty()) {
    if (places_->is_refused() && places_->refusal().index == index) {
      is_refused_ = true;
      broken_ = places_->refusal().why;
      return;
    }
    if (item.must_succeed || IsOfThisServer(error)) {
      broken_ = item.name + ": " + error;
      return;
    }
    if (error_count_++ < kStreamErrorsLoggedMax) {
      Log(LogLevel::kWarning, "== CRITICAL == This replica is sending an error to its master: '" +
                                  error + "' after processing the command '" + item.name + "'");
    }
  }
  if (!item.advances) return;
  applied_ = item.end_offset;
  applied_db_ = item.db;
  shown_applied_ = applied_;
}

bool RedisFollower::SendAck(LinkSocket& socket, ReplicaLink& link) {
  const int64_t now_us = LinkNowUs();
  const bool asked = requested_ack_ != 0 && applied_ >= requested_ack_;
  if (!asked && now_us - acked_us_ < kAckUs) return true;
  const std::string offset = std::to_string(applied_);
  const std::string_view words[] = {"REPLCONF", "ACK", offset};
  if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
  if (asked) requested_ack_ = 0;
  acked_us_ = now_us;
  return true;
}

bool RedisFollower::Drain(StreamClient& client) {
  const int64_t until_us = LinkNowUs() + kDrainUsMax;
  while (client.Pump([this](const std::string& error) { TakeReply(error); })) {
    if (!broken_.empty()) return false;
    if (pending_.empty()) return true;
    if (LinkNowUs() > until_us) return false;
    pollfd poll_fd{client.fd(),
                   static_cast<short>(client.wants_write() ? POLLIN | POLLOUT : POLLIN), 0};
    ::poll(&poll_fd, 1, kWaitMs);
  }
  return false;
}

}  // namespace hearth
