// SHUTDOWN: the server waits for its replicas, until they are level or the time is up.
#include <optional>

#include "tests/src/replication/node.h"

namespace hearth {
namespace {

// Follows, and acknowledges only what it is told to.
class SlowReplica {
 public:
  explicit SlowReplica(Node& primary) : primary_(primary), client_(primary.Connect()) {
    client_.Run("REPLCONF listening-port 1");
    client_.Run("REPLCONF hearth 1");
    const std::string history = primary.Info("replication", "master_replid");
    client_.Send("PSYNC " + history + " " + std::to_string(primary.seq() + 1));
    EXPECT_EQ(client_.ReadReply(), "+CONTINUE " + history + "\r\n");
  }
  void AckAll() {
    const std::string seq = std::to_string(primary_.seq());
    client_.Send("REPLCONF ACK " + seq + " " + seq);
  }

 private:
  Node& primary_;
  TestClient client_;
};

// A primary whose replica lacks a write.
class ShutdownTest : public testing::Test {
 protected:
  void SetUp() override {
    primary_.Run("SET a 1");
    replica_.emplace(primary_);
    primary_.Run("SET a 2");
  }
  bool Waits() {
    return Eventually(
        [&] { return primary_.Info("server", "shutdown_in_milliseconds") != "(none)"; });
  }

  Node primary_;
  std::optional<SlowReplica> replica_;
};

TEST_F(ShutdownTest, WritesWaitUntilTheReplicaIsLevel) {
  ASSERT_EQ(primary_.Run("CONFIG SET shutdown-timeout 1000"), "+OK\r\n");
  TestClient asking = primary_.Connect(), writer = primary_.Connect();
  asking.Send("SHUTDOWN NOSAVE");
  ASSERT_TRUE(Waits());
  writer.Send("SET a 3");
  EXPECT_FALSE(writer.HasReply());
  EXPECT_EQ(primary_.Run("GET a"), "$1\r\n2\r\n");
  EXPECT_TRUE(Eventually([&] { return primary_.Info("clients", "blocked_clients") == "2"; }));
  replica_->AckAll();
  primary_.server().WaitUntilStopped();
  EXPECT_EQ(asking.ReadToEnd(), "");
  EXPECT_FALSE(writer.HasReply());
}

TEST_F(ShutdownTest, AnAbortLetsWritesGoOn) {
  ASSERT_EQ(primary_.Run("CONFIG SET shutdown-timeout 1000"), "+OK\r\n");
  EXPECT_EQ(primary_.Run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
  TestClient asking = primary_.Connect(), joining = primary_.Connect(), writer = primary_.Connect();
  asking.Send("SHUTDOWN");
  ASSERT_TRUE(Waits());
  joining.Send("SHUTDOWN NOSAVE");
  ASSERT_TRUE(Eventually([&] { return primary_.Info("clients", "blocked_clients") == "2"; }));
  writer.Send("SET a 3");
  EXPECT_EQ(primary_.Run("SHUTDOWN ABORT"), "+OK\r\n");
  const std::string error = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
  EXPECT_EQ(asking.ReadReply(), error);
  EXPECT_EQ(joining.ReadReply(), error);
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
  EXPECT_EQ(primary_.Info("server", "shutdown_in_milliseconds"), "(none)");
  EXPECT_EQ(primary_.Run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
}

// Its client may leave; whoever is in a hurry does not wait.
TEST_F(ShutdownTest, NowEndsAWait) {
  ASSERT_EQ(primary_.Run("CONFIG SET shutdown-timeout 1000"), "+OK\r\n");
  auto asking = std::make_unique<TestClient>(primary_.port());
  asking->Send("SHUTDOWN NOSAVE");
  ASSERT_TRUE(Waits());
  asking.reset();
  ASSERT_TRUE(Eventually([&] { return primary_.Info("clients", "connected_clients") == "1"; }));
  ASSERT_TRUE(Waits());
  TestClient hurried = primary_.Connect();
  hurried.Send("SHUTDOWN NOSAVE NOW");
  primary_.server().WaitUntilStopped();
  EXPECT_EQ(hurried.ReadToEnd(), "");
}

TEST_F(ShutdownTest, ItGoesOnWhenTheTimeIsUp) {
  ASSERT_EQ(primary_.Run("CONFIG SET shutdown-timeout 1"), "+OK\r\n");
  primary_.server().shutdown().Begin({}, nullptr);  // as a signal does
  EXPECT_TRUE(primary_.server().shutdown().is_waiting());
  primary_.server().WaitUntilStopped();
}

TEST_F(ShutdownTest, WithoutATimeItDoesNotWait) {
  ASSERT_EQ(primary_.Run("CONFIG SET shutdown-timeout 0"), "+OK\r\n");
  primary_.server().shutdown().Begin({}, nullptr);
  EXPECT_FALSE(primary_.server().shutdown().is_waiting());
  primary_.server().WaitUntilStopped();
}

}  // namespace
}  // namespace hearth
