// Scripts that take too long: what others are told, and how they end.
#include <atomic>
#include <memory>
#include <thread>

#include "src/scripting/interpreter.h"
#include "src/scripting/scripting.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

constexpr char kBusy[] =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";

class BusyScript : public ScriptFixture {
 protected:
  void SetUp() override { Start({"--workers", "2", "--busy-reply-threshold", "50"}); }
  // Until a script is seen to be busy.
  void AwaitBusy(TestClient& client) {
    while (client.Run("PING") != kBusy) std::this_thread::yield();
  }
  // Begins an endless script whose connection had to wait before, and so watches its socket.
  void BeginWithArmedRead(TestClient& runner, TestClient& other) {
    const std::string id = runner.Run("CLIENT ID").substr(1);
    ASSERT_EQ(other.Run("CLIENT PAUSE 100000 WRITE"), "+OK\r\n");
    runner.Send("EVAL 'while true do end' 0");
    const std::string list = "CLIENT LIST ID " + id.substr(0, id.find('\r'));
    while (other.Run(list).find(" qbuf=0 ") != std::string::npos) std::this_thread::yield();
    ASSERT_EQ(other.Run("CLIENT UNPAUSE"), "+OK\r\n");
    AwaitBusy(other);
  }
};

TEST_F(BusyScript, OthersAreToldAndMayKillIt) {
  TestClient runner = Connect();
  std::vector<std::unique_ptr<TestClient>> others;  // on both workers
  for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<TestClient>(socket_path()));
  runner.Send("EVAL 'while true do end' 0");
  for (const auto& other : others) AwaitBusy(*other);
  EXPECT_EQ(others[0]->Run("GET k"), kBusy);
  EXPECT_EQ(others[1]->Run("FUNCTION KILL"), kBusy);
  EXPECT_EQ(others[2]->Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user with SCRIPT KILL"), std::string::npos);
  for (const auto& other : others) EXPECT_EQ(other->Run("SET k v"), "+OK\r\n");
  EXPECT_EQ(Eval("return 1"), ":1\r\n");
}

// A worker that waited for the script's locks would answer nobody, also not who is to kill it.
TEST_F(BusyScript, WhatNeedsEveryShardWaitsWithoutItsWorker) {
  TestClient runner = Connect();
  std::vector<std::unique_ptr<TestClient>> callers, others;  // on both workers
  for (int i = 0; i < 4; ++i) callers.push_back(std::make_unique<TestClient>(socket_path()));
  for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<TestClient>(socket_path()));
  std::atomic<bool> killed{false};
  std::vector<std::thread> threads;  // so that one of them asks for the locks as the script begins
  for (size_t i = 0; i < callers.size(); ++i) {
    threads.emplace_back([&killed, caller = callers[i].get(), walks = i / 2 % 2 == 0] {
      while (!killed && caller->Run(walks ? "SCAN 0 COUNT 1000" : "FUNCTION LIST") != kBusy) {
        continue;
      }
    });
  }
  runner.Send("EVAL 'while true do end' 0");
  for (const auto& other : others) AwaitBusy(*other);
  EXPECT_EQ(others[0]->Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
  killed = true;
  for (std::thread& thread : threads) thread.join();
}

// It needs no lock of a key's; what the script changes from there on is noted.
TEST_F(BusyScript, WatchIsAnsweredAndMissesNoChange) {
  Run("MSET k v other v");
  TestClient runner = Connect(), leaver = Connect();
  std::vector<std::unique_ptr<TestClient>> others;  // on both workers
  for (int i = 0; i < 8; ++i) others.push_back(std::make_unique<TestClient>(socket_path()));
  for (const auto& other : others) EXPECT_EQ(other->Run("PING"), "+PONG\r\n");
  runner.Send(
      "EVAL \"local function clients() for i = 1, 10000 do end "
      "return tonumber(string.match(redis.call('info','clients'), 'connected_clients:(%d+)')) end "
      "local count = clients() redis.call('set','other','w') while clients() >= count do end "
      "return redis.call('set','k','w')\" 0");
  AwaitBusy(leaver);
  for (const auto& other : others) {
    const bool is_first_half = &other < &others[4];
    EXPECT_EQ(other->Run(is_first_half ? "WATCH k" : "WATCH other absent"), "+OK\r\n");
    EXPECT_EQ(other->Run("MULTI"), "+OK\r\n");
  }
  EXPECT_EQ(leaver.Run("QUIT"), "+OK\r\n");
  EXPECT_EQ(runner.ReadReply(), "+OK\r\n");
  for (const auto& other : others) {
    EXPECT_EQ(other->Run("EXEC"), &other < &others[4] ? "*-1\r\n" : "*0\r\n");
  }
}

TEST_F(BusyScript, AScriptCanNotCatchItsEnd) {
  TestClient runner = Connect(), other = Connect();
  runner.Send("EVAL 'while true do pcall(function() while true do end end) end' 0");
  AwaitBusy(other);
  EXPECT_EQ(other.Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
}

// It is killed or has written, never both.
TEST_F(BusyScript, WhatHasWrittenIsNotKilled) {
  TestClient runner = Connect(), other = Connect();
  std::string reply;
  runner.Send(
      "EVAL \"redis.call('set','k','v') local n = 0 while n < 3e7 do n = n + 1 end return 1\" 0");
  while ((reply = other.Run("SCRIPT KILL")).starts_with("-NOTBUSY")) std::this_thread::yield();
  if (reply == "+OK\r\n") {
    EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
    EXPECT_EQ(other.Run("GET k"), "$-1\r\n");
    return;
  }
  EXPECT_TRUE(reply.starts_with("-UNKILLABLE")) << reply;
  EXPECT_EQ(runner.ReadReply(), ":1\r\n");
  EXPECT_EQ(other.Run("GET k"), WireBulk("v"));
}

// A kill that comes behind the last look at such things, while one instruction takes long.
TEST_F(BusyScript, WhatIsKilledDoesNotWriteAnyMore) {
  TestClient runner = Connect();
  const std::string one_look = "for i=1," + std::to_string(kHookInstructions + 1) + " do end ";
  runner.Send("EVAL \"local s = string.rep('a',10000) string.find(string.rep('a',4000),'.-b') " +
              one_look + "string.find(s,'.-b') return redis.call('set','k','v')\" 0");
  while (!server_->scripting().is_long()) std::this_thread::yield();
  EXPECT_EQ(server_->scripting().Kill(/*function=*/false), "");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
}

TEST_F(BusyScript, FunctionStatsShowTheWholeCall) {
  Run("FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() while true do end "
      "end)\"");
  TestClient runner = Connect(), other = Connect();
  runner.Send("fcall f 1 key arg");
  std::string reply;
  while ((reply = other.Run("FUNCTION STATS")).find("duration_ms") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_NE(reply.find(WireBulk("command") + WireArray({"fcall", "f", "1", "key", "arg"})),
            std::string::npos)
      << reply;
  EXPECT_EQ(other.Run("FUNCTION KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
}

// A connection that waited is read from while its script runs: its request is not taken twice.
TEST_F(BusyScript, WhatItsOwnClientSendsWaits) {
  TestClient runner = Connect(), other = Connect();
  BeginWithArmedRead(runner, other);
  runner.Send("PING");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other.Run("GET k"), kBusy);
  EXPECT_EQ(other.Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
  EXPECT_EQ(runner.ReadReply(), "+PONG\r\n");
}

TEST_F(BusyScript, ItsClientMayLeave) {
  TestClient other = Connect();
  {
    TestClient runner = Connect();
    BeginWithArmedRead(runner, other);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other.Run("GET k"), kBusy);
  EXPECT_EQ(other.Run("SCRIPT KILL"), "+OK\r\n");
  // It ends soon, not at once.
  std::string reply;
  while ((reply = Eval("return 1")) == kBusy) std::this_thread::yield();
  EXPECT_EQ(reply, ":1\r\n");
}

TEST_F(BusyScript, WhoMayNotKillItMayNotBeforeItEnds) {
  TestClient runner = Connect(), other = Connect();
  ASSERT_EQ(other.Run("ACL SETUSER weak on nopass ~* +@all -script -shutdown"), "+OK\r\n");
  std::vector<std::unique_ptr<TestClient>> weak;  // on both workers
  for (int i = 0; i < 4; ++i) {
    weak.push_back(std::make_unique<TestClient>(socket_path()));
    ASSERT_EQ(weak.back()->Run("AUTH weak x"), "+OK\r\n");
  }
  runner.Send("EVAL 'while true do end' 0");
  AwaitBusy(other);
  for (const auto& client : weak) {
    EXPECT_TRUE(client->Run("SCRIPT KILL").starts_with("-NOPERM"));
    EXPECT_TRUE(client->Run("SHUTDOWN NOSAVE").starts_with("-NOPERM"));
  }
  EXPECT_EQ(other.Run("SCRIPT KILL"), "+OK\r\n");
}

// Within MULTI what may run is queued, and what may not spoils the transaction.
TEST_F(BusyScript, ATransactionIsQueuedMeanwhile) {
  TestClient runner = Connect(), killer = Connect();
  std::vector<std::unique_ptr<TestClient>> others;  // on both workers
  for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<TestClient>(socket_path()));
  runner.Send("EVAL 'while true do end' 0");
  for (const auto& other : others) AwaitBusy(*other);
  for (const auto& other : others) {
    EXPECT_EQ(other->Run("MULTI"), "+OK\r\n");
    EXPECT_EQ(other->Run("UNWATCH"), "+QUEUED\r\n");
    EXPECT_EQ(other->Run("MULTI"), "-ERR MULTI calls can not be nested\r\n");
    EXPECT_EQ(other->Run("DISCARD"), "+OK\r\n");
    EXPECT_EQ(other->Run("MULTI"), "+OK\r\n");
    EXPECT_EQ(other->Run("SCRIPT KILL"), "+QUEUED\r\n");
  }
  EXPECT_EQ(others[0]->Run("EXEC"),
            "-EXECABORT Transaction discarded because of: " + std::string(kBusy).substr(1));
  EXPECT_EQ(others[1]->Run("EXEC"),
            "-EXECABORT Transaction discarded because of: " + std::string(kBusy).substr(1));
  EXPECT_EQ(others[2]->Run("SET k v"), kBusy);
  EXPECT_EQ(others[3]->Run("SET k v"), kBusy);
  EXPECT_EQ(killer.Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
  for (const int i : {2, 3}) {
    EXPECT_EQ(others[i]->Run("EXEC"),
              "-EXECABORT Transaction discarded because of previous errors.\r\n");
  }
}

// Behind a command that closes its connection nothing is answered.
TEST_F(BusyScript, BehindQuitNothingRuns) {
  TestClient runner = Connect(), killer = Connect();
  std::vector<std::unique_ptr<TestClient>> others;  // on both workers
  for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<TestClient>(socket_path()));
  runner.Send("EVAL 'while true do end' 0");
  AwaitBusy(killer);
  for (const auto& other : others) {
    other->SendRaw("UNWATCH\r\nQUIT\r\nUNWATCH\r\n");
    EXPECT_EQ(other->ReadReply(), "+OK\r\n");
    EXPECT_EQ(other->ReadReply(), "+OK\r\n");
  }
  EXPECT_EQ(killer.Run("SCRIPT KILL"), "+OK\r\n");
  for (const auto& other : others) EXPECT_EQ(other->ReadToEnd(), "");
}

// Who has written when the script began waits for the log, and its worker goes on.
TEST_F(BusyScript, OthersAreToldByAScriptThatHasWritten) {
  TestClient runner = Connect();
  std::vector<std::unique_ptr<TestClient>> writers, others;  // on both workers
  for (int i = 0; i < 4; ++i) {
    writers.push_back(std::make_unique<TestClient>(socket_path()));
    others.push_back(std::make_unique<TestClient>(socket_path()));
  }
  constexpr int kWrites = 200;
  const auto write = [&] {
    for (int i = 0; i < kWrites; ++i) {
      for (const auto& writer : writers) writer->Send("SET own v");
    }
  };
  write();
  runner.Send(
      "EVAL \"local n = 0 while n < 1e5 do n = n + 1 redis.call('set','k',n) "
      "for i = 1, 5000 do end end return n\" 0");
  write();
  for (const auto& other : others) {
    bool told = false;
    while (!told && !runner.HasReply()) told = other->Run("PING") == kBusy;
    EXPECT_TRUE(told);
  }
  EXPECT_EQ(others[0]->Run("SCRIPT KILL").substr(0, 11), "-UNKILLABLE");
  EXPECT_EQ(runner.ReadReply(), ":100000\r\n");
  for (const auto& writer : writers) {
    for (int i = 0; i < 2 * kWrites; ++i) {
      const std::string reply = writer->ReadReply();
      EXPECT_TRUE(reply == kBusy || reply == "+OK\r\n") << reply;
    }
  }
  EXPECT_EQ(Run("GET k"), WireBulk("100000"));
}

TEST_F(BusyScript, TheServerStopsWithinAScript) {
  TestClient runner = Connect(), other = Connect();
  runner.Send("EVAL 'while true do end' 0");
  AwaitBusy(other);
  Stop();
}

}  // namespace
}  // namespace hearth
