#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";

class ExpireCommandsTest : public CommandFixture {
 protected:
  std::string At(int64_t ms) { return std::to_string(clock_.WallMs() + ms); }
};

TEST_F(ExpireCommandsTest, FourWaysToSayWhen) {
  Run("SET k v");
  EXPECT_EQ(Run("EXPIRE k 10"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(10'000) + "\n");
  EXPECT_EQ(Run("PEXPIRE k 1500"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(1500) + "\n");
  EXPECT_EQ(Run("EXPIREAT k 1700000100"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until 1700000100000\n");
  EXPECT_EQ(Run("PEXPIREAT k 1700000100001"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until 1700000100001\n");
  EXPECT_EQ(Refused("EXPIRE none 10"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("PEXPIRETIME k"), ":1700000100001\r\n");
}

TEST_F(ExpireCommandsTest, APastTimeDeletes) {
  for (const char* line : {"EXPIRE k 0", "EXPIRE k -1", "PEXPIRE k -9223372036854775808",
                           "EXPIREAT k 1", "PEXPIREAT k -1", "PEXPIREAT k 0"}) {
    Run("SET k v");
    EXPECT_EQ(Run(line), ":1\r\n") << line;
    EXPECT_EQ(LoggedRows(), "delete 0/k\n") << line;
  }
  Reopen();
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
}

TEST_F(ExpireCommandsTest, TheKeyIsGoneAtItsTime) {
  Run("SET k v");
  Run("PEXPIRE k 100");
  clock_.AdvanceMs(99);
  EXPECT_EQ(Run("PTTL k"), ":1\r\n");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Run("PTTL k"), ":-2\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/k\n");
  Reopen();
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
}

TEST_F(ExpireCommandsTest, ConditionsCompareWithTheOldExpiry) {
  Run("SET k v");
  EXPECT_EQ(Refused("EXPIRE k 100 XX"), ":0\r\n");
  EXPECT_EQ(Refused("EXPIRE k 100 GT"), ":0\r\n");
  EXPECT_EQ(Refused("EXPIRE k -1 GT"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE k 100 LT"), ":1\r\n");
  EXPECT_EQ(Refused("EXPIRE k 50 NX"), ":0\r\n");
  EXPECT_EQ(Refused("EXPIRE k 100 GT"), ":0\r\n");
  EXPECT_EQ(Refused("EXPIRE k 100 LT"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE k 200 GT XX"), ":1\r\n");
  EXPECT_EQ(Run("EXPIRE k 100 lt xx"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(100'000) + "\n");
  EXPECT_EQ(Run("PERSIST k"), ":1\r\n");
  EXPECT_EQ(Run("EXPIRE k 100 NX NX"), ":1\r\n");
}

TEST_F(ExpireCommandsTest, ConditionsThatContradictAreRefused) {
  Run("SET k v");
  const std::string with_nx =
      "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  EXPECT_EQ(Refused("EXPIRE k 100 NX XX"), with_nx);
  EXPECT_EQ(Refused("EXPIRE k 100 NX GT"), with_nx);
  EXPECT_EQ(Refused("EXPIRE k 100 LT GT"),
            "-ERR GT and LT options at the same time are not compatible\r\n");
  EXPECT_EQ(Refused("EXPIRE k abc foo"), "-ERR Unsupported option foo\r\n");
  EXPECT_EQ(Refused("EXPIRE k abc"), kNotInteger);
  EXPECT_EQ(Refused("EXPIRE none abc"), kNotInteger);
}

TEST_F(ExpireCommandsTest, HostileTimesAreRefused) {
  Run("SET k v");
  const std::pair<const char*, const char*> kCases[] = {
      {"EXPIRE k 9223372036854775807", "expire"},
      {"EXPIRE k -9223372036854775808", "expire"},
      {"EXPIRE none 9223372036854775807", "expire"},
      {"EXPIRE k 9223372036854775", "expire"},
      {"PEXPIRE k 9223372036854775807", "pexpire"},
      {"EXPIREAT k 9223372036854775807", "expireat"},
      {"EXPIREAT k -9223372036854775808", "expireat"},
  };
  for (const auto& [line, name] : kCases) {
    EXPECT_EQ(Refused(line), "-ERR invalid expire time in '" + std::string(name) + "' command\r\n")
        << line;
  }
  EXPECT_EQ(Run("PEXPIREAT k 9223372036854775807"), ":1\r\n");
  EXPECT_EQ(Run("PEXPIRETIME k"), ":9223372036854775807\r\n");
  EXPECT_EQ(Run("EXPIRETIME k"), ":9223372036854776\r\n");
}

TEST_F(ExpireCommandsTest, PersistEndsTheExpiry) {
  EXPECT_EQ(Refused("PERSIST none"), ":0\r\n");
  Run("SET k v");
  EXPECT_EQ(Refused("PERSIST k"), ":0\r\n");
  Run("EXPIRE k 10");
  EXPECT_EQ(Run("PERSIST k"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v\n");
  Reopen();
  EXPECT_EQ(Run("TTL k"), ":-1\r\n");
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 0u);
}

TEST_F(ExpireCommandsTest, TimesAreToldInSecondsAndMilliseconds) {
  for (const char* name : {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}) {
    Run("DEL k");
    EXPECT_EQ(Refused(std::string(name) + " k"), ":-2\r\n");
    Run("SET k v");
    EXPECT_EQ(Refused(std::string(name) + " k"), ":-1\r\n");
  }
  Run("PEXPIRE k 1499");
  EXPECT_EQ(Refused("TTL k"), ":1\r\n");
  EXPECT_EQ(Refused("PTTL k"), ":1499\r\n");
  Run("PEXPIRE k 1500");
  EXPECT_EQ(Refused("TTL k"), ":2\r\n");
  Run("PEXPIREAT k 1700000100500");
  EXPECT_EQ(Refused("EXPIRETIME k"), ":1700000101\r\n");
  EXPECT_EQ(Refused("PEXPIRETIME k"), ":1700000100500\r\n");
}

TEST_F(ExpireCommandsTest, ColdKeysExpireAsHotOnes) {
  Run("SET k v");
  DemoteAll();
  EXPECT_EQ(Run("EXPIRE k 10"), ":1\r\n");
  DemoteAll();
  EXPECT_EQ(Run("TTL k"), ":10\r\n");
  DemoteAll();
  clock_.AdvanceMs(10'000);
  EXPECT_EQ(Run("TTL k"), ":-2\r\n");
  EXPECT_EQ(Differences(), "");
}

}  // namespace
}  // namespace hearth
