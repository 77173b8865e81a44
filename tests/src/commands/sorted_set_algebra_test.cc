#include "engine/set.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SortedSetAlgebraTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("ZADD y 1 a 2 b 3 c");
    Run("ZADD z 10 b 20 c 30 d 40 e");
    InTx({"s"}, [](Tx& tx) {
      SetKey set(tx, "s", nullptr);
      for (const char* member : {"a", "c", "x"}) set.Add(member);
    });
  }
};

TEST_F(SortedSetAlgebraTest, UnionsAddScores) {
  EXPECT_EQ(Run("ZUNION 2 y z"), Bulks({"a", "b", "c", "d", "e"}));
  EXPECT_EQ(Run("ZUNION 2 y z WITHSCORES"),
            Bulks({"a", "1", "b", "12", "c", "23", "d", "30", "e", "40"}));
  EXPECT_EQ(Run("ZUNION 2 y z WEIGHTS 10 -1 WITHSCORES"),
            Bulks({"e", "-40", "d", "-30", "a", "10", "b", "10", "c", "10"}));
  EXPECT_EQ(Run("ZUNION 3 y none z AGGREGATE MIN WITHSCORES"),
            Bulks({"a", "1", "b", "2", "c", "3", "d", "30", "e", "40"}));
  EXPECT_EQ(Run("ZUNION 2 y z AGGREGATE MAX WITHSCORES"),
            Bulks({"a", "1", "b", "10", "c", "20", "d", "30", "e", "40"}));
  EXPECT_EQ(Run("ZUNION 2 y y WITHSCORES"), Bulks({"a", "2", "b", "4", "c", "6"}));
  EXPECT_EQ(Run("ZUNION 1 none"), kNone);
  protocol_ = 3;
  EXPECT_EQ(Run("ZUNION 1 y AGGREGATE max WITHSCORES").substr(0, 19),
            "*3\r\n*2\r\n$1\r\na\r\n,1\r\n");
}

TEST_F(SortedSetAlgebraTest, IntersectionsKeepWhatAllHave) {
  EXPECT_EQ(Run("ZINTER 2 y z WITHSCORES"), Bulks({"b", "12", "c", "23"}));
  EXPECT_EQ(Run("ZINTER 3 y y z WEIGHTS 1 2 0 WITHSCORES"), Bulks({"b", "6", "c", "9"}));
  EXPECT_EQ(Run("ZINTER 2 y none"), kNone);
  EXPECT_EQ(Run("ZINTERCARD 2 y z"), ":2\r\n");
  EXPECT_EQ(Run("ZINTERCARD 2 y z LIMIT 1"), ":1\r\n");
  EXPECT_EQ(Run("ZINTERCARD 2 y z LIMIT 0"), ":2\r\n");
  EXPECT_EQ(Run("ZINTERCARD 2 y z LIMIT -1"), "-ERR LIMIT can't be negative\r\n");
}

TEST_F(SortedSetAlgebraTest, DifferencesKeepTheFirstOnesScores) {
  EXPECT_EQ(Run("ZDIFF 2 y z WITHSCORES"), Bulks({"a", "1"}));
  EXPECT_EQ(Run("ZDIFF 3 z y none"), Bulks({"d", "e"}));
  EXPECT_EQ(Run("ZDIFF 2 y y"), kNone);
}

TEST_F(SortedSetAlgebraTest, AMemberOfASetHasTheScoreOne) {
  EXPECT_EQ(Run("ZUNION 2 y s WEIGHTS 1 5 WITHSCORES"),
            Bulks({"b", "2", "x", "5", "a", "6", "c", "8"}));
  EXPECT_EQ(Run("ZINTER 2 s z WITHSCORES"), Bulks({"c", "21"}));
  EXPECT_EQ(Run("ZDIFF 2 s y WITHSCORES"), Bulks({"x", "1"}));
  EXPECT_EQ(Run("ZUNIONSTORE s 1 s"), ":3\r\n");
  EXPECT_EQ(Run("ZRANGE s 0 -1 WITHSCORES"), Bulks({"a", "1", "c", "1", "x", "1"}));
}

TEST_F(SortedSetAlgebraTest, WhatIsNoNumberCountsAsZero) {
  Run("ZADD up inf a");
  Run("ZADD down -inf a");
  EXPECT_EQ(Run("ZUNION 2 up down WITHSCORES"), Bulks({"a", "0"}));
  EXPECT_EQ(Run("ZINTER 2 up down WITHSCORES"), Bulks({"a", "0"}));
  EXPECT_EQ(Run("ZUNION 1 up WEIGHTS 0 WITHSCORES"), Bulks({"a", "0"}));
}

TEST_F(SortedSetAlgebraTest, StoresReplaceWhatIsThere) {
  Run("SET t string");
  EXPECT_EQ(Run("ZUNIONSTORE t 2 y z"), ":5\r\n");
  EXPECT_EQ(Run("ZINTERSTORE z 2 y z AGGREGATE MAX"), ":2\r\n");
  EXPECT_EQ(Run("ZDIFFSTORE y 2 y z"), ":1\r\n");
  Reopen();
  EXPECT_EQ(Run("ZRANGE t 0 -1 WITHSCORES"),
            Bulks({"a", "1", "b", "12", "c", "23", "d", "30", "e", "40"}));
  EXPECT_EQ(Run("ZRANGE z 0 -1 WITHSCORES"), Bulks({"b", "10", "c", "20"}));
  EXPECT_EQ(Run("ZRANGE y 0 -1 WITHSCORES"), Bulks({"a", "1"}));
  EXPECT_EQ(Run("ZDIFFSTORE t 2 y y"), ":0\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/t\n");
  EXPECT_EQ(Refused("ZDIFFSTORE t 1 none"), ":0\r\n");
}

TEST_F(SortedSetAlgebraTest, WrongArgumentsAreRefused) {
  EXPECT_EQ(Run("ZUNION x y"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("ZUNION 0 y"), "-ERR at least 1 input key is needed for 'zunion' command\r\n");
  EXPECT_EQ(Refused("ZDIFFSTORE t -1 y"),
            "-ERR at least 1 input key is needed for 'zdiffstore' command\r\n");
  EXPECT_EQ(Run("ZUNION 1 y WEIGHTS x"), "-ERR weight value is not a float\r\n");
  for (const char* line :
       {"ZUNION 2 y", "ZUNION 1 y WEIGHTS", "ZUNION 1 y AGGREGATE AVG", "ZUNION 1 y NOPE",
        "ZUNIONSTORE t 1 y WITHSCORES", "ZDIFF 1 y WEIGHTS 1", "ZDIFF 1 y AGGREGATE SUM",
        "ZINTERCARD 1 y WITHSCORES", "ZINTERCARD 1 y WEIGHTS 1", "ZINTER 1 y LIMIT 1"}) {
    EXPECT_EQ(Refused(line), kSyntax) << line;
  }
  MakeList("l");
  EXPECT_EQ(Refused("ZUNIONSTORE t 2 y l"), kWrongType);
  EXPECT_EQ(Run("ZINTERCARD 2 l y"), kWrongType);
}

}  // namespace
}  // namespace hearth
