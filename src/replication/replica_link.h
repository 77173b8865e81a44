#pragma once

// ReplicaLink: a replica's way to its primary: connect, greet, follow, and again after a pause.
//
//   kConnect -> kConnecting -> kHandshake -> (LinkFollower) kSync -> kConnected
//       ^------------- any failure: a pause of 0.1 s, doubled up to 2 s ----------|
//
// What is done behind the handshake is the follower's: which protocol the primary speaks, how its
// data get here. kRefused is a link that works and whose primary is not to be followed; it is tried
// again like a broken one, unless the follower knows that this would be in vain and dear
// (FailForGood: a command or a value that is not known here): then it stays as it is until the link
// is stopped.
//
// Thread:   its own runs everything; status and Stop from any.
// Lifetime: from Start to Stop, which waits for the thread. The follower outlives it.
// Errors:   logged once each, kept in error() until the link is up.
// Limits:   one connection; replies of the handshake are lines of at most kLinkLineMax bytes.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "src/replication/link_socket.h"

namespace hearth {

enum class LinkState : uint8_t {
  kConnect,
  kConnecting,
  kHandshake,
  kSync,
  kConnected,
  kRefused,
};
// As ROLE names it.
const char* LinkStateName(LinkState state);

// Read anew for each try.
struct LinkSettings {
  std::string user, password;  // of the primary; empty = none
  std::string source_address;  // empty = the system's choice
  std::string announce_ip;     // empty = what the primary sees
  int announce_port = 0;
  int64_t timeout_ms = 60'000;
  std::shared_ptr<TlsContext> tls;
  std::string error;  // not empty: can't be tried, and why
};

class ReplicaLink;

class LinkFollower {
 public:
  virtual ~LinkFollower() = default;
  // Follows until the link ends; says why by ReplicaLink::Fail. The link's thread.
  virtual void Follow(LinkSocket& socket, ReplicaLink& link) = 0;
  // The link is going to stop: brings in what was received whole. The link's thread.
  virtual void Finish() = 0;
};

class ReplicaLink {
 public:
  ReplicaLink(std::string host, int port, std::function<LinkSettings()> settings,
              LinkFollower& follower);
  ~ReplicaLink() { Stop(); }
  ReplicaLink(const ReplicaLink&) = delete;
  ReplicaLink& operator=(const ReplicaLink&) = delete;

  void Start();
  // What was received whole is applied. Idempotent.
  void Stop();
  // Closes the connection, if there is one; it is tried again at once (CLIENT KILL TYPE master).
  // False: there was none.
  bool Drop();

  const std::string& host() const { return host_; }
  int port() const { return port_; }
  LinkState state() const { return state_.load(std::memory_order_acquire); }
  bool is_up() const { return state() == LinkState::kConnected; }
  std::string error() const;
  // Monotonic, us; 0 = never.
  int64_t last_io_us() const { return last_io_us_; }
  int64_t down_since_us() const { return down_since_us_; }
  // Of the connection that stands, "" when there is none.
  std::string local_address() const;

  // Of a full resync, as INFO tells them.
  struct SyncProgress {
    std::atomic<uint64_t> total_bytes{0}, read_bytes{0};
    std::atomic<int64_t> last_io_us{0};
  };
  SyncProgress& sync() { return sync_; }
  std::atomic<uint64_t>& received_bytes() { return received_bytes_; }

  // -- For the follower.
  const LinkSettings& settings() const { return current_; }
  Wakeup& wakeup() { return wakeup_; }
  bool dropped() const { return drop_ || wakeup_.stopped(); }
  void SetState(LinkState state);
  void NoteIo();
  void Fail(std::string why, LinkState state = LinkState::kConnect);
  // The same as kRefused, and no other try comes.
  void FailForGood(std::string why);
  // The next try comes without a pause.
  void RetryAtOnce() { at_once_ = true; }

 private:
  void Main();
  void Try();
  bool Greet(LinkSocket& socket);
  // The reply to a command, "" when there was none.
  std::string Ask(LinkSocket& socket, std::initializer_list<std::string_view> words);

  const std::string host_;
  const int port_;
  const std::function<LinkSettings()> read_settings_;
  LinkFollower& follower_;
  Wakeup wakeup_;
  LinkSettings current_;
  std::atomic<LinkState> state_{LinkState::kConnect};
  std::atomic<int64_t> last_io_us_{0}, down_since_us_{0};
  std::atomic<bool> drop_{false};
  std::atomic<uint64_t> received_bytes_{0};
  bool at_once_ = false;
  bool is_over_ = false;  // no other try comes
  bool was_up_ = false;
  SyncProgress sync_;
  mutable std::mutex mutex_;
  std::string error_, logged_error_, local_address_;
  std::thread thread_;
};

// steady_clock, us.
int64_t LinkNowUs();

}  // namespace hearth
