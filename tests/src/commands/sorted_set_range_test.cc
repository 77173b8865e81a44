#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kNotFloat[] = "-ERR min or max is not a float\r\n";
constexpr char kNotLex[] = "-ERR min or max not valid string range item\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SortedSetRangeTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("ZADD z 1 a 2 b 2 c 4 d 5 e");
    Run("ZADD lex 0 a 0 b 0 c 0 ca 0 d");
  }
};

TEST_F(SortedSetRangeTest, ZRangeByRank) {
  EXPECT_EQ(Run("ZRANGE z 0 1"), Bulks({"a", "b"}));
  EXPECT_EQ(Run("ZRANGE z -2 -1 WITHSCORES"), Bulks({"d", "4", "e", "5"}));
  EXPECT_EQ(Run("ZRANGE z 0 1 REV"), Bulks({"e", "d"}));
  EXPECT_EQ(Run("ZREVRANGE z -2 100"), Bulks({"b", "a"}));
  EXPECT_EQ(Run("ZRANGE z 5 9"), kNone);
  EXPECT_EQ(Run("ZRANGE z 3 1"), kNone);
  EXPECT_EQ(Run("ZRANGE z -100 -5"), Bulks({"a"}));
  EXPECT_EQ(Run("ZRANGE none 0 -1"), kNone);
  EXPECT_EQ(Run("ZRANGE z 0 x"), kNotInteger);
}

TEST_F(SortedSetRangeTest, ScoresAreFlatInResp2AndPairsInResp3) {
  EXPECT_EQ(Run("ZRANGE z 0 0 WITHSCORES"), Bulks({"a", "1"}));
  protocol_ = 3;
  EXPECT_EQ(Run("ZRANGE z 0 0 WITHSCORES"), "*1\r\n*2\r\n" + Bulk("a") + ",1\r\n");
}

TEST_F(SortedSetRangeTest, ZRangeByScore) {
  EXPECT_EQ(Run("ZRANGE z (1 4 BYSCORE"), Bulks({"b", "c", "d"}));
  EXPECT_EQ(Run("ZRANGEBYSCORE z 2 (4"), Bulks({"b", "c"}));
  EXPECT_EQ(Run("ZRANGEBYSCORE z -inf +inf LIMIT 1 2"), Bulks({"b", "c"}));
  EXPECT_EQ(Run("ZRANGEBYSCORE z -inf inf LIMIT 3 -1 WITHSCORES"), Bulks({"d", "4", "e", "5"}));
  EXPECT_EQ(Run("ZREVRANGEBYSCORE z (5 2"), Bulks({"d", "c", "b"}));
  EXPECT_EQ(Run("ZRANGE z 4 2 REV BYSCORE LIMIT 1 5"), Bulks({"c", "b"}));
  for (const char* limit : {"9 1", "-1 1", "0 0"}) {
    EXPECT_EQ(Run("ZRANGEBYSCORE z 0 9 LIMIT " + std::string(limit)), kNone);
    EXPECT_EQ(Run("ZREVRANGEBYSCORE z 9 0 LIMIT " + std::string(limit)), kNone);
  }
  EXPECT_EQ(Run("ZRANGEBYSCORE z 4 2"), kNone);
  EXPECT_EQ(Run("ZRANGEBYSCORE z (2 (2"), kNone);
  EXPECT_EQ(Run("ZRANGEBYSCORE z x 2"), kNotFloat);
  EXPECT_EQ(Run("ZRANGEBYSCORE z 1 nan"), kNotFloat);
  EXPECT_EQ(Run("ZRANGEBYSCORE z \"\" 1"), Bulks({"a"}));
}

TEST_F(SortedSetRangeTest, ZRangeByMember) {
  EXPECT_EQ(Run("ZRANGEBYLEX lex - +"), Bulks({"a", "b", "c", "ca", "d"}));
  EXPECT_EQ(Run("ZRANGEBYLEX lex [b (d"), Bulks({"b", "c", "ca"}));
  EXPECT_EQ(Run("ZRANGEBYLEX lex (c [zzz LIMIT 1 1"), Bulks({"d"}));
  EXPECT_EQ(Run("ZREVRANGEBYLEX lex (ca ["), Bulks({"c", "b", "a"}));
  EXPECT_EQ(Run("ZRANGE lex + - BYLEX REV LIMIT 0 2"), Bulks({"d", "ca"}));
  EXPECT_EQ(Run("ZRANGEBYLEX lex + -"), kNone);
  EXPECT_EQ(Run("ZLEXCOUNT lex (a +"), ":4\r\n");
  for (const char* bounds : {"b c", "[b c", "\"\" +", "-x +"}) {
    EXPECT_EQ(Run("ZRANGEBYLEX lex " + std::string(bounds)), kNotLex);
  }
}

TEST_F(SortedSetRangeTest, OptionsThatContradictAreRefused) {
  EXPECT_EQ(Run("ZRANGE z 0 1 LIMIT 0 1"),
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
            "BYLEX\r\n");
  EXPECT_EQ(Run("ZRANGE lex - + BYLEX WITHSCORES"),
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n");
  for (const char* line : {"ZRANGE z 0 1 NOPE", "ZREVRANGE z 0 1 REV", "ZRANGEBYSCORE z 0 1 BYLEX",
                           "ZRANGEBYSCORE z 0 1 LIMIT 1", "ZRANGESTORE t z 0 1 WITHSCORES"}) {
    EXPECT_EQ(Refused(line), kSyntax) << line;
  }
  EXPECT_EQ(Run("ZRANGEBYSCORE z 0 1 LIMIT x 1"), kNotInteger);
}

TEST_F(SortedSetRangeTest, ZCountCountsBetweenScores) {
  EXPECT_EQ(Run("ZCOUNT z -inf +inf"), ":5\r\n");
  EXPECT_EQ(Run("ZCOUNT z (2 5"), ":2\r\n");
  EXPECT_EQ(Run("ZCOUNT z 2 2"), ":2\r\n");
  EXPECT_EQ(Run("ZCOUNT z 3 2"), ":0\r\n");
  EXPECT_EQ(Run("ZCOUNT none 1 2"), ":0\r\n");
  EXPECT_EQ(Run("ZCOUNT z 3 y"), kNotFloat);
}

TEST_F(SortedSetRangeTest, ZRangeStoreReplacesWhatIsThere) {
  Run("SET t string");
  EXPECT_EQ(Run("ZRANGESTORE t z 1 2"), ":2\r\n");
  EXPECT_EQ(Run("ZRANGE t 0 -1 WITHSCORES"), Bulks({"b", "2", "c", "2"}));
  EXPECT_EQ(Run("ZRANGESTORE t z 5 2 BYSCORE REV LIMIT 0 2"), ":2\r\n");
  EXPECT_EQ(Run("ZRANGE t 0 -1"), Bulks({"d", "e"}));
  EXPECT_EQ(Run("ZRANGESTORE z z 0 0"), ":1\r\n");
  Reopen();
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"a", "1"}));
  EXPECT_EQ(Run("ZRANGESTORE t none 0 -1"), ":0\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/t\n");
  Run("SET s string");
  EXPECT_EQ(Refused("ZRANGESTORE t s 0 -1"), kWrongType);
}

TEST_F(SortedSetRangeTest, RangesAreTakenOut) {
  EXPECT_EQ(Run("ZREMRANGEBYRANK z 0 1"), ":2\r\n");
  EXPECT_EQ(Run("ZRANGE z 0 -1"), Bulks({"c", "d", "e"}));
  EXPECT_EQ(Run("ZREMRANGEBYSCORE z (2 4"), ":1\r\n");
  EXPECT_EQ(Run("ZREMRANGEBYLEX lex [b (d"), ":3\r\n");
  EXPECT_EQ(Refused("ZREMRANGEBYSCORE z 6 9"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("ZRANGE z 0 -1"), Bulks({"c", "e"}));
  EXPECT_EQ(Run("ZRANGE lex 0 -1"), Bulks({"a", "d"}));
  EXPECT_EQ(Run("ZREMRANGEBYRANK z 0 -1"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/z\n");
  EXPECT_EQ(Refused("ZREMRANGEBYRANK z 0 -1"), ":0\r\n");
  EXPECT_EQ(Refused("ZREMRANGEBYSCORE z x 9"), kNotFloat);
  EXPECT_EQ(Refused("ZREMRANGEBYLEX z x 9"), kNotLex);
}

TEST_F(SortedSetRangeTest, OtherTypesAreRefused) {
  MakeList("l");
  for (const char* line :
       {"ZRANGE l 0 1", "ZREVRANGE l 0 1", "ZRANGEBYSCORE l 0 1", "ZREVRANGEBYSCORE l 0 1",
        "ZRANGEBYLEX l - +", "ZREVRANGEBYLEX l + -", "ZCOUNT l 0 1", "ZLEXCOUNT l - +",
        "ZREMRANGEBYRANK l 0 1", "ZREMRANGEBYSCORE l 0 1", "ZREMRANGEBYLEX l - +"}) {
    EXPECT_EQ(Refused(line), kWrongType) << line;
  }
}

}  // namespace
}  // namespace hearth
