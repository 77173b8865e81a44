#include <algorithm>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kWrongCount[] =
    "-ERR The `numfields` parameter must match the number of arguments\r\n";
constexpr char kNoFields[] =
    "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n";
constexpr char kNoCount[] = "-ERR Number of fields must be a positive integer\r\n";
constexpr char kNegative[] = "-ERR invalid expire time, must be >= 0\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNull[] = "*1\r\n$-1\r\n";

class HashFieldExTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  std::string ExpiryOf(const std::string& field) {
    const std::string reply = Run("HPEXPIRETIME h FIELDS 1 " + field);
    return reply.substr(5, reply.size() - 7);
  }
  std::string In(int64_t ms) { return std::to_string(clock_.WallMs() + ms); }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(HashFieldExTest, HGetExAnswersAndChangesTheExpiry) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2");
    EXPECT_EQ(Refused("HGETEX h FIELDS 2 a x"), "*2\r\n$1\r\n1\r\n$-1\r\n");
    EXPECT_EQ(Run("HGETEX h EX 100 FIELDS 2 a x"), "*2\r\n$1\r\n1\r\n$-1\r\n");
    EXPECT_NE(LoggedRows(), "");
    EXPECT_EQ(ExpiryOf("a"), In(100'000));
    EXPECT_EQ(ExpiryOf("b"), "-1");
    Run("HGETEX h PX 1500 FIELDS 2 a b");
    EXPECT_EQ(ExpiryOf("b"), In(1500));
    Run("HGETEX h EXAT 1900000000 FIELDS 1 a");
    EXPECT_EQ(ExpiryOf("a"), "1900000000000");
    Run("HGETEX h pxat 1900000000001 fields 1 a");
    Reopen();
    EXPECT_EQ(ExpiryOf("a"), "1900000000001");
    EXPECT_EQ(Run("HGETEX h PERSIST FIELDS 3 a b x"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
    EXPECT_EQ(ExpiryOf("a"), "-1");
    EXPECT_EQ(Refused("HGETEX h PERSIST FIELDS 2 a b"), Bulks({"1", "2"}));
    Reopen();
    EXPECT_EQ(ExpiryOf("b"), "-1");
  }
}

TEST_F(HashFieldExTest, HGetExDeletesWhatIsOver) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2 c 3");
    EXPECT_EQ(Run("HGETEX h EX 0 FIELDS 3 a a x"), "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n");
    Reopen();
    EXPECT_EQ(Run("HLEN h"), ":2\r\n");
    EXPECT_EQ(Run("HGETEX h PXAT 1 FIELDS 2 b c"), Bulks({"2", "3"}));
    EXPECT_NE(LoggedRows().find("delete 0/h\n"), std::string::npos);
    Reopen();
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
  }
}

TEST_F(HashFieldExTest, HGetDelAnswersAndDeletes) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2 c 3");
    Run("HPEXPIRE h 100 FIELDS 1 b");
    EXPECT_EQ(Refused("HGETDEL h FIELDS 1 x"), kNull);
    EXPECT_EQ(Run("HGETDEL h FIELDS 3 a x a"), "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n");
    clock_.AdvanceMs(100);
    EXPECT_EQ(Run("HGETDEL h FIELDS 1 b"), kNull) << "it is over";
    Reopen();
    EXPECT_EQ(Run("HGETALL h"), Bulks({"c", "3"}));
    EXPECT_EQ(Run("HGETDEL h FIELDS 1 c"), Bulks({"3"}));
    EXPECT_NE(LoggedRows().find("delete 0/h\n"), std::string::npos);
    Reopen();
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
  }
}

TEST_F(HashFieldExTest, HSetExSetsValuesAndExpiry) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    EXPECT_EQ(Run("HSETEX h EX 100 FIELDS 2 a 1 b 2"), ":1\r\n");
    EXPECT_NE(LoggedRows(), "");
    EXPECT_EQ(ExpiryOf("a"), In(100'000));
    EXPECT_EQ(Run("HSETEX h KEEPTTL FIELDS 2 a 5 n 6"), ":1\r\n");
    EXPECT_EQ(ExpiryOf("a"), In(100'000));
    EXPECT_EQ(ExpiryOf("n"), "-1");
    EXPECT_EQ(Run("HSETEX h FIELDS 2 a 7 a 8"), ":1\r\n");
    EXPECT_EQ(ExpiryOf("a"), "-1");
    EXPECT_EQ(Run("HSETEX h px 1500 fields 1 n 6"), ":1\r\n");
    EXPECT_EQ(Run("HSETEX h PXAT 1900000000001 FXX FIELDS 1 b 3"), ":1\r\n");
    Reopen();
    EXPECT_EQ(ExpiryOf("n"), In(1500));
    EXPECT_EQ(ExpiryOf("b"), "1900000000001");
    EXPECT_EQ(Run("HMGET h a b n"), Bulks({"8", "3", "6"}));
  }
}

TEST_F(HashFieldExTest, HSetExAsksForAllFields) {
  Run("HSET h a 1");
  EXPECT_EQ(Refused("HSETEX h FNX FIELDS 2 a 6 z 7"), ":0\r\n");
  EXPECT_EQ(Refused("HSETEX h FXX EX 10 FIELDS 2 a 6 z 7"), ":0\r\n");
  EXPECT_EQ(Refused("HSETEX none FXX FIELDS 1 a 6"), ":0\r\n");
  EXPECT_EQ(Run("EXISTS none"), ":0\r\n");
  EXPECT_EQ(Run("HSETEX h FNX FIELDS 2 y 6 y 7"), ":1\r\n");
  EXPECT_EQ(Run("HSETEX h EX 10 FXX FIELDS 2 a 8 y 9"), ":1\r\n");
  EXPECT_EQ(Run("HMGET h a y z"), "*3\r\n$1\r\n8\r\n$1\r\n9\r\n$-1\r\n");
  clock_.AdvanceMs(10'000);
  EXPECT_EQ(Run("HSETEX h FXX FIELDS 1 a 1"), ":0\r\n") << "what is over is not there";
  EXPECT_EQ(Run("HSETEX h FNX FIELDS 1 a 1"), ":1\r\n");
}

TEST_F(HashFieldExTest, HSetExForATimeThatIsOverDeletes) {
  Run("HSET h a 1 b 2");
  EXPECT_EQ(Run("HSETEX h EX 0 FIELDS 2 a 5 new 6"), ":1\r\n");
  EXPECT_EQ(Run("HGETALL h"), Bulks({"b", "2"}));
  EXPECT_EQ(Refused("HSETEX none EXAT 1 FIELDS 1 a 1"), ":1\r\n");
  EXPECT_EQ(Run("EXISTS none"), ":0\r\n");
  EXPECT_EQ(Refused("HSETEX h FXX EX 0 FIELDS 1 a 1"), ":0\r\n");
  Run("HSETEX h PXAT 1 FIELDS 1 b 1");
  Reopen();
  EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
}

TEST_F(HashFieldExTest, HGetExAndHGetDelRefuseWhatTheyDoNotUnderstand) {
  Run("HSET h a 1");
  MakeList("l");
  EXPECT_EQ(Refused("HGETEX none EX 10 FIELDS 1 a"), kNull);
  EXPECT_EQ(Refused("HGETDEL none FIELDS 1 a"), kNull);
  EXPECT_EQ(Refused("HGETEX l EX x FIELDS 1 a"), kWrongType);
  EXPECT_EQ(Refused("HGETDEL l FIELDS 0 a"), kWrongType);
  EXPECT_EQ(Refused("HGETEX h EX -1 a b"), kNegative);
  EXPECT_EQ(Refused("HGETEX h EX x a b"), kNotInteger);
  EXPECT_EQ(Refused("HGETEX h PX 70368744177663 FIELDS 1 a"),
            "-ERR invalid expire time in 'hgetex' command\r\n");
  for (const char* line :
       {"HGETEX h a b c", "HGETEX h EX 10 PX 10 FIELDS 1 a", "HGETEX h EX 10 PERSIST FIELDS 1 a",
        "HGETEX h KEEPTTL FIELDS 1 a", "HGETDEL h NOFIELDS 1 a"}) {
    EXPECT_EQ(Refused(line), kNoFields) << line;
  }
  for (const char* line : {"HGETEX h FIELDS 0 a", "HGETEX h FIELDS x a", "HGETEX h EX 10 FIELDS",
                           "HGETDEL h FIELDS -1 a"}) {
    EXPECT_EQ(Refused(line), kNoCount) << line;
  }
  for (const char* line :
       {"HGETEX h FIELDS 2 a", "HGETEX h PERSIST FIELDS 1", "HGETEX h FIELDS 1 a EX 10",
        "HGETDEL h FIELDS 1 a b", "HGETDEL h FIELDS 9223372036854775807 a"}) {
    EXPECT_EQ(Refused(line), kWrongCount) << line;
  }
}

TEST_F(HashFieldExTest, HSetExRefusesWhatItDoesNotUnderstand) {
  MakeList("l");
  EXPECT_EQ(Refused("HSETEX l FIELDS 1 a b"), kWrongType);
  EXPECT_EQ(Refused("HSETEX l EX x FIELDS 1 a b"), kNotInteger);
  EXPECT_EQ(Refused("HSETEX h EX -1 BAD FIELDS 1 a 1"), kNegative);
  EXPECT_EQ(Refused("HSETEX h PXAT 70368744177664 FIELDS 0 a 1"),
            "-ERR invalid expire time in 'hsetex' command\r\n");
  EXPECT_EQ(Refused("HSETEX h a b c d"), "-ERR unknown argument: a\r\n");
  EXPECT_EQ(Refused("HSETEX h EX 10 PERSIST FIELDS 1 a 1"), "-ERR unknown argument: PERSIST\r\n");
  for (const char* line : {"HSETEX h FNX FXX FIELDS 1 a 1", "HSETEX h FNX FNX FIELDS 1 a 1"}) {
    EXPECT_EQ(Refused(line), "-ERR Only one of FXX or FNX arguments can be specified\r\n") << line;
  }
  for (const char* line : {"HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", "HSETEX h FNX EX 10 PX",
                           "HSETEX h KEEPTTL KEEPTTL FIELDS 1 a 1"}) {
    EXPECT_EQ(Refused(line),
              "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified\r\n")
        << line;
  }
  for (const char* line :
       {"HSETEX h FIELDS 0 a 1", "HSETEX h FIELDS x a 1", "HSETEX h FIELDS 2147483648 a 1"}) {
    EXPECT_EQ(Refused(line), "-ERR invalid number of fields\r\n") << line;
  }
  for (const char* line : {"HSETEX h FIELDS 2 a 1", "HSETEX h FIELDS 1 a 1 b",
                           "HSETEX h EX 10 FNX FIELDS", "HSETEX h FIELDS 1 a 1 EX 10"}) {
    EXPECT_EQ(Refused(line), "-ERR wrong number of arguments for 'hsetex' command\r\n") << line;
  }
  EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
}

}  // namespace
}  // namespace hearth
