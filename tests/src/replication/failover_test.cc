// FAILOVER: writes stop, the replica takes over, the old primary follows it.
#include <filesystem>
#include <fstream>
#include <latch>
#include <optional>

#include "src/replication/replication.h"
#include "tests/src/replication/node.h"

namespace hearth {
namespace {

TEST(FailoverTest, TheReplicaTakesOverAndNothingIsLost) {
  Node first, second, third;
  second.Follow(first);
  third.Follow(first);
  first.Run("SET a 1");
  ASSERT_TRUE(second.CatchesUp(first));
  ASSERT_TRUE(third.CatchesUp(first));
  EXPECT_EQ(first.Run("FAILOVER TO 127.0.0.1 1"),
            "-ERR FAILOVER target HOST and PORT is not a replica.\r\n");
  EXPECT_EQ(first.Run("FAILOVER FORCE"),
            "-ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n");
  EXPECT_EQ(first.Run("FAILOVER TO 127.0.0.1 " + second.port_text()), "+OK\r\n");
  ASSERT_TRUE(Eventually([&] { return second.Info("replication", "role") == "master"; }));
  ASSERT_TRUE(first.CatchesUp(second));
  EXPECT_EQ(first.Info("replication", "master_failover_state"), "no-failover");
  EXPECT_EQ(second.Run("SET a 2"), "+OK\r\n");
  third.Follow(second);
  ASSERT_TRUE(first.CatchesUp(second));
  ASSERT_TRUE(third.CatchesUp(second));
  EXPECT_EQ(first.Run("GET a"), "$1\r\n2\r\n");
  EXPECT_EQ(second.Info("stats", "sync_full"), "0");
  EXPECT_TRUE(first.Run("SET a 3").starts_with("-READONLY"));
}

// A replica that does not catch up: writes wait, and go on when the failover ends.
TEST(FailoverTest, ItEndsWhenItsTimeIsUpOrItIsAborted) {
  Node first, second;
  ASSERT_TRUE(second.Joins(first));
  EXPECT_EQ(first.Run("FAILOVER ABORT"), "-ERR No failover in progress.\r\n");
  const std::string reply = first.Run("FAILOVER TIMEOUT 0");
  EXPECT_EQ(reply, "-ERR FAILOVER timeout must be greater than 0\r\n");
  EXPECT_EQ(second.Run("FAILOVER"), "-ERR FAILOVER is not valid when server is a replica.\r\n");
  Node alone;
  EXPECT_EQ(alone.Run("FAILOVER"), "-ERR FAILOVER requires connected replicas.\r\n");
  EXPECT_EQ(alone.Run("FAILOVER TO a"), "-ERR syntax error\r\n");
}

// A client that says it is a replica on port 1, follows, and never acknowledges anything.
class SilentReplica {
 public:
  explicit SilentReplica(Node& primary, const std::string& id = "", int port = 1)
      : client_(primary.Connect()) {
    client_.Run("REPLCONF listening-port " + std::to_string(port));
    client_.Run("REPLCONF hearth 1");
    if (!id.empty()) {
      EXPECT_EQ(client_.Run("REPLCONF replica-id " + id), "+OK\r\n");
    }
    const std::string history = primary.Info("replication", "master_replid");
    client_.Send("PSYNC " + history + " " + std::to_string(primary.seq() + 1));
    EXPECT_EQ(client_.ReadReply(), "+CONTINUE " + history + "\r\n");
  }
  TestClient& client() { return client_; }

 private:
  TestClient client_;
};

// A failover that waits for a replica which stays behind; the key a is 2.
class WaitingFailover {
 public:
  explicit WaitingFailover(const std::string& options = "") {
    primary_.Run("SET a 1");
    replica_.emplace(primary_);
    primary_.Run("SET a 2");
    EXPECT_EQ(primary_.Run("FAILOVER TO 127.0.0.1 1" + options), "+OK\r\n");
  }
  Node& primary() { return primary_; }

 private:
  Node primary_;
  std::optional<SilentReplica> replica_;
};

TEST(FailoverTest, NoClientsUnpauseLetsWritesThrough) {
  WaitingFailover failover;
  Node& primary = failover.primary();
  EXPECT_EQ(primary.Run("FAILOVER"), "-ERR FAILOVER already in progress.\r\n");
  TestClient writer = primary.Connect();
  EXPECT_EQ(primary.Run("CLIENT PAUSE 1 ALL"), "+OK\r\n");
  EXPECT_EQ(primary.Run("GET a"), "$1\r\n2\r\n");  // when that pause is over
  EXPECT_EQ(primary.Run("CLIENT UNPAUSE"), "+OK\r\n");
  writer.Send("SET a 3");
  EXPECT_FALSE(writer.HasReply());
  EXPECT_EQ(primary.Run("GET a"), "$1\r\n2\r\n");
  EXPECT_EQ(primary.Run("FAILOVER ABORT"), "+OK\r\n");
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
  EXPECT_EQ(primary.Run("SET a 4"), "+OK\r\n");
}

// Over several looks at the replicas.
bool StaysHeld(TestClient& writer) {
  for (int i = 0; i < 6; ++i) {
    if (writer.HasReply()) return false;
  }
  return true;
}

// A time that is too long to be added to the clock's is not over at once.
TEST(FailoverTest, ItsTimeMayBeLong) {
  WaitingFailover failover(" TIMEOUT 9223372036854775807");
  Node& primary = failover.primary();
  TestClient writer = primary.Connect();
  writer.Send("SET a 3");
  EXPECT_TRUE(StaysHeld(writer));
  EXPECT_EQ(primary.Run("FAILOVER ABORT"), "+OK\r\n");
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
}

// An EXEC that waits between two of its parts writes behind the gate.
TEST(FailoverTest, ItWaitsForTheRestOfAnExec) {
  Node first, second;
  ASSERT_TRUE(second.Joins(first));
  std::latch release(1);
  first.HoldReaders(release);
  TestClient writer = first.Connect();
  for (const char* line : {"MULTI", "SET a 1", "DEBUG DIGEST", "SET b 2"}) writer.Run(line);
  writer.Send("EXEC");
  ASSERT_TRUE(Eventually([&] { return first.Run("GET a") == "$1\r\n1\r\n"; }));
  ASSERT_EQ(first.Run("FAILOVER TO 127.0.0.1 " + second.port_text()), "+OK\r\n");
  TestClient waiter = first.Connect();
  waiter.Send("SET c 3");
  EXPECT_TRUE(StaysHeld(waiter));
  EXPECT_EQ(first.Info("replication", "master_failover_state"), "waiting-for-sync");
  release.count_down();
  EXPECT_TRUE(writer.ReadReply().ends_with("\r\n+OK\r\n"));
  ASSERT_TRUE(Eventually([&] { return second.Info("replication", "role") == "master"; }));
  ASSERT_TRUE(first.CatchesUp(second));
  EXPECT_EQ(first.Run("GET b"), "$1\r\n2\r\n");
  EXPECT_TRUE(waiter.ReadReply().starts_with("-READONLY"));
}

// The end of a failover leaves a client's pause alone.
TEST(FailoverTest, AClientsPauseOutlivesIt) {
  WaitingFailover failover;
  Node& primary = failover.primary();
  EXPECT_EQ(primary.Run("CLIENT PAUSE 100000 WRITE"), "+OK\r\n");
  EXPECT_EQ(primary.Run("FAILOVER ABORT"), "+OK\r\n");
  TestClient writer = primary.Connect();
  writer.Send("SET a 3");
  EXPECT_FALSE(writer.HasReply());
  EXPECT_EQ(primary.Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
}

// Other threads read where a replica is while it follows.
TEST(FailoverTest, AReplicaThatFollowsKeepsItsAddress) {
  Node primary;
  primary.Run("SET a 1");
  SilentReplica replica(primary);
  const std::string before = primary.Info("replication", "slave0");
  EXPECT_TRUE(before.starts_with("ip=127.0.0.1,port=1,")) << before;
  replica.client().Send("REPLCONF listening-port 2 ip-address 10.0.0.1");
  replica.client().Send("REPLCONF ACK 1 1");
  ASSERT_TRUE(Eventually([&] {
    return primary.Info("replication", "slave0").find("offset=1,") != std::string::npos;
  }));
  EXPECT_TRUE(primary.Info("replication", "slave0").starts_with("ip=127.0.0.1,port=1,"));
}

// The connection that it had has died without an end; its id stays its own.
TEST(FailoverTest, AReplicaComesBackFromAnotherAddress) {
  Node primary;
  primary.Run("SET a 1");
  const std::string id(40, 'a');
  SilentReplica before(primary, id, 1);
  Replicas& replicas = primary.server().replication().replicas();
  ASSERT_EQ(replicas.count(), 1u);
  replicas.List()[0]->ack_us = 0;  // long ago
  SilentReplica after(primary, id, 2);
  ASSERT_TRUE(Eventually([&] { return replicas.count() == 1; }));
  EXPECT_EQ(replicas.List()[0]->port, 2);
  EXPECT_EQ(replicas.List()[0]->id, id);
}

TEST(PromotionTest, WhatAResyncCollectedGoesWithIt) {
  Node node;
  const std::string incoming = node.data() + "/incoming";
  const auto collect = [&] {
    std::filesystem::create_directories(incoming);
    std::ofstream(incoming + "/000009.sst.part") << "bytes";
  };
  collect();
  node.Follow(1);
  EXPECT_TRUE(std::filesystem::exists(incoming));
  EXPECT_EQ(node.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_FALSE(std::filesystem::exists(incoming));
  collect();
  node.Stop();
  node.Start();
  EXPECT_FALSE(std::filesystem::exists(incoming));
}

}  // namespace
}  // namespace hearth
