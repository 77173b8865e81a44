#include <algorithm>
#include <set>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class HashCommandsTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  // " field:0 v field:1 v ...".
  static std::string Pairs(int count) {
    std::string words;
    for (int i = 0; i < count; ++i) words += " field:" + std::to_string(i) + " v";
    return words;
  }
  std::string EncodingOf(const std::string& key) { return Run("OBJECT ENCODING " + key); }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(HashCommandsTest, HSetAnswersHowManyWereNew) {
  EXPECT_EQ(Run("HSET h a 1 b 2 a 3"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/h listpack \"\\x00\\x01a\\x013\\x01b\\x012\"\n");
  EXPECT_EQ(Run("HSET h a 4"), ":0\r\n");
  EXPECT_EQ(Run("HMSET h c 5"), kOk);
  EXPECT_EQ(Refused("HSET h a"), "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(Refused("HSET h a 1 b"), "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(Refused("HMSET h a 1 b"), "-ERR wrong number of arguments for 'hmset' command\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("HSET l a 1"), kWrongType);
  EXPECT_EQ(Refused("HMSET l a 1"), kWrongType);
  Reopen();
  EXPECT_EQ(Run("HGETALL h"), Bulks({"a", "4", "b", "2", "c", "5"}));
}

TEST_F(HashCommandsTest, HSetNxSetsOnlyWhatIsAbsent) {
  EXPECT_EQ(Run("HSETNX h a 1"), ":1\r\n");
  EXPECT_EQ(Refused("HSETNX h a 2"), ":0\r\n");
  EXPECT_EQ(Refused("HGET h a"), Bulk("1"));
  MakeList("l");
  EXPECT_EQ(Refused("HSETNX l a 1"), kWrongType);
}

TEST_F(HashCommandsTest, ReadersTellWhatIsThere) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a one");
    EXPECT_EQ(Refused("HGET h a"), Bulk("one"));
    EXPECT_EQ(Refused("HGET h x"), kNull);
    EXPECT_EQ(Refused("HMGET h x a"), "*2\r\n$-1\r\n$3\r\none\r\n");
    EXPECT_EQ(Refused("HGETALL h"), Bulks({"a", "one"}));
    EXPECT_EQ(Refused("HKEYS h"), Bulks({"a"}));
    EXPECT_EQ(Refused("HVALS h"), Bulks({"one"}));
    EXPECT_EQ(Refused("HLEN h"), ":1\r\n");
    EXPECT_EQ(Refused("HSTRLEN h a"), ":3\r\n");
    EXPECT_EQ(Refused("HSTRLEN h x"), ":0\r\n");
    EXPECT_EQ(Refused("HEXISTS h a"), ":1\r\n");
    EXPECT_EQ(Refused("HEXISTS h x"), ":0\r\n");
  }
  protocol_ = 3;
  EXPECT_EQ(Refused("HGETALL h"), "%1\r\n$1\r\na\r\n$3\r\none\r\n");
}

TEST_F(HashCommandsTest, AnAbsentKeyIsAnEmptyHash) {
  EXPECT_EQ(Refused("HGET none a"), kNull);
  EXPECT_EQ(Refused("HMGET none a b"), "*2\r\n$-1\r\n$-1\r\n");
  for (const char* line : {"HGETALL none", "HKEYS none", "HVALS none"}) {
    EXPECT_EQ(Refused(line), "*0\r\n") << line;
  }
  for (const char* line : {"HLEN none", "HSTRLEN none a", "HEXISTS none a", "HDEL none a"}) {
    EXPECT_EQ(Refused(line), ":0\r\n") << line;
  }
}

TEST_F(HashCommandsTest, OtherTypesAreRefused) {
  MakeList("l");
  for (const char* line : {"HGET l a", "HMGET l a", "HGETALL l", "HKEYS l", "HVALS l", "HLEN l",
                           "HSTRLEN l a", "HEXISTS l a", "HDEL l a", "HSCAN l 0"}) {
    EXPECT_EQ(Refused(line), kWrongType) << line;
  }
}

TEST_F(HashCommandsTest, HDelDeletesTheKeyWithItsLastField) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("HSET h a 1 b 2 c 3");
    EXPECT_EQ(Run("HDEL h a x b"), ":2\r\n");
    EXPECT_EQ(Refused("HDEL h a"), ":0\r\n");
    Reopen();
    EXPECT_EQ(Run("HGETALL h"), Bulks({"c", "3"}));
    EXPECT_EQ(Run("HDEL h c c"), ":1\r\n");
    Reopen();
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
  }
}

TEST_F(HashCommandsTest, AChangeOfABigHashLogsItsField) {
  Run("HSET h" + Pairs(100));
  EXPECT_EQ(Run("HSET h field:50 changed"), ":0\r\n");
  const std::string rows = LoggedRows();
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1) << rows;
  EXPECT_NE(rows.find("changed"), std::string::npos) << rows;
}

TEST_F(HashCommandsTest, TheEncodingFollowsTheFields) {
  Run("HSET h" + Pairs(512));
  EXPECT_EQ(EncodingOf("h"), Bulk("listpack"));
  Run("HSET h one more");
  EXPECT_EQ(EncodingOf("h"), Bulk("hashtable"));
  Run("HDEL h one");
  EXPECT_EQ(EncodingOf("h"), Bulk("hashtable"));
  Run("HSET long a " + std::string(65, 'v'));
  EXPECT_EQ(EncodingOf("long"), Bulk("hashtable"));
  Run("HSET hinted" + Pairs(512) + Pairs(1));
  EXPECT_EQ(EncodingOf("hinted"), Bulk("hashtable")) << "the pairs count, not the fields";
  Reopen();
  EXPECT_EQ(EncodingOf("h"), Bulk("hashtable"));
}

TEST_F(HashCommandsTest, HScanWalksTheWholeHash) {
  Run("HSET h" + Pairs(600));
  std::set<std::string> seen;
  std::string cursor = "0";
  int pages = 0;
  do {
    const std::string reply = Run("HSCAN h " + cursor + " COUNT 20 NOVALUES");
    size_t at = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(at, reply.find("\r\n", at) - at);
    while ((at = reply.find("field:", at)) != std::string::npos) {
      const size_t end = reply.find("\r\n", at);
      EXPECT_TRUE(seen.insert(reply.substr(at, end - at)).second);
      at = end;
    }
    ++pages;
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), 600u);
  EXPECT_GT(pages, 5);
}

TEST_F(HashCommandsTest, HScanFiltersAndRefuses) {
  Run("HSET h one 1 two 2 three 3");
  EXPECT_EQ(Refused("HSCAN h 0 MATCH t*"),
            "*2\r\n" + Bulk("0") + Bulks({"two", "2", "three", "3"}));
  EXPECT_EQ(Refused("HSCAN h 0 novalues MATCH t*"), "*2\r\n" + Bulk("0") + Bulks({"two", "three"}));
  EXPECT_EQ(Refused("HSCAN none 0 NONSENSE"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Refused("HSCAN none x"), "-ERR invalid cursor\r\n");
  for (const char* options : {"COUNT 0", "MATCH", "COUNT", "TYPE hash"}) {
    EXPECT_EQ(Refused("HSCAN h 0 " + std::string(options)), "-ERR syntax error\r\n") << options;
  }
}

}  // namespace
}  // namespace hearth
