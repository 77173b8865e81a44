#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kBitOffset[] = "-ERR bit offset is not an integer or out of range\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kType[] =
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
    "i64 is.\r\n";
constexpr char kReadOnly[] = "-ERR BITFIELD_RO only supports the GET subcommand\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

using BitFieldTest = CommandFixture;

TEST_F(BitFieldTest, ReadsFieldsOfAnyWidthAndPlace) {
  RunWords({"SET", "k", std::string("\x01\x02\xff\x80\x00\x00\x00\x00\x7f", 9)});
  EXPECT_EQ(Refused("BITFIELD k GET u8 0 GET u8 #1 GET i8 #2 GET u8 23 GET i1 16"),
            "*5\r\n:1\r\n:2\r\n:-1\r\n:192\r\n:-1\r\n");
  EXPECT_EQ(Refused("BITFIELD_RO k get i64 8 GET u63 5"),
            "*2\r\n:216032044625428607\r\n:1166423507395936263\r\n");
  EXPECT_EQ(Refused("BITFIELD k GET u16 64 GET u8 1000"), "*2\r\n:32512\r\n:0\r\n");
  EXPECT_EQ(Refused("BITFIELD none GET u8 0"), "*1\r\n:0\r\n");
  EXPECT_EQ(Refused("BITFIELD k"), "*0\r\n");
  Run("SET n 12");
  EXPECT_EQ(Refused("BITFIELD n GET u8 0"), "*1\r\n:49\r\n");
}

TEST_F(BitFieldTest, WritesGoBackInOneRow) {
  EXPECT_EQ(Run("BITFIELD k SET u8 #2 65 GET u8 #2 INCRBY i5 3 -1 SET u8 16 66"),
            "*4\r\n:0\r\n:65\r\n:-1\r\n:65\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw \"\\x1f\\x00B\"\n");
  EXPECT_EQ(Run("BITFIELD k INCRBY u2 14 5"), "*1\r\n:1\r\n");
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk(std::string("\x1f\x01"
                                           "B")));
}

TEST_F(BitFieldTest, WritesKeepTheExpiryAndWhatLiesAround) {
  Run("SET k aaaaaaaaaaaa PXAT 1700000100000");
  EXPECT_EQ(Run("BITFIELD k SET i64 4 -1"), "*1\r\n:1591483802437686806\r\n");
  EXPECT_EQ(LoggedRows(),
            "put 0/k raw \"o\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xf1aaa\" until 1700000100000\n");
}

TEST_F(BitFieldTest, OverflowWrapsSaturatesOrFails) {
  EXPECT_EQ(Run("BITFIELD k SET u8 0 255 INCRBY u8 0 2 INCRBY u8 0 -3"),
            "*3\r\n:0\r\n:1\r\n:254\r\n");
  EXPECT_EQ(Run("BITFIELD k OVERFLOW SAT INCRBY u8 0 2 INCRBY u8 0 -300 SET u8 0 -1 GET u8 0"),
            "*4\r\n:255\r\n:0\r\n:0\r\n:255\r\n");
  EXPECT_EQ(Run("BITFIELD k OVERFLOW sat INCRBY i8 8 200 INCRBY i8 8 -300 INCRBY i64 64 "
                "9223372036854775807 INCRBY i64 64 1"),
            "*4\r\n:127\r\n:-128\r\n:9223372036854775807\r\n:9223372036854775807\r\n");
  EXPECT_EQ(Run("BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 0 1"),
            "*2\r\n$-1\r\n:0\r\n");
  EXPECT_EQ(Run("BITFIELD w SET i8 0 200 GET i8 0 SET u63 0 -1 GET u63 0"),
            "*4\r\n:0\r\n:-56\r\n:7205759403792793600\r\n:9223372036854775807\r\n");
}

// As redis-server answers: the distance to the field's greatest number overflows.
TEST_F(BitFieldTest, SetFarBelowZeroSaturatesUpwards) {
  EXPECT_EQ(Run("BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0"),
            "*2\r\n:0\r\n:127\r\n");
  EXPECT_EQ(Run("BITFIELD k OVERFLOW SAT SET i8 0 -500 GET i8 0"), "*2\r\n:127\r\n:-128\r\n");
}

TEST_F(BitFieldTest, AFailedWriteStillGrowsTheString) {
  EXPECT_EQ(Run("BITFIELD k OVERFLOW FAIL INCRBY u8 8 -1"), "*1\r\n$-1\r\n");
  EXPECT_EQ(Run("STRLEN k"), ":2\r\n");
}

TEST_F(BitFieldTest, WhatWritesTheSameLogsNothing) {
  EXPECT_EQ(Run("BITFIELD k SET i5 0 11"), "*1\r\n:0\r\n");
  EXPECT_EQ(Refused("BITFIELD k SET i5 0 11"), "*1\r\n:11\r\n");
  EXPECT_EQ(Refused("BITFIELD k INCRBY u8 0 0"), "*1\r\n:88\r\n");
  EXPECT_EQ(Refused("BITFIELD k OVERFLOW FAIL INCRBY u8 0 255"), "*1\r\n$-1\r\n");
}

// As in Redis: also what fails, or writes what stands there.
TEST_F(BitFieldTest, AWriteMakesAnIntegerRaw) {
  for (const char* write : {"SET u8 0 49", "OVERFLOW FAIL SET u2 0 100"}) {
    Run("SET k 128");
    EXPECT_EQ(Refused("BITFIELD k GET u8 0"), "*1\r\n:49\r\n");
    Run("BITFIELD k " + std::string(write));
    EXPECT_EQ(LoggedRows(), "put 0/k raw 128\n") << write;
  }
}

TEST_F(BitFieldTest, Refuses) {
  MakeList("l");
  for (const char* type : {"u64", "i65", "u0", "i0", "x8", "u", "''", "u08", "U8", "i-1"}) {
    EXPECT_EQ(Refused("BITFIELD l GET " + std::string(type) + " 0"), kType) << type;
  }
  for (const char* offset : {"-1", "x", "#-1", "#", "#x", "4294967296", "#536870912",
                             "#9223372036854775807", "#4611686018427387904"}) {
    EXPECT_EQ(Refused("BITFIELD l GET u8 " + std::string(offset)), kBitOffset) << offset;
  }
  EXPECT_EQ(Refused("BITFIELD l SET u8 0 x"), kNotInteger);
  EXPECT_EQ(Refused("BITFIELD l OVERFLOW NO"), "-ERR Invalid OVERFLOW type specified\r\n");
  for (const char* words : {"NO", "GET u8", "SET u8 0", "INCRBY u8 0", "OVERFLOW"}) {
    EXPECT_EQ(Refused("BITFIELD l " + std::string(words)), kSyntax) << words;
  }
  EXPECT_EQ(Refused("BITFIELD l GET u8 0"), kWrongType);
  EXPECT_EQ(Refused("BITFIELD l SET u8 0 1"), kWrongType);
  EXPECT_EQ(Refused("BITFIELD_RO l GET u8 0 SET u8 0 1"), kReadOnly);
  EXPECT_EQ(Refused("BITFIELD_RO none OVERFLOW FAIL GET u8 0"), "*1\r\n:0\r\n");
}

}  // namespace
}  // namespace hearth
