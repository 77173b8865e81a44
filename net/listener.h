#pragma once

// Listener: the listening sockets of one kind (TCP, TLS or unix) and the thread that accepts on
// them.
//
// An accepted client goes to the worker with the fewest connections. Over maxclients, or when the
// filter refuses, it is answered one error line and closed. When the process has no file
// descriptor left, accepting rests for kAcceptBackoff; clients wait in the backlog meanwhile.
//
// Thread:   Open, Start, Stop: the owner's. The callbacks run on the listener's thread.
// Lifetime: the workers outlive it: Stop() it before them.
// Errors:   Open() returns a text and leaves nothing open; what happens later goes to on_error.

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/connection.h"
#include "net/tls.h"

namespace hearth {

class Worker;

inline constexpr std::chrono::milliseconds kAcceptBackoff{100};
inline constexpr int kAcceptsPerWakeupMax = 64;

struct ListenerOptions {
  // TCP and TLS. A leading '-' in an address means that it may be missing on this machine; "*" and
  // "::*" are any address of IPv4 and IPv6.
  std::vector<std::string> bind = {"*", "-::*"};
  int port = 0;                     // 0: the system picks
  std::shared_ptr<TlsContext> tls;  // null: plain
  int keepalive_seconds = 300;      // 0: off

  // Not empty: a unix socket instead.
  std::string unix_path;
  unsigned unix_permissions = 0700;
  std::string unix_group;  // whose file it is; empty: the process'

  int backlog = 511;
};

// What the filter sees of a new client.
struct PeerInfo {
  std::string_view address;
  bool is_loopback;  // 127.0.0.0/8, ::1 or unix
  bool is_unix;
};

class Listener {
 public:
  // Returns the error line to refuse the client with ("DENIED ..."), or an empty string.
  using AcceptFilter = std::function<std::string(const PeerInfo&)>;
  using ErrorCallback = std::function<void(const std::string&)>;

  Listener(std::vector<Worker*> workers, ConnectionFactory factory);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // All before Start().
  void SetAcceptFilter(AcceptFilter filter) { filter_ = std::move(filter); }
  // Also called for each failure to accept; the callee limits how often it logs.
  void SetErrorCallback(ErrorCallback on_error) { on_error_ = std::move(on_error); }

  // The limit counts all connections of all workers. Any thread.
  void SetMaxClients(size_t count) { max_clients_.store(count, std::memory_order_relaxed); }
  // TCP: of new connections; 0: off. Any thread.
  void SetKeepaliveSeconds(int seconds) {
    keepalive_seconds_.store(seconds, std::memory_order_relaxed);
  }
  // New connections use `tls` from now on. Any thread. Requires: opened with TLS.
  void SetTls(std::shared_ptr<TlsContext> tls);

  // Binds and listens. Empty when all went well, else what did not.
  [[nodiscard]] std::string Open(const ListenerOptions& options);
  void Start();
  // No client is accepted afterwards; removes its unix socket file. Connections stay.
  void Stop();

  // The TCP port, chosen by the system when 0 was asked for.
  int port() const { return port_; }
  uint64_t accepted_count() const { return accepted_count_.load(std::memory_order_relaxed); }
  uint64_t rejected_count() const { return rejected_count_.load(std::memory_order_relaxed); }
  // How often accepting had to rest for want of a file descriptor.
  uint64_t backoff_count() const { return backoff_count_.load(std::memory_order_relaxed); }

 private:
  struct Endpoint {
    explicit Endpoint(asio::io_context& io) : descriptor(io), retry(io) {}
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer retry;
    int family = 0;
  };

  std::string OpenTcp(const std::string& address);
  std::string OpenUnix();
  void AddEndpoint(int fd, int family);
  void CloseAll();
  void Wait(Endpoint& endpoint);
  void Accept(Endpoint& endpoint);
  bool AcceptFailed(Endpoint& endpoint, int error_number);
  void Serve(int fd, int family);
  bool Refused(int fd, const PeerInfo& peer);
  void Refuse(int fd, const std::string& error_line);
  size_t ConnectionCount() const;
  Worker& LeastBusy();
  SSL* NewTlsSession(int fd);

  std::vector<Worker*> workers_;
  ConnectionFactory factory_;
  AcceptFilter filter_;
  ErrorCallback on_error_;
  ListenerOptions options_;
  int port_ = 0;
  size_t next_worker_ = 0;
  std::string bound_unix_path_;
  std::mutex tls_mutex_;
  std::shared_ptr<TlsContext> tls_;
  std::atomic<size_t> max_clients_{10000};
  std::atomic<int> keepalive_seconds_{0};
  std::atomic<uint64_t> accepted_count_{0};
  std::atomic<uint64_t> rejected_count_{0};
  std::atomic<uint64_t> backoff_count_{0};

  asio::io_context io_{1};
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::thread thread_;
};

}  // namespace hearth
