// The server's sockets and what CONFIG SET changes at run time. Tested by tests/src/server_test.cc.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "engine/collection_limits.h"
#include "engine/process_memory.h"
#include "src/client_eviction.h"
#include "src/commands/groups.h"
#include "src/commands/hyperloglog.h"
#include "src/engine_options.h"
#include "src/import/redis_files.h"
#include "src/log.h"
#include "src/oom_score.h"
#include "src/redis_text.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr std::string_view kDenied =
    "DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is "
    "set for the default user. In this mode connections are only accepted from the loopback "
    "interface. If you want to connect from external computers to Redis you may adopt one of the "
    "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET "
    "protected-mode no' from the loopback interface by connecting to Redis from the same host the "
    "server is running, however MAKE SURE Redis is not publicly accessible from internet if you do "
    "so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable "
    "the protected mode by editing the Redis configuration file, and setting the protected mode "
    "option to 'no', and then restarting the server. 3) If you started the server manually just "
    "for "
    "testing, restart it with the '--protected-mode no' option. 4) Set up an authentication "
    "password for the default user. NOTE: You only need to do one of the above things in order for "
    "the server to start accepting connections from the outside.";

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<Worker*> Pointers(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<Worker*> pointers;
  for (const auto& worker : workers) pointers.push_back(worker.get());
  return pointers;
}

std::shared_ptr<TlsContext> BuildTls(const Config& config, std::string* error,
                                     bool as_client = false) {
  TlsSettings settings;
  settings.cert_file = config.Text("tls-cert-file");
  settings.key_file = config.Text("tls-key-file");
  settings.key_password = config.Text("tls-key-file-pass");
  if (as_client && !config.Text("tls-client-cert-file").empty()) {
    settings.cert_file = config.Text("tls-client-cert-file");
    settings.key_file = config.Text("tls-client-key-file");
    settings.key_password = config.Text("tls-client-key-file-pass");
  }
  settings.ca_cert_file = config.Text("tls-ca-cert-file");
  settings.ca_cert_dir = config.Text("tls-ca-cert-dir");
  settings.dh_params_file = config.Text("tls-dh-params-file");
  settings.protocols = config.Text("tls-protocols");
  settings.ciphers = config.Text("tls-ciphers");
  settings.ciphersuites = config.Text("tls-ciphersuites");
  const std::string auth = config.Text("tls-auth-clients");
  settings.client_auth = auth == "no"    ? TlsClientAuth::kNo
                         : auth == "yes" ? TlsClientAuth::kRequired
                                         : TlsClientAuth::kOptional;
  settings.prefer_server_ciphers = config.Bool("tls-prefer-server-ciphers");
  settings.session_caching = config.Bool("tls-session-caching");
  settings.session_cache_size = static_cast<int>(config.Int("tls-session-cache-size"));
  settings.session_cache_timeout_seconds =
      static_cast<int>(config.Int("tls-session-cache-timeout"));
  return TlsContext::Build(settings, error);
}

}  // namespace

// Memory that is limited is for the data: groups that the ring does not hold are read from the log.
FeedLimits Server::FeedLimitsOfConfig() const {
  constexpr int64_t kShareOfMemory = 8, kLeastBytes = 1 << 20;
  int64_t ring_bytes = config_.Int("repl-backlog-size");
  if (const int64_t limit = config_.Int("maxmemory"); limit != 0) {
    ring_bytes = std::min(ring_bytes, std::max(kLeastBytes, limit / kShareOfMemory));
  }
  return {.ring_bytes_max = static_cast<uint64_t>(ring_bytes),
          .retain_bytes_max = static_cast<uint64_t>(config_.Int("repl-wal-retain-size")),
          .retain_ms_max = config_.Int("repl-wal-retain-time") * 1000,
          .slot_bytes_max = static_cast<uint64_t>(config_.Int("repl-slot-max-size")),
          .slot_ms_max = config_.Int("repl-slot-max-age") * 1000,
          .retain_always = config_.Bool("wal-retain")};
}

// As Redis does, a link may show another certificate than the server's.
std::shared_ptr<TlsContext> Server::NewClientTls(std::string* error) const {
  return BuildTls(config_, error, /*as_client=*/true);
}

std::string Server::RefusePeer(const PeerInfo& peer) {
  if (peer.is_loopback || !protected_mode_ || !users_.default_has_no_password()) return {};
  return std::string(kDenied);
}

ListenerOptions Server::OptionsOf(Socket socket) const {
  ListenerOptions options;
  options.backlog = static_cast<int>(config_.Int("tcp-backlog"));
  if (socket == Socket::kUnix) {
    options.unix_path = config_.Text("unixsocket");
    options.unix_group = config_.Text("unixsocketgroup");
    const std::string permissions = config_.Text("unixsocketperm");
    if (permissions != "0") {
      options.unix_permissions = static_cast<unsigned>(std::stoul(permissions, nullptr, 8));
    }
    return options;
  }
  options.bind = Words(config_.Text("bind"));
  options.port = static_cast<int>(config_.Int(socket == Socket::kTcp ? "port" : "tls-port"));
  options.keepalive_seconds = static_cast<int>(config_.Int("tcp-keepalive"));
  return options;
}

std::unique_ptr<Listener> Server::NewListener() {
  auto listener = std::make_unique<Listener>(Pointers(workers_), [this](Connection& connection) {
    return std::make_unique<Session>(*this, connection);
  });
  listener->SetAcceptFilter([this](const PeerInfo& peer) { return RefusePeer(peer); });
  listener->SetErrorCallback([](const std::string& error) {
    Log(LogLevel::kVerbose, "Accepting a client failed: " + error);
  });
  listener->SetMaxClients(static_cast<size_t>(config_.Int("maxclients")));
  return listener;
}

std::string Server::Listen() {
  std::lock_guard lock(listeners_mutex_);
  for (const Socket socket : {Socket::kTcp, Socket::kTls, Socket::kUnix}) {
    ListenerOptions options = OptionsOf(socket);
    if (socket == Socket::kUnix ? options.unix_path.empty() : options.port == 0) continue;
    std::string error;
    if (socket == Socket::kTls && !(options.tls = BuildTls(config_, &error))) {
      return "Failed to configure TLS: " + error;
    }
    OpenListener& open = listeners_[static_cast<size_t>(socket)];
    open = {NewListener(), options};
    if (error = open.listener->Open(options); error.empty()) continue;
    if (socket == Socket::kUnix) return "Failed opening Unix socket: " + error;
    const std::string name = socket == Socket::kTcp ? "TCP" : "TLS";
    Log(LogLevel::kWarning, "Could not create server " + name + " listening socket: " + error);
    return "Failed listening on port " + std::to_string(options.port) + " (" + name +
           "), aborting.";
  }
  const bool is_deaf =
      std::none_of(listeners_.begin(), listeners_.end(),
                   [](const OpenListener& open) { return open.listener != nullptr; });
  if (is_deaf)
    return "Configured to not listen anywhere: port, tls-port and unixsocket are all off";
  for (OpenListener& open : listeners_) {
    if (open.listener) open.listener->Start();
  }
  return {};
}

void Server::CloseListener(OpenListener& open) {
  if (!open.listener) return;
  open.listener->Stop();
  stats_.rejected_by_closed += open.listener->rejected_count();
  open.listener.reset();
}

bool Server::TryListen(OpenListener& open, const ListenerOptions& options, bool close_first) {
  if (close_first) CloseListener(open);
  auto fresh = NewListener();
  if (const std::string error = fresh->Open(options); !error.empty()) {
    Log(LogLevel::kWarning, "Could not create server listening socket: " + error);
    return false;
  }
  fresh->Start();
  CloseListener(open);
  open = {std::move(fresh), options};
  return true;
}

// After a change of `bind` or a port. The new sockets are opened first; where they overlap with the
// old ones, these are closed before, and opened again if that was in vain.
bool Server::ListenAnew(Socket socket, std::string* error) {
  std::lock_guard lock(listeners_mutex_);
  OpenListener& open = listeners_[static_cast<size_t>(socket)];
  ListenerOptions options = OptionsOf(socket);
  if (stopping_) return true;
  if (options.port == 0 || options.bind.empty()) {
    CloseListener(open);
    return true;
  }
  if (socket == Socket::kTls && !(options.tls = BuildTls(config_, error))) {
    Log(LogLevel::kWarning, "Failed to configure TLS: " + *error);
    *error = "Unable to update TLS configuration. Check server logs.";
    return false;
  }
  if (TryListen(open, options, /*close_first=*/false)) return true;
  if (open.listener && open.options.port == options.port) {
    const ListenerOptions old = open.options;
    if (TryListen(open, options, /*close_first=*/true)) return true;
    if (!TryListen(open, old, false)) {
      Log(LogLevel::kWarning, "The old listening socket could not be opened again");
    }
  }
  *error = "Unable to listen on this port. Check server logs.";
  return false;
}

void Server::WatchListeners() {
  config_.OnChange("port", [this](std::string* error) { return ListenAnew(Socket::kTcp, error); });
  config_.OnChange("tls-port",
                   [this](std::string* error) { return ListenAnew(Socket::kTls, error); });
  config_.OnChange("bind", [this](std::string* error) {
    if (ListenAnew(Socket::kTcp, error) && ListenAnew(Socket::kTls, error)) return true;
    *error = "Failed to bind to specified addresses.";
    return false;
  });
}

int Server::port() {
  std::lock_guard lock(listeners_mutex_);
  const auto& tcp = listeners_[static_cast<size_t>(Socket::kTcp)].listener;
  return tcp ? tcp->port() : 0;
}

uint64_t Server::rejected_connections() {
  std::lock_guard lock(listeners_mutex_);
  uint64_t sum = stats_.rejected_by_closed;
  for (const OpenListener& open : listeners_) {
    if (open.listener) sum += open.listener->rejected_count();
  }
  return sum - stats_.rejected_before_reset;
}

// The highest that the system allows; the error, in Redis' words, when that is not enough.
bool Server::RaiseMaxClients(std::string* error) {
  const auto wanted = static_cast<rlim_t>(config_.Int("maxclients")) + FilesForStore();
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
    const rlim_t allowed = limit.rlim_cur > FilesForStore() ? limit.rlim_cur - FilesForStore() : 1;
    limit.rlim_cur = wanted;
    limit.rlim_max = std::max(limit.rlim_max, wanted);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      *error =
          "The operating system is not able to handle the specified number of clients, try "
          "with " +
          std::to_string(allowed);
      return false;
    }
  }
  std::lock_guard lock(listeners_mutex_);
  for (OpenListener& open : listeners_) {
    if (!open.listener) continue;
    open.listener->SetMaxClients(static_cast<size_t>(config_.Int("maxclients")));
  }
  return true;
}

// Redis' thresholds between the encodings of collections.
void Server::WatchCollectionLimits() {
  const auto watch = [this](const char* name, auto& limit) {
    const auto apply = [this, name, &limit](std::string* = nullptr) {
      limit = static_cast<std::remove_reference_t<decltype(limit)>::value_type>(config_.Int(name));
      return true;
    };
    apply();
    config_.OnChange(name, apply);
  };
  CollectionLimits& limits = Limits();
  watch("hash-max-listpack-entries", limits.hash_listpack_entries_max);
  watch("hash-max-listpack-value", limits.hash_listpack_value_size_max);
  watch("list-max-listpack-size", limits.list_listpack_size);
  watch("set-max-intset-entries", limits.set_intset_entries_max);
  watch("set-max-listpack-entries", limits.set_listpack_entries_max);
  watch("set-max-listpack-value", limits.set_listpack_value_size_max);
  watch("zset-max-listpack-entries", limits.zset_listpack_entries_max);
  watch("zset-max-listpack-value", limits.zset_listpack_value_size_max);
  watch("stream-node-max-entries", limits.stream_node_entries_max);
  watch("stream-node-max-bytes", limits.stream_node_size_max);
}

void Server::WatchConfig() {
  const auto refresh = [this](std::string* = nullptr) {
    protected_mode_ = config_.Bool("protected-mode");
    snapshots_.SetStopWrites(config_.Bool("stop-writes-on-bgsave-error") &&
                             !config_.Text("save").empty());
    StringSizeMax() = static_cast<size_t>(config_.Int("proto-max-bulk-len"));
    HllSparseSizeMax() = static_cast<size_t>(config_.Int("hll-sparse-max-bytes"));
    scripting_.SetBusyAfterMs(config_.Int("busy-reply-threshold"));
    scripting_.SetMemoryMax(static_cast<size_t>(config_.Int("script-memory-limit")));
    for (const auto& worker : workers_) worker->SetBusyPoll(config_.Bool("worker-busy-poll"));
    return true;
  };
  refresh();
  for (const char* name :
       {"protected-mode", "stop-writes-on-bgsave-error", "save", "hll-sparse-max-bytes",
        "busy-reply-threshold", "script-memory-limit", "worker-busy-poll"}) {
    config_.OnChange(name, refresh);
  }
  config_.OnChange("maxclients", [this](std::string* error) { return RaiseMaxClients(error); });
  for (const char* name :
       {"proto-max-bulk-len", "client-query-buffer-limit", "client-output-buffer-limit"}) {
    config_.OnChange(name, [this, refresh](std::string*) {
      for (const auto& worker : workers_) {
        worker->Post([this, &worker = *worker] {
          worker.ForEachConnection([this](Connection& connection) {
            if (connection.handler() != nullptr) {
              ApplyLimits(static_cast<Session&>(*connection.handler()));
            }
          });
        });
      }
      return refresh();
    });
  }
  config_.OnChange("tcp-keepalive", [this](std::string*) {
    std::lock_guard lock(listeners_mutex_);
    for (OpenListener& open : listeners_) {
      open.options.keepalive_seconds = static_cast<int>(config_.Int("tcp-keepalive"));
      if (open.listener) open.listener->SetKeepaliveSeconds(open.options.keepalive_seconds);
    }
    return true;
  });
  for (const char* name : {"tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-ca-cert-file",
                           "tls-ca-cert-dir", "tls-auth-clients", "tls-protocols", "tls-ciphers",
                           "tls-ciphersuites", "tls-prefer-server-ciphers"}) {
    config_.OnChange(name, [this](std::string* error) {
      std::lock_guard lock(listeners_mutex_);
      const auto& tls = listeners_[static_cast<size_t>(Socket::kTls)].listener;
      if (!tls) return true;
      const auto context = BuildTls(config_, error);
      if (context) {
        tls->SetTls(context);
        return true;
      }
      Log(LogLevel::kWarning, "Failed to configure TLS: " + *error);
      *error = "Unable to update TLS configuration. Check server logs.";
      return false;
    });
  }
  WatchListeners();
  WatchPersistenceConfig();
  WatchDiagnosticsConfig();
  WatchEventFlags();
  WatchAclConfig();
}

void Server::WatchEventFlags() {
  const auto refresh = [this](std::string* = nullptr) {
    const uint32_t flags = ParseEventFlags(config_.Text("notify-keyspace-events")).value_or(0);
    keyspace_events_->SetFlags(flags);
    replication_->SetOwnEvents(WantedEventClasses(flags));
    return true;
  };
  refresh();
  config_.OnChange("notify-keyspace-events", refresh);
}

void Server::WatchPersistenceConfig() {
  client_eviction_->Configure(config_);
  for (const char* name : {"maxmemory", "maxmemory-clients", "maxmemory-policy",
                           "maxmemory-samples", "lfu-log-factor", "lfu-decay-time"}) {
    config_.OnChange(name, [this](std::string*) {
      ApplyMemoryPolicy();
      client_eviction_->Configure(config_);
      return true;
    });
  }
  for (const char* name : {"appendonly", "appendfsync"}) {
    config_.OnChange(name, [this](std::string* error) {
      const Status status = engine_->SetSyncPolicy(SyncPolicyOf(config_));
      *error = status.message();
      return status.ok();
    });
  }
  config_.OnChange("dir", [this](std::string* error) {
    const int fd = ::open(config_.Text("dir").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    *error = std::strerror(errno);
    return fd >= 0 && ::close(fd) == 0;
  });
  config_.OnChange("dbfilename", [this](std::string* error) {
    *error = "dbfilename can't be a path, just a filename";
    return !IsPath(config_.Text("dbfilename"));
  });
  const auto set_purge_threads = [this](std::string* error) {
    if (SetPurgeThreads(config_.Bool("jemalloc-bg-thread"))) return true;
    *error = "the allocator cannot run threads of its own";
    return false;
  };
  if (std::string error; !set_purge_threads(&error)) {
    Log(LogLevel::kWarning, "jemalloc-bg-thread: " + error);
  }
  config_.OnChange("jemalloc-bg-thread", set_purge_threads);
  config_.OnChange("disk-free-min", [this](std::string*) {
    const DiskFreeMin free_min = DiskFreeMinOf(config_);
    engine_->SetDiskFreeMin(free_min.bytes, free_min.ratio);
    return true;
  });
}

void Server::WatchDiagnosticsConfig() {
  config_.OnChange("loglevel", [this](std::string*) {
    SetLogLevel(LogLevelNamed(config_.Text("loglevel")));
    return true;
  });
  const auto refresh = [this](std::string* = nullptr) {
    slow_log_.Configure(config_.Int("slowlog-log-slower-than"),
                        static_cast<size_t>(config_.Int("slowlog-max-len")));
    latency_monitor_.SetThreshold(config_.Int("latency-monitor-threshold"));
    track_latency_ = config_.Bool("latency-tracking");
    return true;
  };
  refresh();
  const auto limit_tracking = [this](std::string* = nullptr) {
    tracking_->keys().SetKeysMax(static_cast<size_t>(config_.Int("tracking-table-max-keys")));
    return true;
  };
  limit_tracking();
  config_.OnChange("tracking-table-max-keys", limit_tracking);
  for (const char* name : {"slowlog-log-slower-than", "slowlog-max-len",
                           "latency-monitor-threshold", "latency-tracking"}) {
    config_.OnChange(name, refresh);
  }
  const auto set_oom_score = [this](std::string* error) {
    *error = ApplyOomScore(config_, replication_->is_replica());
    return error->empty();
  };
  const auto set_oom_scores = [this, set_oom_score](std::string* error) {
    *error = CheckOomScores(config_.Text("oom-score-adj-values"));
    return error->empty() && set_oom_score(error);
  };
  if (std::string error; !set_oom_scores(&error)) Log(LogLevel::kWarning, error);
  config_.OnChange("oom-score-adj", set_oom_score);
  config_.OnChange("oom-score-adj-values", set_oom_scores);
}

}  // namespace hearth
