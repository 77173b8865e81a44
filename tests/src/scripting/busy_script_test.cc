// Scripts that take too long: what others are told, and how they end.
#include <memory>
#include <thread>

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

TEST_F(BusyScript, AScriptCanNotCatchItsEnd) {
  TestClient runner = Connect(), other = Connect();
  runner.Send("EVAL 'while true do pcall(function() while true do end end) end' 0");
  AwaitBusy(other);
  EXPECT_EQ(other.Run("SCRIPT KILL"), "+OK\r\n");
  EXPECT_NE(runner.ReadReply().find("killed by user"), std::string::npos);
}

TEST_F(BusyScript, WhatHasWrittenIsNotKilled) {
  TestClient runner = Connect(), other = Connect();
  runner.Send(
      "EVAL \"redis.call('set','k','v') local n = 0 while n < 3e7 do n = n + 1 end "
      "return 1\" 0");
  std::string reply;
  while ((reply = other.Run("SCRIPT KILL")).starts_with("-NOTBUSY")) std::this_thread::yield();
  EXPECT_TRUE(reply.starts_with("-UNKILLABLE")) << reply;
  EXPECT_EQ(runner.ReadReply(), ":1\r\n");
  EXPECT_EQ(other.Run("GET k"), WireBulk("v"));
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

TEST_F(BusyScript, TheServerStopsWithinAScript) {
  TestClient runner = Connect(), other = Connect();
  runner.Send("EVAL 'while true do end' 0");
  AwaitBusy(other);
  Stop();
}

}  // namespace
}  // namespace hearth
