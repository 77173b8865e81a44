#include "net/listener.h"

#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "net/socket_address.h"
#include "tests/net/loopback.h"

namespace hearth {
namespace {

// Each test opens its own.
class ListenerTest : public Loopback {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/hearth_listener_XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  void TearDown() override {
    StopAll();
    std::filesystem::remove_all(folder_);
  }
  std::string SocketPath() const { return folder_ + "/socket"; }
  std::string OpenText(const ListenerOptions& options) {
    Listener listener({}, nullptr);
    return listener.Open(options);
  }

  std::string folder_;
};

TEST_F(ListenerTest, SpreadsClientsOverWorkers) {
  Start({.bind = {"127.0.0.1"}}, 2);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; i++) {
    clients.push_back(std::make_unique<Client>(port()));
    clients.back()->Ask("PING\r\n", "+PONG\r\n");
  }
  EXPECT_EQ(workers_[0]->connection_count(), 2u);
  EXPECT_EQ(workers_[1]->connection_count(), 2u);
}

TEST_F(ListenerTest, RefusesMoreThanMaxClients) {
  Start({.bind = {"127.0.0.1"}});
  listener_->SetMaxClients(1);
  Client first(port());
  first.Ask("PING\r\n", "+PONG\r\n");
  Client second(port());
  EXPECT_EQ(second.ReadUntilClosed(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(first.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  EXPECT_EQ(listener_->rejected_count(), 1u);
}

TEST_F(ListenerTest, TheFilterMayRefuse) {
  auto worker = std::make_unique<Worker>(0);
  worker->Start();
  Listener listener({worker.get()}, nullptr);
  listener.SetAcceptFilter([](const PeerInfo& peer) {
    return peer.is_loopback && peer.address.starts_with("127.0.0.1:") ? "DENIED you" : "";
  });
  ASSERT_EQ(listener.Open({.bind = {"127.0.0.1"}}), "");
  listener.Start();
  Client client(listener.port());
  EXPECT_EQ(client.ReadUntilClosed(), "-DENIED you\r\n");
  listener.Stop();
}

TEST_F(ListenerTest, AddressesThatCannotBeBound) {
  EXPECT_EQ(OpenText({.bind = {"127.0.0.1", "-192.0.2.77"}}), "");
  EXPECT_EQ(OpenText({.bind = {"192.0.2.77"}, .port = 1}),
            "192.0.2.77 port 1: Cannot assign requested address");
  EXPECT_EQ(OpenText({.bind = {"-192.0.2.77"}}), "no address could be bound");
  EXPECT_EQ(OpenText({.bind = {"not an address"}}), "not an address port 0: no such address");
  Start({.bind = {"127.0.0.1"}});
  EXPECT_NE(OpenText({.bind = {"-127.0.0.1"}, .port = port()}).find("Address already in use"),
            std::string::npos);
}

TEST_F(ListenerTest, ServesAUnixSocket) {
  Start({.unix_path = SocketPath(), .unix_permissions = 0600});
  struct stat info;
  ASSERT_EQ(::stat(SocketPath().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  Client client(SocketPath());
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  OnConnection([&](Connection& connection) {
    EXPECT_TRUE(connection.is_unix());
    EXPECT_EQ(connection.peer_address(), SocketPath() + ":0");
  });
  StopAll();
  EXPECT_FALSE(std::filesystem::exists(SocketPath()));
}

TEST_F(ListenerTest, AUnixSocketMayBeAnotherGroups) {
  // Whoever may not give a file away has a group of its own at least.
  const struct group* const other = ::geteuid() == 0 ? ::getgrnam("daemon") : nullptr;
  const struct group* const given = other != nullptr ? other : ::getgrgid(::getegid());
  ASSERT_NE(given, nullptr);
  const gid_t id = given->gr_gid;
  Start({.unix_path = SocketPath(), .unix_group = given->gr_name});
  struct stat info;
  ASSERT_EQ(::stat(SocketPath().c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, id);
  EXPECT_EQ(OpenText({.unix_path = folder_ + "/other", .unix_group = "no such group"}),
            folder_ + "/other: no group no such group is known");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/other"));
}

TEST_F(ListenerTest, ReplacesOnlyADeadSocketFile) {
  Start({.unix_path = SocketPath()});
  EXPECT_EQ(OpenText({.unix_path = SocketPath()}), SocketPath() + ": another server listens there");
  Client client(SocketPath());
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  StopAll();

  const std::string stale = folder_ + "/stale";
  std::filesystem::remove(stale);
  {
    Listener listener({}, nullptr);
    ASSERT_EQ(listener.Open({.unix_path = stale}), "");
    std::filesystem::rename(stale, SocketPath());  // the listener does not remove what moved
  }
  EXPECT_EQ(OpenText({.unix_path = SocketPath()}), "");

  std::ofstream(stale) << "precious";
  EXPECT_EQ(OpenText({.unix_path = stale}), stale + ": exists and is not a socket");
  EXPECT_TRUE(std::filesystem::exists(stale));
}

// Without a descriptor left accepting rests, and goes on when there is one again.
TEST_F(ListenerTest, RestsWhenDescriptorsRunOut) {
  Start({.bind = {"127.0.0.1"}});
  Client client(port());
  client.Ask("PING\r\n", "+PONG\r\n");
  rlimit old_limit;
  ::getrlimit(RLIMIT_NOFILE, &old_limit);
  Client waiting(port());  // opened before the limit falls; maybe accepted, maybe not yet
  waiting.Ask("PING\r\n", "+PONG\r\n");
  const int socket_fd = ::socket(AF_INET, SOCK_STREAM, 0);
  rlimit tight = old_limit;
  tight.rlim_cur = static_cast<rlim_t>(socket_fd) + 1;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  SocketAddress address;
  ASSERT_TRUE(ParseAddress("127.0.0.1", port(), &address));
  EXPECT_EQ(::connect(socket_fd, address.get(), address.size), 0);
  while (listener_->backoff_count() == 0) std::this_thread::yield();
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  ::setrlimit(RLIMIT_NOFILE, &old_limit);
  ASSERT_EQ(::send(socket_fd, "PING\r\n", 6, 0), 6);
  char reply[8] = "";
  EXPECT_EQ(::recv(socket_fd, reply, 7, MSG_WAITALL), 7);
  EXPECT_STREQ(reply, "+PONG\r\n");
  EXPECT_LT(listener_->backoff_count(), 50u);
  ::close(socket_fd);
}

TEST(SocketAddress, FormatsAndRecognizesLoopback) {
  const std::tuple<std::string, std::string, bool> cases[] = {
      {"127.0.0.1", "127.0.0.1:7", true},
      {"127.8.9.1", "127.8.9.1:7", true},
      {"10.0.0.1", "10.0.0.1:7", false},
      {"::1", "[::1]:7", true},
      {"2001:db8::1", "[2001:db8::1]:7", false},
      {"::ffff:127.0.0.1", "[::ffff:127.0.0.1]:7", true},
      {"*", "0.0.0.0:7", false},
      {"::*", "[::]:7", false},
  };
  for (const auto& [text, formatted, is_loopback] : cases) {
    SocketAddress address;
    ASSERT_TRUE(ParseAddress(text, 7, &address)) << text;
    EXPECT_EQ(FormatAddress(address), formatted);
    EXPECT_EQ(IsLoopback(address), is_loopback) << text;
  }
}

}  // namespace
}  // namespace hearth
