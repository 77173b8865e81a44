#include <algorithm>
#include <map>
#include <set>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class SetRandomTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  void Fill(int count) {
    std::string line = "SADD s";
    for (int i = 0; i < count; ++i) line += " m" + std::to_string(i);
    Run(line);
  }
  // The members in a reply, in its order.
  static std::vector<std::string> MembersOf(const std::string& reply) {
    std::vector<std::string> members;
    for (size_t at = 0; (at = reply.find("\r\nm", at)) != std::string::npos;) {
      const size_t end = reply.find("\r\n", at + 2);
      members.push_back(reply.substr(at + 2, end - at - 2));
      at = end;
    }
    return members;
  }
  static size_t DifferentCount(const std::vector<std::string>& members) {
    return std::set<std::string>(members.begin(), members.end()).size();
  }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(SetRandomTest, SPopAnswersAMemberAndRemovesIt) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Fill(20);
    std::set<std::string> popped;
    for (int i = 0; i < 20; ++i) {
      const auto members = MembersOf(Run("SPOP s"));
      ASSERT_EQ(members.size(), 1u);
      EXPECT_EQ(Run("SISMEMBER s " + members[0]), ":0\r\n");
      popped.insert(members[0]);
    }
    EXPECT_EQ(popped.size(), 20u);
    EXPECT_EQ(Refused("SPOP s"), "$-1\r\n");
    Reopen();
    EXPECT_EQ(Run("EXISTS s"), ":0\r\n");
  }
}

// 7: one by one; 45: made anew of what stays; 50 and more: all.
TEST_F(SetRandomTest, SPopOfManyLeavesTheRest) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    for (const int count : {7, 45, 50, 60}) {
      SCOPED_TRACE(count);
      Run("DEL s");
      Fill(50);
      Run("PEXPIREAT s 1900000000000");
      const auto popped = MembersOf(Run("SPOP s " + std::to_string(count)));
      EXPECT_EQ(popped.size(), static_cast<size_t>(std::min(count, 50)));
      EXPECT_EQ(DifferentCount(popped), popped.size());
      Reopen();
      auto all = MembersOf(Run("SMEMBERS s"));
      all.insert(all.end(), popped.begin(), popped.end());
      EXPECT_EQ(all.size(), 50u);
      EXPECT_EQ(DifferentCount(all), 50u);
      EXPECT_EQ(Run("PEXPIRETIME s"), count < 50 ? ":1900000000000\r\n" : ":-2\r\n");
    }
  }
}

TEST_F(SetRandomTest, SPopRefusesWhatIsNoCount) {
  Fill(3);
  const std::string range = "-ERR value is out of range, must be positive\r\n";
  EXPECT_EQ(Refused("SPOP s -1"), range);
  EXPECT_EQ(Refused("SPOP s x"), range);
  EXPECT_EQ(Refused("SPOP s 1 2"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("SPOP s 0"), "*0\r\n");
  EXPECT_EQ(Refused("SPOP none 3"), "*0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("SPOP l"), kWrongType);
  EXPECT_EQ(Refused("SPOP l -1"), range);
  EXPECT_EQ(Refused("SPOP l 1"), kWrongType);
}

TEST_F(SetRandomTest, SRandMemberDrawsWithoutChange) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL s");
    Fill(30);
    EXPECT_EQ(MembersOf(Refused("SRANDMEMBER s")).size(), 1u);
    for (const size_t count : {2u, 25u, 30u, 40u}) {
      const auto members = MembersOf(Refused("SRANDMEMBER s " + std::to_string(count)));
      EXPECT_EQ(members.size(), std::min<size_t>(count, 30));
      EXPECT_EQ(DifferentCount(members), members.size());
    }
    EXPECT_EQ(MembersOf(Refused("SRANDMEMBER s -100")).size(), 100u);
  }
}

// Every member comes up about as often as the others.
TEST_F(SetRandomTest, DrawsAreUniform) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL s");
    Fill(10);
    for (const char* count : {"-5000", "3", "8"}) {
      std::map<std::string, int> drawn;
      const int rounds = count[0] == '-' ? 1 : 5000 / (count[0] - '0');
      for (int i = 0; i < rounds; ++i) {
        for (const auto& m : MembersOf(Run("SRANDMEMBER s " + std::string(count)))) ++drawn[m];
      }
      EXPECT_EQ(drawn.size(), 10u);
      for (const auto& [member, times] : drawn) EXPECT_NEAR(times, 500, 150) << member;
    }
  }
}

TEST_F(SetRandomTest, SRandMemberRefusesWhatIsNoCount) {
  Fill(3);
  EXPECT_EQ(Refused("SRANDMEMBER s x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER s -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER s -9223372036854775807"), "-ERR value is out of range\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER s -10000001"), "-ERR value is out of range\r\n");
  EXPECT_EQ(MembersOf(Refused("SRANDMEMBER s 9223372036854775807")).size(), 3u);
  EXPECT_EQ(Refused("SRANDMEMBER s 1 2"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER s 0"), "*0\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER none"), "$-1\r\n");
  EXPECT_EQ(Refused("SRANDMEMBER none 2"), "*0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("SRANDMEMBER l"), kWrongType);
  EXPECT_EQ(Refused("SRANDMEMBER l 1"), kWrongType);
}

}  // namespace
}  // namespace hearth
