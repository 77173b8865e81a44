#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNull[] = "$-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class ListMoveTest : public CommandFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Limits().packed_size_max = GetParam();
  }
  void TearDown() override {
    Limits().packed_size_max = kPackedSizeMaxUsual;
    CommandFixture::TearDown();
  }
};

INSTANTIATE_TEST_SUITE_P(PackedAndSpread, ListMoveTest, testing::Values(kPackedSizeMaxUsual, 0u));

TEST_P(ListMoveTest, AnElementMovesBetweenEnds) {
  Run("RPUSH a 1 2 3 4");
  EXPECT_EQ(Run("LMOVE a b LEFT RIGHT"), Bulk("1"));
  EXPECT_EQ(Run("LMOVE a b right left"), Bulk("4"));
  EXPECT_EQ(Run("RPOPLPUSH a b"), Bulk("3"));
  Reopen();
  EXPECT_EQ(Run("LRANGE a 0 -1"), Bulks({"2"}));
  EXPECT_EQ(Run("LRANGE b 0 -1"), Bulks({"3", "4", "1"}));
  EXPECT_EQ(Run("LMOVE a b LEFT LEFT"), Bulk("2"));
  EXPECT_EQ(Run("EXISTS a"), ":0\r\n");
  EXPECT_EQ(Refused("LMOVE a b LEFT LEFT"), kNull);
  EXPECT_EQ(Refused("LMOVE a b LEFT UP"), kSyntax);
}

TEST_P(ListMoveTest, AListCanBeRotated) {
  Run("RPUSH a 1 2 3");
  EXPECT_EQ(Run("RPOPLPUSH a a"), Bulk("3"));
  EXPECT_EQ(Run("LMOVE a a LEFT LEFT"), Bulk("3"));
  Reopen();
  EXPECT_EQ(Run("LRANGE a 0 -1"), Bulks({"3", "1", "2"}));
  Run("RPUSH one x");
  EXPECT_EQ(Run("RPOPLPUSH one one"), Bulk("x"));
  Reopen();
  EXPECT_EQ(Run("LRANGE one 0 -1"), Bulks({"x"}));
  EXPECT_EQ(Run("DBSIZE"), ":2\r\n");
}

TEST_P(ListMoveTest, OtherTypesAreRefusedAndNothingMoves) {
  Run("SET s v");
  Run("RPUSH a 1");
  EXPECT_EQ(Refused("LMOVE a s LEFT LEFT"), kWrongType);
  EXPECT_EQ(Refused("LMOVE s a LEFT LEFT"), kWrongType);
  EXPECT_EQ(Refused("LMOVE none s LEFT LEFT"), kNull);
  EXPECT_EQ(Refused("BRPOPLPUSH a s 0"), kWrongType);
}

TEST_P(ListMoveTest, BlockingMovesAnswerAtOnceWhatIsThere) {
  Run("RPUSH a 1 2 3");
  EXPECT_EQ(Run("BLMOVE a b LEFT LEFT 0"), Bulk("1"));
  EXPECT_EQ(Run("BRPOPLPUSH a b 0"), Bulk("3"));
  EXPECT_EQ(Run("LRANGE b 0 -1"), Bulks({"3", "1"}));
  EXPECT_EQ(Refused("BLMOVE none b LEFT LEFT 0.01"), "*-1\r\n");
  EXPECT_EQ(Refused("BRPOPLPUSH none b 0.01"), "*-1\r\n");
  EXPECT_EQ(Refused("BLMOVE none b LEFT x x"), kSyntax);
  EXPECT_EQ(Refused("BLMOVE none b LEFT LEFT x"),
            "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(Refused("BRPOPLPUSH none b -1"), "-ERR timeout is negative\r\n");
}

}  // namespace
}  // namespace hearth
