// Tested by tests/net/listener_test.cc.
#include "net/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "net/socket_address.h"
#include "net/worker.h"

namespace hearth {
namespace {

constexpr int kKeepaliveProbes = 3;

void SetOption(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

// A silent peer is found gone after about twice the interval, as Redis' tcp-keepalive.
void SetKeepalive(int fd, int interval_seconds) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, interval_seconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, interval_seconds / 3));
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

// Closes `fd` and returns "<what>: <reason>".
std::string FailOpen(int fd, const std::string& what) {
  const int error_number = errno;
  if (fd >= 0) ::close(fd);
  return what + ": " + std::strerror(error_number);
}

bool IsOutOfDescriptors(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
         error_number == ENOMEM;
}

bool FillUnixAddress(const std::string& path, sockaddr_un* address) {
  if (path.size() >= sizeof(address->sun_path)) return false;
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  return true;
}

// Whether a server answers on the socket file.
bool IsAnswered(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const bool answered = result == 0 || errno == EAGAIN || errno == EINPROGRESS;
  ::close(fd);
  return answered;
}

// Removes the file of a server that is gone; an error text when it is in use or no socket.
std::string RemoveStaleSocket(const std::string& path, const sockaddr_un& address) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return "";
  if (!S_ISSOCK(info.st_mode)) return path + ": exists and is not a socket";
  if (IsAnswered(address)) return path + ": another server listens there";
  if (::unlink(path.c_str()) != 0) return path + ": " + std::strerror(errno);
  return "";
}

}  // namespace

Listener::Listener(std::vector<Worker*> workers, ConnectionFactory factory)
    : workers_(std::move(workers)), factory_(std::move(factory)) {}

Listener::~Listener() {
  Stop();
}

void Listener::SetTls(std::shared_ptr<TlsContext> tls) {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

std::string Listener::Open(const ListenerOptions& options) {
  options_ = options;
  SetKeepaliveSeconds(options.keepalive_seconds);
  port_ = options.port;
  SetTls(options.tls);
  std::string error;
  if (!options.unix_path.empty()) {
    error = OpenUnix();
  } else {
    for (const std::string& address : options.bind) {
      error = OpenTcp(address);
      if (!error.empty()) break;
    }
    if (error.empty() && endpoints_.empty()) error = "no address could be bound";
  }
  if (!error.empty()) CloseAll();
  return error;
}

std::string Listener::OpenTcp(const std::string& address_text) {
  const bool may_fail = address_text.starts_with('-');
  const std::string text = may_fail ? address_text.substr(1) : address_text;
  const std::string name = text + " port " + std::to_string(port_);
  SocketAddress address;
  if (!ParseAddress(text, port_, &address)) return may_fail ? "" : name + ": no such address";

  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return may_fail ? "" : FailOpen(fd, name);
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd, address.get(), address.size) != 0) {
    const bool is_missing = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
    const std::string error = FailOpen(fd, name);
    return may_fail && is_missing ? "" : error;
  }
  if (::listen(fd, options_.backlog) != 0) return FailOpen(fd, name);
  if (port_ == 0) port_ = PortOf(LocalAddressOf(fd));
  AddEndpoint(fd, address.family());
  return "";
}

// The file is never open to more users than it shall be: bind() gives it the mode of the socket
// (less the umask), chmod() the exact one, and only then does the socket listen.
std::string Listener::OpenUnix() {
  const std::string& path = options_.unix_path;
  sockaddr_un address{};
  if (!FillUnixAddress(path, &address)) return path + ": path too long for a unix socket";
  if (std::string error = RemoveStaleSocket(path, address); !error.empty()) return error;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return FailOpen(fd, path);
  ::fchmod(fd, options_.unix_permissions);
  gid_t group = static_cast<gid_t>(-1);
  if (!options_.unix_group.empty()) {
    // Not reentrant: nobody else asks while the sockets are opened.
    const struct group* const found = ::getgrnam(options_.unix_group.c_str());
    if (found == nullptr) {
      ::close(fd);
      return path + ": no group " + options_.unix_group + " is known";
    }
    group = found->gr_gid;
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return FailOpen(fd, path);
  }
  if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0 ||
      ::chmod(path.c_str(), options_.unix_permissions) != 0 ||
      ::listen(fd, options_.backlog) != 0) {
    const std::string error = FailOpen(fd, path);
    ::unlink(path.c_str());
    return error;
  }
  bound_unix_path_ = path;
  AddEndpoint(fd, AF_UNIX);
  return "";
}

void Listener::AddEndpoint(int fd, int family) {
  auto endpoint = std::make_unique<Endpoint>(io_);
  asio::error_code error;
  endpoint->descriptor.assign(fd, error);
  endpoint->family = family;
  endpoints_.push_back(std::move(endpoint));
}

void Listener::Start() {
  for (const auto& endpoint : endpoints_) Wait(*endpoint);
  thread_ = std::thread([this] {
    const auto work = asio::make_work_guard(io_);
    io_.run();
  });
  pthread_setname_np(thread_.native_handle(), "listener");
}

void Listener::Stop() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
  CloseAll();
}

void Listener::CloseAll() {
  asio::error_code ignored;
  for (const auto& endpoint : endpoints_) endpoint->descriptor.close(ignored);
  endpoints_.clear();
  if (!bound_unix_path_.empty()) ::unlink(bound_unix_path_.c_str());
  bound_unix_path_.clear();
}

void Listener::Wait(Endpoint& endpoint) {
  endpoint.descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                 [this, &endpoint](const asio::error_code& error) {
                                   if (!error) Accept(endpoint);
                                 });
}

void Listener::Accept(Endpoint& endpoint) {
  for (int i = 0; i < kAcceptsPerWakeupMax; i++) {
    const int fd = ::accept4(endpoint.descriptor.native_handle(), nullptr, nullptr,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Serve(fd, endpoint.family);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED && AcceptFailed(endpoint, errno)) {
      return;
    }
  }
  Wait(endpoint);
}

// True when accepting rests, until the timer.
bool Listener::AcceptFailed(Endpoint& endpoint, int error_number) {
  if (on_error_) on_error_(std::string("accepting a client: ") + std::strerror(error_number));
  if (!IsOutOfDescriptors(error_number)) return false;
  backoff_count_.fetch_add(1, std::memory_order_relaxed);
  endpoint.retry.expires_after(kAcceptBackoff);
  endpoint.retry.async_wait([this, &endpoint](const asio::error_code& error) {
    if (!error) Accept(endpoint);
  });
  return true;
}

void Listener::Serve(int fd, int family) {
  AcceptedSocket socket{fd, family, nullptr, {}, {}};
  bool is_loopback = true;
  if (family == AF_UNIX) {
    socket.peer_address = socket.local_address = options_.unix_path + ":0";
  } else {
    const SocketAddress peer = PeerAddressOf(fd);
    is_loopback = IsLoopback(peer);
    socket.peer_address = FormatAddress(peer);
    socket.local_address = FormatAddress(LocalAddressOf(fd));
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const int keepalive_seconds = keepalive_seconds_.load(std::memory_order_relaxed);
    if (keepalive_seconds > 0) SetKeepalive(fd, keepalive_seconds);
  }
  if (Refused(fd, {socket.peer_address, is_loopback, family == AF_UNIX})) return;
  if (options_.tls != nullptr) {
    socket.tls_session = NewTlsSession(fd);
    if (socket.tls_session == nullptr) return Refuse(fd, "");
  }
  accepted_count_.fetch_add(1, std::memory_order_relaxed);
  Worker& worker = LeastBusy();
  worker.ReserveConnection();
  worker.Adopt(std::move(socket), factory_);
}

bool Listener::Refused(int fd, const PeerInfo& peer) {
  if (ConnectionCount() >= max_clients_.load(std::memory_order_relaxed)) {
    Refuse(fd, "ERR max number of clients reached");
    return true;
  }
  const std::string error_line = filter_ ? filter_(peer) : std::string();
  if (error_line.empty()) return false;
  Refuse(fd, error_line);
  return true;
}

// The line is small and the socket new: it goes out without waiting, or not at all. A TLS client
// could not read it.
void Listener::Refuse(int fd, const std::string& error_line) {
  rejected_count_.fetch_add(1, std::memory_order_relaxed);
  if (!error_line.empty() && options_.tls == nullptr) {
    const std::string line = "-" + error_line + "\r\n";
    [[maybe_unused]] const ssize_t sent =
        ::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(fd, SHUT_WR);
    char unread[1024];  // closing with bytes unread would reset the connection
    [[maybe_unused]] const ssize_t read = ::recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
  }
  ::close(fd);
}

size_t Listener::ConnectionCount() const {
  size_t count = 0;
  for (const Worker* worker : workers_) count += worker->connection_count();
  return count;
}

// Among equals, each in turn.
Worker& Listener::LeastBusy() {
  next_worker_ = (next_worker_ + 1) % workers_.size();
  Worker* least = workers_[next_worker_];
  for (Worker* worker : workers_) {
    if (worker->connection_count() < least->connection_count()) least = worker;
  }
  return *least;
}

SSL* Listener::NewTlsSession(int fd) {
  const std::lock_guard lock(tls_mutex_);
  return tls_->NewServerSession(fd);
}

}  // namespace hearth
