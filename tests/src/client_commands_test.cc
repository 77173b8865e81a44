// CLIENT over a socket, with two workers.
#include "tests/src/replication/node.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class ClientCommandsTest : public ServerFixture {
 protected:
  static std::string IdOf(TestClient& client) {
    const std::string reply = client.Run("CLIENT ID");
    return reply.substr(1, reply.size() - 3);
  }
  static size_t CountLines(const std::string& text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
};

TEST_F(ClientCommandsTest, ListHasRedisFieldsInItsOrder) {
  Run("CLIENT SETNAME me");
  Run("CLIENT SETINFO LIB-NAME lib");
  Run("CLIENT SETINFO LIB-VER 1.2");
  const std::string line = RunText("CLIENT LIST");
  size_t at = 0;
  for (const char* field :
       {"id=",           " addr=",       " laddr=",   " fd=",          " name=me",
        " age=",         " idle=",       " flags=U",  " db=0",         " sub=0",
        " psub=0",       " ssub=0",      " multi=-1", " qbuf=26 ",     " qbuf-free=",
        " argv-mem=10 ", " multi-mem=0", " rbs=",     " rbp=",         " obl=0",
        " oll=0",        " omem=",       " tot-mem=", " events=r",     " cmd=client|list",
        " user=default", " redir=-1",    " resp=2",   " lib-name=lib", " lib-ver=1.2\n"}) {
    const size_t found = line.find(field, at);
    ASSERT_NE(found, std::string::npos) << field << " in " << line;
    at = found;
  }
}

TEST_F(ClientCommandsTest, ListTellsOfTheReplyBufferThatRedisWouldHave) {
  constexpr char kUsage[] =
      "-ERR unknown subcommand or wrong number of arguments for 'REPLYBUFFER'. Try DEBUG HELP.\r\n";
  for (const char* line : {"RESIZING", "RESIZING 1 2", "PEAK-RESET-TIME", "NOSUCH 1"}) {
    EXPECT_EQ(Run("DEBUG REPLYBUFFER " + std::string(line)), kUsage) << line;
  }
  EXPECT_EQ(Run("DEBUG REPLYBUFFER PEAK-RESET-TIME x"),
            "-ERR value is not an integer or out of range\r\n");
  for (const char* line :
       {"RESIZING 1", "PEAK-RESET-TIME never", "PEAK-RESET-TIME RESET", "PEAK-RESET-TIME 1"}) {
    EXPECT_EQ(Run("DEBUG REPLYBUFFER " + std::string(line)), "+OK\r\n") << line;
  }
  TestClient other = Connect();
  const std::string list = "CLIENT LIST ID " + IdOf(other);
  const auto shows = [&](const char* figures) {
    return Eventually([&] { return RunText(list).find(figures) != std::string::npos; });
  };
  EXPECT_TRUE(shows(" rbs=1024 rbp=0 "));
  EXPECT_EQ(Run("DEBUG REPLYBUFFER PEAK-RESET-TIME never"), "+OK\r\n");
  Run("SET big " + std::string(40'000, 'x'));
  other.Run("GET big");
  EXPECT_TRUE(shows(" rbs=16384 rbp=16384 "));
}

// Both connections are of different workers. What is posted to a busy worker may come too late for
// one sleep, not for all.
TEST_F(ClientCommandsTest, DebugSleepStopsAllWorkers) {
  using Clock = std::chrono::steady_clock;
  TestClient other = Connect();
  other.Run("PING");
  const auto is_stopped = [&] {
    client_->Send("DEBUG SLEEP 0.1\r\n");
    auto longest = Clock::duration::zero();
    for (const auto end = Clock::now() + std::chrono::milliseconds(100); Clock::now() < end;) {
      const auto start = Clock::now();
      other.Run("PING");
      longest = std::max(longest, Clock::now() - start);
    }
    client_->ReadReply();
    return longest > std::chrono::milliseconds(70);
  };
  EXPECT_TRUE(Eventually(is_stopped));
}

// Connections of every worker are listed, by id.
TEST_F(ClientCommandsTest, ListReachesAllWorkers) {
  TestClient second = Connect(), third = Connect();
  const std::string id = IdOf(second);
  EXPECT_EQ(third.Run("PING"), "+PONG\r\n");
  const std::string all = RunText("CLIENT LIST");
  EXPECT_EQ(CountLines(all), 3u) << all;
  EXPECT_NE(all.find("id=" + IdOf(*client_) + " "), std::string::npos) << all;
  const std::string one = RunText("CLIENT LIST ID " + id + " 999999");
  EXPECT_EQ(CountLines(one), 1u);
  EXPECT_TRUE(one.starts_with("id=" + id + " ")) << one;
  EXPECT_EQ(RunText("CLIENT LIST TYPE replica"), "");
  EXPECT_EQ(CountLines(RunText("CLIENT LIST TYPE normal")), 3u);
}

TEST_F(ClientCommandsTest, ListRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Run("CLIENT LIST TYPE foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(Run("CLIENT LIST ID"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT LIST ID 0"), "$0\r\n\r\n");
  EXPECT_EQ(Run("CLIENT LIST ID x"), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(Run("CLIENT LIST FOO"), "-ERR syntax error\r\n");
}

TEST_F(ClientCommandsTest, KillFindsItsClients) {
  TestClient second = Connect(), third = Connect();
  second.Run("PING");
  const std::string id = IdOf(third);
  EXPECT_EQ(Run("CLIENT KILL ID " + id), ":1\r\n");
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_EQ(Run("CLIENT KILL ID " + id), ":0\r\n");
  EXPECT_EQ(Run("CLIENT KILL TYPE normal"), ":1\r\n");
  EXPECT_EQ(second.ReadToEnd(), "");
  EXPECT_EQ(Run("CLIENT KILL 1.1.1.1:1"), "-ERR No such client\r\n");
  EXPECT_EQ(Run("CLIENT KILL MAXAGE 1000"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT KILL ADDR 1.1.1.1:1 LADDR 2.2.2.2:2 USER default"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT KILL ID " + IdOf(*client_) + " SKIPME no"), ":1\r\n");
  EXPECT_EQ(client_->ReadToEnd(), "");
}

TEST_F(ClientCommandsTest, KillRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Run("CLIENT KILL ID 0"), "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(Run("CLIENT KILL TYPE foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(Run("CLIENT KILL USER nobody"), "-ERR No such user 'nobody'\r\n");
  EXPECT_EQ(Run("CLIENT KILL SKIPME foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT KILL ID 1 TYPE"), "-ERR syntax error\r\n");
}

TEST_F(ClientCommandsTest, RepliesCanBeTurnedOff) {
  client_->SendRaw("CLIENT REPLY OFF\r\nSET a 1\r\nNOPE\r\nCLIENT LIST\r\nCLIENT REPLY ON\r\n");
  EXPECT_EQ(client_->ReadReply(), "+OK\r\n");
  client_->SendRaw("CLIENT REPLY SKIP\r\nCLIENT LIST\r\nGET a\r\n");
  EXPECT_EQ(client_->ReadReply(), "$1\r\n1\r\n");
  client_->SendRaw("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING 1\r\nPING 2\r\n");
  EXPECT_EQ(client_->ReadReply(), "$1\r\n2\r\n");
  EXPECT_EQ(Run("CLIENT REPLY foo"), "-ERR syntax error\r\n");
}

TEST_F(ClientCommandsTest, APauseOfWritesLetsReadsThrough) {
  TestClient writer = Connect();
  EXPECT_EQ(Run("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE 1 WRITE"), "+OK\r\n");  // the longer one holds
  writer.Send("SET k v");
  EXPECT_FALSE(writer.HasReply());
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
}

TEST_F(ClientCommandsTest, WhoIsHeldByAPauseIsShownAsBlocked) {
  auto writer = std::make_unique<TestClient>(socket_path());
  const std::string id = IdOf(*writer);
  EXPECT_EQ(Run("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
  writer->Send("SET k v");
  ASSERT_TRUE(Eventually([&] { return InfoField("clients", "blocked_clients") == "1"; }));
  EXPECT_NE(RunText("CLIENT LIST ID " + id).find(" flags=bU "), std::string::npos);
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(writer->ReadReply(), "+OK\r\n");
  EXPECT_EQ(InfoField("clients", "blocked_clients"), "0");
  EXPECT_EQ(Run("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
  writer->Send("SET k w");
  ASSERT_TRUE(Eventually([&] { return InfoField("clients", "blocked_clients") == "1"; }));
  writer.reset();  // it does not stay counted
  ASSERT_TRUE(Eventually([&] { return InfoField("clients", "blocked_clients") == "0"; }));
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
}

// The limits count what is beyond the reply that any client may have.
TEST_F(ClientCommandsTest, TheLowestOutputLimitStillAnswers) {
  EXPECT_EQ(Run("CONFIG SET client-output-buffer-limit 'normal 1 2 3'"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG SET client-output-buffer-limit ''"), "+OK\r\n");
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
  TestClient other = Connect();
  EXPECT_EQ(other.Run("PING"), "+PONG\r\n");
}

TEST_F(ClientCommandsTest, APauseOfAllEndsByItself) {
  EXPECT_EQ(Run("CLIENT PAUSE 150"), "+OK\r\n");
  client_->Send("PING");
  EXPECT_FALSE(client_->HasReply());
  EXPECT_EQ(client_->ReadReply(), "+PONG\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(Run("CLIENT PAUSE 1 FOO"), "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
}

TEST_F(ClientCommandsTest, TheOwnStateIsSetAndShown) {
  EXPECT_EQ(Run("CLIENT SETNAME 'a b'"),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(Run("CLIENT SETINFO FOO x"), "-ERR Unrecognized option 'FOO'\r\n");
  EXPECT_EQ(Run("CLIENT SETINFO LIB-NAME 'a b'"),
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(Run("CLIENT NO-EVICT on"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT NO-TOUCH on"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT NO-TOUCH foo"), "-ERR syntax error\r\n");
  EXPECT_NE(RunText("CLIENT INFO").find(" flags=UeT "), std::string::npos);
  EXPECT_EQ(Run("CLIENT GETREDIR"), ":-1\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 1"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK 1 FOO"),
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
  EXPECT_EQ(Run("CLIENT TRACKINGINFO"),
            "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n"
            "*0\r\n");
  EXPECT_EQ(Run("CLIENT foo"), "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
}

}  // namespace
}  // namespace hearth
