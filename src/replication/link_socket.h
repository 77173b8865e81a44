#pragma once

// LinkSocket: a replica's connection to its primary, as its link's thread uses it: calls wait, at
// most for the time they are given, and not at all once the link is to stop.
//
// Thread:   the link's; Wakeup::Wake from any.
// Lifetime: closes its socket. The wakeup outlives it.
// Errors:   false or an IoStatus, and error() tells why. After an error only Close is allowed.
// Limits:   a line has at most kLinkLineMax bytes.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/socket_address.h"
#include "net/socket_stream.h"
#include "net/tls.h"

namespace hearth {

inline constexpr size_t kLinkLineMax = 64 * 1024;

// Ends another thread's wait, for good (Stop) or once.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void Wake();
  void Stop();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  int fd() const { return fd_; }
  // Takes what woke.
  void Drain();
  // Returns after `ms`, or when it was woken or stopped.
  void Sleep(int64_t ms);

 private:
  int fd_;
  std::atomic<bool> stopped_{false};
};

class LinkSocket {
 public:
  explicit LinkSocket(Wakeup& wakeup) : wakeup_(wakeup) {}
  ~LinkSocket() { Close(); }
  LinkSocket(const LinkSocket&) = delete;
  LinkSocket& operator=(const LinkSocket&) = delete;

  // The address that connections go out from; empty = the system's choice.
  void set_source(std::string source) { source_ = std::move(source); }
  // Under TLS when a context is given. A name may have several addresses: the first that answers
  // is taken, and none has more of the time than its share of what is left.
  bool Connect(const std::string& host, int port, int64_t timeout_ms,
               const std::shared_ptr<TlsContext>& tls);
  bool Connect(std::span<const SocketAddress> addresses, int64_t timeout_ms,
               const std::shared_ptr<TlsContext>& tls);
  void Close();

  bool Write(std::string_view bytes, int64_t timeout_ms);
  bool WriteCommand(std::span<const std::string_view> words, int64_t timeout_ms);
  // A line without its end; nullopt on an error.
  std::optional<std::string> ReadLine(int64_t timeout_ms);

  // Reads what is there, or waits for it: up to `timeout_ms` or until woken. kWantRead: nothing.
  IoResult Read(std::span<char> into, int64_t timeout_ms);
  // Waits without reading, as Read does.
  void Wait(int64_t timeout_ms);

  const std::string& error() const { return error_; }
  // "1.2.3.4:567" of either end.
  std::string local_address() const;
  std::string peer_address() const;
  int fd() const { return fd_; }

 private:
  bool Fail(std::string why);
  bool Reach(const SocketAddress& address, int64_t deadline_us);
  bool Begin(const std::shared_ptr<TlsContext>& tls, int64_t deadline_us);
  // False: stopped, or the time is up.
  bool WaitFor(short events, int64_t deadline_us);

  Wakeup& wakeup_;
  int fd_ = -1;
  std::unique_ptr<SocketStream> stream_;
  std::string read_ahead_;  // behind the last line
  std::string source_, error_;
};

}  // namespace hearth
