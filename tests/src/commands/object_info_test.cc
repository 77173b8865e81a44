#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNull[] = "$-1\r\n";

class ObjectCommandsTest : public CommandFixture {
 protected:
  void TearDown() override { SetKeyspaceFacts(16, /*uses_lfu=*/false); }
};

TEST_F(ObjectCommandsTest, EncodingsAreThoseOfRedis) {
  Run("MSET int -12 short abc");
  Run("SET long " + std::string(45, 'x'));
  Run("APPEND short d");
  EXPECT_EQ(Refused("OBJECT ENCODING int"), Bulk("int"));
  EXPECT_EQ(Refused("OBJECT ENCODING long"), Bulk("raw"));
  EXPECT_EQ(Refused("OBJECT ENCODING short"), Bulk("raw"));
  Run("SET short abc");
  EXPECT_EQ(Refused("object encoding short"), Bulk("embstr"));
  EXPECT_EQ(Refused("OBJECT ENCODING none"), kNull);
}

TEST_F(ObjectCommandsTest, SmallIntegersAreShared) {
  Run("MSET small 9999 large 10000 text abc");
  EXPECT_EQ(Refused("OBJECT REFCOUNT small"), ":2147483647\r\n");
  EXPECT_EQ(Refused("OBJECT REFCOUNT large"), ":1\r\n");
  EXPECT_EQ(Refused("OBJECT REFCOUNT text"), ":1\r\n");
  EXPECT_EQ(Refused("OBJECT REFCOUNT none"), kNull);
}

TEST_F(ObjectCommandsTest, IdleTimeCountsFromTheLastUse) {
  Run("SET k v");
  clock_.AdvanceMs(5000);
  EXPECT_EQ(Refused("OBJECT IDLETIME k"), ":5\r\n");
  EXPECT_EQ(Refused("EXISTS k"), ":1\r\n");
  EXPECT_EQ(Refused("TTL k"), ":-1\r\n");
  EXPECT_EQ(Refused("TYPE k"), "+string\r\n");
  EXPECT_EQ(Refused("OBJECT IDLETIME k"), ":5\r\n");
  Run("TOUCH k");
  EXPECT_EQ(Refused("OBJECT IDLETIME k"), ":0\r\n");
  EXPECT_EQ(Refused("OBJECT IDLETIME none"), kNull);
}

TEST_F(ObjectCommandsTest, FrequencyIsThereUnderAnLfuPolicyOnly) {
  Run("SET k v");
  EXPECT_EQ(Refused("OBJECT FREQ k"),
            "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            "note that when switching between policies at runtime LRU and LFU data will take some "
            "time to adjust.\r\n");
  EXPECT_EQ(Refused("OBJECT FREQ none"), kNull);
  SetKeyspaceFacts(16, /*uses_lfu=*/true);
  EXPECT_EQ(Refused("OBJECT IDLETIME k"),
            "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that "
            "when switching between policies at runtime LRU and LFU data will take some time to "
            "adjust.\r\n");
  EXPECT_EQ(Refused("OBJECT IDLETIME none"), kNull);
}

TEST_F(ObjectCommandsTest, FrequencyFallsWhileTheKeyIsIdle) {
  SetKeyspaceFacts(16, /*uses_lfu=*/true, /*lfu_decay_minutes=*/2);
  engine_->keyspace().SetEvictionClock(EvictionClock::kLfu, 10, 2);
  Run("SET k v");
  const std::string fresh = Run("OBJECT FREQ k");
  const int count = std::stoi(fresh.substr(1));
  EXPECT_GE(count, 5);
  clock_.AdvanceMs(4 * 60'000);
  EXPECT_EQ(Refused("OBJECT FREQ k"), ":" + std::to_string(count - 2) + "\r\n");
  clock_.AdvanceMs(60 * 60'000);
  EXPECT_EQ(Refused("OBJECT FREQ k"), ":0\r\n");
  SetKeyspaceFacts(16, /*uses_lfu=*/true, /*lfu_decay_minutes=*/0);
  EXPECT_EQ(Refused("OBJECT FREQ k"), fresh);
}

TEST_F(ObjectCommandsTest, HelpTellsTheSubcommands) {
  const std::string help = Refused("OBJECT HELP");
  EXPECT_TRUE(help.starts_with("*15\r\n+OBJECT <subcommand> [<arg>")) << help;
  EXPECT_EQ(Refused("OBJECT HELP x"),
            "-ERR wrong number of arguments for 'object|help' command\r\n");
  EXPECT_EQ(Refused("OBJECT ENCODING"),
            "-ERR wrong number of arguments for 'object|encoding' command\r\n");
}

}  // namespace
}  // namespace hearth
