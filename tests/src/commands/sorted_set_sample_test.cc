#include <map>
#include <set>

#include "src/redis_text.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SortedSetSampleTest : public CommandFixture {
 protected:
  // The bulk strings of a reply.
  static std::vector<std::string> BulksOf(const std::string& reply) {
    std::vector<std::string> bulks;
    for (size_t at = reply.find('$'); at != std::string::npos; at = reply.find('$', at)) {
      const size_t size = std::stoul(reply.substr(at + 1));
      at = reply.find('\n', at) + 1;
      bulks.push_back(reply.substr(at, size));
      at += size;
    }
    return bulks;
  }

  void Fill(std::string_view key, int count) {
    std::vector<std::string> words = {"ZADD", std::string(key)};
    for (int i = 0; i < count; ++i) {
      words.push_back(std::to_string(i));
      words.push_back("m" + std::to_string(i));
    }
    RunWords(words);
  }
};

TEST_F(SortedSetSampleTest, EveryMemberIsChosenAboutAsOften) {
  for (const int size : {5, 600}) {
    Fill("z" + std::to_string(size), size);
    std::map<std::string, int> counts;
    for (int i = 0; i < 20; ++i) {
      const auto members =
          BulksOf(Run("ZRANDMEMBER z" + std::to_string(size) + " -" + std::to_string(size * 5)));
      ASSERT_EQ(members.size(), static_cast<size_t>(size) * 5);
      for (const std::string& member : members) ++counts[member];
    }
    EXPECT_EQ(counts.size(), static_cast<size_t>(size));
    for (const auto& [member, count] : counts) {
      EXPECT_GT(count, 40) << member;  // of 100 on average
      EXPECT_LT(count, 180) << member;
    }
  }
}

TEST_F(SortedSetSampleTest, APositiveCountGivesDifferentMembers) {
  Fill("z", 300);
  for (const int count : {1, 10, 99, 101, 299, 300, 1000}) {
    const auto members = BulksOf(Run("ZRANDMEMBER z " + std::to_string(count)));
    EXPECT_EQ(members.size(), static_cast<size_t>(std::min(count, 300)));
    EXPECT_EQ(std::set<std::string>(members.begin(), members.end()).size(), members.size());
  }
  const auto pairs = BulksOf(Run("ZRANDMEMBER z 50 WITHSCORES"));
  ASSERT_EQ(pairs.size(), 100u);
  for (size_t i = 0; i < pairs.size(); i += 2) EXPECT_EQ(pairs[i], "m" + pairs[i + 1]);
}

TEST_F(SortedSetSampleTest, ZRandMemberAnswersInTheShapesOfRedis) {
  Fill("z", 1);
  EXPECT_EQ(Run("ZRANDMEMBER z"), Bulk("m0"));
  EXPECT_EQ(Run("ZRANDMEMBER z -2 WITHSCORES"), Bulks({"m0", "0", "m0", "0"}));
  EXPECT_EQ(Run("ZRANDMEMBER none"), "$-1\r\n");
  EXPECT_EQ(Run("ZRANDMEMBER none 3"), kNone);
  EXPECT_EQ(Run("ZRANDMEMBER z 0"), kNone);
  EXPECT_EQ(Run("ZRANDMEMBER z x"), kNotInteger);
  EXPECT_EQ(Run("ZRANDMEMBER z 1 NOPE"), kSyntax);
  EXPECT_EQ(Run("ZRANDMEMBER z -9223372036854775807 WITHSCORES"), "-ERR value is out of range\r\n");
  EXPECT_EQ(Run("ZRANDMEMBER z -10000001"), "-ERR value is out of range\r\n");
  EXPECT_EQ(Run("ZRANDMEMBER z -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("ZRANDMEMBER l"), kWrongType);
  protocol_ = 3;
  EXPECT_EQ(Run("ZRANDMEMBER z 1 WITHSCORES"), "*1\r\n*2\r\n" + Bulk("m0") + ",0\r\n");
}

TEST_F(SortedSetSampleTest, ZScanMeetsEveryMemberOnce) {
  for (const int size : {0, 3, 100, 1000}) {
    const std::string key = "z" + std::to_string(size);
    if (size > 0) Fill(key, size);
    std::string cursor = "0";
    size_t count = 0;
    std::set<std::string> members;
    do {
      const auto page = BulksOf(Run("ZSCAN " + key + " " + cursor + " COUNT 20"));
      cursor = page[0];
      for (size_t i = 1; i < page.size(); i += 2) {
        EXPECT_EQ(page[i], "m" + page[i + 1]);
        members.insert(page[i]);
        ++count;
      }
    } while (cursor != "0");
    EXPECT_EQ(members.size(), static_cast<size_t>(size));
    EXPECT_EQ(count, static_cast<size_t>(size));
  }
}

TEST_F(SortedSetSampleTest, ZScanTakesAPatternAndRefusesNonsense) {
  Run("ZADD z 1 aa 2 ab 3 b");
  EXPECT_EQ(Run("ZSCAN z 0 MATCH a*"), "*2\r\n" + Bulk("0") + Bulks({"aa", "1", "ab", "2"}));
  EXPECT_EQ(Run("ZSCAN none 0"), "*2\r\n" + Bulk("0") + kNone);
  EXPECT_EQ(Run("ZSCAN none 0 COUNT 0"), "*2\r\n" + Bulk("0") + kNone);
  EXPECT_EQ(Run("ZSCAN z x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Run("ZSCAN z 0 COUNT x"), kNotInteger);
  EXPECT_EQ(Run("ZSCAN z 0 COUNT 0"), kSyntax);
  EXPECT_EQ(Run("ZSCAN z 0 COUNT"), kSyntax);
  EXPECT_EQ(Run("ZSCAN z 0 NOPE 1"), kSyntax);
  MakeList("l");
  EXPECT_EQ(Refused("ZSCAN l 0"), kWrongType);
}

}  // namespace
}  // namespace hearth
