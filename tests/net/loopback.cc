#include "tests/net/loopback.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>

namespace hearth {
namespace {

constexpr int kClientPatienceMs = 10000;

uint64_t ToNumber(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

void ToyState::WaitForCloses(size_t count) {
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::milliseconds(kClientPatienceMs),
                               [&] { return close_reasons.size() >= count; }));
}

std::string ToyState::FirstCloseReason() {
  const std::lock_guard lock(mutex);
  return close_reasons.empty() ? "" : close_reasons[0];
}

void ToyState::WaitForParks(size_t count) {
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::milliseconds(kClientPatienceMs),
                               [&] { return parked_count >= count; }));
}

ToyHandler::ToyHandler(Connection& connection, ToyState& state)
    : connection_(connection), state_(state) {
  connection.SetOutputLimits(state.hard_bytes, state.soft_bytes, state.soft_seconds);
}

size_t ToyHandler::OnRequests(const RequestBatch& batch) {
  for (size_t i = 0; i < batch.size(); i++) {
    if (!RunOne(batch[i])) return i;
    connection_.CountReply();
    if (connection_.is_closing()) return i + 1;
  }
  return batch.size();
}

bool ToyHandler::RunOne(std::span<const std::string_view> args) {
  Reply& reply = connection_.reply();
  const std::string_view name = args[0];
  if (name == "PING") {
    reply.Simple("PONG");
  } else if (name == "ECHO") {
    reply.Bulk(args[1]);
  } else if (name == "BIG") {
    reply.Bulk(std::string(ToNumber(args[1]), 'b'));
  } else if (name == "PARK") {
    if (state_.park) {
      const std::lock_guard lock(state_.mutex);
      state_.parked_count++;
      state_.changed.notify_all();
      return false;
    }
    reply.Simple("UNPARKED");
  } else if (name == "HOLD") {
    connection_.SetBarrier(ToNumber(args[1]));
    reply.Simple(args[2]);
  } else if (name == "QUIT") {
    reply.Ok();
    connection_.CloseAfterReply();
  } else {
    reply.Error("ERR unknown command");
  }
  return true;
}

void ToyHandler::OnClose() {
  const std::lock_guard lock(state_.mutex);
  state_.close_reasons.push_back(connection_.close_reason());
  state_.output_bytes_peak = std::max(state_.output_bytes_peak, connection_.output_bytes_peak());
  state_.changed.notify_all();
}

CommitResult ToyHook::CommitTurn(uint64_t barrier) {
  const std::lock_guard lock(mutex_);
  barrier_max_ = std::max(barrier_max_, barrier);
  changed_.notify_all();
  return {0};
}

void ToyHook::WaitForBarrier(uint64_t barrier) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::milliseconds(kClientPatienceMs),
                                [&] { return barrier_max_ >= barrier; }));
}

Client::Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

Client::Client(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

Client::~Client() {
  ::close(fd_);
}

void Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

std::string Client::Read(size_t size) {
  std::string result(size, '\0');
  size_t done = 0;
  while (done < size) {
    pollfd watched{fd_, POLLIN, 0};
    if (::poll(&watched, 1, kClientPatienceMs) <= 0) break;
    const ssize_t got = ::recv(fd_, result.data() + done, size - done, 0);
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  result.resize(done);
  return result;
}

std::string Client::Ask(std::string_view bytes, std::string_view expected) {
  Send(bytes);
  return Read(expected.size());
}

std::string Client::ReadUntilClosed() {
  std::string result;
  while (true) {
    const std::string piece = Read(1);
    if (piece.empty()) return result;
    result += piece;
  }
}

bool Client::IsQuiet() {
  pollfd watched{fd_, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 0;
}

void Client::ShutdownWrite() {
  ::shutdown(fd_, SHUT_WR);
}

void Loopback::Start(ListenerOptions options, int worker_count) {
  std::vector<Worker*> workers;
  for (int i = 0; i < worker_count; i++) {
    workers_.push_back(std::make_unique<Worker>(i));
    if (use_hook_) workers_.back()->SetTurnHook(&hook_);
    workers_.back()->Start();
    workers.push_back(workers_.back().get());
  }
  listener_ = std::make_unique<Listener>(workers, [this](Connection& connection) {
    return std::make_unique<ToyHandler>(connection, state_);
  });
  ASSERT_EQ(listener_->Open(options), "");
  listener_->Start();
}

void Loopback::StopAll() {
  listener_.reset();
  workers_.clear();
}

void Loopback::OnWorker(const std::function<void(Worker&)>& function, size_t worker) {
  std::promise<void> done;
  workers_[worker]->Post([&] {
    function(*workers_[worker]);
    done.set_value();
  });
  done.get_future().wait();
}

void Loopback::OnConnection(const std::function<void(Connection&)>& function) {
  OnWorker([&](Worker& worker) { worker.ForEachConnection(function); });
}

}  // namespace hearth
