// Tested by tests/src/server_test.cc and the suites that start the server.
#include "src/server.h"

#include <filesystem>
#include <sstream>

#include "engine/snapshot_copy.h"
#include "src/client_eviction.h"
#include "src/commands/groups.h"
#include "src/engine_options.h"
#include "src/import/redis_import.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/recovery.h"
#include "src/redis_text.h"
#include "src/replication/replication.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr auto kWorkerCronPeriod = std::chrono::milliseconds(1000);
constexpr size_t kExpireStep = 500;
constexpr rlim_t kReservedFiles = 96;  // WALs, manifests, sockets of our own
constexpr rlim_t kFilesMin = 64;       // with less nothing is served
constexpr size_t kErrorCodesMax = 128;
constexpr size_t kUnauthenticatedOutputMax = 1024;

MemoryPolicy MemoryPolicyNamed(const std::string& name) {
  static const std::map<std::string, MemoryPolicy> kPolicies = {
      {"demote", MemoryPolicy::kDemote},
      {"noeviction", MemoryPolicy::kNoEviction},
      {"allkeys-lru", MemoryPolicy::kAllKeysLru},
      {"allkeys-lfu", MemoryPolicy::kAllKeysLfu},
      {"allkeys-random", MemoryPolicy::kAllKeysRandom},
      {"volatile-lru", MemoryPolicy::kVolatileLru},
      {"volatile-lfu", MemoryPolicy::kVolatileLfu},
      {"volatile-random", MemoryPolicy::kVolatileRandom},
      {"volatile-ttl", MemoryPolicy::kVolatileTtl}};
  return kPolicies.at(name);
}

}  // namespace

// Commits a worker's turn before its replies leave.
class Server::WorkerHook final : public TurnHook {
 public:
  WorkerHook(Server& server, size_t index) : server_(server), index_(index) {}
  CommitResult CommitTurn(uint64_t barrier) override {
    const uint64_t own = server_.dispatchers_[index_]->TakeBarrier();
    return {server_.engine_->CommitTurn(std::max(barrier, own)).committed_seq,
            server_.client_eviction_->is_on()};
  }
  void FollowTurn(std::span<Connection* const> turn) override {
    server_.client_eviction_->FollowTurn(*server_.workers_[index_], turn);
  }

 private:
  Server& server_;
  const size_t index_;
};

Server::Server(Config& config, std::function<void(EngineOptions&)> adjust_engine)
    : config_(config),
      adjust_engine_(std::move(adjust_engine)),
      started_ms_(clock_.WallMs()),
      run_id_(NewReplicationId()) {
  replication_ = std::make_unique<Replication>(*this);
  redis_import_ = std::make_unique<RedisImport>(*this);
}

Server::~Server() {
  (void)Stop();
}

std::string Server::Start() {
  if (std::string error = StartUsers(); !error.empty()) return error;
  ReserveFiles();
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < kFilesMin) {
    return "Your current 'ulimit -n' of " + std::to_string(files.rlim_cur) +
           " is not enough for the server to start. Please increase your open file limit to at "
           "least " +
           std::to_string(kFilesMin) + ". Exiting.";
  }
  // First: warming up loads collections, and builds their nodes by these limits.
  WatchCollectionLimits();
  replication_->ReadRole();
  if (std::string error = OpenEngine(); !error.empty()) return error;
  size_t count = static_cast<size_t>(config_.Int("workers"));
  if (count == 0) count = std::max(1u, std::thread::hardware_concurrency());
  for (size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(static_cast<int>(i)));
    dispatchers_.push_back(std::make_unique<Dispatcher>(*this));
    hooks_.push_back(std::make_unique<WorkerHook>(*this, i));
    workers_.back()->SetTurnHook(hooks_.back().get());
  }
  blocked_clients_ = std::make_unique<BlockedClients>(*this);
  if (Status status = LoadFunctions(); !status.ok()) return status.message();
  pubsub_ = std::make_unique<PubSub>(workers_);
  keyspace_events_ = std::make_unique<KeyspaceEvents>(*pubsub_);
  keyspace().SetEventListener([this](const std::vector<KeyEvent>& events, uint64_t barrier) {
    keyspace_events_->Publish(events, barrier);
    replication_->ForwardEvents(events, barrier);
  });
  replication_->SetEventPublisher([this](const std::vector<KeyEvent>& events) {
    keyspace_events_->Publish(events, /*barrier=*/0);
  });
  tracking_ = std::make_unique<Tracking>(keyspace().tracked_keys(), workers_);
  monitors_ = std::make_unique<Monitors>(workers_);
  client_eviction_ = std::make_unique<ClientEviction>(workers_);
  keyspace().SetChangeListener([this](const KeyChanges& changes, uint64_t barrier) {
    tracking_->Tell(changes, barrier);
    if (changes.dropped) engine_->RunOnReaders([dropped = changes.dropped] {});
  });
  keyspace().SetReadyListener(
      [this](std::vector<ReadyKey> keys) { blocked_clients_->NoteReady(std::move(keys)); });
  ListenToCommits();
  WatchConfig();
  workers_[0]->Post([this] { Cron(); });
  for (const auto& worker : workers_) {
    worker->SetCron(kWorkerCronPeriod, [this, &worker = *worker] { WorkerCron(worker); });
    worker->Start();
  }
  replication_->Start();
  if (redis_import_->is_due()) {
    if (std::string error = redis_import_->Begin(); !error.empty()) return error;
  }
  return Listen();
}

// Grows whenever the libraries in the store may be others: it was opened anew or exchanged, or a
// primary changed them.
uint64_t Server::FunctionsEpoch() {
  return engine_->gauges().reopen_count + keyspace().epoch() + keyspace().library_epoch();
}

Status Server::LoadFunctions() {
  functions_of_epoch_ = FunctionsEpoch();
  std::string error;
  const Status status = functions_.LoadAll(engine_->store(), &error);
  if (!error.empty()) Log(LogLevel::kWarning, "Function libraries were left out: " + error);
  return status;
}

// After a failed commit the store was opened anew: it may lack what was loaded here.
bool Server::RefreshFunctions(Reply& reply) {
  if (FunctionsEpoch() == functions_of_epoch_) [[likely]]
    return true;
  const Status status = LoadFunctions();
  if (!status.ok()) reply.Error("IOERR a read of the store failed: " + status.message());
  return status.ok();
}

// A failed commit is over once every worker has told its clients, or has ended: the engine waits
// for that.
void Server::ListenToCommits() {
  const auto committed = [this](uint64_t seq) {
    for (const auto& worker : workers_) worker->Release(seq);
  };
  const auto failed = [this](uint64_t above, const std::string& cause,
                             const std::function<void()>& done) {
    {
      std::lock_guard lock(failing_mutex_);
      if (workers_ended_) return done();
      failing_done_ = done;
    }
    auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
    for (const auto& worker : workers_) {
      const auto told = [this, left, above] {
        if (--*left != 0) return;
        replication_->OnCommitFailed(above);
        std::lock_guard lock(failing_mutex_);
        if (failing_done_) std::exchange(failing_done_, nullptr)();
      };
      worker->FailHeld(above, "MISCONF Errors writing to the AOF file: " + cause, told);
    }
  };
  engine_->SetCommitListener({.on_committed = committed, .on_failed = failed});
}

std::string Server::OpenEngine() {
  EngineOptions options = EngineOptionsOf(config_);
  if (!std::has_single_bit(options.shard_count)) return "'shards' must be a power of two";
  if (Status status = PrepareDataDir(config_.Text("dir"), &options.store.dir); !status.ok()) {
    return status.message();
  }
  if (std::string why = RefuseCutRecovery(options.store.dir); !why.empty()) return why;
  options.replica = replication_->is_replica();
  options.feed = FeedLimitsOfConfig();
  snapshots_.SetDataDir(options.store.dir);
  RemoveUnfinishedSnapshots(snapshots_.Dir());
  if (adjust_engine_) adjust_engine_(options);
  if (std::string error = redis_import_->Prepare(options.store.dir); !error.empty()) return error;
  const std::string manifest = options.store.dir + "/CURRENT";
  const Status status = Engine::Open(std::move(options), &engine_);
  // A resync that had ended may have brought a store where none was. A failure may leave a part of
  // a new one: that is no store yet, and the files are still to be taken over.
  std::error_code error;
  if (status.ok() ? !engine_->report().created : !std::filesystem::exists(manifest, error)) {
    redis_import_->GiveUpNew();
  }
  if (!status.ok()) return status.message();
  ApplyMemoryPolicy();
  const OpenReport& report = engine_->report();
  Log(LogLevel::kNotice, (report.created ? "Created the store in " : "Opened the store in ") +
                             engine_->options().store.dir + ": sequence " +
                             std::to_string(report.recovered_seq) + ", " +
                             std::to_string(report.wal_bytes >> 20) + " MB of log, " +
                             (report.created          ? "new"
                              : report.clean_shutdown ? "after a clean shutdown"
                                                      : "after a crash") +
                             ", in " + std::to_string(report.open_ms) + " ms");
  if (!config_.Bool("appendonly")) {
    Log(LogLevel::kWarning,
        "appendonly is no: a crash falls back to what was last flushed to the store");
  }
  return {};
}

void Server::ApplyMemoryPolicy() {
  const MemoryPolicy policy = MemoryPolicyNamed(config_.Text("maxmemory-policy"));
  const bool lfu = policy == MemoryPolicy::kAllKeysLfu || policy == MemoryPolicy::kVolatileLfu;
  engine_->residency().SetLimit(static_cast<uint64_t>(config_.Int("maxmemory")), policy,
                                static_cast<uint32_t>(config_.Int("maxmemory-samples")));
  engine_->feed().SetLimits(FeedLimitsOfConfig());
  keyspace().SetEvictionClock(lfu ? EvictionClock::kLfu : EvictionClock::kLru,
                              static_cast<uint32_t>(config_.Int("lfu-log-factor")),
                              static_cast<uint32_t>(config_.Int("lfu-decay-time")));
  SetKeyspaceFacts(static_cast<uint32_t>(config_.Int("databases")), lfu,
                   static_cast<uint32_t>(config_.Int("lfu-decay-time")));
}

rlim_t Server::FilesForStore() const {
  return static_cast<rlim_t>(config_.Int("max-open-files")) + kReservedFiles;
}

// The store's files come first: a client must never take the descriptor of the next WAL.
void Server::ReserveFiles() {
  const rlim_t for_store = FilesForStore();
  const auto wanted = static_cast<rlim_t>(config_.Int("maxclients")) + for_store;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < wanted) {
    const rlim_t old = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max = std::max(limit.rlim_max, wanted);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = limit.rlim_max;
      if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = old;
    }
  }
  if (limit.rlim_cur >= wanted) return;
  const rlim_t clients = limit.rlim_cur > for_store ? limit.rlim_cur - for_store : 1;
  Log(LogLevel::kWarning, "You requested maxclients of " +
                              std::to_string(config_.Int("maxclients")) + " requiring at least " +
                              std::to_string(wanted) + " max file descriptors.");
  Log(LogLevel::kWarning, "Current maximum open files is " + std::to_string(limit.rlim_cur) +
                              ". maxclients has been reduced to " + std::to_string(clients) +
                              " to compensate for low ulimit (the store keeps " +
                              std::to_string(for_store) +
                              "). If you need higher maxclients increase 'ulimit -n'.");
  (void)config_.Set({{"maxclients", std::to_string(clients)}});
}

size_t Server::ConnectionCount() const {
  size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connection_count();
  return sum;
}

uint64_t Server::Sum(std::atomic<uint64_t> WorkerCounters::*counter) const {
  uint64_t sum = 0;
  for (const auto& dispatcher : dispatchers_) sum += dispatcher->counters().*counter;
  return sum;
}

uint64_t Server::Max(std::atomic<uint64_t> WorkerCounters::*counter) const {
  uint64_t most = 0;
  for (const auto& dispatcher : dispatchers_) {
    most = std::max<uint64_t>(most, dispatcher->counters().*counter);
  }
  return most;
}

CommandTotals Server::TotalsOf(uint32_t command_index) const {
  CommandTotals totals;
  for (const auto& dispatcher : dispatchers_) totals.Add(dispatcher->stats(command_index));
  return totals;
}

void Server::CountError(std::string_view code) {
  std::lock_guard lock(errors_mutex_);
  const auto found = errors_.find(code);
  if (found != errors_.end()) {
    ++found->second;
  } else if (errors_.size() < kErrorCodesMax) {
    errors_[std::string(code)] = 1;
  }
}

std::map<std::string, uint64_t> Server::ErrorCounts() {
  std::lock_guard lock(errors_mutex_);
  return {errors_.begin(), errors_.end()};
}

void Server::ResetStats() {
  {
    std::lock_guard lock(errors_mutex_);
    errors_.clear();
  }
  for (const auto& dispatcher : dispatchers_) dispatcher->ResetStats();
  for (const auto& worker : workers_) {
    worker->socket_counters().reads.Reset();
    worker->socket_counters().writes.Reset();
  }
  for (uint32_t i = 0; i < keyspace().shard_count(); ++i) {
    Shard& shard = keyspace().shard(i);
    ShardCounters& counts = shard.counters;
    std::lock_guard lock(shard.mutex);  // whoever holds it counts
    for (auto* count : {&counts.hits, &counts.absent_reads, &counts.expired, &counts.evicted}) {
      *count = 0;
    }
  }
  ReplicationStats& links = replication().stats();
  for (auto* count : {&links.sync_full, &links.sync_partial_ok, &links.sync_partial_err,
                      &links.sent_bytes, &links.received_bytes}) {
    *count = 0;
  }
  if (const auto link = replication().link()) link->received_bytes() = 0;
  stats_.connections_received = 0;
  client_eviction_->ResetCount();
  acl_log_.ResetCounts();
  stats_.rejected_before_reset += rejected_connections();
}

bool Server::AllowsProtected(const Session& session) {
  const std::string enabled = config_.Text("enable-debug-command");
  return enabled == "yes" || (enabled == "local" && session.IsLocal());
}

void Server::ApplyLimits(Session& session) {
  Connection& connection = session.connection();
  const std::string_view client_class = session.has_subscribed() ? "pubsub" : "normal";
  ParserLimits& limits = connection.limits();
  limits.proto_max_bulk_len = static_cast<size_t>(config_.Int("proto-max-bulk-len"));
  limits.query_buffer_max = static_cast<size_t>(config_.Int("client-query-buffer-limit"));
  if (session.applies_stream()) {
    limits = ParserLimits();  // the primary's were others: what it took is taken
    limits.proto_max_bulk_len = limits.query_buffer_max = kStreamCommandBytesMax;
    return connection.SetOutputLimits(0, 0, 0);
  }
  // A replica's output is bounded by its sender, however far it is behind.
  if (session.is_replica()) return connection.SetOutputLimits(0, 0, 0);
  std::istringstream words(config_.Text("client-output-buffer-limit"));
  std::string name;
  size_t hard, soft;
  uint32_t seconds;
  bool is_limited = false;
  while (words >> name >> hard >> soft >> seconds) {
    const bool is_class = name == client_class;
    // A monitor reads without having asked: it needs a limit where normal clients have none.
    const bool is_monitors =
        session.is_monitor() && !is_limited && (name == "slave" || name == "replica");
    if (is_class || is_monitors) connection.SetOutputLimits(hard, soft, seconds);
    is_limited |= is_class && (hard != 0 || soft != 0);
  }
  // Whoever has not said who it is gets no more than errors, and takes no more memory than that.
  limits.authenticated = session.authenticated();
  if (!limits.authenticated) connection.SetOutputLimits(kUnauthenticatedOutputMax, 0, 0);
}

void Server::RefuseCrossProtocol(Session& session) {
  constexpr int64_t kLogEveryS = 60;
  const int64_t now_s = clock_.WallMs() / 1000;
  if (now_s - attack_logged_s_.exchange(now_s) > kLogEveryS) {
    Log(LogLevel::kWarning,
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: "
        "commands to the server. This is likely due to an attacker attempting to use Cross "
        "Protocol Scripting to compromise it. Connection from " +
            session.connection().peer_address() + " aborted.");
  }
  session.connection().Close("it speaks HTTP");
}

void Server::ResumeLater(Session& session, int64_t wait_ms) {
  session.connection().worker().RunAfter(std::chrono::milliseconds(wait_ms),
                                         [alive = session.connection().weak_from_this()] {
                                           if (const auto connection = alive.lock())
                                             connection->Resume();
                                         });
}

bool Server::WaitsForDisk(Session& session) {
  constexpr size_t kWaitingBytesMax = 64 << 20;
  if (engine_->log().waiting_bytes() < kWaitingBytesMax) [[likely]]
    return false;
  ResumeLater(session, 5);
  return true;
}

bool Server::WaitsForMail(Session& session) {
  if (!pubsub_->MailIsFull()) [[likely]]
    return false;
  ResumeLater(session, 5);
  return true;
}

// Runs `hz` times a second on the first worker; a fifth of that time may go to expiring keys, and
// as Redis has it, 2 % more for each step of active-expire-effort.
void Server::Cron() {
  const auto period = std::chrono::milliseconds(1000 / config_.Int("hz"));
  const int64_t percent = 20 + 2 * (config_.Int("active-expire-effort") - 1);
  const int64_t start_us = clock_.MonotonicUs(), budget_us = period.count() * 10 * percent;
  while (engine_->ExpireSome(kExpireStep) >= kExpireStep / 4 &&
         clock_.MonotonicUs() - start_us < budget_us) {
  }
  DispatcherOf(*workers_[0]).EvictExcess(budget_us);
  if (tracking_->keys().any()) tracking_->EvictExcess();
  DeliverHere(*workers_[0]);
  workers_[0]->RunAfter(period, [this] { Cron(); });
  if (!replication_->is_loading()) snapshots_.TakeWhenDue();
  stats_.commands.Look(start_us, Sum(&WorkerCounters::commands));
  stats_.net_in.Look(start_us, Sum(&WorkerCounters::net_in));
  stats_.net_out.Look(start_us, Sum(&WorkerCounters::net_out));
}

// Looks at every connection of a worker: what it occupies, and whether it was silent too long.
void Server::WorkerCron(Worker& worker) {
  uint64_t memory = 0, replica_memory = 0, input_max = 0, output_max = 0;
  Dispatcher& dispatcher = DispatcherOf(worker);
  worker.ForEachConnection([&](Connection& connection) {
    input_max = std::max<uint64_t>(input_max, connection.query_buffer_bytes());
    output_max = std::max<uint64_t>(output_max, connection.output_bytes());
    if (connection.handler() == nullptr) return;
    auto& session = static_cast<Session&>(*connection.handler());
    (session.is_replica() ? replica_memory : memory) += session.memory_bytes();
    session.LookAtReplyBuffer();
    dispatcher.CountTraffic(session);
  });
  if (client_eviction_->is_on()) client_eviction_->CountAll(worker);
  WorkerCounters& counters = dispatcher.counters();
  counters.client_memory = memory;
  counters.replica_memory = replica_memory;
  counters.input_buffer_max = input_max;
  counters.output_buffer_max = output_max;
  const auto timeout_s = static_cast<uint32_t>(config_.Int("timeout"));
  if (timeout_s == 0) return;
  worker.CloseIdle(timeout_s, [](Connection& connection) {
    const auto& session = static_cast<const Session&>(*connection.handler());
    return !session.blocked() && !session.waits() && !session.has_subscribed() &&
           !session.is_monitor() && !session.is_replica() && !session.applies_stream();
  });
}

void Server::OnAllWorkers(Worker& asking, const std::function<void(Worker&)>& visit,
                          std::function<void()> done) {
  auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->Post([&worker = *worker, &asking, left, visit, done] {
      visit(worker);
      if (--*left == 0) asking.Post(done);
    });
  }
}

void Server::RequestStop() {
  {
    std::lock_guard lock(stop_mutex_);
    stop_requested_ = true;
  }
  stop_wanted_.notify_all();
}

void Server::WaitUntilStopped() {
  std::unique_lock lock(stop_mutex_);
  stop_wanted_.wait(lock, [this] { return is_stop_requested(); });
}

Status Server::Stop() {
  if (stopped_) return Status::Ok();
  stopped_ = true;
  stopping_ = true;
  snapshots_.Cancel();
  {
    std::lock_guard lock(listeners_mutex_);
    for (OpenListener& open : listeners_) CloseListener(open);
  }
  scripting_.RequestStop();
  replication_->Stop();
  if (blocked_clients_) blocked_clients_->Stop();
  for (const auto& worker : workers_) worker->Stop();
  for (const auto& worker : workers_) worker->Join();
  {
    std::lock_guard lock(failing_mutex_);
    workers_ended_ = true;
    if (failing_done_) std::exchange(failing_done_, nullptr)();
  }
  snapshots_.Join();
  return engine_ ? engine_->Shutdown() : Status::Ok();
}

}  // namespace hearth
