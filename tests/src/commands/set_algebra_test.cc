#include <algorithm>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SetAlgebraTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  // The one-letter members of a reply in order: "abc".
  static std::string Letters(const std::string& reply) {
    std::string letters;
    for (size_t at = 0; (at = reply.find("$1\r\n", at)) != std::string::npos; at += 5) {
      letters += reply[at + 4];
    }
    std::sort(letters.begin(), letters.end());
    return letters;
  }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(SetAlgebraTest, ThreeOperations) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL x y z");
    Run("SADD x a b c d");
    Run("SADD y c d e");
    Run("SADD z d");
    EXPECT_EQ(Letters(Refused("SINTER x y z")), "d");
    EXPECT_EQ(Letters(Refused("SINTER x y x")), "cd");
    EXPECT_EQ(Letters(Refused("SINTER x")), "abcd");
    EXPECT_EQ(Refused("SINTER x none"), "*0\r\n");
    EXPECT_EQ(Letters(Refused("SUNION z y x")), "abcde");
    EXPECT_EQ(Letters(Refused("SUNION none z")), "d");
    EXPECT_EQ(Letters(Refused("SDIFF x y z")), "ab");
    EXPECT_EQ(Letters(Refused("SDIFF x none")), "abcd");
    EXPECT_EQ(Refused("SDIFF none x"), "*0\r\n");
    EXPECT_EQ(Refused("SDIFF x x"), "*0\r\n");
  }
  protocol_ = 3;
  EXPECT_EQ(Refused("SINTER x y z"), "~1\r\n$1\r\nd\r\n");
}

TEST_F(SetAlgebraTest, EveryKeyMustBeASet) {
  Run("SADD x a");
  MakeList("l");
  for (const char* line : {"SINTER none l", "SUNION x l", "SDIFF none l", "SINTERSTORE d none l",
                           "SUNIONSTORE d l", "SDIFFSTORE d x l", "SINTERCARD 2 none l"}) {
    EXPECT_EQ(Refused(line), kWrongType) << line;
  }
}

TEST_F(SetAlgebraTest, StoringReplacesTheDestination) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL x y");
    Run("SADD x a b c");
    Run("SADD y b c d");
    Run("SET d string EX 100");
    EXPECT_EQ(Run("SINTERSTORE d x y"), ":2\r\n");
    EXPECT_EQ(Run("TTL d"), ":-1\r\n");
    EXPECT_EQ(Letters(Run("SMEMBERS d")), "bc");
    EXPECT_EQ(Run("SUNIONSTORE d x y"), ":4\r\n");
    EXPECT_EQ(Letters(Run("SMEMBERS d")), "abcd");
    EXPECT_EQ(Run("SDIFFSTORE d x y"), ":1\r\n");
    Reopen();
    EXPECT_EQ(Letters(Run("SMEMBERS d")), "a");
    EXPECT_EQ(Run("SINTERSTORE d x none"), ":0\r\n");
    EXPECT_EQ(Run("EXISTS d"), ":0\r\n");
    EXPECT_EQ(Refused("SINTERSTORE d x none"), ":0\r\n");
  }
}

TEST_F(SetAlgebraTest, TheDestinationMayBeASource) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL x y");
    Run("SADD x a b c");
    Run("SADD y c d");
    EXPECT_EQ(Run("SUNIONSTORE x x y"), ":4\r\n");
    EXPECT_EQ(Letters(Run("SMEMBERS x")), "abcd");
    EXPECT_EQ(Run("SDIFFSTORE x x y"), ":2\r\n");
    EXPECT_EQ(Run("SINTERSTORE y x y"), ":0\r\n");
    Reopen();
    EXPECT_EQ(Letters(Run("SMEMBERS x")), "ab");
    EXPECT_EQ(Run("EXISTS y"), ":0\r\n");
  }
}

TEST_F(SetAlgebraTest, StoredIntersectionsTakeTheEncodingOfRedis) {
  std::string numbers;
  for (int i = 0; i < 200; ++i) numbers += " " + std::to_string(i);
  Run("SADD ints" + numbers);
  Run("SADD mixed a" + numbers);
  Run("SINTERSTORE d ints mixed");
  EXPECT_EQ(Run("OBJECT ENCODING d"), Bulk("intset")) << "the smallest set is an intset";
  Run("SINTERSTORE d mixed mixed");
  EXPECT_EQ(Run("OBJECT ENCODING d"), Bulk("hashtable"));
  Run("SADD mixed2 a b 1 2 3");
  Run("SINTERSTORE d mixed2 ints");
  EXPECT_EQ(Run("OBJECT ENCODING d"), Bulk("intset")) << "few integers become one at the end";
  Run("SADD words a b");
  Run("SINTERSTORE d words mixed");
  EXPECT_EQ(Run("OBJECT ENCODING d"), Bulk("listpack"));
}

TEST_F(SetAlgebraTest, SInterCardCountsUpToALimit) {
  Run("SADD x a b c");
  Run("SADD y a b c d");
  EXPECT_EQ(Refused("SINTERCARD 2 x y"), ":3\r\n");
  EXPECT_EQ(Refused("SINTERCARD 2 x y LIMIT 2"), ":2\r\n");
  EXPECT_EQ(Refused("SINTERCARD 2 x y LIMIT 0"), ":3\r\n");
  EXPECT_EQ(Refused("SINTERCARD 2 x none"), ":0\r\n");
  EXPECT_EQ(Refused("SINTERCARD 0 x"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Refused("SINTERCARD x x"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Refused("SINTERCARD 3 x y"),
            "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(Refused("SINTERCARD 1 x LIMIT -1"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Refused("SINTERCARD 1 x LIMIT"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("SINTERCARD 1 x y"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace hearth
