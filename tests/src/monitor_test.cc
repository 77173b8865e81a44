// MONITOR between clients of two workers; MODULE and CLUSTER of a server without them.
#include <gtest/gtest.h>

#include <regex>

#include "src/monitors.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class MonitorTest : public ServerFixture {
 protected:
  // What a monitor was told, without the time.
  static std::string Line(TestClient& monitor) {
    const std::string line = monitor.ReadReply();
    static const std::regex kTime("^\\+[0-9]+\\.[0-9]{6} ");
    EXPECT_TRUE(std::regex_search(line, kTime)) << line;
    return std::regex_replace(line, kTime, "");
  }
  std::string Source(int db = 0) {
    return "[" + std::to_string(db) + " unix:" + socket_path() + "] ";
  }
};

TEST_F(MonitorTest, EveryMonitorSeesWhatRuns) {
  for (int i = 0; i < 3; ++i) {  // on both workers
    TestClient monitor = Connect(), other = Connect();
    EXPECT_EQ(monitor.Run("MONITOR"), "+OK\r\n");
    EXPECT_EQ(monitor.Run("MONITOR"), "+OK\r\n");
    Run("set k \"a \\\"b\\\" \\\\ \\x01\\xff\\n\"");
    EXPECT_EQ(Line(monitor), Source() + "\"set\" \"k\" \"a \\\"b\\\" \\\\ \\x01\\xff\\n\"\r\n");
    other.Run("SELECT 3");
    EXPECT_EQ(Line(monitor), Source(3) + "\"SELECT\" \"3\"\r\n");
    other.Run("GET k");
    EXPECT_EQ(Line(monitor), Source(3) + "\"GET\" \"k\"\r\n");
  }
}

TEST_F(MonitorTest, SecretsAndAdministrationAreNotShown) {
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  Run("CONFIG GET maxmemory");
  Run("NOSUCHCOMMAND");
  Run("GET");
  Run("AUTH secret");
  EXPECT_EQ(Line(monitor), Source() + "\"AUTH\" \"(redacted)\"\r\n");
  Run("HELLO 3 AUTH default secret SETNAME me");
  EXPECT_EQ(Line(monitor), Source() +
                               "\"HELLO\" \"3\" \"AUTH\" \"(redacted)\" \"(redacted)\" "
                               "\"SETNAME\" \"me\"\r\n");
}

TEST_F(MonitorTest, ExecIsShownBehindWhatItRan) {
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  Run("MULTI");
  Run("INCR k");
  Run("EXEC");
  EXPECT_EQ(Line(monitor), Source() + "\"MULTI\"\r\n");
  EXPECT_EQ(Line(monitor), Source() + "\"INCR\" \"k\"\r\n");
  EXPECT_EQ(Line(monitor), Source() + "\"EXEC\"\r\n");
}

TEST_F(MonitorTest, WhatAScriptCallsIsShownAsItsOwn) {
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  Run("EVAL \"return redis.call('get', KEYS[1])\" 1 k");
  const std::string eval =
      Source() + "\"EVAL\" \"return redis.call('get', KEYS[1])\" \"1\" \"k\"\r\n";
  const std::string get = "[0 lua] \"get\" \"k\"\r\n";
  EXPECT_EQ(Line(monitor), eval);
  EXPECT_EQ(Line(monitor), get);
}

TEST_F(MonitorTest, ResetEndsIt) {
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  EXPECT_NE(monitor.Run("CLIENT INFO").find("flags=OU"), std::string::npos);
  EXPECT_EQ(Line(monitor), Source() + "\"CLIENT\" \"INFO\"\r\n");
  EXPECT_EQ(monitor.Run("RESET"), "+RESET\r\n");
  Run("PING");
  EXPECT_EQ(monitor.Run("PING"), "+PONG\r\n");
  EXPECT_FALSE(server_->monitors().any());
}

TEST_F(MonitorTest, AMonitorTouchesNoKeys) {
  const std::string error = "-ERR Replica can't interact with the keyspace\r\n";
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  for (const char* line : {"GET k", "SET k v", "DBSIZE", "EVAL 'return 1' 0", "PUBLISH a b"}) {
    EXPECT_EQ(monitor.Run(line), error) << line;
  }
  EXPECT_EQ(monitor.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Line(monitor), Source() + "\"PING\"\r\n");
}

TEST_F(MonitorTest, IsRefusedWithinATransaction) {
  Run("MULTI");
  Run("MONITOR");
  EXPECT_EQ(Run("EXEC"), "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
}

// It reads without having asked: a limit holds although normal clients have none.
TEST_F(MonitorTest, AMonitorThatDoesNotReadIsClosed) {
  Run("CONFIG SET client-output-buffer-limit \"replica 1mb 0 0\"");
  TestClient monitor = Connect();
  monitor.Run("MONITOR");
  const std::string value(100'000, 'x');
  for (int i = 0; i < 200 && server_->monitors().any(); ++i) Run("SET k " + value);
  while (server_->monitors().any()) Run("PING");
  EXPECT_LT(monitor.ReadToEnd().size(), size_t{10} << 20);
}

TEST_F(MonitorTest, ThereAreNoModulesAndNoCluster) {
  const std::string no_cluster = "-ERR This instance has cluster support disabled\r\n";
  for (const char* line : {"CLUSTER INFO", "CLUSTER SLOTS", "CLUSTER KEYSLOT a", "CLUSTER HELP",
                           "READONLY", "READWRITE", "ASKING"}) {
    EXPECT_EQ(Run(line), no_cluster) << line;
  }
  EXPECT_EQ(Run("MODULE LIST"), "*0\r\n");
  EXPECT_TRUE(Run("MODULE LOAD /x.so").starts_with("-ERR MODULE command not allowed. If the "));
  EXPECT_TRUE(Run("MODULE HELP").starts_with("*11\r\n+MODULE <subcommand>"));
}

}  // namespace
}  // namespace hearth
