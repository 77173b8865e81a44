#include "tests/src/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "engine/check.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr int kMomentMs = 60;
constexpr timeval kPatience = {20, 0};  // a reply that takes longer is a failure

}  // namespace

TestClient::TestClient(const std::string& unix_path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  HEARTH_CHECK(unix_path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, unix_path.c_str(), unix_path.size() + 1);
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  HEARTH_CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

TestClient::TestClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  HEARTH_CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

TestClient::~TestClient() {
  close(fd_);
}

std::string TestClient::Run(std::string_view line) {
  Send(line);
  return ReadReply();
}

std::string TestClient::RunWords(const std::vector<std::string>& words) {
  SendRaw(WireArray(words));
  return ReadReply();
}

std::string TestClient::RunText(std::string_view line) {
  const std::string reply = Run(line);
  const size_t start = reply.find("\r\n");
  if (start == std::string::npos || reply.size() < start + 4) return reply;
  const size_t format_size = reply[0] == '=' ? 4 : 0;
  return reply.substr(start + 2 + format_size, reply.size() - start - 4 - format_size);
}

void TestClient::Send(std::string_view line) {
  SendRaw(WireArray(*SplitWords(line)));
}

void TestClient::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

bool TestClient::Fill() {
  char bytes[65536];
  const ssize_t size = recv(fd_, bytes, sizeof(bytes), 0);
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(size));
  return true;
}

std::string TestClient::ReadLine() {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  std::string line = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 2);
  return line;
}

std::string TestClient::ReadReply() {
  std::string reply = ReadLine();
  if (reply.empty()) return reply;
  const char type = reply[0];
  const bool is_text = type == '$' || type == '=';
  const bool is_map = type == '%';
  if (!is_text && !is_map && type != '*' && type != '~' && type != '>') return reply;
  const long count = std::stol(reply.substr(1));
  if (is_text && count >= 0) {
    const size_t size = static_cast<size_t>(count) + 2;
    while (buffer_.size() < size && Fill()) {
    }
    reply += buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else if (!is_text) {
    for (long i = 0; i < count * (is_map ? 2 : 1); ++i) reply += ReadReply();
  }
  return reply;
}

bool TestClient::HasReply() {
  pollfd poll_fd{fd_, POLLIN, 0};
  return !buffer_.empty() || poll(&poll_fd, 1, kMomentMs) > 0;
}

std::string TestClient::ReadToEnd() {
  while (Fill()) {
  }
  return std::exchange(buffer_, {});
}

std::string WireBulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string WireArray(const std::vector<std::string>& words) {
  std::string wire = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) wire += WireBulk(word);
  return wire;
}

}  // namespace hearth
