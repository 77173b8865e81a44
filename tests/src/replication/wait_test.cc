// WAIT and WAITAOF.
#include "src/replication/waiting_clients.h"
#include "tests/src/replication/node.h"

namespace hearth {
namespace {

TEST(WaitTest, AloneNobodyAcknowledges) {
  Node primary;
  EXPECT_EQ(primary.Run("WAIT 0 0"), ":0\r\n");
  EXPECT_EQ(primary.Run("WAIT -1 0"), ":0\r\n");
  EXPECT_EQ(primary.Run("WAIT 1 20"), ":0\r\n");
  EXPECT_EQ(primary.Run("WAIT 0 -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(primary.Run("WAIT 0 x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(primary.Run("WAIT a 1"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(primary.Run("WAIT 1 9223372036854775807"), "-ERR timeout is out of range\r\n");
  TestClient patient = primary.Connect();
  patient.Send("WAIT 1 9000000000000000000");
  EXPECT_FALSE(patient.HasReply());
}

TEST(WaitTest, ItEndsWhenTheReplicasHaveIt) {
  Node primary, first, second;
  first.Follow(primary);
  second.Follow(primary);
  ASSERT_TRUE(first.CatchesUp(primary));
  ASSERT_TRUE(second.CatchesUp(primary));
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    primary.Run("SET a " + n);
    EXPECT_EQ(primary.Run("WAIT 2 5000"), ":2\r\n");
    EXPECT_EQ(first.Run("GET a"), WireBulk(n));
    EXPECT_EQ(second.Run("GET a"), WireBulk(n));
  }
  EXPECT_EQ(primary.Run("WAIT 3 30"), ":2\r\n");
  primary.Run("MULTI");
  primary.Run("SET a last");
  primary.Run("WAIT 5 0");
  EXPECT_TRUE(primary.Run("EXEC").starts_with("*2\r\n+OK\r\n:"));
}

TEST(WaitTest, OnAReplicaItIsRefused) {
  Node primary, replica;
  replica.Follow(primary);
  EXPECT_EQ(replica.Run("WAIT 0 0"),
            "-ERR WAIT cannot be used with replica instances. Please also note that since Redis "
            "4.0 if a replica is configured to be writable (which is not the default) writes to "
            "replicas are just local and are not propagated.\r\n");
  EXPECT_TRUE(replica.Run("WAITAOF 0 0 0").starts_with("-ERR WAITAOF cannot be used with replica"));
}

TEST(WaitTest, WaitAofEndsWhenTheDisksHaveIt) {
  Node primary, replica;
  ASSERT_TRUE(replica.Joins(primary));
  primary.Run("SET a 1");
  EXPECT_EQ(primary.Run("WAITAOF 1 1 10000"), "*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(primary.Run("WAITAOF 2 0 0"),
            "-ERR value is out of range, value must between 0 and 1\r\n");
  EXPECT_EQ(primary.Run("WAITAOF 0 -1 0"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(primary.Run("WAITAOF 0 0 -1"), "-ERR timeout is negative\r\n");
}

TEST(WaitTest, WaitersAreUnblockedAndToldOfTheChangeOfRole) {
  Node primary, other;
  TestClient waiter = primary.Connect();
  const std::string id = waiter.Run("CLIENT ID").substr(1);
  waiter.Run("SET a 1");
  waiter.Send("WAIT 1 0");
  EXPECT_TRUE(Eventually([&] { return primary.Info("clients", "blocked_clients") == "1"; }));
  EXPECT_EQ(primary.Run("CLIENT UNBLOCK " + id.substr(0, id.size() - 2)), ":1\r\n");
  EXPECT_EQ(waiter.ReadReply(), ":0\r\n");
  waiter.Send("WAIT 1 0");
  EXPECT_TRUE(Eventually([&] { return primary.Info("clients", "blocked_clients") == "1"; }));
  primary.Follow(other);
  EXPECT_TRUE(waiter.ReadReply().starts_with("-UNBLOCKED force unblock"));
}

}  // namespace
}  // namespace hearth
