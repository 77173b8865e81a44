#include <map>
#include <set>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

class HashRandomTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  void Fill(int count) {
    std::string line = "HSET h";
    for (int i = 0; i < count; ++i) line += " m" + std::to_string(i) + " v" + std::to_string(i);
    Run(line);
  }
  // The fields in a reply, in its order.
  static std::vector<std::string> FieldsOf(const std::string& reply) {
    std::vector<std::string> fields;
    for (size_t at = 0; (at = reply.find("\r\nm", at)) != std::string::npos;) {
      const size_t end = reply.find("\r\n", at + 2);
      fields.push_back(reply.substr(at + 2, end - at - 2));
      at = end;
    }
    return fields;
  }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(HashRandomTest, HRandFieldDraws) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Fill(30);
    EXPECT_EQ(FieldsOf(Refused("HRANDFIELD h")).size(), 1u);
    for (const size_t count : {2u, 25u, 30u, 40u}) {
      const auto fields = FieldsOf(Refused("HRANDFIELD h " + std::to_string(count)));
      EXPECT_EQ(fields.size(), std::min<size_t>(count, 30));
      EXPECT_EQ(std::set<std::string>(fields.begin(), fields.end()).size(), fields.size());
    }
    EXPECT_EQ(FieldsOf(Refused("HRANDFIELD h -100")).size(), 100u);
    EXPECT_EQ(FieldsOf(Refused("HRANDFIELD h -100 WITHVALUES")).size(), 100u);
  }
}

TEST_F(HashRandomTest, ValuesComeFlatOrInPairs) {
  Run("HSET h a 1");
  EXPECT_EQ(Refused("HRANDFIELD h 5 WITHVALUES"), Bulks({"a", "1"}));
  EXPECT_EQ(Refused("HRANDFIELD h -2 withvalues"), Bulks({"a", "1", "a", "1"}));
  protocol_ = 3;
  EXPECT_EQ(Refused("HRANDFIELD h 5 WITHVALUES"), "*1\r\n" + Bulks({"a", "1"}));
}

TEST_F(HashRandomTest, HRandFieldRefusesWhatIsNoCount) {
  Fill(3);
  EXPECT_EQ(Refused("HRANDFIELD h x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h 9223372036854775807 WITHVALUES"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h -9223372036854775807 WITHVALUES"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h -10000001"), "-ERR value is out of range\r\n");
  EXPECT_EQ(FieldsOf(Refused("HRANDFIELD h 9223372036854775807")).size(), 3u);
  EXPECT_EQ(Refused("HRANDFIELD h 1 x"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h 1 WITHVALUES x"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("HRANDFIELD h 0"), "*0\r\n");
  EXPECT_EQ(Refused("HRANDFIELD none"), "$-1\r\n");
  EXPECT_EQ(Refused("HRANDFIELD none 2"), "*0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("HRANDFIELD l 1"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

TEST_F(HashRandomTest, ExpiredFieldsAreNotDrawn) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Fill(10);
    Run("HPEXPIRE h 100 FIELDS 8 m0 m1 m2 m3 m4 m5 m6 m7");
    clock_.AdvanceMs(100);
    std::map<std::string, int> drawn;
    for (const auto& field : FieldsOf(Run("HRANDFIELD h -100"))) ++drawn[field];
    EXPECT_EQ(drawn.size(), 2u);
    EXPECT_TRUE(drawn.contains("m8") && drawn.contains("m9"));
  }
}

}  // namespace
}  // namespace hearth
