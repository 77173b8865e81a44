#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kTooLong[] = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class StringRangeTest : public CommandFixture {
 protected:
  void TearDown() override { StringSizeMax() = size_t{512} << 20; }
};

TEST_F(StringRangeTest, AppendGrowsAndKeepsTheExpiry) {
  EXPECT_EQ(Run("APPEND k 12"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k int 12\n");
  Run("PEXPIREAT k 1700000100000");
  EXPECT_EQ(Run("APPEND k ab"), ":4\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw 12ab until 1700000100000\n");
  MakeList("l");
  EXPECT_EQ(Refused("APPEND l x"), kWrongType);
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("12ab"));
}

TEST_F(StringRangeTest, StringsStopAtTheLimit) {
  StringSizeMax() = 5;
  Run("SET k abc");
  EXPECT_EQ(Refused("APPEND k def"), kTooLong);
  EXPECT_EQ(Run("APPEND k de"), ":5\r\n");
  EXPECT_EQ(Refused("SETRANGE k 5 x"), kTooLong);
  EXPECT_EQ(Refused("SETRANGE none 4 xx"), kTooLong);
  EXPECT_EQ(Refused("SETRANGE none 9223372036854775807 x"), kTooLong);
  StringSizeMax() = SIZE_MAX;
  EXPECT_EQ(Refused("SETRANGE none 4294967295 x"), kTooLong);
}

TEST_F(StringRangeTest, SetRangeFillsWithZeroBytes) {
  EXPECT_EQ(Run("SETRANGE k 2 ab"), ":4\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw \"\\x00\\x00ab\"\n");
  EXPECT_EQ(Run("SETRANGE k 0 xy"), ":4\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw xyab\n");
  EXPECT_EQ(Run("SETRANGE k 3 cd"), ":5\r\n");
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("xyacd"));
}

TEST_F(StringRangeTest, SetRangeOfNothingChangesNothing) {
  EXPECT_EQ(Refused("SETRANGE none 10 ''"), ":0\r\n");
  EXPECT_EQ(Refused("SETRANGE none 536870912 ''"), ":0\r\n");
  EXPECT_EQ(Run("EXISTS none"), ":0\r\n");
  Run("SET k abc");
  EXPECT_EQ(Refused("SETRANGE k 0 ''"), ":3\r\n");
}

TEST_F(StringRangeTest, SetRangeRefusesOffsetsBeforeTypes) {
  MakeList("l");
  EXPECT_EQ(Refused("SETRANGE l -1 x"), "-ERR offset is out of range\r\n");
  EXPECT_EQ(Refused("SETRANGE l abc x"), kNotInteger);
  EXPECT_EQ(Refused("SETRANGE l 0 x"), kWrongType);
  EXPECT_EQ(Refused("SETRANGE l 0 ''"), kWrongType);
  EXPECT_EQ(Refused("SETRANGE k 536870912 x"), kTooLong);
  EXPECT_EQ(Refused("SETRANGE k -9223372036854775808 x"), "-ERR offset is out of range\r\n");
}

TEST_F(StringRangeTest, GetRangeCountsFromBothEnds) {
  Run("SET k abcdef");
  const std::pair<const char*, const char*> kCases[] = {
      {"0 -1", "abcdef"}, {"1 2", "bc"},  {"-3 -2", "de"}, {"-100 1", "ab"}, {"4 100", "ef"},
      {"3 1", ""},        {"-1 -5", ""},  {"6 9", ""},     {"0 -100", "a"},  {"-100 -200", ""},
      {"-200 -100", "a"}, {"1 -100", ""}, {"0 0", "a"},
  };
  for (const auto& [range, part] : kCases) {
    EXPECT_EQ(Refused("GETRANGE k " + std::string(range)), Bulk(part)) << range;
    EXPECT_EQ(Refused("SUBSTR k " + std::string(range)), Bulk(part)) << range;
  }
  EXPECT_EQ(Run("GETRANGE k -9223372036854775808 9223372036854775807"), Bulk("abcdef"));
  EXPECT_EQ(Run("GETRANGE k 9223372036854775807 -9223372036854775808"), Bulk(""));
}

TEST_F(StringRangeTest, GetRangeRefusesWhatIsNoNumber) {
  EXPECT_EQ(Refused("GETRANGE none abc 1"), kNotInteger);
  EXPECT_EQ(Refused("GETRANGE none 0 1.5"), kNotInteger);
  EXPECT_EQ(Refused("GETRANGE none 0 1"), Bulk(""));
  Run("SET empty ''");
  EXPECT_EQ(Refused("GETRANGE empty 0 -1"), Bulk(""));
  MakeList("l");
  EXPECT_EQ(Refused("GETRANGE l 0 1"), kWrongType);
}

TEST_F(StringRangeTest, StrLenIsInBytes) {
  EXPECT_EQ(Refused("STRLEN none"), ":0\r\n");
  Run("SET k \"\\xc3\\xa9\"");
  EXPECT_EQ(Refused("STRLEN k"), ":2\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("STRLEN l"), kWrongType);
}

}  // namespace
}  // namespace hearth
