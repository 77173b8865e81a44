// The gates of authentication and permissions: alone, in MULTI, at EXEC, and what hostile clients
// may send before they are known.
#include "net/worker.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr char kNoKey[] = "-NOPERM No permissions to access a key\r\n";
constexpr char kNoAuth[] = "-NOAUTH Authentication required.\r\n";

class AclGateTest : public ServerFixture {
 protected:
  std::unique_ptr<TestClient> LogIn(const std::string& rules) {
    EXPECT_EQ(Run("ACL SETUSER alice on nopass " + rules), "+OK\r\n");
    auto client = std::make_unique<TestClient>(socket_path());
    EXPECT_EQ(client->Run("AUTH alice x"), "+OK\r\n");
    return client;
  }
};

TEST_F(AclGateTest, RefusalsInRedisWords) {
  const auto client = LogIn("+get +publish ~a");
  EXPECT_EQ(client->Run("GET a"), "$-1\r\n");
  EXPECT_EQ(client->Run("GET b"), kNoKey);
  EXPECT_EQ(client->Run("SET a 1"),
            "-NOPERM User alice has no permissions to run the 'set' command\r\n");
  EXPECT_EQ(client->Run("CONFIG GET port"),
            "-NOPERM User alice has no permissions to run the 'config|get' command\r\n");
  EXPECT_EQ(client->Run("PUBLISH c m"), "-NOPERM No permissions to access a channel\r\n");
  EXPECT_EQ(Run("GET a"), "$-1\r\n");  // nothing was set
}

TEST_F(AclGateTest, ChangedRulesHoldFromTheNextCommandOn) {
  const auto client = LogIn("+@all ~* &*");
  EXPECT_EQ(client->Run("GET a"), "$-1\r\n");
  Run("ACL SETUSER alice resetkeys");
  EXPECT_EQ(client->Run("GET a"), kNoKey);
  Run("ACL SETUSER alice allkeys");
  EXPECT_EQ(client->Run("GET a"), "$-1\r\n");
}

// Also for those that were there before, and within one batch.
TEST_F(AclGateTest, DefaultUserMayBeRestricted) {
  client_->SendRaw("ACL SETUSER default -set\r\nSET a 1\r\nGET a\r\n");
  EXPECT_EQ(client_->ReadReply(), "+OK\r\n");
  EXPECT_EQ(client_->ReadReply(),
            "-NOPERM User default has no permissions to run the 'set' command\r\n");
  EXPECT_EQ(client_->ReadReply(), "$-1\r\n");
}

TEST_F(AclGateTest, RefusedCommandSpoilsATransaction) {
  const auto client = LogIn("+multi +exec +set ~a");
  client->Run("MULTI");
  EXPECT_EQ(client->Run("SET b 1"), kNoKey);
  EXPECT_EQ(client->Run("SET a 1"), "+QUEUED\r\n");
  EXPECT_EQ(client->Run("EXEC"),
            "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

TEST_F(AclGateTest, QueuedCommandsAreCheckedAgainAtExec) {
  const auto client = LogIn("+@all ~* &*");
  client->Run("MULTI");
  client->Run("SET a 1");
  client->Run("INCR n");
  client->Run("PUBLISH c m");
  client->Run("GET a");
  Run("ACL SETUSER alice -incr resetkeys %W~a resetchannels");
  const std::string changed =
      "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: ";
  EXPECT_EQ(client->Run("EXEC"),
            "*4\r\n+OK\r\n" + changed + "no permission to execute the command or subcommand\r\n" +
                changed +
                "no permission to access one of the channels used as argument to the "
                "command\r\n" +
                changed + "no permission to touch the specified keys\r\n");
  EXPECT_EQ(Run("GET a"), WireBulk("1"));
  EXPECT_EQ(Run("EXISTS n"), ":0\r\n");
}

TEST_F(AclGateTest, ExecItselfNeedsPermission) {
  const auto client = LogIn("+multi +get ~a");
  client->Run("MULTI");
  client->Run("GET a");
  EXPECT_EQ(client->Run("EXEC"),
            "-EXECABORT Transaction discarded because of: NOPERM User alice has no permissions to "
            "run the 'exec' command\r\n");
}

TEST_F(AclGateTest, ChangeOfUsersWithinExec) {
  Run("MULTI");
  Run("ACL SETUSER alice on nopass");
  Run("ACL DELUSER alice");
  Run("SET a 1");
  EXPECT_EQ(Run("EXEC"), "*3\r\n+OK\r\n:1\r\n+OK\r\n");
}

TEST_F(AclGateTest, SortPatternsNeedEveryKey) {
  const auto client = LogIn("+@all ~l");
  const std::string denied =
      "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n";
  Run("RPUSH l x");
  Run("SET w_x secret");
  EXPECT_EQ(client->Run("SORT l ALPHA"), WireArray({"x"}));
  EXPECT_EQ(client->Run("SORT l ALPHA GET w_*"), denied);
  client->Run("MULTI");
  EXPECT_EQ(client->Run("SORT l ALPHA GET w_*"), "+QUEUED\r\n");
  EXPECT_EQ(client->Run("EXEC"), "*1\r\n" + denied);
}

TEST_F(AclGateTest, UnknownClientsMayOnlyLogIn) {
  TestClient before = Connect();
  EXPECT_EQ(before.Run("PING"), "+PONG\r\n");  // it has been accepted
  Run("CONFIG SET requirepass secret");
  TestClient client = Connect();
  EXPECT_EQ(before.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(client.Run("PING"), kNoAuth);
  EXPECT_EQ(client.Run("AUTH wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(client.Run("AUTH secret"), "+OK\r\n");
  EXPECT_EQ(client.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(client.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(client.Run("PING"), kNoAuth);
  Run("ACL SETUSER default nopass");
  EXPECT_EQ(client.Run("PING"), "+PONG\r\n");
  Run("ACL SETUSER default off");
  EXPECT_EQ(client.Run("PING"), kNoAuth);
}

TEST_F(AclGateTest, UnknownClientsInputIsBounded) {
  Run("CONFIG SET requirepass secret");
  TestClient many = Connect(), big = Connect(), known = Connect();
  many.SendRaw("*11\r\n");
  EXPECT_EQ(many.ReadToEnd(), "-ERR Protocol error: unauthenticated multibulk length\r\n");
  big.SendRaw("*2\r\n$16385\r\n");
  EXPECT_EQ(big.ReadToEnd(), "-ERR Protocol error: unauthenticated bulk length\r\n");
  known.Run("AUTH secret");
  EXPECT_EQ(known.RunWords({"ECHO", std::string(20000, 'x')}), WireBulk(std::string(20000, 'x')));
}

// A client that was unknown when it came is no longer held to those limits once nobody must log in.
TEST_F(AclGateTest, BoundsEndWithThePassword) {
  Run("CONFIG SET requirepass secret");
  TestClient client = Connect();
  EXPECT_EQ(client.Run("PING"), kNoAuth);
  Run("CONFIG SET requirepass ''");
  // Both workers were told once they have answered.
  EXPECT_NE(Run("CLIENT LIST"), "");
  EXPECT_EQ(client.RunWords({"ECHO", std::string(20000, 'x')}), WireBulk(std::string(20000, 'x')));
}

TEST_F(AclGateTest, UnknownClientsOutputIsBounded) {
  Run("CONFIG SET requirepass secret");
  TestClient client = Connect(), known = Connect();
  known.Run("AUTH secret");
  std::string pings;
  for (int i = 0; i < 2000; ++i) pings += "PING\r\n";
  client.SendRaw(pings);
  EXPECT_LT(client.ReadToEnd().size(), 2000 * std::string(kNoAuth).size());
  known.SendRaw(pings);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(known.ReadReply(), "+PONG\r\n");
}

TEST_F(AclGateTest, FirstArgumentRule) {
  const auto client = LogIn("+select|0");
  EXPECT_EQ(client->Run("SELECT 0"), "+OK\r\n");
  EXPECT_EQ(client->Run("SELECT 1"),
            "-NOPERM User alice has no permissions to run the 'select' command\r\n");
}

}  // namespace
}  // namespace hearth
