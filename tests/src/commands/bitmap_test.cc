#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kBitOffset[] = "-ERR bit offset is not an integer or out of range\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class BitmapTest : public CommandFixture {
 protected:
  void TearDown() override { StringSizeMax() = size_t{512} << 20; }
};

TEST_F(BitmapTest, SetBitAnswersTheOldBit) {
  EXPECT_EQ(Run("SETBIT k 9 1"), ":0\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw \"\\x00@\"\n");
  EXPECT_EQ(Run("SETBIT k 0 1"), ":0\r\n");
  EXPECT_EQ(Run("SETBIT k 9 0"), ":1\r\n");
  EXPECT_EQ(Run("GETBIT k 0"), ":1\r\n");
  EXPECT_EQ(Run("GETBIT k 9"), ":0\r\n");
  EXPECT_EQ(Run("GETBIT k 16"), ":0\r\n");
  EXPECT_EQ(Run("GETBIT none 5"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("STRLEN k"), ":2\r\n");
  EXPECT_EQ(Run("BITCOUNT k"), ":1\r\n");
}

TEST_F(BitmapTest, SetBitOfTheSameBitLogsNothingUnlessTheStringGrows) {
  Run("SETBIT k 3 1");
  EXPECT_EQ(Refused("SETBIT k 3 1"), ":1\r\n");
  EXPECT_EQ(Refused("SETBIT k 4 0"), ":0\r\n");
  EXPECT_EQ(Run("SETBIT k 8 0"), ":0\r\n");
  EXPECT_EQ(Run("STRLEN k"), ":2\r\n");
}

TEST_F(BitmapTest, SetBitKeepsTheExpiryAndMakesTheStringRaw) {
  Run("SET k 12 PXAT 1700000100000");
  EXPECT_EQ(Run("SETBIT k 7 1"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k raw 12 until 1700000100000\n");
}

TEST_F(BitmapTest, RefusesOffsetsAndBits) {
  MakeList("l");
  for (const char* offset : {"-1", "x", "''", "4294967296", "9223372036854775807"}) {
    EXPECT_EQ(Refused("SETBIT l " + std::string(offset) + " 1"), kBitOffset) << offset;
    EXPECT_EQ(Refused("GETBIT l " + std::string(offset)), kBitOffset) << offset;
  }
  for (const char* bit : {"2", "-1", "x", "''"}) {
    EXPECT_EQ(Refused("SETBIT l 1 " + std::string(bit)),
              "-ERR bit is not an integer or out of range\r\n");
  }
  EXPECT_EQ(Refused("SETBIT l 1 1"), kWrongType);
  EXPECT_EQ(Refused("GETBIT l 1"), kWrongType);
  StringSizeMax() = 2;
  EXPECT_EQ(Refused("SETBIT k 16 1"), kBitOffset);
  EXPECT_EQ(Run("SETBIT k 15 1"), ":0\r\n");
  StringSizeMax() = SIZE_MAX;
  EXPECT_EQ(Refused("SETBIT k 34359738360 1"), kBitOffset);
}

TEST_F(BitmapTest, BitCountCountsBytesOrBits) {
  Run("SET k foobar");
  EXPECT_EQ(Refused("BITCOUNT k"), ":26\r\n");
  EXPECT_EQ(Refused("BITCOUNT k 1 1"), ":6\r\n");
  EXPECT_EQ(Refused("BITCOUNT k 5 30 BIT"), ":17\r\n");
  EXPECT_EQ(Refused("BITCOUNT k -2 -1 byte"), ":7\r\n");
  EXPECT_EQ(Refused("BITCOUNT k -100 -99"), ":4\r\n");
  EXPECT_EQ(Refused("BITCOUNT k -99 -100"), ":0\r\n");
  EXPECT_EQ(Refused("BITCOUNT k -99 -100 NO"), ":0\r\n");
  EXPECT_EQ(Refused("BITCOUNT k 3 2"), ":0\r\n");
  EXPECT_EQ(Refused("BITCOUNT none a b"), ":0\r\n");
}

TEST_F(BitmapTest, BitCountRefuses) {
  Run("SET k foobar");
  MakeList("l");
  EXPECT_EQ(Refused("BITCOUNT l a b"), kWrongType);
  EXPECT_EQ(Refused("BITCOUNT k 0"), kSyntax);
  EXPECT_EQ(Refused("BITCOUNT k 0 1 BIT x"), kSyntax);
  EXPECT_EQ(Refused("BITCOUNT k 0 1 NO"), kSyntax);
  EXPECT_EQ(Refused("BITCOUNT k 0 x NO"), kNotInteger);
}

TEST_F(BitmapTest, BitPosFindsTheFirst) {
  RunWords({"SET", "k", std::string("\xff\xf0\x00", 3)});
  EXPECT_EQ(Refused("BITPOS k 0"), ":12\r\n");
  EXPECT_EQ(Refused("BITPOS k 1"), ":0\r\n");
  EXPECT_EQ(Refused("BITPOS k 1 2"), ":-1\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 1 1 BYTE"), ":12\r\n");
  EXPECT_EQ(Refused("BITPOS k 1 9 10 BIT"), ":9\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 -24 -14 BIT"), ":-1\r\n");
  EXPECT_EQ(Refused("BITPOS k 1 -2 -9"), ":-1\r\n");
  EXPECT_EQ(Refused("BITPOS none 0 x"), ":0\r\n");
  EXPECT_EQ(Refused("BITPOS none 1 x"), ":-1\r\n");
}

TEST_F(BitmapTest, BitPosTakesTheStringForFollowedByZerosUnlessAnEndIsGiven) {
  RunWords({"SET", "k", "\xff\xff"});
  EXPECT_EQ(Refused("BITPOS k 0"), ":16\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 1"), ":16\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 2"), ":-1\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 0 -1"), ":-1\r\n");
  EXPECT_EQ(Refused("BITPOS k 0 0 -1 BIT"), ":-1\r\n");
  Run("SET empty ''");
  EXPECT_EQ(Refused("BITPOS empty 0"), ":-1\r\n");
}

TEST_F(BitmapTest, BitPosRefuses) {
  Run("SET k foobar");
  MakeList("l");
  EXPECT_EQ(Refused("BITPOS l 2"), "-ERR The bit argument must be 1 or 0.\r\n");
  EXPECT_EQ(Refused("BITPOS l x"), kNotInteger);
  EXPECT_EQ(Refused("BITPOS l 1 x"), kWrongType);
  EXPECT_EQ(Refused("BITPOS k 1 x"), kNotInteger);
  EXPECT_EQ(Refused("BITPOS k 1 0 x NO"), kSyntax);
  EXPECT_EQ(Refused("BITPOS k 1 0 x BIT"), kNotInteger);
  EXPECT_EQ(Refused("BITPOS k 1 0 1 BIT x"), kSyntax);
}

TEST_F(BitmapTest, BitOpCombinesStringsOfAnySizes) {
  Run("SET a abcdefghij");
  Run("SET b 0123");
  EXPECT_EQ(Run("BITOP AND d a b"), ":10\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/d raw \"  \\\" \\x00\\x00\\x00\\x00\\x00\\x00\"\n");
  EXPECT_EQ(Run("BITOP OR d a b none"), ":10\r\n");
  EXPECT_EQ(Run("GET d"), Bulk("qsswefghij"));
  EXPECT_EQ(Run("BITOP xor d a b a"), ":10\r\n");
  EXPECT_EQ(RunWords({"GETRANGE", "d", "0", "3"}), Bulk("0123"));
  EXPECT_EQ(Run("BITOP NOT d b"), ":4\r\n");
  EXPECT_EQ(Run("GET d"), Bulk("\xcf\xce\xcd\xcc"));
  EXPECT_EQ(Run("BITOP NOT d d"), ":4\r\n");
  Reopen();
  EXPECT_EQ(Run("GET d"), Bulk("0123"));
}

TEST_F(BitmapTest, BitOpReplacesTheTargetOfAnyTypeWithItsExpiry) {
  Run("SET a x");
  Run("SET d y PXAT 1700000100000");
  EXPECT_EQ(Run("BITOP OR d a"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/d raw x\n");
  MakeList("l");
  EXPECT_EQ(Run("BITOP OR l a"), ":1\r\n");
  EXPECT_EQ(Run("BITOP OR l none"), ":0\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/l\n");
  EXPECT_EQ(Refused("BITOP OR l none"), ":0\r\n");
}

TEST_F(BitmapTest, BitOpRefuses) {
  MakeList("l");
  EXPECT_EQ(Refused("BITOP NO d l"), kSyntax);
  EXPECT_EQ(Refused("BITOP NOT d l l"),
            "-ERR BITOP NOT must be called with a single source key.\r\n");
  EXPECT_EQ(Refused("BITOP AND d none l"), kWrongType);
}

}  // namespace
}  // namespace hearth
