// The link against a primary that the test plays: greeting, failures, dropping, stopping.
#include "src/replication/replica_link.h"

#include <thread>

#include "tests/src/replication/node.h"
#include "tests/src/replication/played_primary.h"

namespace hearth {
namespace {

class CountingFollower : public LinkFollower {
 public:
  void Follow(LinkSocket& socket, ReplicaLink& link) override {
    ++followed;
    link.SetState(LinkState::kConnected);
    char bytes[64];
    while (!link.dropped()) {
      const IoResult result = socket.Read(bytes, 100);
      if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
        return link.Fail(socket.error());
      }
    }
    link.Fail("dropped");
  }
  void Finish() override { ++finished; }

  std::atomic<int> followed{0}, finished{0};
};

TEST(ReplicaLinkTest, ItGreetsAsAReplicaDoesAndFollows) {
  PlayedPrimary primary;
  CountingFollower follower;
  ReplicaLink link(
      "127.0.0.1", primary.port(),
      [] {
        return LinkSettings{
            .user = "bob", .password = "secret", .announce_ip = "10.0.0.9", .announce_port = 7777};
      },
      follower);
  link.Start();
  primary.Accept();
  EXPECT_EQ(primary.Answer("-NOAUTH Authentication required.\r\n"), "PING");
  EXPECT_EQ(primary.Answer("+OK\r\n"), "AUTH bob secret");
  EXPECT_EQ(primary.Answer("+OK\r\n"), "REPLCONF listening-port 7777");
  EXPECT_EQ(link.state(), LinkState::kHandshake);
  EXPECT_EQ(primary.Answer("+OK\r\n"), "REPLCONF ip-address 10.0.0.9");
  EXPECT_TRUE(Eventually([&] { return link.is_up(); }));
  EXPECT_EQ(link.error(), "");
  link.Stop();
  EXPECT_EQ(follower.finished, 1);
}

TEST(ReplicaLinkTest, AFailureIsToldAndTriedAgain) {
  PlayedPrimary primary;
  CountingFollower follower;
  ReplicaLink link(
      "127.0.0.1", primary.port(), [] { return LinkSettings{.password = "wrong"}; }, follower);
  link.Start();
  primary.Accept();
  primary.Answer("+PONG\r\n");
  primary.Answer("-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_TRUE(Eventually([&] { return link.error().find("WRONGPASS") != std::string::npos; }));
  primary.Hang();
  primary.Accept();
  primary.Answer("+PONG\r\n");
  primary.Answer("+OK\r\n");
  primary.Answer("+OK\r\n");
  EXPECT_TRUE(Eventually([&] { return link.is_up(); }));
  EXPECT_EQ(link.error(), "");
  // Broken from the other side: down, and up again.
  primary.Hang();
  EXPECT_TRUE(Eventually([&] { return !link.is_up(); }));
  EXPECT_TRUE(Eventually([&] { return link.down_since_us() != 0; }));
  primary.Accept();
  primary.Answer("+PONG\r\n");
  primary.Answer("+OK\r\n");
  primary.Answer("+OK\r\n");
  EXPECT_TRUE(Eventually([&] { return follower.followed == 2; }));
  EXPECT_TRUE(Eventually([&] { return link.is_up(); }));
  // Dropped from this side.
  EXPECT_TRUE(link.Drop());
  primary.Hang();
  primary.Accept();
  primary.Answer("+PONG\r\n");
}

// A primary that accepts and says nothing does not hold Stop up.
TEST(ReplicaLinkTest, StopEndsEveryWait) {
  PlayedPrimary primary;
  CountingFollower follower;
  ReplicaLink link(
      "127.0.0.1", primary.port(), [] { return LinkSettings{}; }, follower);
  link.Start();
  primary.Accept();
  link.Stop();
  EXPECT_EQ(follower.followed, 0);
  ReplicaLink nobody(
      "127.0.0.1", 1, [] { return LinkSettings{}; }, follower);
  nobody.Start();
  EXPECT_TRUE(Eventually([&] { return !nobody.error().empty(); }));
  nobody.Stop();
}

TEST(LinkSocketTest, AWaitMayBeAsLongAsItLikes) {
  PlayedPrimary primary;
  Wakeup wakeup;
  LinkSocket socket(wakeup);
  ASSERT_TRUE(socket.Connect("127.0.0.1", primary.port(), INT64_MAX, nullptr));
  primary.Accept();
  std::thread late([&] { primary.Send("+OK\r\n"); });
  EXPECT_EQ(socket.ReadLine(INT64_MAX), "+OK") << socket.error();
  late.join();
}

TEST(LinkSocketTest, ANameWithSeveralAddressesIsTriedThrough) {
  PlayedPrimary primary;
  Wakeup wakeup;
  LinkSocket socket(wakeup);
  SocketAddress deaf, listening;
  ASSERT_TRUE(ParseAddress("127.0.0.1", 1, &deaf));
  ASSERT_TRUE(ParseAddress("127.0.0.1", primary.port(), &listening));
  const SocketAddress both[] = {deaf, listening};
  EXPECT_TRUE(socket.Connect(both, 10'000, nullptr)) << socket.error();
  EXPECT_EQ(socket.error(), "");
  primary.Accept();
  const SocketAddress none[] = {deaf, deaf};
  EXPECT_FALSE(socket.Connect(none, 10'000, nullptr));
  EXPECT_EQ(socket.error(), "Connection refused");
  EXPECT_FALSE(socket.Connect("no.such.host.invalid", 1, 10'000, nullptr));
  EXPECT_EQ(socket.error(), "can't resolve 'no.such.host.invalid'");
}

TEST(LinkSocketTest, ASourceAddressIsTakenOrTold) {
  PlayedPrimary primary;
  Wakeup wakeup;
  LinkSocket socket(wakeup);
  socket.set_source("127.0.0.7");
  ASSERT_TRUE(socket.Connect("127.0.0.1", primary.port(), 10'000, nullptr)) << socket.error();
  EXPECT_TRUE(socket.local_address().starts_with("127.0.0.7:")) << socket.local_address();
  primary.Accept();
  socket.set_source("192.0.2.1");  // nobody's (RFC 5737)
  EXPECT_FALSE(socket.Connect("127.0.0.1", primary.port(), 10'000, nullptr));
  EXPECT_TRUE(socket.error().starts_with("can't bind to '192.0.2.1'")) << socket.error();
}

}  // namespace
}  // namespace hearth
