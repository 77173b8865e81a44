#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNull[] = "$-1\r\n";
constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
constexpr char kNotFloat[] = "-ERR value is not a valid float\r\n";

class SortedSetCommandsTest : public CommandFixture {};

TEST_F(SortedSetCommandsTest, ZAddAddsAndChangesAndCountsWhatIsNew) {
  EXPECT_EQ(Run("ZADD z 1 a 2 b"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), R"(put 0/z listpack "\x01a\x01\x01b\x02")"
                          "\n");
  EXPECT_EQ(Run("ZADD z 3 a 2 b 1 c"), ":1\r\n");
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"c", "1", "b", "2", "a", "3"}));
  EXPECT_EQ(Refused("ZADD z 3 a"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"c", "1", "b", "2", "a", "3"}));
  EXPECT_EQ(Run("ZADD z 1 x 2 x"), ":1\r\n");
  EXPECT_EQ(Run("ZSCORE z x"), Bulk("2"));
}

TEST_F(SortedSetCommandsTest, ZAddAsksForAbsenceOrPresence) {
  EXPECT_EQ(Refused("ZADD z XX 1 a"), ":0\r\n");
  EXPECT_EQ(Run("ZADD z nx 1 a"), ":1\r\n");
  EXPECT_EQ(Refused("ZADD z NX 2 a"), ":0\r\n");
  EXPECT_EQ(Run("ZADD z XX CH 2 a 2 b"), ":1\r\n");
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"a", "2"}));
}

TEST_F(SortedSetCommandsTest, ZAddAsksForAGreaterOrLessScore) {
  Run("ZADD z 5 a");
  EXPECT_EQ(Refused("ZADD z GT CH 4 a"), ":0\r\n");
  EXPECT_EQ(Run("ZADD z GT CH 6 a 1 new"), ":2\r\n");
  EXPECT_EQ(Refused("ZADD z LT CH 6 a"), ":0\r\n");
  EXPECT_EQ(Run("ZADD z LT CH -1 a"), ":1\r\n");
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"a", "-1", "new", "1"}));
}

TEST_F(SortedSetCommandsTest, ZAddWithIncrAnswersTheScoreOrNull) {
  EXPECT_EQ(Run("ZADD z INCR 1.5 a"), Bulk("1.5"));
  EXPECT_EQ(Run("ZADD z INCR 1.5 a"), Bulk("3"));
  EXPECT_EQ(Refused("ZADD z INCR NX 1.5 a"), kNull);
  EXPECT_EQ(Refused("ZADD z INCR LT 1 a"), kNull);
  EXPECT_EQ(Refused("ZADD none INCR XX 1 a"), kNull);
  protocol_ = 3;
  EXPECT_EQ(Run("ZADD z INCR 1 a"), ",4\r\n");
  EXPECT_EQ(Refused("ZADD z INCR NX 1.5 a"), "_\r\n");
}

TEST_F(SortedSetCommandsTest, ZAddRefusesWhatContradicts) {
  EXPECT_EQ(Refused("ZADD z 1 a 2"), kSyntax);
  EXPECT_EQ(Refused("ZADD z NX CH"), kSyntax);
  EXPECT_EQ(Refused("ZADD z 1 a x b"), kNotFloat);
  EXPECT_EQ(Refused("ZADD z nan a"), kNotFloat);
  EXPECT_EQ(Refused("ZADD z NX XX 1 a"),
            "-ERR XX and NX options at the same time are not compatible\r\n");
  for (const char* options : {"GT LT", "NX GT", "NX LT"}) {
    EXPECT_EQ(Refused("ZADD z " + std::string(options) + " 1 a"),
              "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n");
  }
  EXPECT_EQ(Refused("ZADD z INCR 1 a 2 b"),
            "-ERR INCR option supports a single increment-element pair\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("ZADD l 1 a"), kWrongType);
}

TEST_F(SortedSetCommandsTest, ZIncrByAddsToTheScore) {
  EXPECT_EQ(Run("ZINCRBY z 0.1 a"), Bulk("0.1"));
  EXPECT_EQ(Run("ZINCRBY z 0.2 a"), Bulk("0.30000000000000004"));
  EXPECT_EQ(Run("ZINCRBY z -inf a"), Bulk("-inf"));
  EXPECT_EQ(Refused("ZINCRBY z inf a"), "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_EQ(Refused("ZINCRBY z x a"), kNotFloat);
  EXPECT_EQ(Refused("ZINCRBY z XX a"), kSyntax);
}

TEST_F(SortedSetCommandsTest, ZRemDeletesTheLastMembersKey) {
  Run("ZADD z 1 a 2 b 3 c");
  EXPECT_EQ(Refused("ZREM z x y"), ":0\r\n");
  EXPECT_EQ(Run("ZREM z a x a"), ":1\r\n");
  EXPECT_EQ(Run("ZREM z b c"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/z\n");
  EXPECT_EQ(Refused("ZREM z b"), ":0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("ZREM l b"), kWrongType);
}

TEST_F(SortedSetCommandsTest, ScoresAreNullOfWhatIsAbsent) {
  Run("ZADD z 1.25 a inf b");
  EXPECT_EQ(Run("ZSCORE z a"), Bulk("1.25"));
  EXPECT_EQ(Run("ZSCORE z x"), kNull);
  EXPECT_EQ(Run("ZSCORE none x"), kNull);
  EXPECT_EQ(Run("ZMSCORE z b x"), "*2\r\n" + Bulk("inf") + kNull);
  EXPECT_EQ(Run("ZMSCORE none x"), "*1\r\n" + std::string(kNull));
  EXPECT_EQ(Run("ZCARD z"), ":2\r\n");
  EXPECT_EQ(Run("ZCARD none"), ":0\r\n");
  protocol_ = 3;
  EXPECT_EQ(Run("ZMSCORE z a x"), "*2\r\n,1.25\r\n_\r\n");
  MakeList("l");
  for (const char* line : {"ZSCORE l a", "ZMSCORE l a", "ZCARD l", "ZRANK l a"}) {
    EXPECT_EQ(Refused(line), kWrongType);
  }
}

TEST_F(SortedSetCommandsTest, RanksCountFromEitherEnd) {
  Run("ZADD z 1 a 2 b 3 c");
  EXPECT_EQ(Run("ZRANK z a"), ":0\r\n");
  EXPECT_EQ(Run("ZREVRANK z a"), ":2\r\n");
  EXPECT_EQ(Run("ZRANK z c WITHSCORE"), "*2\r\n:2\r\n" + Bulk("3"));
  EXPECT_EQ(Run("ZREVRANK z c withscore"), "*2\r\n:0\r\n" + Bulk("3"));
  EXPECT_EQ(Run("ZRANK z x"), kNull);
  EXPECT_EQ(Run("ZRANK none x WITHSCORE"), "*-1\r\n");
  EXPECT_EQ(Run("ZRANK z x NOPE"), kSyntax);
  EXPECT_EQ(Run("ZRANK z x WITHSCORE 1"), "-ERR wrong number of arguments for 'zrank' command\r\n");
  protocol_ = 3;
  EXPECT_EQ(Run("ZRANK z c WITHSCORE"), "*2\r\n:2\r\n,3\r\n");
}

TEST_F(SortedSetCommandsTest, ManyMembersAnswerLikeFew) {
  std::vector<std::string> words = {"ZADD", "z"};
  for (int i = 0; i < 1000; ++i) {
    words.push_back(std::to_string(i));
    words.push_back("member:" + std::to_string(i));
  }
  EXPECT_EQ(RunWords(words), ":1000\r\n");
  EXPECT_EQ(Run("ZADD z GT CH 7 member:5 1 member:6"), ":1\r\n");
  EXPECT_EQ(LoggedRows().substr(0, 8), "element ");
  EXPECT_EQ(Run("ZREM z member:10 member:11 none"), ":2\r\n");
  Reopen();
  EXPECT_EQ(Run("ZCARD z"), ":998\r\n");
  EXPECT_EQ(Run("ZRANGE z 4 8"),
            Bulks({"member:4", "member:6", "member:5", "member:7", "member:8"}));
  EXPECT_EQ(Run("OBJECT ENCODING z"), Bulk("skiplist"));
}

}  // namespace
}  // namespace hearth
