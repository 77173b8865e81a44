// Blocking commands between several clients.
#include "src/blocked_clients.h"

#include <gtest/gtest.h>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class BlockedClientsTest : public ServerFixture {
 protected:
  // Until so many clients wait.
  void WaitForBlocked(size_t count) {
    while (server_->blocked_clients().client_count() != count) std::this_thread::yield();
  }
  std::string IdOf(TestClient& client) {
    std::string reply = client.Run("CLIENT ID");
    return reply.substr(1, reply.size() - 3);
  }
};

constexpr char kNullArray[] = "*-1\r\n";

TEST_F(BlockedClientsTest, APushServesTheClientThatWaitedFirst) {
  TestClient first = Connect(), second = Connect();
  first.Send("BLPOP a b 0");
  WaitForBlocked(1);
  second.Send("BRPOP b a 0");
  WaitForBlocked(2);
  EXPECT_EQ(InfoField("clients", "blocked_clients"), "2");
  EXPECT_EQ(InfoField("clients", "total_blocking_keys"), "2");
  EXPECT_EQ(Run("RPUSH a 1 2 3"), ":3\r\n");
  EXPECT_EQ(first.ReadReply(), WireArray({"a", "1"}));
  EXPECT_EQ(second.ReadReply(), WireArray({"a", "3"}));
  EXPECT_EQ(Run("LRANGE a 0 -1"), WireArray({"2"}));
  EXPECT_EQ(InfoField("clients", "blocked_clients"), "0");
  EXPECT_EQ(InfoField("clients", "total_blocking_keys"), "0");
}

TEST_F(BlockedClientsTest, OnlyTheFirstIsServedByOneElement) {
  TestClient first = Connect(), second = Connect();
  first.Send("BLPOP a 0");
  WaitForBlocked(1);
  second.Send("BLPOP a 0");
  WaitForBlocked(2);
  Run("RPUSH a 1");
  EXPECT_EQ(first.ReadReply(), WireArray({"a", "1"}));
  WaitForBlocked(1);
  // It stands behind the second now.
  first.Send("BLPOP a 0");
  WaitForBlocked(2);
  Run("RPUSH a 2");
  EXPECT_EQ(second.ReadReply(), WireArray({"a", "2"}));
  Run("RPUSH a 3");
  EXPECT_EQ(first.ReadReply(), WireArray({"a", "3"}));
}

TEST_F(BlockedClientsTest, ATimeoutAnswersNullInTheClientsProtocol) {
  EXPECT_EQ(Run("BLPOP a 0.01"), kNullArray);
  EXPECT_EQ(Run("BLMOVE a b LEFT LEFT 0.01"), kNullArray);
  TestClient modern = Connect();
  modern.Run("HELLO 3");
  EXPECT_EQ(modern.Run("BLPOP a 0.01"), "_\r\n");
  EXPECT_EQ(InfoField("clients", "clients_in_timeout_table"), "0");
}

TEST_F(BlockedClientsTest, TimeoutsEndInTheOrderOfTheirTimes) {
  TestClient slow = Connect(), quick = Connect();
  slow.Send("BLPOP a 0.08");
  WaitForBlocked(1);
  quick.Send("BLPOP a 0.01");
  EXPECT_EQ(quick.ReadReply(), kNullArray);
  EXPECT_EQ(slow.ReadReply(), kNullArray);
}

TEST_F(BlockedClientsTest, ATypeThatFitsNotServesNobody) {
  TestClient waiting = Connect();
  waiting.Send("BLPOP a 0");
  WaitForBlocked(1);
  Run("SET a x");
  Run("DEL a");
  Run("SADD a x");
  EXPECT_EQ(InfoField("clients", "blocked_clients"), "1");
  Run("DEL a");
  Run("LPUSH a x");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "x"}));
}

TEST_F(BlockedClientsTest, RenameCopySortRestoreAndSwapServeToo) {
  TestClient waiting = Connect();
  const auto block = [&] {
    waiting.Send("BLPOP a 0");
    WaitForBlocked(1);
  };
  Run("RPUSH b 1");
  block();
  Run("RENAME b a");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "1"}));
  Run("RPUSH b 2");
  block();
  Run("COPY b a");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "2"}));
  block();
  Run("SORT b STORE a");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "2"}));
  block();
  const std::string dump = Run("DUMP b");
  const size_t begin = dump.find("\r\n") + 2;
  client_->RunWords({"RESTORE", "a", "0", dump.substr(begin, dump.size() - begin - 2)});
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "2"}));
  block();
  Run("MOVE b 1");
  TestClient other = Connect();
  other.Run("SELECT 1");
  other.Run("RENAME b a");
  EXPECT_EQ(InfoField("clients", "blocked_clients"), "1");
  Run("SWAPDB 0 1");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "2"}));
}

TEST_F(BlockedClientsTest, AServedClientServesTheNext) {
  TestClient mover = Connect(), taker = Connect();
  taker.Send("BLPOP b 0");
  WaitForBlocked(1);
  mover.Send("BLMOVE a b LEFT RIGHT 0");
  WaitForBlocked(2);
  Run("RPUSH a x");
  EXPECT_EQ(mover.ReadReply(), WireBulk("x"));
  EXPECT_EQ(taker.ReadReply(), WireArray({"b", "x"}));
  EXPECT_EQ(Run("EXISTS a b"), ":0\r\n");
}

TEST_F(BlockedClientsTest, AnErrorOfTheLaterRunGoesToTheWaiter) {
  Run("SET b string");
  TestClient mover = Connect(), other = Connect();
  mover.Send("BLMOVE a b LEFT RIGHT 0");
  WaitForBlocked(1);
  other.Send("BLPOP a 0");
  WaitForBlocked(2);
  Run("RPUSH a x");
  EXPECT_TRUE(mover.ReadReply().starts_with("-WRONGTYPE"));
  EXPECT_EQ(other.ReadReply(), WireArray({"a", "x"}));
}

TEST_F(BlockedClientsTest, ClientUnblockEndsTheWait) {
  TestClient waiting = Connect();
  const std::string id = IdOf(waiting);
  EXPECT_EQ(Run("CLIENT UNBLOCK " + id), ":0\r\n");
  waiting.Send("BLPOP a 0");
  WaitForBlocked(1);
  EXPECT_NE(RunText("CLIENT LIST ID " + id).find("flags=bU"), std::string::npos);
  EXPECT_EQ(Run("CLIENT UNBLOCK " + id), ":1\r\n");
  EXPECT_EQ(waiting.ReadReply(), kNullArray);
  waiting.Send("BLPOP a 0");
  WaitForBlocked(1);
  EXPECT_EQ(Run("CLIENT UNBLOCK " + id + " ERROR"), ":1\r\n");
  EXPECT_EQ(waiting.ReadReply(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  EXPECT_EQ(Run("CLIENT UNBLOCK " + id), ":0\r\n");
}

TEST_F(BlockedClientsTest, AWaitThatEndsInAnErrorCountsAsAFailedCall) {
  TestClient waiting = Connect();
  const std::string id = IdOf(waiting);
  waiting.Send("BLPOP a 0");
  WaitForBlocked(1);
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_blpop").ends_with("failed_calls=0"));
  Run("CLIENT UNBLOCK " + id + " ERROR");
  waiting.ReadReply();
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_blpop").ends_with("failed_calls=1"));
  Run("SET b string");
  waiting.Send("BRPOPLPUSH a b 0");
  WaitForBlocked(1);
  Run("RPUSH a x");
  EXPECT_TRUE(waiting.ReadReply().starts_with("-WRONGTYPE"));
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_brpoplpush").ends_with("failed_calls=1"));
  waiting.Send("BLPOP nosuch 0.01");
  EXPECT_EQ(waiting.ReadReply(), kNullArray);
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_blpop").ends_with("failed_calls=1"));
}

TEST_F(BlockedClientsTest, TheSlowLogShowsACommandOnceItsWaitIsOver) {
  Run("CONFIG SET slowlog-log-slower-than 0");
  TestClient waiting = Connect();
  waiting.Send("BLPOP a 0");
  WaitForBlocked(1);
  EXPECT_EQ(Run("SLOWLOG GET 100").find("BLPOP"), std::string::npos);
  Run("RPUSH a x");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "x"}));
  const std::string log = Run("SLOWLOG GET 100");
  const size_t entry = log.find("BLPOP");
  EXPECT_NE(entry, std::string::npos) << log;
  EXPECT_EQ(log.find("BLPOP", entry + 1), std::string::npos) << log;
  // One that ran out did nothing.
  EXPECT_EQ(waiting.Run("BRPOP a 0.01"), kNullArray);
  EXPECT_EQ(Run("SLOWLOG GET 100").find("BRPOP"), std::string::npos);
}

TEST_F(BlockedClientsTest, AClientThatLeavesTakesNothing) {
  {
    TestClient leaving = Connect();
    leaving.Send("BLPOP a 0");
    WaitForBlocked(1);
  }
  WaitForBlocked(0);
  TestClient killed = Connect();
  const std::string id = IdOf(killed);
  killed.Send("BLPOP a 0");
  WaitForBlocked(1);
  EXPECT_EQ(Run("CLIENT KILL ID " + id), ":1\r\n");
  WaitForBlocked(0);
  EXPECT_EQ(Run("RPUSH a 1"), ":1\r\n");
  EXPECT_EQ(Run("LLEN a"), ":1\r\n");
}

TEST_F(BlockedClientsTest, EveryWayToASortedSetServes) {
  TestClient waiting = Connect();
  const struct {
    const char* command;
    const char* made_by;
    std::string reply;
  } kCases[] = {
      {"BZPOPMIN none z 0", "ZADD z 2 b 1 a", WireArray({"z", "a", "1"})},
      {"BZPOPMAX z 0", "ZUNIONSTORE z 1 source", WireArray({"z", "y", "6"})},
      {"BZMPOP 0 2 none z MAX COUNT 1", "ZRANGESTORE z source 0 0",
       "*2\r\n$1\r\nz\r\n*1\r\n" + WireArray({"x", "5"})},
      {"BZPOPMIN z 0", "GEOADD z 0 0 place", WireArray({"z", "place", "3377699720527872"})},
      {"BZPOPMIN z 0", "GEORADIUS places 0 0 1 km STOREDIST z",
       WireArray({"z", "here", "3.299589265287915e-4"})},
      {"BZPOPMIN z 0", "ZINCRBY z 1.5 a", WireArray({"z", "a", "1.5"})},
  };
  Run("ZADD source 5 x 6 y");
  Run("GEOADD places 0 0 here");
  for (const auto& [command, made_by, reply] : kCases) {
    waiting.Send(command);
    WaitForBlocked(1);
    // Nothing that it waits for.
    Run("SADD z member");
    Run("DEL z");
    Run(made_by);
    EXPECT_EQ(waiting.ReadReply(), reply) << made_by;
    Run("DEL z");
  }
}

TEST_F(BlockedClientsTest, RequestsBehindABlockedOneWait) {
  TestClient waiting = Connect();
  waiting.SendRaw("BLPOP a 0\r\nPING\r\n");
  WaitForBlocked(1);
  Run("RPUSH a 1");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"a", "1"}));
  EXPECT_EQ(waiting.ReadReply(), "+PONG\r\n");
}

// Whatever the workers' timing: every element reaches exactly one waiter.
TEST_F(BlockedClientsTest, ManyTakersShareAQueueWithoutLossOrDouble) {
  Restart({"--workers", "3"});
  constexpr int kTakers = 6, kElements = 3000;
  std::vector<std::thread> takers;
  std::mutex mutex;
  std::vector<std::string> taken;
  for (int i = 0; i < kTakers; ++i) {
    takers.emplace_back([&] {
      TestClient client = Connect();
      while (true) {
        const std::string reply = client.Run("BLPOP q 0");
        if (reply == WireArray({"q", "end"})) return;
        std::lock_guard lock(mutex);
        taken.push_back(reply);
      }
    });
  }
  std::vector<std::string> given;
  for (int i = 0; i < kElements; ++i) {
    const std::string element = "e" + std::to_string(i);
    Run("RPUSH q " + element);
    given.push_back(WireArray({"q", element}));
  }
  for (int i = 0; i < kTakers; ++i) Run("RPUSH q end");
  for (std::thread& taker : takers) taker.join();
  std::sort(given.begin(), given.end());
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, given);
  EXPECT_EQ(Run("EXISTS q"), ":0\r\n");
}

// Redis runs the command anew: what the user may is looked at again.
TEST_F(BlockedClientsTest, WhoMayNoLongerReadIsRefusedWhenServed) {
  ASSERT_EQ(Run("ACL SETUSER bob on nopass ~* +@all"), "+OK\r\n");
  TestClient bob = Connect(), other = Connect();
  ASSERT_EQ(bob.Run("AUTH bob x"), "+OK\r\n");
  bob.Send("BLPOP l 0");
  WaitForBlocked(1);
  other.Send("BLPOP l 0");
  WaitForBlocked(2);
  ASSERT_EQ(Run("ACL SETUSER bob resetkeys ~other*"), "+OK\r\n");
  Run("RPUSH l 1");
  EXPECT_EQ(bob.ReadReply(), "-NOPERM No permissions to access a key\r\n");
  EXPECT_EQ(other.ReadReply(), WireArray({"l", "1"}));
  EXPECT_NE(Run("ACL LOG").find("blpop"), std::string::npos);
  EXPECT_EQ(InfoField("errorstats", "errorstat_NOPERM"), "count=1");

  bob.Send("BLPOP other 0");
  WaitForBlocked(1);
  ASSERT_EQ(Run("ACL SETUSER bob ~more"), "+OK\r\n");  // it still may
  Run("RPUSH other 2");
  EXPECT_EQ(bob.ReadReply(), WireArray({"other", "2"}));

  bob.Send("BLPOP other 0");
  WaitForBlocked(1);
  ASSERT_EQ(Run("ACL SETUSER bob -blpop"), "+OK\r\n");
  Run("RPUSH other 3");
  EXPECT_EQ(bob.ReadReply(), "-NOPERM User bob has no permissions to run the 'blpop' command\r\n");
  EXPECT_EQ(Run("LLEN other"), ":1\r\n");
}

TEST_F(BlockedClientsTest, AClientOfADeletedUserIsNotServed) {
  ASSERT_EQ(Run("ACL SETUSER bob on nopass ~* +@all"), "+OK\r\n");
  TestClient bob = Connect();
  ASSERT_EQ(bob.Run("AUTH bob x"), "+OK\r\n");
  bob.Send("BLPOP l 0");
  WaitForBlocked(1);
  // The push comes before anybody has told his client.
  const std::string_view names[] = {"bob"};
  AclChange change;
  ASSERT_EQ(server_->users().Delete(names, &change), 1u);
  Run("RPUSH l 1");
  EXPECT_EQ(Run("LLEN l"), ":1\r\n");
  EXPECT_EQ(server_->blocked_clients().client_count(), 1u);
  server_->FollowAclChange(*server_->workers()[0], change, 0, [](bool) {});
  EXPECT_EQ(bob.ReadReply(), "");
  EXPECT_EQ(Run("LLEN l"), ":1\r\n");
}

// A worker that is to serve while a script holds the shards does not wait for it: it looks again.
TEST_F(BlockedClientsTest, ServingGivesWayToAScript) {
  Restart({"--workers", "1"});
  TestClient first = Connect(), second = Connect();
  first.Send("BLPOP l 0");
  second.Send("BLPOP m 0");
  WaitForBlocked(2);
  Keyspace& keyspace = server_->keyspace();
  // Nobody is told of what these write.
  keyspace.SetHasWaiters(false);
  EXPECT_EQ(Run("RPUSH l 1"), ":1\r\n");
  EXPECT_EQ(Run("RPUSH m 2"), ":1\r\n");
  keyspace.SetHasWaiters(true);
  {
    Tx script(keyspace, {}, 0, {.lock_all = true});
    keyspace.SetLongHold(true);
    server_->blocked_clients().NoteReady({{0, "l"}, {0, "m"}});
    EXPECT_EQ(Run("PING"), "+PONG\r\n");
    EXPECT_EQ(server_->blocked_clients().client_count(), 2u);
    keyspace.SetLongHold(false);
  }
  EXPECT_EQ(first.ReadReply(), WireArray({"l", "1"}));
  EXPECT_EQ(second.ReadReply(), WireArray({"m", "2"}));
}

}  // namespace
}  // namespace hearth
