#pragma once

// PlayedPrimary: a primary that a test plays.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace hearth {

// A listening socket that answers lines it is told to, one connection after another.
class PlayedPrimary {
 public:
  PlayedPrimary() : listen_fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listen_fd_, 8), 0);
    EXPECT_EQ(getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~PlayedPrimary() {
    Hang();
    close(listen_fd_);
  }

  int port() const { return port_; }
  void Accept() { fd_ = accept(listen_fd_, nullptr, nullptr); }
  // Whether another connection comes, long after the pause before a next try.
  bool IsAskedAgain() {
    pollfd poll_fd{listen_fd_, POLLIN, 0};
    return poll(&poll_fd, 1, 600) == 1;
  }
  void Hang() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  void Send(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Reads until a whole command is there, and answers it; returns its words.
  std::string Answer(std::string_view reply) {
    std::string wire;
    char byte;
    int lines_left = 1;
    while (lines_left > 0 && recv(fd_, &byte, 1, 0) == 1) {
      if (wire.empty() && byte == '\n') continue;  // a sign of life
      wire += byte;
      if (byte != '\n') continue;
      if (lines_left == 1 && wire[0] == '*' && wire.find('\n') == wire.size() - 1) {
        lines_left += 2 * std::stoi(wire.substr(1));
      }
      --lines_left;
    }
    std::string words;
    for (size_t at = wire.find('$'); at != std::string::npos; at = wire.find('$', at)) {
      const size_t start = wire.find('\n', at) + 1;
      at = wire.find('\r', start);
      words += (words.empty() ? "" : " ") + wire.substr(start, at - start);
    }
    Send(reply);
    return words;
  }

 private:
  int listen_fd_, fd_ = -1;
  int port_ = 0;
};

}  // namespace hearth
