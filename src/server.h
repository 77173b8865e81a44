#pragma once

// Server: the engine, the workers, the listeners and the configuration, put together.
//
// Thread:   Start and Stop from the owner's; accessors and counters from any worker.
// Lifetime: outlives its sessions; Stop ends workers before the engine.
// Errors:   Start returns a text for people.

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "net/listener.h"
#include "net/worker.h"
#include "src/acl/log.h"
#include "src/acl/users.h"
#include "src/blocked_clients.h"
#include "src/command_table.h"
#include "src/config.h"
#include "src/dispatcher.h"
#include "src/keyspace_events.h"
#include "src/latency_monitor.h"
#include "src/monitors.h"
#include "src/pause_gate.h"
#include "src/pubsub.h"
#include "src/reply_buffer.h"
#include "src/scripting/functions.h"
#include "src/scripting/scripting.h"
#include "src/server_stats.h"
#include "src/shutdown.h"
#include "src/slow_log.h"
#include "src/snapshots.h"
#include "src/tracking.h"

namespace hearth {

// What INFO and HELLO tell clients that look for features by version.
inline constexpr std::string_view kRedisVersion = "7.2.0";

class ClientEviction;
class RedisImport;
class Replication;

class Server {
 public:
  // adjust_engine has the last word on how the engine is opened; tests give it another disk.
  explicit Server(Config& config, std::function<void(EngineOptions&)> adjust_engine = {});
  ~Server();

  // Opens the store, binds and serves. Empty when all went well.
  std::string Start();
  // To be run behind Start, if it is due.
  RedisImport& redis_import() { return *redis_import_; }
  // Returns once Stop was asked for (a signal, SHUTDOWN).
  void WaitUntilStopped();
  bool is_stop_requested() const { return stop_requested_; }
  // From any thread or a signal's: ends WaitUntilStopped.
  void RequestStop();
  // Ends workers, then the engine. The status of the last sync.
  Status Stop();

  Config& config() { return config_; }
  Engine& engine() { return *engine_; }
  Keyspace& keyspace() { return engine_->keyspace(); }
  const Clock& clock() const { return clock_; }
  const CommandTable& commands() const { return commands_; }
  ServerStats& stats() { return stats_; }
  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  Dispatcher& DispatcherOf(const Worker& worker) {
    return *dispatchers_[static_cast<size_t>(worker.index())];
  }
  int64_t started_ms() const { return started_ms_; }
  // Of the TCP listener; 0 = none.
  int port();
  const std::string& run_id() const { return run_id_; }
  uint64_t rejected_connections();
  size_t ConnectionCount() const;

  SlowLog& slow_log() { return slow_log_; }
  BlockedClients& blocked_clients() { return *blocked_clients_; }
  PubSub& pubsub() { return *pubsub_; }
  Scripting& scripting() { return scripting_; }
  Functions& functions() { return functions_; }
  // Compiles the functions that the store holds, when it was opened anew; false: the error is
  // written. Requires: a Tx that locks all, or no command runs yet.
  bool RefreshFunctions(Reply& reply);
  uint64_t FunctionsEpoch();
  Status LoadFunctions();
  Tracking& tracking() { return *tracking_; }
  Monitors& monitors() { return *monitors_; }
  // Gives the calling worker's clients what it published, invalidated and told monitors.
  void DeliverHere(Worker& worker) {
    pubsub_->DeliverHere(worker);
    tracking_->DeliverHere(worker);
    monitors_->DeliverHere(worker);
  }
  ClientEviction& client_eviction() { return *client_eviction_; }
  Replication& replication() { return *replication_; }
  // What the configuration says of the feed; a context for links under TLS, null and *error.
  FeedLimits FeedLimitsOfConfig() const;
  std::shared_ptr<TlsContext> NewClientTls(std::string* error) const;
  LatencyMonitor& latency_monitor() { return latency_monitor_; }
  // A counter of all workers together.
  uint64_t Sum(std::atomic<uint64_t> WorkerCounters::*counter) const;
  uint64_t Max(std::atomic<uint64_t> WorkerCounters::*counter) const;
  CommandTotals TotalsOf(uint32_t command_index) const;
  void CountError(std::string_view code);
  std::map<std::string, uint64_t> ErrorCounts();
  void ResetStats();

  // `latency-tracking`
  bool TracksLatency() const { return track_latency_.load(std::memory_order_relaxed); }
  AclUsers& users() { return users_; }
  AclLog& acl_log() { return acl_log_; }
  // The configured `aclfile` and where it lies; empty: users stand in the configuration.
  std::string AclFile() const { return config_.Text("aclfile"); }
  std::string AclFilePath() const;
  // Reads the ACL file; the error text, empty when done. Any thread.
  std::string LoadAclFile(AclChange* change);
  // Writes it, whole or not at all; the error text. Any thread.
  std::string ReplaceAclFile(const std::string& contents);
  // Tells every client of a change of users: those whose user is gone, or who listen to what they
  // no longer may, are closed; then done, with whether the client of own_id is among those (it is
  // not closed: it may get a reply first).
  void FollowAclChange(Worker& asking, const AclChange& change, uint64_t own_id,
                       std::function<void(bool close_own)> done);
  // Whether enable-debug-command lets this client run DEBUG.
  bool AllowsProtected(const Session& session);
  // Gives a client the limits of the configuration.
  void ApplyLimits(Session& session);
  std::string RefusePeer(const PeerInfo& peer);  // why it may not connect; empty: it may

  // Closes a connection that speaks HTTP, without a word; logged once a minute.
  void RefuseCrossProtocol(Session& session);

  // Parks the session when its write has to wait because the disk stands still.
  bool WaitsForDisk(Session& session);
  // Parks the session when its message has to wait because deliveries are behind.
  bool WaitsForMail(Session& session);
  // Parks the session while a long script holds all keys.
  void WaitForScript(Session& session) { ResumeLater(session, 5); }
  // Runs the session's requests again, later.
  static void ResumeLater(Session& session, int64_t wait_ms);
  PauseGate& pause_gate() { return pause_gate_; }

  Snapshots& snapshots() { return snapshots_; }
  ReplyBufferRules& reply_buffer_rules() { return reply_buffer_rules_; }
  Shutdown& shutdown() { return shutdown_; }

  // Runs visit on every worker, then done on the asking one.
  void OnAllWorkers(Worker& asking, const std::function<void(Worker&)>& visit,
                    std::function<void()> done);

 private:
  class WorkerHook;

  std::string OpenEngine();
  std::string Listen();
  enum class Socket : uint8_t { kTcp, kTls, kUnix };
  struct OpenListener {
    std::unique_ptr<Listener> listener;  // null: not wanted
    ListenerOptions options;
  };
  ListenerOptions OptionsOf(Socket socket) const;
  std::unique_ptr<Listener> NewListener();
  void CloseListener(OpenListener& open);
  bool TryListen(OpenListener& open, const ListenerOptions& options, bool close_first);
  bool ListenAnew(Socket socket, std::string* error);
  void WatchListeners();
  void ListenToCommits();
  void WatchCollectionLimits();
  void WatchConfig();
  void WatchPersistenceConfig();
  void WatchDiagnosticsConfig();
  void WatchEventFlags();
  std::string StartUsers();
  std::string DeclareUsers();
  std::string RenameCommands();
  void WatchAclConfig();
  bool RaiseMaxClients(std::string* error);
  void ApplyMemoryPolicy();
  void Cron();
  void WorkerCron(Worker& worker);
  void ReserveFiles();
  rlim_t FilesForStore() const;

  Config& config_;
  std::function<void(EngineOptions&)> adjust_engine_;
  SystemClock clock_;
  CommandTable commands_;
  AclUsers users_{commands_};
  AclLog acl_log_;
  std::mutex acl_file_mutex_;  // one reads or writes it at a time
  ServerStats stats_;
  std::unique_ptr<Replication> replication_;
  std::unique_ptr<RedisImport> redis_import_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<BlockedClients> blocked_clients_;
  std::unique_ptr<PubSub> pubsub_;
  std::unique_ptr<KeyspaceEvents> keyspace_events_;
  std::unique_ptr<Tracking> tracking_;
  std::unique_ptr<Monitors> monitors_;
  std::unique_ptr<ClientEviction> client_eviction_;
  std::vector<std::unique_ptr<WorkerHook>> hooks_;
  std::vector<std::unique_ptr<Dispatcher>> dispatchers_;
  std::mutex listeners_mutex_;
  std::array<OpenListener, 3> listeners_;  // by Socket
  int64_t started_ms_ = 0;
  std::string run_id_;

  Scripting scripting_;
  Functions functions_;
  uint64_t functions_of_epoch_ = 0;  // FunctionsEpoch() when they were loaded
  SlowLog slow_log_;
  LatencyMonitor latency_monitor_;
  std::mutex failing_mutex_;
  std::function<void()> failing_done_;  // of the failed commit that workers are told of
  bool workers_ended_ = false;
  std::atomic<bool> protected_mode_{true}, track_latency_{true};
  std::mutex errors_mutex_;
  std::map<std::string, uint64_t, std::less<>> errors_;

  std::atomic<int64_t> attack_logged_s_{0};
  ReplyBufferRules reply_buffer_rules_;
  PauseGate pause_gate_{*this};
  Snapshots snapshots_{*this};
  Shutdown shutdown_{*this};

  std::mutex stop_mutex_;
  std::condition_variable stop_wanted_;
  bool stopped_ = false;
  std::atomic<bool> stop_requested_{false}, stopping_{false};
};

}  // namespace hearth
