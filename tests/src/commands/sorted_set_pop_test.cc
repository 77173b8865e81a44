#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNone[] = "*0\r\n";
constexpr char kNullArray[] = "*-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotPositive[] = "-ERR value is out of range, must be positive\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SortedSetPopTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("ZADD z 1 a 2 b 3 c 4 d");
  }
};

TEST_F(SortedSetPopTest, PopsFromEitherEnd) {
  EXPECT_EQ(Run("ZPOPMIN z"), Bulks({"a", "1"}));
  EXPECT_EQ(LoggedRows(), R"(put 0/z listpack "\x01b\x02\x01c\x03\x01d\x04")"
                          "\n");
  EXPECT_EQ(Run("ZPOPMAX z 2"), Bulks({"d", "4", "c", "3"}));
  EXPECT_EQ(Refused("ZPOPMAX z 0"), kNone);
  EXPECT_EQ(Run("ZPOPMIN z 5"), Bulks({"b", "2"}));
  EXPECT_EQ(LoggedRows(), "delete 0/z\n");
  EXPECT_EQ(Refused("ZPOPMIN z"), kNone);
  EXPECT_EQ(Refused("ZPOPMIN z -1"), kNotPositive);
  EXPECT_EQ(Refused("ZPOPMIN z x"), kNotPositive);
  EXPECT_EQ(Refused("ZPOPMIN z 1 2"), kSyntax);
  MakeList("l");
  EXPECT_EQ(Refused("ZPOPMIN l"), kWrongType);
}

TEST_F(SortedSetPopTest, Resp3HasPairsOnlyWithACount) {
  protocol_ = 3;
  EXPECT_EQ(Run("ZPOPMIN z"), "*2\r\n" + Bulk("a") + ",1\r\n");
  EXPECT_EQ(Run("ZPOPMIN z 1"), "*1\r\n*2\r\n" + Bulk("b") + ",2\r\n");
}

TEST_F(SortedSetPopTest, ZMPopTakesFromTheFirstKeyThatIsThere) {
  EXPECT_EQ(Run("ZMPOP 2 none z MIN"),
            "*2\r\n" + Bulk("z") + "*1\r\n*2\r\n" + Bulk("a") + Bulk("1"));
  EXPECT_EQ(Run("ZMPOP 2 z none MAX COUNT 2"),
            "*2\r\n" + Bulk("z") + "*2\r\n" + Bulks({"d", "4"}) + Bulks({"c", "3"}));
  EXPECT_EQ(Refused("ZMPOP 1 none MAX"), kNullArray);
  MakeList("l");
  EXPECT_EQ(Refused("ZMPOP 2 l z MAX"), kWrongType);
  EXPECT_EQ(Refused("ZMPOP 0 z MAX"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Refused("ZMPOP x z MAX"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(Refused("ZMPOP 1 z MAX COUNT 0"), "-ERR count should be greater than 0\r\n");
  for (const char* line : {"ZMPOP 2 z MAX", "ZMPOP 1 z MEAN", "ZMPOP 1 z MAX COUNT",
                           "ZMPOP 1 z MAX COUNT 1 COUNT 1", "ZMPOP 1 z MAX 1"}) {
    EXPECT_EQ(Refused(line), kSyntax) << line;
  }
}

TEST_F(SortedSetPopTest, BlockingOnesAnswerAtOnceWhenTheyCan) {
  EXPECT_EQ(Run("BZPOPMIN none z 0"), Bulks({"z", "a", "1"}));
  EXPECT_EQ(Run("BZPOPMAX z 1.5"), Bulks({"z", "d", "4"}));
  EXPECT_EQ(Refused("BZPOPMIN none 1"), kNullArray);
  EXPECT_EQ(Run("BZMPOP 0 1 z MIN COUNT 9"),
            "*2\r\n" + Bulk("z") + "*2\r\n" + Bulks({"b", "2"}) + Bulks({"c", "3"}));
  EXPECT_EQ(Refused("BZMPOP 1 1 z MIN"), kNullArray);
  MakeList("l");
  EXPECT_EQ(Refused("BZPOPMIN l z 0"), kWrongType);
}

TEST_F(SortedSetPopTest, TimeoutsAreSecondsWithAFraction) {
  for (const char* timeout : {"x", "\"\"", "nan", "1 "}) {
    EXPECT_EQ(RunWords({"BZPOPMIN", "z", timeout}),
              "-ERR timeout is not a float or out of range\r\n");
  }
  EXPECT_EQ(Refused("BZPOPMIN z -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Refused("BZMPOP -0.1 1 z MIN"), "-ERR timeout is negative\r\n");
  for (const char* timeout : {"9223372036854775807", "1e300", "inf"}) {
    EXPECT_EQ(RunWords({"BZPOPMIN", "z", timeout}), "-ERR timeout is out of range\r\n");
  }
}

}  // namespace
}  // namespace hearth
