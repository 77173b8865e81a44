#include "src/commands/sort.h"

#include "engine/set.h"
#include "src/commands/groups.h"
#include "src/key_finder.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotDouble[] = "-ERR One or more scores can't be converted into double\r\n";

class SortTest : public CommandFixture {
 protected:
  void MakeSet(std::string_view key, std::initializer_list<std::string_view> members) {
    InTx({key}, [&](Tx& tx) {
      SetKey set(tx, key, tx.Find(key));
      for (const std::string_view member : members) set.Add(member);
    });
  }
};

TEST_F(SortTest, NumbersAreSortedByValue) {
  Run("RPUSH l 10 9 -1.5 1e1 9");
  EXPECT_EQ(Refused("SORT l"), Bulks({"-1.5", "9", "9", "10", "1e1"}));
  EXPECT_EQ(Refused("SORT l DESC"), Bulks({"1e1", "10", "9", "9", "-1.5"}));
  EXPECT_EQ(Refused("SORT l desc ASC"), Bulks({"-1.5", "9", "9", "10", "1e1"}));
  EXPECT_EQ(Refused("SORT_RO l LIMIT 1 2"), Bulks({"9", "9"}));
  EXPECT_EQ(Refused("SORT none"), "*0\r\n");
  Run("RPUSH l abc");
  EXPECT_EQ(Refused("SORT l"), kNotDouble);
  EXPECT_EQ(Refused("SORT l STORE m"), kNotDouble);
}

TEST_F(SortTest, OfEqualWeightsTheElementsBytesDecide) {
  Run("RPUSH l 3 1 20 2");
  Run("MSET w_3 7 w_20 7 w_1 8");
  EXPECT_EQ(Refused("SORT l BY w_*"), Bulks({"2", "20", "3", "1"}));
  EXPECT_EQ(Refused("SORT l BY w_* DESC"), Bulks({"1", "3", "20", "2"}));
  EXPECT_EQ(Refused("SORT l BY w_* DESC LIMIT 1 2"), Bulks({"3", "20"}));
  Run("ZADD z 1 3 2 1 3 20 4 2");
  EXPECT_EQ(Refused("SORT z BY none_* DESC"), Bulks({"3", "20", "2", "1"}));
}

TEST_F(SortTest, AlphaSortsByBytes) {
  Run("RPUSH l b a 10 9 B");
  EXPECT_EQ(Refused("SORT l ALPHA"), Bulks({"10", "9", "B", "a", "b"}));
  EXPECT_EQ(Refused("SORT l ALPHA DESC LIMIT 0 2"), Bulks({"b", "a"}));
  MakeSet("s", {"y", "x"});
  EXPECT_EQ(Refused("SORT s ALPHA"), Bulks({"x", "y"}));
}

TEST_F(SortTest, LimitIsCutToTheList) {
  Run("RPUSH l 3 1 2");
  EXPECT_EQ(Refused("SORT l LIMIT -5 2"), Bulks({"1", "2"}));
  EXPECT_EQ(Refused("SORT l LIMIT 1 -1"), Bulks({"2", "3"}));
  EXPECT_EQ(Refused("SORT l LIMIT 1 9223372036854775807"), Bulks({"2", "3"}));
  EXPECT_EQ(Refused("SORT l LIMIT 3 1"), "*0\r\n");
  EXPECT_EQ(Refused("SORT l LIMIT 0 0"), "*0\r\n");
  EXPECT_EQ(Refused("SORT l LIMIT 0 x"), "-ERR value is not an integer or out of range\r\n");
}

TEST_F(SortTest, ByReadsWeightsAtOtherKeys) {
  Run("RPUSH l 1 2 3");
  Run("MSET w1 30 w2 20 v1 b v3 a");
  EXPECT_EQ(Refused("SORT l BY w*"), Bulks({"3", "2", "1"}));
  EXPECT_EQ(Refused("SORT l BY v* ALPHA"), Bulks({"2", "3", "1"}));
  EXPECT_EQ(Refused("SORT l BY v*"), kNotDouble);
  EXPECT_EQ(Refused("SORT l BY nothing DESC LIMIT 0 2"), Bulks({"3", "2"}));
  EXPECT_EQ(Refused("SORT l BY nothing LIMIT 1 5"), Bulks({"2", "3"}));
}

TEST_F(SortTest, GetAnswersWhatStandsAtOtherKeys) {
  Run("RPUSH l 2 1");
  Run("MSET n1 one n2-> two");
  EXPECT_EQ(Refused("SORT l GET # GET n* GET fixed"),
            "*6\r\n" + Bulk("1") + Bulk("one") + "$-1\r\n" + Bulk("2") + "$-1\r\n$-1\r\n");
  EXPECT_EQ(Refused("SORT l GET n*->"), "*2\r\n$-1\r\n" + Bulk("two"));
  EXPECT_EQ(Refused("SORT l GET n*->field"), "*2\r\n$-1\r\n$-1\r\n");
}

TEST_F(SortTest, AnArrowReadsAFieldOfAHash) {
  Run("RPUSH l 1 2 3");
  Run("HSET h1 weight 30 name one");
  Run("HSET h2 weight 10 name two");
  Run("SET h3 string");
  EXPECT_EQ(Refused("SORT l BY h*->weight GET h*->name GET h*->none"),
            "*6\r\n$-1\r\n$-1\r\n" + Bulk("two") + "$-1\r\n" + Bulk("one") + "$-1\r\n");
}

TEST_F(SortTest, SortedSetsAreSortedOrStayInTheirOrder) {
  Run("ZADD z 3 10 2 30 1 20");
  EXPECT_EQ(Refused("SORT z"), Bulks({"10", "20", "30"}));
  EXPECT_EQ(Refused("SORT z BY nothing"), Bulks({"20", "30", "10"}));
  EXPECT_EQ(Refused("SORT z BY nothing DESC LIMIT 1 2"), Bulks({"30", "20"}));
  EXPECT_EQ(Refused("SORT z BY nothing LIMIT 2 5"), Bulks({"10"}));
}

// The keys of patterns lie in any shard and may be cold.
TEST_F(SortTest, PatternsReadColdKeys) {
  for (int i = 0; i < 200; ++i) {
    Run("RPUSH l " + std::to_string(i));
    Run("SET w" + std::to_string(i) + " " + std::to_string(-i));
  }
  Reopen();
  EXPECT_EQ(Run("SORT l BY w* GET w* LIMIT 0 2"), Bulks({"-199", "-198"}));
}

TEST_F(SortTest, StoreReplacesTheTarget) {
  Run("RPUSH l 3 1 2");
  Run("SET target v");
  EXPECT_EQ(Run("SORT l STORE target"), ":3\r\n");
  Reopen();
  EXPECT_EQ(Run("LRANGE target 0 -1"), Bulks({"1", "2", "3"}));
  EXPECT_EQ(Run("SORT l DESC STORE l"), ":3\r\n");
  EXPECT_EQ(Run("LRANGE l 0 -1"), Bulks({"3", "2", "1"}));
  EXPECT_EQ(Run("SORT l GET none* STORE target"), ":3\r\n");
  EXPECT_EQ(Run("LRANGE target 0 -1"), Bulks({"", "", ""}));
  EXPECT_EQ(Run("SORT none STORE target"), ":0\r\n");
  EXPECT_EQ(Run("EXISTS target"), ":0\r\n");
  EXPECT_EQ(Refused("SORT none STORE target"), ":0\r\n");
}

TEST_F(SortTest, AnUnsortedSetIsStoredSorted) {
  MakeSet("s", {"b", "c", "a"});
  EXPECT_EQ(Run("SORT s BY nothing STORE target"), ":3\r\n");
  EXPECT_EQ(Run("LRANGE target 0 -1"), Bulks({"a", "b", "c"}));
}

TEST_F(SortTest, WrongCallsAreRefused) {
  Run("SET s v");
  EXPECT_EQ(Refused("SORT s"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  for (const char* line : {"SORT l BY", "SORT l GET", "SORT l STORE", "SORT l LIMIT 1",
                           "SORT l NOPE", "SORT_RO l STORE t"}) {
    EXPECT_EQ(Refused(line), kSyntax) << line;
  }
}

TEST_F(SortTest, KeysAreTheSourceAndTheLastTarget) {
  const auto keys_of = [](std::vector<std::string_view> words) {
    std::string text;
    std::vector<KeyPlace> places;
    FindKeyPlaces(SortCommands()[0], words, &places);
    for (const KeyPlace& place : places) text += std::string(words[place.arg_index]) + " ";
    return text;
  };
  EXPECT_EQ(keys_of({"SORT", "a"}), "a ");
  EXPECT_EQ(keys_of({"SORT", "a", "STORE", "b", "get", "x", "store", "c"}), "a c ");
  EXPECT_EQ(keys_of({"SORT", "a", "GET", "STORE", "BY", "STORE"}), "a ");
  EXPECT_TRUE(LocksAll(SortCommands()[0], std::vector<std::string_view>{"SORT", "a", "by", "w*"}));
  EXPECT_FALSE(LocksAll(SortCommands()[0], std::vector<std::string_view>{"SORT", "a", "GET", "#"}));
}

}  // namespace
}  // namespace hearth
