// Tested by tests/src/replication/replica_link_test.cc.
#include "src/replication/link_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "engine/check.h"
#include "net/socket_address.h"

namespace hearth {
namespace {

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Of a time that may be a client's (MIGRATE): one that is too long to be added is for ever.
int64_t DeadlineIn(int64_t timeout_ms) {
  const int64_t now_us = NowUs();
  return timeout_ms > (INT64_MAX - now_us) / 1000 ? INT64_MAX : now_us + timeout_ms * 1000;
}

int LeftMs(int64_t deadline_us) {
  return static_cast<int>(std::clamp<int64_t>((deadline_us - NowUs() + 999) / 1000, 0, 3'600'000));
}

}  // namespace

Wakeup::Wakeup() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  HEARTH_CHECK(fd_ >= 0);
}

Wakeup::~Wakeup() {
  ::close(fd_);
}

void Wakeup::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = ::write(fd_, &one, sizeof(one));
}

void Wakeup::Stop() {
  stopped_.store(true, std::memory_order_release);
  Wake();
}

void Wakeup::Drain() {
  uint64_t count;
  [[maybe_unused]] const ssize_t size = ::read(fd_, &count, sizeof(count));
}

void Wakeup::Sleep(int64_t ms) {
  if (stopped()) return;
  pollfd poll_fd{fd_, POLLIN, 0};
  ::poll(&poll_fd, 1, static_cast<int>(ms));
  Drain();
}

bool LinkSocket::Fail(std::string why) {
  if (error_.empty()) error_ = std::move(why);
  return false;
}

void LinkSocket::Close() {
  if (stream_) stream_->SayGoodbye();
  stream_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  read_ahead_.clear();
}

bool LinkSocket::WaitFor(short events, int64_t deadline_us) {
  for (;;) {
    if (wakeup_.stopped()) return Fail("the link was closed");
    pollfd fds[2] = {{fd_, events, 0}, {wakeup_.fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, LeftMs(deadline_us));
    if (ready > 0 && fds[0].revents != 0) return true;
    if (ready > 0) {
      // A wake that asks for no end: whoever reads next looks at it.
      if (wakeup_.stopped()) return Fail("the link was closed");
      wakeup_.Drain();
      continue;
    }
    if (NowUs() >= deadline_us) return Fail("timeout");
  }
}

bool LinkSocket::Connect(const std::string& host, int port, int64_t timeout_ms,
                         const std::shared_ptr<TlsContext>& tls) {
  const std::vector<SocketAddress> addresses = ResolveAddresses(host, port);
  if (!addresses.empty()) return Connect(addresses, timeout_ms, tls);
  Close();
  error_.clear();
  return Fail("can't resolve '" + host + "'");
}

bool LinkSocket::Connect(std::span<const SocketAddress> addresses, int64_t timeout_ms,
                         const std::shared_ptr<TlsContext>& tls) {
  const int64_t deadline_us = DeadlineIn(timeout_ms);
  for (size_t i = 0; i < addresses.size(); ++i) {
    Close();
    error_.clear();
    const int64_t now_us = NowUs(), left = static_cast<int64_t>(addresses.size() - i);
    if (Reach(addresses[i], now_us + std::max<int64_t>(deadline_us - now_us, 0) / left)) {
      return Begin(tls, deadline_us);
    }
    if (wakeup_.stopped()) return false;
  }
  return false;
}

bool LinkSocket::Reach(const SocketAddress& address, int64_t deadline_us) {
  fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Fail(std::strerror(errno));
  if (!source_.empty()) {
    SocketAddress source;
    if (!ParseAddress(source_, 0, &source)) return Fail("can't resolve '" + source_ + "'");
    if (::bind(fd_, source.get(), source.size) != 0) {
      return Fail("can't bind to '" + source_ + "': " + std::strerror(errno));
    }
  }
  if (::connect(fd_, address.get(), address.size) == 0) return true;
  if (errno != EINPROGRESS) return Fail(std::strerror(errno));
  if (!WaitFor(POLLOUT, deadline_us)) return false;
  int failure = 0;
  socklen_t size = sizeof(failure);
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure == 0 || Fail(std::strerror(failure));
}

bool LinkSocket::Begin(const std::shared_ptr<TlsContext>& tls, int64_t deadline_us) {
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  stream_ = std::make_unique<SocketStream>(fd_, tls ? tls->NewClientSession(fd_) : nullptr);
  if (!tls) return true;
  for (;;) {
    const IoStatus status = stream_->Handshake().status;
    if (status == IoStatus::kOk) return true;
    if (status != IoStatus::kWantRead && status != IoStatus::kWantWrite) {
      return Fail("TLS: " + stream_->error());
    }
    if (!WaitFor(status == IoStatus::kWantRead ? POLLIN : POLLOUT, deadline_us)) return false;
  }
}

bool LinkSocket::Write(std::string_view bytes, int64_t timeout_ms) {
  const int64_t deadline_us = DeadlineIn(timeout_ms);
  while (!bytes.empty()) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const IoResult result = stream_->Write(&piece, 1);
    bytes.remove_prefix(result.size);
    if (bytes.empty()) break;
    if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
      return Fail("writing: " + stream_->error());
    }
    if (result.status == IoStatus::kOk) continue;
    if (!WaitFor(result.status == IoStatus::kWantRead ? POLLIN : POLLOUT, deadline_us)) {
      return false;
    }
  }
  return true;
}

bool LinkSocket::WriteCommand(std::span<const std::string_view> words, int64_t timeout_ms) {
  std::string wire = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    wire += "$" + std::to_string(word.size()) + "\r\n";
    wire += word;
    wire += "\r\n";
  }
  return Write(wire, timeout_ms);
}

std::optional<std::string> LinkSocket::ReadLine(int64_t timeout_ms) {
  const int64_t deadline_us = DeadlineIn(timeout_ms);
  for (;;) {
    if (const size_t end = read_ahead_.find('\n'); end != std::string::npos) {
      std::string line = read_ahead_.substr(0, end);
      read_ahead_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (read_ahead_.size() > kLinkLineMax) {
      (void)Fail("a reply that is too long");
      return std::nullopt;
    }
    char bytes[4096];
    const IoResult result = stream_->Read(bytes);
    if (result.status == IoStatus::kOk && result.size > 0) {
      read_ahead_.append(bytes, result.size);
      continue;
    }
    if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
      (void)Fail(result.status == IoStatus::kEof ? std::string("the primary closed the connection")
                                                 : "reading: " + stream_->error());
      return std::nullopt;
    }
    if (!WaitFor(result.status == IoStatus::kWantWrite ? POLLOUT : POLLIN, deadline_us)) {
      return std::nullopt;
    }
  }
}

IoResult LinkSocket::Read(std::span<char> into, int64_t timeout_ms) {
  if (!read_ahead_.empty()) {
    const size_t size = std::min(into.size(), read_ahead_.size());
    std::memcpy(into.data(), read_ahead_.data(), size);
    read_ahead_.erase(0, size);
    return {IoStatus::kOk, size};
  }
  IoResult result = stream_->Read(into);
  if (result.status == IoStatus::kWantRead && timeout_ms > 0) {
    Wait(timeout_ms);
    if (wakeup_.stopped()) {
      (void)Fail("the link was closed");
      return {IoStatus::kError};
    }
    result = stream_->Read(into);
  }
  if (result.status == IoStatus::kEof) (void)Fail("the primary closed the connection");
  if (result.status == IoStatus::kError) (void)Fail("reading: " + stream_->error());
  return result;
}

void LinkSocket::Wait(int64_t timeout_ms) {
  if (wakeup_.stopped()) return;
  pollfd fds[2] = {{fd_, POLLIN, 0}, {wakeup_.fd(), POLLIN, 0}};
  if (::poll(fds, 2, static_cast<int>(timeout_ms)) > 0 && fds[1].revents != 0) wakeup_.Drain();
}

std::string LinkSocket::local_address() const {
  return fd_ < 0 ? std::string() : FormatAddress(LocalAddressOf(fd_));
}

std::string LinkSocket::peer_address() const {
  return fd_ < 0 ? std::string() : FormatAddress(PeerAddressOf(fd_));
}

}  // namespace hearth
