#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

class LcsTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("MSET a ohmytext b mynewtext");
  }
  void TearDown() override { StringSizeMax() = size_t{512} << 20; }
};

TEST_F(LcsTest, AnswersTheSubsequenceOrItsSize) {
  EXPECT_EQ(Refused("LCS a b"), Bulk("mytext"));
  EXPECT_EQ(Refused("LCS a b LEN"), ":6\r\n");
  EXPECT_EQ(Refused("LCS none b"), Bulk(""));
  EXPECT_EQ(Refused("LCS none b LEN"), ":0\r\n");
  EXPECT_EQ(Refused("LCS a a"), Bulk("ohmytext"));
}

TEST_F(LcsTest, AnswersMatchesTheLastFirst) {
  EXPECT_EQ(Run("LCS a b IDX"),
            "*4\r\n$7\r\nmatches\r\n*2\r\n"
            "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
            "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n"
            "$3\r\nlen\r\n:6\r\n");
  EXPECT_EQ(Run("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
            "*4\r\n$7\r\nmatches\r\n*1\r\n"
            "*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
            "$3\r\nlen\r\n:6\r\n");
  protocol_ = 3;
  EXPECT_EQ(Run("LCS none none IDX"), "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

TEST_F(LcsTest, RefusesWhatContradicts) {
  MakeList("l");
  const std::string strings_only = "-ERR The specified keys must contain string values\r\n";
  EXPECT_EQ(Refused("LCS l b foo"), strings_only);
  EXPECT_EQ(Refused("LCS a l"), strings_only);
  EXPECT_EQ(Refused("LCS a b foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("LCS a b MINMATCHLEN"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("LCS a b MINMATCHLEN abc"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Refused("LCS a b LEN IDX"),
            "-ERR If you want both the length and indexes, please just use IDX.\r\n");
}

TEST_F(LcsTest, MinMatchLenMayBeAnyInteger) {
  const std::string all = Run("LCS a b IDX");
  EXPECT_EQ(Run("LCS a b IDX MINMATCHLEN -9223372036854775808"), all);
  EXPECT_EQ(Run("LCS a b IDX MINMATCHLEN 9223372036854775807"),
            "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:6\r\n");
}

// CVE-2021-32625: the size of the table overflowed.
TEST_F(LcsTest, TheTableIsBounded) {
  StringSizeMax() = 9 * 10 * sizeof(uint32_t);
  EXPECT_EQ(Run("LCS a b"), Bulk("mytext"));
  StringSizeMax() = 9 * 10 * sizeof(uint32_t) - 1;
  for (const char* options : {"", "LEN", "IDX"}) {
    EXPECT_EQ(Refused("LCS a b " + std::string(options)),
              "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
  }
}

}  // namespace
}  // namespace hearth
