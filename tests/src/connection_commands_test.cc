// PING, ECHO, SELECT, HELLO, AUTH, RESET and QUIT over a socket.
#include <fstream>
#include <sstream>

#include "src/log.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

using ConnectionCommands = ServerFixture;

TEST_F(ConnectionCommands, PingAndEchoAnswerWhatTheyGot) {
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Run("ping hello"), "$5\r\nhello\r\n");
  EXPECT_EQ(Run("PING a b"), "-ERR wrong number of arguments for 'ping' command\r\n");
  EXPECT_EQ(Run("ECHO x"), "$1\r\nx\r\n");
}

TEST_F(ConnectionCommands, SelectKnowsItsDatabases) {
  EXPECT_EQ(Run("SELECT 15"), "+OK\r\n");
  EXPECT_EQ(Run("SELECT 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(Run("SELECT -1"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(Run("SELECT x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("SELECT 99999999999"),
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
}

// The keys of a batch are found before it runs: those behind a SELECT are looked up again.
TEST_F(ConnectionCommands, SelectHoldsForTheRestOfItsBatch) {
  client_->SendRaw("SET k zero\r\nSELECT 1\r\nSET k one\r\nGET k\r\nSELECT 0\r\nGET k\r\n");
  std::string replies;
  for (int i = 0; i < 6; ++i) replies += client_->ReadReply();
  EXPECT_EQ(replies, "+OK\r\n+OK\r\n+OK\r\n$3\r\none\r\n+OK\r\n$4\r\nzero\r\n");
}

TEST_F(ConnectionCommands, HelloChangesTheProtocol) {
  EXPECT_EQ(Run("GET none"), "$-1\r\n");
  const std::string reply = Run("HELLO 3 SETNAME me");
  EXPECT_TRUE(reply.starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n")) << reply;
  EXPECT_EQ(Run("GET none"), "_\r\n");
  EXPECT_EQ(Run("CLIENT GETNAME"), "$2\r\nme\r\n");
  EXPECT_TRUE(Run("HELLO 2").starts_with("*14\r\n"));
  EXPECT_EQ(Run("GET none"), "$-1\r\n");
}

TEST_F(ConnectionCommands, HelloRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Run("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(Run("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(Run("HELLO 3 FOO"), "-ERR Syntax error in HELLO option 'FOO'\r\n");
  EXPECT_EQ(Run("HELLO 3 AUTH me"), "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  EXPECT_EQ(Run("HELLO 3 SETNAME 'a b'"),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
}

TEST_F(ConnectionCommands, APasswordIsAskedForOnceItIsSet) {
  EXPECT_EQ(Run("AUTH x"),
            "-ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?\r\n");
  EXPECT_EQ(Run("AUTH a b c"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CONFIG SET requirepass secret"), "+OK\r\n");
  EXPECT_EQ(Run("PING"), "+PONG\r\n");  // who is in stays in

  TestClient other = Connect();
  EXPECT_EQ(other.Run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(other.Run("NOPE"), "-ERR unknown command 'NOPE', with args beginning with: \r\n");
  EXPECT_TRUE(other.Run("HELLO 3").starts_with("-NOAUTH HELLO must be called"));
  EXPECT_EQ(other.Run("AUTH wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(other.Run("AUTH nobody secret"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(other.Run("AUTH default secret"), "+OK\r\n");
  EXPECT_EQ(other.Run("GET k"), "$-1\r\n");
  EXPECT_EQ(other.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(other.Run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_TRUE(other.Run("HELLO 2 AUTH default secret").starts_with("*14\r\n"));

  TestClient third = Connect();
  EXPECT_EQ(third.Run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Run("CONFIG SET requirepass ''"), "+OK\r\n");
  EXPECT_EQ(third.Run("GET k"), "$-1\r\n");
}

TEST_F(ConnectionCommands, ResetForgetsTheConnectionsState) {
  Run("SELECT 3");
  Run("CLIENT SETNAME me");
  Run("HELLO 3");
  EXPECT_EQ(Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(Run("CLIENT GETNAME"), "$-1\r\n");
  EXPECT_NE(RunText("CLIENT INFO").find(" db=0 "), std::string::npos);
}

TEST_F(ConnectionCommands, QuitAnswersAndCloses) {
  client_->SendRaw("PING\r\nQUIT\r\nPING\r\n");
  EXPECT_EQ(client_->ReadToEnd(), "+PONG\r\n+OK\r\n");
}

TEST_F(ConnectionCommands, AClientWhoseRequestIsTooLongIsClosedAndLogged) {
  const std::string log = folder_.path() + "/log";
  ASSERT_EQ(SetUpLog(LogLevel::kWarning, log), "");
  Run("CONFIG SET client-query-buffer-limit 1mb");
  TestClient client = Connect();
  client.SendRaw("*2\r\n$4\r\nECHO\r\n$3000000\r\n" + std::string(2'000'000, 'x'));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_EQ(SetUpLog(LogLevel::kNothing, ""), "");
  std::ostringstream lines;
  lines << std::ifstream(log).rdbuf();
  EXPECT_NE(lines.str().find("Closing client that reached max query buffer length: id="),
            std::string::npos)
      << lines.str();
}

}  // namespace
}  // namespace hearth
