#include "engine/collection_limits.h"
#include "src/commands/blocking.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNull[] = "$-1\r\n";
constexpr char kNullArray[] = "*-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class ListPopTest : public CommandFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Limits().packed_size_max = GetParam();
  }
  void TearDown() override {
    Limits().packed_size_max = kPackedSizeMaxUsual;
    CommandFixture::TearDown();
  }
};

INSTANTIATE_TEST_SUITE_P(PackedAndSpread, ListPopTest, testing::Values(kPackedSizeMaxUsual, 0u));

TEST_P(ListPopTest, PoppingTakesFromEitherEnd) {
  Run("RPUSH l a b c");
  EXPECT_EQ(Run("LPOP l"), Bulk("a"));
  EXPECT_EQ(Run("RPOP l"), Bulk("c"));
  Reopen();
  EXPECT_EQ(Run("LRANGE l 0 -1"), Bulks({"b"}));
  EXPECT_EQ(Run("LPOP l"), Bulk("b"));
  EXPECT_EQ(Refused("RPOP l"), kNull);
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

TEST_P(ListPopTest, ACountAnswersAnArray) {
  Run("RPUSH l a b c d e");
  EXPECT_EQ(Run("LPOP l 2"), Bulks({"a", "b"}));
  EXPECT_EQ(Run("RPOP l 2"), Bulks({"e", "d"}));
  EXPECT_EQ(Refused("LPOP l 0"), "*0\r\n");
  EXPECT_EQ(Refused("LPOP none 0"), kNullArray);
  EXPECT_EQ(Run("LPOP l 9223372036854775807"), Bulks({"c"}));
  EXPECT_EQ(Run("EXISTS l"), ":0\r\n");
  for (const char* count : {"-1", "x", "99999999999999999999"}) {
    EXPECT_EQ(Refused("LPOP none " + std::string(count)),
              "-ERR value is out of range, must be positive\r\n");
  }
  EXPECT_EQ(Refused("RPOP l 1 2"), "-ERR wrong number of arguments for 'rpop' command\r\n");
  Run("SET s v");
  EXPECT_EQ(Refused("LPOP s 1"), kWrongType);
}

TEST_P(ListPopTest, LMPopTakesFromTheFirstKeyThatIsThere) {
  Run("RPUSH l a b c");
  EXPECT_EQ(Run("LMPOP 2 none l LEFT"), "*2\r\n" + Bulk("l") + Bulks({"a"}));
  EXPECT_EQ(Run("LMPOP 2 none l right COUNT 5"), "*2\r\n" + Bulk("l") + Bulks({"c", "b"}));
  EXPECT_EQ(Refused("LMPOP 2 none l LEFT"), kNullArray);
  Run("SET s v");
  EXPECT_EQ(Refused("LMPOP 2 s none LEFT"), kWrongType);
}

TEST_P(ListPopTest, LMPopRefusesWrongCounts) {
  for (const char* key_count : {"0", "-1", "x"}) {
    EXPECT_EQ(Refused("LMPOP " + std::string(key_count) + " l LEFT"),
              "-ERR numkeys should be greater than 0\r\n");
  }
  for (const char* rest : {"2 l LEFT", "9223372036854775807 l LEFT", "1 l UP", "1 l LEFT COUNT",
                           "1 l LEFT COUNT 1 COUNT 1", "1 l LEFT MANY 1"}) {
    EXPECT_EQ(Refused("LMPOP " + std::string(rest)), kSyntax) << rest;
  }
  EXPECT_EQ(Refused("LMPOP 1 l LEFT COUNT 0"), "-ERR count should be greater than 0\r\n");
}

TEST_P(ListPopTest, BlockingPopsAnswerAtOnceWhatIsThere) {
  Run("RPUSH l a b c d");
  EXPECT_EQ(Run("BLPOP none l 0"), Bulks({"l", "a"}));
  EXPECT_EQ(Run("BRPOP none l 0"), Bulks({"l", "d"}));
  EXPECT_EQ(Run("BLMPOP 0 2 none l LEFT COUNT 2"), "*2\r\n" + Bulk("l") + Bulks({"b", "c"}));
  EXPECT_EQ(Refused("BLPOP l 0.01"), kNullArray);
  EXPECT_EQ(Refused("BLMPOP 0.01 1 l LEFT"), kNullArray);
  EXPECT_EQ(Refused("BLPOP l -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Refused("BLMPOP x 1 l LEFT"), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(Refused("BLMPOP x 0 l LEFT"), "-ERR numkeys should be greater than 0\r\n");
  Run("SET s v");
  EXPECT_EQ(Refused("BRPOP s 0"), kWrongType);
}

TEST(TimeoutTest, IsSecondsRoundedUpToMilliseconds) {
  OutputBuffer out;
  Reply reply(&out);
  EXPECT_EQ(ReadTimeoutMs("0", 1000, reply), 0);
  EXPECT_EQ(ReadTimeoutMs("1.5", 1000, reply), 1500);
  EXPECT_EQ(ReadTimeoutMs("0.0001", 1000, reply), 1);
  EXPECT_EQ(reply.error_count(), 0u);
  EXPECT_EQ(ReadTimeoutMs("1e300", 1000, reply), std::nullopt);
  EXPECT_EQ(ReadTimeoutMs("inf", 1000, reply), std::nullopt);
  EXPECT_EQ(ReadTimeoutMs("", 1000, reply), std::nullopt);
  EXPECT_EQ(reply.error_count(), 3u);
}

}  // namespace
}  // namespace hearth
