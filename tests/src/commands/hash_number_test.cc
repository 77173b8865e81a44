#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

using HashNumberTest = CommandFixture;

TEST_F(HashNumberTest, HIncrByAdds) {
  EXPECT_EQ(Run("HINCRBY h a 5"), ":5\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/h listpack \"\\x00\\x01a\\x015\"\n");
  EXPECT_EQ(Run("HINCRBY h a -7"), ":-2\r\n");
  Reopen();
  EXPECT_EQ(Run("HGET h a"), Bulk("-2"));
}

TEST_F(HashNumberTest, HIncrByRefusesWhatItCannotAdd) {
  Run("HSET h text abc float 1.5 edge 9223372036854775807");
  EXPECT_EQ(Refused("HINCRBY h text 1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(Refused("HINCRBY h float 1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(Refused("HINCRBY h edge 1"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Refused("HINCRBY h edge x"), "-ERR value is not an integer or out of range\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("HINCRBY l a 1"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

TEST_F(HashNumberTest, HIncrByFloatAdds) {
  EXPECT_EQ(Run("HINCRBYFLOAT h a 10.50"), Bulk("10.5"));
  EXPECT_EQ(Run("HINCRBYFLOAT h a 0.1"), Bulk("10.6"));
  EXPECT_EQ(Run("HINCRBYFLOAT h a -5.6e0"), Bulk("5"));
  Reopen();
  EXPECT_EQ(Run("HGET h a"), Bulk("5"));
}

TEST_F(HashNumberTest, HIncrByFloatRefusesWhatItCannotAdd) {
  Run("HSET h text abc edge inf");
  EXPECT_EQ(Refused("HINCRBYFLOAT h text 1"), "-ERR hash value is not a float\r\n");
  EXPECT_EQ(Refused("HINCRBYFLOAT h text x"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Refused("HINCRBYFLOAT h text inf"), "-ERR value is NaN or Infinity\r\n");
  EXPECT_EQ(Refused("HINCRBYFLOAT h edge 1"), "-ERR increment would produce NaN or Infinity\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("HINCRBYFLOAT l a 1"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

// HSET ends a field's expiry, counting does not.
TEST_F(HashNumberTest, CountingKeepsTheFieldsExpiry) {
  Run("HSET h a 1 b 1");
  Run("HPEXPIRE h 5000 FIELDS 2 a b");
  Run("HINCRBY h a 1");
  Run("HINCRBYFLOAT h b 1.5");
  EXPECT_EQ(Run("HPTTL h FIELDS 2 a b"), "*2\r\n:5000\r\n:5000\r\n");
  Run("HSET h a 1");
  EXPECT_EQ(Run("HPTTL h FIELDS 2 a b"), "*2\r\n:-1\r\n:5000\r\n");
}

}  // namespace
}  // namespace hearth
