// The role, and how it changes. Tested by tests/src/replication/replication_test.cc.
#include "src/replication/replication.h"

#include <algorithm>
#include <sstream>

#include "net/worker.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/oom_score.h"
#include "src/replication/redis_feed.h"
#include "src/replication/replica_sender.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr auto kCheckPeriod = std::chrono::milliseconds(100);
constexpr uint64_t kTicksASecond = 10;

std::optional<PrimaryAddress> ParsePrimary(const std::string& text) {
  std::istringstream words(text);
  PrimaryAddress address;
  if (words >> address.host >> address.port) return address;
  return std::nullopt;
}

}  // namespace

Replication::Following::Following(Server& server, PrimaryAddress address, Replication& host)
    : follower(server, host, server.config().Bool("replica-accept-empty-primary")),
      link(
          std::move(address.host), address.port, [&host] { return host.ReadLinkSettings(); },
          follower) {}

Replication::Replication(Server& server)
    : server_(server), redis_feed_(std::make_unique<RedisFeed>(server)), waiting_clients_(server) {}

Replication::~Replication() {
  Stop();
}

void Replication::ReadRole() {
  is_replica_ = !server_.config().Text("replicaof").empty();
}

void Replication::ReadConfig() {
  const Config& config = server_.config();
  serves_stale_ = config.Bool("replica-serve-stale-data");
  min_replicas_ = config.Int("min-replicas-to-write");
  max_lag_s_ = config.Int("min-replicas-max-lag");
  server_.engine().feed().SetLimits(server_.FeedLimitsOfConfig());
  server_.engine().SetReplicaWarm(config.Bool("replica-warm"));
  OnReplicasChanged();
}

void Replication::Start() {
  Engine& engine = server_.engine();
  full_sync_source_ = std::make_unique<FullSyncSource>(
      engine,
      FullSyncSource::Options{.unused_ms_max = server_.config().Int("repl-checkpoint-ttl") * 1000,
                              .verify = server_.config().Bool("snapshot-verify"),
                              .cancelled = &cancelled_,
                              .snapshot_dir = [this] { return server_.snapshots().Dir(); }});
  engine.feed().SetListener([this] { replicas_.OnCommit(); });
  for (const char* name :
       {"replica-serve-stale-data", "min-replicas-to-write", "min-replicas-max-lag",
        "repl-backlog-size", "repl-wal-retain-size", "repl-wal-retain-time", "repl-slot-max-size",
        "repl-slot-max-age", "replica-warm", "wal-retain"}) {
    server_.config().OnChange(name, [this](std::string*) {
      ReadConfig();
      return true;
    });
  }
  ReadConfig();
  control_ = std::thread([this] { ControlMain(); });
  redis_feed_->Start();
  started_ = true;
  ReadLoadMark();
  server_.workers()[0]->SetCron(kCheckPeriod, [this] { Tick(); });
  if (const auto address = ParsePrimary(server_.config().Text("replicaof"))) {
    Post([this, address] { Follow(*address, /*take_over=*/false, /*goes_on=*/true); });
  } else {
    RemoveIncoming();
  }
  if (!is_replica() && !server_.config().Bool("appendonly")) {
    Log(LogLevel::kWarning,
        "WARNING: persistence is off (appendonly no). If this server has replicas and is restarted "
        "automatically, it may come back without its data, and its replicas are asked to become "
        "like it: turn persistence on, or automatic restarts off. (Replicas that hold data refuse "
        "an empty primary: replica-accept-empty-primary.)");
  }
}

void Replication::Stop() {
  if (!started_) return;
  started_ = false;
  cancelled_ = true;
  {
    std::lock_guard lock(control_mutex_);
    stopping_ = true;
  }
  control_wanted_.notify_all();
  control_.join();
  redis_feed_->Stop();
  StopFollowing();
}

void Replication::Post(std::function<void()> task) {
  {
    std::lock_guard lock(control_mutex_);
    tasks_.push_back(std::move(task));
  }
  control_wanted_.notify_all();
}

void Replication::ControlMain() {
  std::unique_lock lock(control_mutex_);
  for (;;) {
    control_wanted_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

std::string_view Replication::WriteRefusal() const {
  if (is_replica()) return "READONLY You can't write against a read only replica.";
  const int64_t wanted = min_replicas_.load(std::memory_order_relaxed);
  if (wanted > 0 && max_lag_s_ > 0 && good_replicas_ < wanted) {
    return "NOREPLICAS Not enough good replicas to write.";
  }
  return {};
}

bool Replication::RefusesStaleReads() const {
  return is_replica() && !serves_stale_ && !link_is_up();
}

std::shared_ptr<ReplicaLink> Replication::link() const {
  std::lock_guard lock(mutex_);
  return following_ ? std::shared_ptr<ReplicaLink>(following_, &following_->link) : nullptr;
}

bool Replication::link_is_up() const {
  const auto current = link();
  return current != nullptr && current->is_up();
}

std::optional<PrimaryAddress> Replication::primary() const {
  if (!is_replica()) return std::nullopt;
  return ParsePrimary(server_.config().Text("replicaof"));
}

LinkSettings Replication::ReadLinkSettings() const {
  const Config& config = server_.config();
  LinkSettings settings;
  settings.user = config.Text("masteruser");
  settings.password = config.Text("masterauth");
  settings.source_address = config.Text("bind-source-addr");
  settings.announce_ip = config.Text("replica-announce-ip");
  settings.announce_port = static_cast<int>(config.Int("replica-announce-port"));
  const bool tls = config.Bool("tls-replication");
  if (settings.announce_port == 0 && tls) {
    settings.announce_port = static_cast<int>(config.Int("tls-port"));
  }
  if (settings.announce_port == 0) settings.announce_port = server_.port();
  settings.timeout_ms = config.Int("repl-timeout") * 1000;
  if (tls) settings.tls = server_.NewClientTls(&settings.error);
  return settings;
}

void Replication::SetPrimary(PrimaryAddress address, Done done) {
  Post([this, address = std::move(address), done = std::move(done)] {
    Follow(address, /*take_over=*/false);
    done("");
  });
}

void Replication::Promote(std::string why, Done done) {
  Post([this, why = std::move(why), done = std::move(done)] { done(BecomePrimary(why)); });
}

void Replication::StopFollowing() {
  std::shared_ptr<Following> old;
  {
    std::lock_guard lock(mutex_);
    old = std::exchange(following_, nullptr);
  }
  if (old) old->link.Stop();
}

void Replication::Follow(const PrimaryAddress& address, bool take_over, bool goes_on) {
  StopFollowing();
  if (!goes_on) RemoveFollowedMark(server_.engine());
  BecomeReplica();
  const std::string name = address.host + " " + std::to_string(address.port);
  server_.config().Note("replicaof", name);
  Log(LogLevel::kNotice,
      "Connecting to MASTER " + address.host + ":" + std::to_string(address.port));
  auto following = std::make_shared<Following>(server_, address, *this);
  following->follower.groups().GoOn(ReadFollowedMark(server_.engine(), name));
  if (take_over) following->follower.groups().AskToTakeOver();
  following->link.Start();
  std::lock_guard lock(mutex_);
  following_ = std::move(following);
}

// What a full resync has collected, when it is given up.
void Replication::RemoveIncoming() {
  const Status status = FullSyncTarget(server_.engine().options().store.dir).Remove();
  if (!status.ok()) Log(LogLevel::kWarning, status.message());
}

// Requires: the control thread.
void Replication::BecomeReplica() {
  Engine& engine = server_.engine();
  is_replica_ = true;
  (void)ApplyOomScore(server_.config(), true);  // which has logged what failed
  if (engine.is_replica()) return;
  const auto end_waits = [this] {
    server_.blocked_clients().EndAll();
    waiting_clients_.EndAll();
  };
  end_waits();
  // Commands that passed the gate before it closed have ended behind this, or wait.
  WaitForWorkers();
  end_waits();
  if (!engine.log().CommitAndWait(engine.log().joined_seq())) {
    Log(LogLevel::kWarning, "The last writes before becoming a replica failed");
  }
  engine.SetReplica(true);
  server_.keyspace().SetExpiryHeld(false);
  CloseRedisFollowers();
}

// What comes next does not come by commands that could be passed on.
void Replication::CloseRedisFollowers() {
  redis_feed_->EndStream();
  replicas_.CloseIf([](const ReplicaPeer& peer) { return peer.is_redis; },
                    "the data come from another server now");
}

CommandStream& Replication::command_stream() {
  return redis_feed_->stream();
}

void Replication::OnCommitFailed(uint64_t seq) {
  replicas_.DropLettersAbove(seq);
  command_stream().DropAbove(seq);
}

// Returns once every worker has ended the turn it is in.
void Replication::WaitForWorkers() {
  struct Left {
    std::mutex mutex;
    std::condition_variable none;
    size_t count = 0;
  };
  const auto left = std::make_shared<Left>();
  left->count = server_.workers().size();
  for (const auto& worker : server_.workers()) {
    worker->Post([left] {
      std::lock_guard lock(left->mutex);
      if (--left->count == 0) left->none.notify_all();
    });
  }
  std::unique_lock lock(left->mutex);
  left->none.wait(lock, [&] { return left->count == 0; });
}

// Requires: the control thread.
std::string Replication::BecomePrimary(const std::string& why) {
  if (!is_replica()) return {};
  StopFollowing();
  const Status status = server_.engine().Promote();
  if (!status.ok()) {
    Log(LogLevel::kWarning, "Becoming a primary failed: " + status.message());
    const auto address = ParsePrimary(server_.config().Text("replicaof"));
    if (address) Follow(*address, /*take_over=*/false, /*goes_on=*/true);
    return "ERR " + status.message();
  }
  RemoveFollowedMark(server_.engine());
  RemoveIncoming();
  server_.keyspace().SetExpiryHeld(false);
  server_.config().Note("replicaof", "");
  is_replica_ = false;
  (void)ApplyOomScore(server_.config(), false);
  const History history = server_.engine().log().history();
  Log(LogLevel::kNotice, "MASTER MODE enabled (" + why + "): history " + history.id +
                             " goes on from sequence " + std::to_string(history.id2_seq) + " of " +
                             history.id2);
  return {};
}

// Bytes go by a clock that runs ahead by what was read: a chunk may begin when it has caught up.
int64_t Replication::PaceFullSync(uint64_t size) {
  const int64_t rate = server_.config().Int("repl-full-sync-rate");
  if (rate == 0) return 0;
  const int64_t now_us = LinkNowUs();
  const auto cost_us = static_cast<int64_t>(size * 1'000'000 / static_cast<uint64_t>(rate));
  int64_t free_us = full_sync_free_us_;
  int64_t begin_us;
  do {
    begin_us = std::max(free_us, now_us);
  } while (!full_sync_free_us_.compare_exchange_weak(free_us, begin_us + cost_us));
  return (begin_us - now_us + 999) / 1000;
}

void Replication::OnReplicasChanged() {
  good_replicas_ = static_cast<int64_t>(replicas_.CountGood(max_lag_s_, LinkNowUs()));
}

void Replication::OnAck() {
  waiting_clients_.Check();
  if (min_replicas_ > 0) OnReplicasChanged();
}

void Replication::ForwardMessage(std::string_view channel, std::string_view message,
                                 uint64_t barrier) {
  if (replicas_.count() == 0) return;
  stats_.dropped_messages += replicas_.Send({.type = FrameType::kMessage,
                                             .count = static_cast<uint32_t>(channel.size()),
                                             .barrier = barrier,
                                             .payload = std::make_shared<const std::string>(
                                                 std::string(channel) + std::string(message))});
}

void Replication::ForwardEvents(const std::vector<KeyEvent>& events, uint64_t barrier) {
  const uint32_t wanted = events_of_replicas_.load(std::memory_order_relaxed);
  if (wanted == 0) return;
  for (const KeyEvent& event : events) {
    const auto type = static_cast<uint32_t>(event.type);
    if (type & wanted) SendEvent({event.db, type, std::string(event.name), event.key}, barrier);
  }
}

void Replication::SendEvent(const WireEvent& event, uint64_t barrier) {
  stats_.dropped_events +=
      replicas_.Send({.type = FrameType::kEvent,
                      .count = event.db,
                      .barrier = barrier,
                      .payload = std::make_shared<const std::string>(EncodeEvent(event))},
                     event.type);
}

void Replication::OnWantedEvents() {
  std::lock_guard lock(events_mutex_);
  events_of_replicas_ = replicas_.WantedEvents();
  server_.keyspace().SetEventClasses(own_events_ | events_of_replicas_);
}

void Replication::SetOwnEvents(uint32_t classes) {
  own_events_ = classes;
  OnWantedEvents();
}

// Those of this server's subscribers, and of its replicas. Misses are told where they happen.
uint32_t Replication::WantedEvents() {
  return (own_events_ | events_of_replicas_) & ~static_cast<uint32_t>(EventClass::kKeyMiss);
}

// Whoever listens here is behind: nothing is to be read from the link until deliveries have gone
// on.
bool Replication::IsBehind() {
  return server_.pubsub().MailIsFull();
}

void Replication::OnEvent(const WireEvent& event, uint64_t seq) {
  const auto type = static_cast<EventClass>(event.type);
  if (server_.pubsub().MailIsFull()) {
    ++stats_.dropped_events;
  } else {
    publish_events_({{type, event.db, event.name, event.key}});
  }
  if (events_of_replicas_ & event.type) SendEvent(event, seq);
}

void Replication::OnExchange() {
  replicas_.CloseAll("the data are exchanged");
}

void Replication::OnMessage(std::string_view channel, std::string_view message, uint64_t seq) {
  (void)server_.pubsub().Publish(NameKind::kChannel, channel, message, /*barrier=*/0,
                                 [&] { ForwardMessage(channel, message, seq); });
}

// Ten times a second, on the first worker.
void Replication::Tick() {
  if (waiting_clients_.waits_for_disk()) waiting_clients_.Check();
  TickFailover();
  server_.shutdown().Tick();
  if (++tick_count_ % kTicksASecond != 0) return;
  OnReplicasChanged();
  if (drop_is_due_.exchange(false)) Post([this, count = load_count_.load()] { RetryDrop(count); });
  redis_feed_->Tick();
  replicas_.ForEach([](Connection& connection) {
    if (ReplicaSender* sender = ReplicaSender::Of(connection)) sender->Tick();
  });
  constexpr uint64_t kSourceTickS = 10;
  if (tick_count_ % (kTicksASecond * kSourceTickS) != 0) return;
  server_.engine().RunOnReaders([this] { full_sync_source_->Tick(); });
}

}  // namespace hearth
