#pragma once

// Socket addresses as text, and back.
//
// Thread: any; pure functions over their arguments.

#include <sys/socket.h>

#include <string>
#include <vector>

namespace hearth {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// The numeric addresses of `text` ("*", "1.2.3.4", "::*", "::1", a name resolved by the system), in
// the system's order of preference.
std::vector<SocketAddress> ResolveAddresses(const std::string& text, int port);
// The first of them; false when there is none.
bool ParseAddress(const std::string& text, int port, SocketAddress* address);

// Where the socket is bound, and whom it talks to.
SocketAddress LocalAddressOf(int fd);
SocketAddress PeerAddressOf(int fd);

// "1.2.3.4:567", "[::1]:567"; "" for other families.
std::string FormatAddress(const SocketAddress& address);
int PortOf(const SocketAddress& address);
bool IsLoopback(const SocketAddress& address);

}  // namespace hearth
