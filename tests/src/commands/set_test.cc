#include <algorithm>
#include <set>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SetCommandsTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  // "member:0 member:1 ...".
  static std::string Members(int count) {
    std::string words;
    for (int i = 0; i < count; ++i) words += " member:" + std::to_string(i);
    return words;
  }
  std::string EncodingOf(const std::string& key) { return Run("OBJECT ENCODING " + key); }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(SetCommandsTest, SAddAnswersHowManyWereNew) {
  EXPECT_EQ(Run("SADD s a b a"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/s listpack \"\\x02a\\x02b\"\n");
  EXPECT_EQ(Refused("SADD s a b"), ":0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("SADD l a"), kWrongType);
  EXPECT_EQ(Refused("SADD s"), "-ERR wrong number of arguments for 'sadd' command\r\n");
  Reopen();
  EXPECT_EQ(Run("SMEMBERS s"), Bulks({"a", "b"}));
}

TEST_F(SetCommandsTest, SRemDeletesTheKeyWithItsLastMember) {
  Run("SADD s a b c");
  EXPECT_EQ(Run("SREM s a x b"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/s listpack \"\\x02c\"\n");
  EXPECT_EQ(Refused("SREM s a"), ":0\r\n");
  EXPECT_EQ(Refused("SREM none a"), ":0\r\n");
  EXPECT_EQ(Run("SREM s c c"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/s\n");
  MakeList("l");
  EXPECT_EQ(Refused("SREM l a"), kWrongType);
  Reopen();
  EXPECT_EQ(Run("EXISTS s"), ":0\r\n");
}

TEST_F(SetCommandsTest, ReadersTellWhatIsThere) {
  Run("SADD s a b");
  EXPECT_EQ(Refused("SCARD s"), ":2\r\n");
  EXPECT_EQ(Refused("SCARD none"), ":0\r\n");
  EXPECT_EQ(Refused("SISMEMBER s a"), ":1\r\n");
  EXPECT_EQ(Refused("SISMEMBER s x"), ":0\r\n");
  EXPECT_EQ(Refused("SISMEMBER none x"), ":0\r\n");
  EXPECT_EQ(Refused("SMISMEMBER s a x b"), "*3\r\n:1\r\n:0\r\n:1\r\n");
  EXPECT_EQ(Refused("SMISMEMBER none a"), "*1\r\n:0\r\n");
  EXPECT_EQ(Refused("SMEMBERS none"), "*0\r\n");
  protocol_ = 3;
  EXPECT_EQ(Refused("SMEMBERS s"), "~2\r\n$1\r\na\r\n$1\r\nb\r\n");
  MakeList("l");
  for (const char* line : {"SCARD l", "SISMEMBER l a", "SMISMEMBER l a", "SMEMBERS l"}) {
    EXPECT_EQ(Refused(line), kWrongType) << line;
  }
}

TEST_F(SetCommandsTest, SMoveMovesBetweenSets) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL s t");
    Run("SADD s a b");
    EXPECT_EQ(Refused("SMOVE s t x"), ":0\r\n");
    EXPECT_EQ(Refused("SMOVE none t x"), ":0\r\n");
    EXPECT_EQ(Refused("SMOVE s s a"), ":1\r\n");
    EXPECT_EQ(Refused("SMOVE s s x"), ":0\r\n");
    EXPECT_EQ(Run("SMOVE s t a"), ":1\r\n");
    EXPECT_EQ(Run("SMOVE s t b"), ":1\r\n");
    EXPECT_EQ(Run("EXISTS s"), ":0\r\n");
    Reopen();
    EXPECT_EQ(Run("SMISMEMBER t a b"), "*2\r\n:1\r\n:1\r\n");
  }
  MakeList("l");
  EXPECT_EQ(Refused("SMOVE t l x"), kWrongType);
  EXPECT_EQ(Refused("SMOVE l t x"), kWrongType);
  EXPECT_EQ(Refused("SMOVE none l x"), ":0\r\n");
}

TEST_F(SetCommandsTest, AChangeOfABigSetLogsItsMember) {
  Run("SADD s" + Members(100));
  EXPECT_EQ(Run("SADD s new"), ":1\r\n");
  const std::string rows = LoggedRows();
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1) << rows;
  EXPECT_NE(rows.find("new"), std::string::npos) << rows;
}

// Redis 7.2's thresholds; an encoding never goes back.
TEST_F(SetCommandsTest, TheEncodingFollowsTheMembers) {
  Run("SADD ints 1 2 3");
  EXPECT_EQ(EncodingOf("ints"), Bulk("intset"));
  Run("SADD ints a");
  EXPECT_EQ(EncodingOf("ints"), Bulk("listpack"));
  Run("SREM ints a");
  EXPECT_EQ(EncodingOf("ints"), Bulk("listpack"));
  Run("SADD few" + Members(128));
  EXPECT_EQ(EncodingOf("few"), Bulk("listpack"));
  Run("SADD few one-more");
  EXPECT_EQ(EncodingOf("few"), Bulk("hashtable"));
  Run("SADD long " + std::string(65, 'x'));
  EXPECT_EQ(EncodingOf("long"), Bulk("hashtable"));
  Run("SADD hinted" + Members(128) + Members(1));
  EXPECT_EQ(EncodingOf("hinted"), Bulk("hashtable")) << "the words count, not the members";
  Reopen();
  EXPECT_EQ(EncodingOf("few"), Bulk("hashtable"));
}

TEST_F(SetCommandsTest, SScanWalksTheWholeSet) {
  Run("SADD s" + Members(300));
  std::set<std::string> seen;
  std::string cursor = "0";
  int pages = 0;
  do {
    const std::string reply = Run("SSCAN s " + cursor + " COUNT 20");
    size_t at = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(at, reply.find("\r\n", at) - at);
    while ((at = reply.find("member:", at)) != std::string::npos) {
      const size_t end = reply.find("\r\n", at);
      EXPECT_TRUE(seen.insert(reply.substr(at, end - at)).second);
      at = end;
    }
    ++pages;
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), 300u);
  EXPECT_GT(pages, 5);
}

TEST_F(SetCommandsTest, SScanFiltersAndRefuses) {
  Run("SADD s one two three");
  EXPECT_EQ(Refused("SSCAN s 0 MATCH t*"),
            "*2\r\n" + Bulk("0") + "*2\r\n" + Bulk("two") + Bulk("three"));
  EXPECT_EQ(Refused("SSCAN none 0 NONSENSE"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Refused("SSCAN none x"), "-ERR invalid cursor\r\n");
  for (const char* options : {"COUNT 0", "NOVALUES", "MATCH", "COUNT", "TYPE set"}) {
    EXPECT_EQ(Refused("SSCAN s 0 " + std::string(options)), "-ERR syntax error\r\n") << options;
  }
  EXPECT_EQ(Refused("SSCAN s 0 COUNT x"), "-ERR value is not an integer or out of range\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("SSCAN l 0"), kWrongType);
}

}  // namespace
}  // namespace hearth
