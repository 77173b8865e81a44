// Tested by tests/src/replication/replica_link_test.cc.
#include "src/replication/replica_link.h"

#include <algorithm>
#include <chrono>

#include "src/log.h"

namespace hearth {
namespace {

constexpr int64_t kPauseMsMin = 100, kPauseMsMax = 2000;

}  // namespace

int64_t LinkNowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

const char* LinkStateName(LinkState state) {
  switch (state) {
    case LinkState::kConnect:
      return "connect";
    case LinkState::kConnecting:
      return "connecting";
    case LinkState::kHandshake:
      return "handshake";
    case LinkState::kSync:
      return "sync";
    case LinkState::kConnected:
      return "connected";
    case LinkState::kRefused:
      return "refused";
  }
  return "unknown";
}

ReplicaLink::ReplicaLink(std::string host, int port, std::function<LinkSettings()> settings,
                         LinkFollower& follower)
    : host_(std::move(host)),
      port_(port),
      read_settings_(std::move(settings)),
      follower_(follower) {}

void ReplicaLink::Start() {
  thread_ = std::thread([this] { Main(); });
}

void ReplicaLink::Stop() {
  wakeup_.Stop();
  if (thread_.joinable()) thread_.join();
}

bool ReplicaLink::Drop() {
  const LinkState now = state();
  const bool is_open = now != LinkState::kConnect && now != LinkState::kRefused;
  if (is_open) {
    drop_ = true;
    wakeup_.Wake();
  }
  return is_open;
}

std::string ReplicaLink::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

std::string ReplicaLink::local_address() const {
  std::lock_guard lock(mutex_);
  return local_address_;
}

void ReplicaLink::SetState(LinkState state) {
  if (state == LinkState::kConnected) {
    std::lock_guard lock(mutex_);
    error_.clear();
    logged_error_.clear();
    was_up_ = true;
  }
  state_.store(state, std::memory_order_release);
}

void ReplicaLink::NoteIo() {
  last_io_us_.store(LinkNowUs(), std::memory_order_relaxed);
}

void ReplicaLink::Fail(std::string why, LinkState state) {
  if (wakeup_.stopped()) return;
  const bool was_up = is_up();
  std::lock_guard lock(mutex_);
  error_ = std::move(why);
  if (error_ != logged_error_) {  // the same cause, again and again, is told once
    Log(LogLevel::kWarning, "The link to the primary " + host_ + ":" + std::to_string(port_) +
                                (was_up ? " broke: " : ": ") + error_);
    logged_error_ = error_;
  }
  state_.store(state, std::memory_order_release);
}

void ReplicaLink::FailForGood(std::string why) {
  Fail(std::move(why), LinkState::kRefused);
  is_over_ = true;
}

void ReplicaLink::Main() {
  int64_t pause_ms = kPauseMsMin;
  while (!wakeup_.stopped()) {
    drop_ = at_once_ = was_up_ = false;
    Try();
    if (state() != LinkState::kRefused) SetState(LinkState::kConnect);
    if (was_up_) {
      down_since_us_ = LinkNowUs();
      pause_ms = kPauseMsMin;
    }
    while (is_over_ && !wakeup_.stopped()) wakeup_.Sleep(kPauseMsMax);
    if (at_once_) continue;
    const int64_t until_us = LinkNowUs() + pause_ms * 1000;
    while (!wakeup_.stopped() && !drop_ && LinkNowUs() < until_us) {
      wakeup_.Sleep((until_us - LinkNowUs()) / 1000 + 1);
    }
    pause_ms = std::min(pause_ms * 2, kPauseMsMax);
  }
  follower_.Finish();
}

void ReplicaLink::Try() {
  current_ = read_settings_();
  if (!current_.error.empty()) return Fail(current_.error);
  LinkSocket socket(wakeup_);
  socket.set_source(current_.source_address);
  if (state() != LinkState::kRefused) SetState(LinkState::kConnecting);
  if (!socket.Connect(host_, port_, std::min<int64_t>(current_.timeout_ms, 10'000), current_.tls)) {
    return Fail("connecting: " + socket.error());
  }
  {
    std::lock_guard lock(mutex_);
    local_address_ = socket.local_address();
  }
  if (state() != LinkState::kRefused) SetState(LinkState::kHandshake);
  NoteIo();
  if (Greet(socket)) follower_.Follow(socket, *this);
  std::lock_guard lock(mutex_);
  local_address_.clear();
}

std::string ReplicaLink::Ask(LinkSocket& socket, std::initializer_list<std::string_view> words) {
  if (!socket.WriteCommand({words.begin(), words.size()}, current_.timeout_ms)) return {};
  const auto line = socket.ReadLine(current_.timeout_ms);
  if (line) NoteIo();
  return line.value_or("");
}

bool ReplicaLink::Greet(LinkSocket& socket) {
  const auto failed = [&](const std::string& what, const std::string& reply) {
    Fail(what + ": " + (reply.empty() ? socket.error() : reply));
    return false;
  };
  std::string reply = Ask(socket, {"PING"});
  const bool wants_password = reply.starts_with("-NOAUTH") || reply.starts_with("-NOPERM") ||
                              reply.starts_with("-ERR operation not permitted");
  if (!reply.starts_with("+") && !wants_password) return failed("PING", reply);
  if (!current_.password.empty()) {
    reply = current_.user.empty() ? Ask(socket, {"AUTH", current_.password})
                                  : Ask(socket, {"AUTH", current_.user, current_.password});
    if (!reply.starts_with("+")) return failed("Unable to AUTH to MASTER", reply);
  } else if (wants_password) {
    return failed("the primary wants a password (masterauth)", reply);
  }
  reply = Ask(socket, {"REPLCONF", "listening-port", std::to_string(current_.announce_port)});
  if (!reply.starts_with("+")) return failed("REPLCONF listening-port", reply);
  if (!current_.announce_ip.empty()) {
    reply = Ask(socket, {"REPLCONF", "ip-address", current_.announce_ip});
    if (!reply.starts_with("+")) return failed("REPLCONF ip-address", reply);
  }
  return true;
}

}  // namespace hearth
