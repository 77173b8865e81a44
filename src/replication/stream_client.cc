// Tested by tests/src/replication/stream_client_test.cc.
#include "src/replication/stream_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/worker.h"
#include "src/numbers.h"
#include "src/replication/replica_link.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr size_t kLineMax = 64 * 1024;
constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kSentMax = 1 << 20;  // kept before what is to be sent

}  // namespace

bool IsOfThisServer(std::string_view error) {
  for (const char* code : {"MISCONF", "IOERR", "EXECABORT", "READONLY", "LOADING", "OOM"}) {
    if (error.starts_with(code)) return true;
  }
  return false;
}

bool IsUnknownHere(std::string_view error) {
  // The last four: of options that stand where others are wanted, and of times that are none here.
  for (const char* start :
       {"ERR unknown command", "ERR unknown subcommand", "ERR unknown argument",
        "ERR wrong number of arguments", "ERR syntax error", "ERR Unrecognized ",
        "ERR Invalid stream ID", "ERR Mandatory ", "ERR invalid expire time"}) {
    if (error.starts_with(start)) return true;
  }
  return false;
}

bool ReplyCounter::TakeLine(std::string_view line) {
  if (line.empty()) return false;
  switch (line[0]) {
    case '-':
      if (error_.empty() || (IsOfThisServer(line.substr(1)) && !IsOfThisServer(error_))) {
        error_ = line.substr(1);
      }
      break;
    case '+':
    case ':':
      break;
    case '$':
    case '*': {
      const auto size = ParseInt64(line.substr(1));
      if (!size || *size < -1) return false;
      if (*size < 0) break;
      if (line[0] == '*') {
        left_ += static_cast<uint64_t>(*size);
      } else {
        bulk_left_ = static_cast<uint64_t>(*size) + 2;
        return true;  // counted with its end
      }
      break;
    }
    default:
      return false;
  }
  --left_;
  return true;
}

bool ReplyCounter::Take(std::string_view bytes,
                        const std::function<void(const std::string& error)>& on_reply) {
  while (!bytes.empty()) {
    if (bulk_left_ > 0) {
      const size_t size = std::min<uint64_t>(bulk_left_, bytes.size());
      bytes.remove_prefix(size);
      bulk_left_ -= size;
      if (bulk_left_ == 0) --left_;
    } else {
      const size_t end = bytes.find('\n');
      line_ += bytes.substr(0, end);
      if (line_.size() > kLineMax) return false;
      if (end == std::string_view::npos) return true;
      bytes.remove_prefix(end + 1);
      if (!line_.ends_with('\r')) return false;
      line_.pop_back();
      if (!TakeLine(line_)) return false;
      line_.clear();
    }
    if (left_ > 0) continue;
    left_ = 1;
    on_reply(error_);
    error_.clear();
  }
  return true;
}

void StreamPlaces::Push(uint64_t offset, uint32_t db) {
  std::lock_guard lock(mutex_);
  places_.push_back({offset, db});
}

std::optional<StreamPlace> StreamPlaces::Front() const {
  std::lock_guard lock(mutex_);
  if (places_.empty()) return std::nullopt;
  return StreamPlace{id_, places_.front().offset, places_.front().db};
}

void StreamPlaces::Pop() {
  std::lock_guard lock(mutex_);
  if (places_.empty()) return;
  places_.pop_front();
  ++run_count_;
}

void StreamPlaces::Refuse(std::string why, bool is_within_exec) {
  std::lock_guard lock(mutex_);
  if (is_refused_) return;
  refusal_ = {run_count_, std::move(why), is_within_exec};
  is_refused_.store(true, std::memory_order_release);
}

StreamPlaces::Refusal StreamPlaces::refusal() const {
  std::lock_guard lock(mutex_);
  return refusal_;
}

StreamClient::StreamClient(Server& server, ReplicaLink* link, std::shared_ptr<StreamPlaces> places)
    : link_(link) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    (void)Fail(std::strerror(errno));
    return;
  }
  fd_ = fds[0];
  Worker& worker = *server.workers().back();
  worker.ReserveConnection();
  AcceptedSocket socket;
  socket.fd = fds[1];
  socket.family = AF_UNIX;
  worker.Adopt(std::move(socket), [&server, places = std::move(places)](Connection& connection) {
    auto session = std::make_unique<Session>(server, connection);
    session->ApplyStream(places);
    return session;
  });
}

StreamClient::~StreamClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool StreamClient::Fail(std::string why) {
  if (error_.empty()) error_ = std::move(why);
  return false;
}

bool StreamClient::Pump(const OnReply& on_reply) {
  if (!error_.empty()) return false;
  while (wants_write()) {
    const ssize_t size =
        ::send(fd_, outbox_.data() + sent_, outbox_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (size < 0) return Fail(std::string("applying: ") + std::strerror(errno));
    sent_ += static_cast<size_t>(size);
  }
  if (sent_ == outbox_.size()) {
    if (outbox_.capacity() > 4 * kSentMax) outbox_ = std::string();
    outbox_.clear();
    sent_ = 0;
  } else if (sent_ > kSentMax && sent_ > outbox_.size() / 2) {
    outbox_.erase(0, sent_);
    sent_ = 0;
  }
  for (;;) {
    char bytes[kReadBytes];
    const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (size <= 0) return Fail("applying: the connection was closed");
    if (!replies_.Take({bytes, static_cast<size_t>(size)}, on_reply)) {
      return Fail("applying: a reply that is none");
    }
    if (static_cast<size_t>(size) < sizeof(bytes)) return true;
  }
}

bool StreamClient::Run(std::initializer_list<std::string_view> words) {
  std::string command = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    command += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  Push(command);
  bool replied = false;
  std::string refusal;
  const OnReply on_reply = [&](const std::string& error) {
    replied = true;
    refusal = error;
  };
  while (Pump(on_reply)) {
    if (replied) return refusal.empty() || Fail(std::string(*words.begin()) + ": " + refusal);
    if (link_ != nullptr && link_->dropped()) {
      return Fail(std::string(*words.begin()) + ": no reply came before the link's end");
    }
    Wait();
  }
  return false;
}

void StreamClient::Wait() {
  constexpr int kLookMs = 1000;
  pollfd fds[2] = {{fd_, static_cast<short>(wants_write() ? POLLIN | POLLOUT : POLLIN), 0},
                   {link_ == nullptr ? -1 : link_->wakeup().fd(), POLLIN, 0}};
  if (::poll(fds, 2, kLookMs) > 0 && fds[1].revents != 0) link_->wakeup().Drain();
}

}  // namespace hearth
