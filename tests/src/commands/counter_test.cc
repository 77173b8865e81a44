#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kOverflow[] = "-ERR increment or decrement would overflow\r\n";
constexpr char kNotFloat[] = "-ERR value is not a valid float\r\n";
constexpr char kNotFinite[] = "-ERR increment would produce NaN or Infinity\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class CounterCommandsTest : public CommandFixture {};

TEST_F(CounterCommandsTest, IntegersAreCountedFromZero) {
  EXPECT_EQ(Run("INCR k"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k int 1\n");
  EXPECT_EQ(Run("INCRBY k 41"), ":42\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k int 42\n");
  EXPECT_EQ(Run("DECR k"), ":41\r\n");
  EXPECT_EQ(Run("DECRBY k 50"), ":-9\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k int -9\n");
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("-9"));
  EXPECT_EQ(Run("OBJECT ENCODING k"), Bulk("int"));
}

TEST_F(CounterCommandsTest, TheExpiryStays) {
  Run("SET k 1 PXAT 1700000100000");
  Run("INCR k");
  EXPECT_EQ(LoggedRows(), "put 0/k int 2 until 1700000100000\n");
  Run("INCRBYFLOAT k 0.5");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr 2.5 until 1700000100000\n");
}

TEST_F(CounterCommandsTest, SumsThatDoNotFitAreRefused) {
  Run("SET max 9223372036854775807");
  EXPECT_EQ(Refused("INCR max"), kOverflow);
  EXPECT_EQ(Refused("INCRBY max 1"), kOverflow);
  EXPECT_EQ(Refused("DECRBY max -1"), kOverflow);
  Run("SET min -9223372036854775808");
  EXPECT_EQ(Refused("DECR min"), kOverflow);
  EXPECT_EQ(Refused("INCRBY min -1"), kOverflow);
  EXPECT_EQ(Refused("DECRBY min -9223372036854775808"), "-ERR decrement would overflow\r\n");
  EXPECT_EQ(Run("INCRBY min 9223372036854775807"), ":-1\r\n");
}

TEST_F(CounterCommandsTest, OnlyIntegersAreCounted) {
  for (const char* value : {"abc", "' 1'", "'1 '", "01", "+1", "1.0", "''", "-0",
                            "9223372036854775808", "99999999999999999999"}) {
    Run("SET k " + std::string(value));
    EXPECT_EQ(Refused("INCR k"), kNotInteger) << value;
    EXPECT_EQ(Refused("INCRBY n " + std::string(value)), kNotInteger) << value;
    EXPECT_EQ(Refused("DECRBY n " + std::string(value)), kNotInteger) << value;
  }
  MakeList("l");
  EXPECT_EQ(Refused("INCR l"), kWrongType);
  EXPECT_EQ(Refused("DECRBY l abc"), kNotInteger);
}

TEST_F(CounterCommandsTest, AppendedDigitsAreAnIntegerToo) {
  Run("APPEND k 12");
  Run("APPEND k 3");
  EXPECT_EQ(Run("INCR k"), ":124\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k int 124\n");
}

TEST_F(CounterCommandsTest, FloatsAreWrittenPlainly) {
  EXPECT_EQ(Run("INCRBYFLOAT k 10.50"), Bulk("10.5"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr 10.5\n");
  EXPECT_EQ(Run("INCRBYFLOAT k 0.1"), Bulk("10.6"));
  Run("SET k 5.0e3");
  EXPECT_EQ(Run("INCRBYFLOAT k 2.0e2"), Bulk("5200"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr 5200\n");
  Run("SET k 0");
  EXPECT_EQ(Run("INCRBYFLOAT k -0"), Bulk("0"));
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("0"));
}

TEST_F(CounterCommandsTest, FloatsThatAreNoneAreRefused) {
  Run("SET k 1");
  for (const char* delta : {"abc", "nan", "''", "' 1'", "'1 '", "1e5000"}) {
    EXPECT_EQ(Refused("INCRBYFLOAT k " + std::string(delta)), kNotFloat) << delta;
  }
  for (const char* delta : {"inf", "-inf", "+Infinity"}) {
    EXPECT_EQ(Refused("INCRBYFLOAT k " + std::string(delta)), kNotFinite) << delta;
  }
  Run("SET k 1e4932");
  EXPECT_EQ(Refused("INCRBYFLOAT k 1e4932"), kNotFinite);
  Run("SET k abc");
  EXPECT_EQ(Refused("INCRBYFLOAT k 1"), kNotFloat);
  MakeList("l");
  EXPECT_EQ(Refused("INCRBYFLOAT l abc"), kWrongType);
}

// What INCRBYFLOAT wrote it must be able to read.
TEST_F(CounterCommandsTest, TheLargestFloatsAreCountedOn) {
  EXPECT_EQ(Run("INCRBYFLOAT k 1e4900").size(), 4901 + sizeof("$4901\r\n\r\n") - 1);
  EXPECT_EQ(Run("INCRBYFLOAT k -1e4900"), Bulk("0"));
}

}  // namespace
}  // namespace hearth
