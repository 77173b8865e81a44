// Tested by tests/net/listener_test.cc.
#include "net/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>

namespace hearth {
namespace {

const sockaddr_in& AsV4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}

const sockaddr_in6& AsV6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

std::vector<SocketAddress> ResolveAddresses(const std::string& text, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const char* node = text.c_str();
  if (text == "*") node = "0.0.0.0";
  if (text == "::*") node = "::";
  addrinfo* found = nullptr;
  if (::getaddrinfo(node, std::to_string(port).c_str(), &hints, &found) != 0) return {};
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return addresses;
}

bool ParseAddress(const std::string& text, int port, SocketAddress* address) {
  const std::vector<SocketAddress> addresses = ResolveAddresses(text, port);
  if (addresses.empty()) return false;
  *address = addresses.front();
  return true;
}

SocketAddress LocalAddressOf(int fd) {
  SocketAddress address;
  ::getsockname(fd, address.get(), &address.size);
  return address;
}

SocketAddress PeerAddressOf(int fd) {
  SocketAddress address;
  ::getpeername(fd, address.get(), &address.size);
  return address;
}

std::string FormatAddress(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    ::inet_ntop(AF_INET, &AsV4(address).sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(PortOf(address));
  }
  if (address.family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &AsV6(address).sin6_addr, text, sizeof(text));
    return std::string("[").append(text).append("]:").append(std::to_string(PortOf(address)));
  }
  return "";
}

int PortOf(const SocketAddress& address) {
  if (address.family() == AF_INET) return ntohs(AsV4(address).sin_port);
  if (address.family() == AF_INET6) return ntohs(AsV6(address).sin6_port);
  return 0;
}

bool IsLoopback(const SocketAddress& address) {
  if (address.family() == AF_INET) return (ntohl(AsV4(address).sin_addr.s_addr) >> 24) == 127;
  if (address.family() == AF_INET6) {
    const in6_addr& v6 = AsV6(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6);
  }
  return address.family() == AF_UNIX;
}

}  // namespace hearth
