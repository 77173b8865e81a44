#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

// Every test runs with lists in their head rows, and again with a row an element.
class ListCommandsTest : public CommandFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Limits().packed_size_max = GetParam();
  }
  void TearDown() override {
    Limits().packed_size_max = kPackedSizeMaxUsual;
    CommandFixture::TearDown();
  }
  // The whole list, also after it was read back.
  std::string List(const std::string& key) {
    const std::string before = Run("LRANGE " + key + " 0 -1");
    Reopen();
    EXPECT_EQ(Run("LRANGE " + key + " 0 -1"), before);
    return before;
  }
};

INSTANTIATE_TEST_SUITE_P(PackedAndSpread, ListCommandsTest,
                         testing::Values(kPackedSizeMaxUsual, 0u));

TEST_P(ListCommandsTest, PushingAnswersTheLength) {
  EXPECT_EQ(Refused("LPUSHX l a"), ":0\r\n");
  EXPECT_EQ(Refused("RPUSHX l a b"), ":0\r\n");
  EXPECT_EQ(Run("LPUSH l b a"), ":2\r\n");
  EXPECT_EQ(Run("RPUSH l c d"), ":4\r\n");
  EXPECT_EQ(Run("LPUSHX l z"), ":5\r\n");
  EXPECT_EQ(Run("RPUSHX l e"), ":6\r\n");
  EXPECT_EQ(Refused("LLEN l"), ":6\r\n");
  EXPECT_EQ(Refused("LLEN none"), ":0\r\n");
  EXPECT_EQ(List("l"), Bulks({"z", "a", "b", "c", "d", "e"}));
}

TEST_P(ListCommandsTest, OtherTypesAreRefused) {
  Run("SET s v");
  for (const char* line :
       {"LPUSH s a", "RPUSH s a", "LPUSHX s a", "RPUSHX s a", "LLEN s", "LINDEX s 0", "LSET s 0 a",
        "LRANGE s 0 -1", "LTRIM s 0 -1", "LINSERT s BEFORE a b", "LREM s 0 a", "LPOS s a"}) {
    EXPECT_EQ(Refused(line), kWrongType) << line;
  }
}

TEST_P(ListCommandsTest, IndexesCountFromBothEnds) {
  Run("RPUSH l a b c");
  EXPECT_EQ(Refused("LINDEX l 0"), Bulk("a"));
  EXPECT_EQ(Refused("LINDEX l -1"), Bulk("c"));
  EXPECT_EQ(Refused("LINDEX l 3"), kNull);
  EXPECT_EQ(Refused("LINDEX l -4"), kNull);
  EXPECT_EQ(Refused("LINDEX l x"), kNotInteger);
  EXPECT_EQ(Refused("LINDEX none x"), kNull);
  EXPECT_EQ(Run("LSET l -2 B"), kOk);
  EXPECT_EQ(Refused("LSET l 3 x"), "-ERR index out of range\r\n");
  EXPECT_EQ(Refused("LSET none x a"), "-ERR no such key\r\n");
  EXPECT_EQ(Refused("LSET l x a"), kNotInteger);
  EXPECT_EQ(List("l"), Bulks({"a", "B", "c"}));
}

TEST_P(ListCommandsTest, ARangeIsCutToTheList) {
  Run("RPUSH l a b c d");
  EXPECT_EQ(Refused("LRANGE l 1 2"), Bulks({"b", "c"}));
  EXPECT_EQ(Refused("LRANGE l -2 100"), Bulks({"c", "d"}));
  EXPECT_EQ(Refused("LRANGE l -100 0"), Bulks({"a"}));
  EXPECT_EQ(Refused("LRANGE l 2 1"), kNone);
  EXPECT_EQ(Refused("LRANGE l 4 9223372036854775807"), kNone);
  EXPECT_EQ(Refused("LRANGE l -9223372036854775808 -9223372036854775808"), kNone);
  EXPECT_EQ(Refused("LRANGE none 0 -1"), kNone);
  EXPECT_EQ(Refused("LRANGE none 0 x"), kNotInteger);
}

TEST_P(ListCommandsTest, TrimmingKeepsARange) {
  Run("RPUSH l a b c d e");
  EXPECT_EQ(Run("LTRIM l 1 -2"), kOk);
  EXPECT_EQ(List("l"), Bulks({"b", "c", "d"}));
  EXPECT_EQ(Refused("LTRIM l 0 -1"), kOk);
  EXPECT_EQ(Refused("LTRIM l x 1"), kNotInteger);
  EXPECT_EQ(Run("LTRIM l 3 5"), kOk);
  EXPECT_EQ(Run("EXISTS l"), ":0\r\n");
  EXPECT_EQ(Refused("LTRIM l 0 1"), kOk);
}

TEST_P(ListCommandsTest, AnElementIsInsertedBesideThePivot) {
  Run("RPUSH l a b b c");
  EXPECT_EQ(Run("LINSERT l before b x"), ":5\r\n");
  EXPECT_EQ(Run("LINSERT l AFTER c y"), ":6\r\n");
  EXPECT_EQ(Run("LINSERT l BEFORE a w"), ":7\r\n");
  EXPECT_EQ(Refused("LINSERT l AFTER none y"), ":-1\r\n");
  EXPECT_EQ(Refused("LINSERT none AFTER a y"), ":0\r\n");
  EXPECT_EQ(Refused("LINSERT l BESIDE a y"), kSyntax);
  EXPECT_EQ(List("l"), Bulks({"w", "a", "x", "b", "b", "c", "y"}));
}

TEST_P(ListCommandsTest, EqualElementsAreRemovedFromEitherEnd) {
  Run("RPUSH l a b a b a b");
  EXPECT_EQ(Run("LREM l 1 a"), ":1\r\n");
  EXPECT_EQ(Run("LREM l -2 b"), ":2\r\n");
  EXPECT_EQ(List("l"), Bulks({"b", "a", "a"}));
  EXPECT_EQ(Refused("LREM l 0 none"), ":0\r\n");
  EXPECT_EQ(Refused("LREM none 0 a"), ":0\r\n");
  EXPECT_EQ(Refused("LREM none x a"), kNotInteger);
  EXPECT_EQ(Run("LREM l -9223372036854775808 a"), ":2\r\n");
  EXPECT_EQ(Run("LREM l 0 b"), ":1\r\n");
  EXPECT_EQ(Run("EXISTS l"), ":0\r\n");
}

TEST_P(ListCommandsTest, LPosFindsPositions) {
  Run("RPUSH l a b c a b a");
  EXPECT_EQ(Refused("LPOS l a"), ":0\r\n");
  EXPECT_EQ(Refused("LPOS l a RANK 2"), ":3\r\n");
  EXPECT_EQ(Refused("LPOS l a RANK -1"), ":5\r\n");
  EXPECT_EQ(Refused("LPOS l a RANK -1 COUNT 2"), "*2\r\n:5\r\n:3\r\n");
  EXPECT_EQ(Refused("LPOS l a COUNT 0"), "*3\r\n:0\r\n:3\r\n:5\r\n");
  EXPECT_EQ(Refused("LPOS l a COUNT 0 MAXLEN 4"), "*2\r\n:0\r\n:3\r\n");
  EXPECT_EQ(Refused("LPOS l c MAXLEN 3 RANK -1"), kNull);
  EXPECT_EQ(Refused("LPOS l none"), kNull);
  EXPECT_EQ(Refused("LPOS none a COUNT 1"), kNone);
}

TEST_P(ListCommandsTest, LPosRefusesWhatIsOutOfRange) {
  Run("RPUSH l a");
  EXPECT_EQ(Refused("LPOS l a RANK x"), kNotInteger);
  EXPECT_EQ(Refused("LPOS l a RANK 0").substr(0, 20), "-ERR RANK can't be z");
  EXPECT_EQ(Refused("LPOS l a RANK -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Refused("LPOS l a COUNT -1"), "-ERR COUNT can't be negative\r\n");
  EXPECT_EQ(Refused("LPOS l a MAXLEN x"), "-ERR MAXLEN can't be negative\r\n");
  EXPECT_EQ(Refused("LPOS l a MAXLEN"), kSyntax);
}

TEST_P(ListCommandsTest, TheEncodingIsRedis72s) {
  Run("RPUSH l a");
  EXPECT_EQ(Run("OBJECT ENCODING l"), Bulk("listpack"));
  const std::string half(4000, 'x');
  Run("RPUSH l " + half);
  EXPECT_EQ(Run("OBJECT ENCODING l"), Bulk("listpack"));
  Run("RPUSH l " + half + " " + half);
  EXPECT_EQ(Run("OBJECT ENCODING l"), Bulk("quicklist"));
  Run("RPOP l");
  EXPECT_EQ(Run("OBJECT ENCODING l"), Bulk("quicklist"));
  Run("RPOP l");
  EXPECT_EQ(Run("OBJECT ENCODING l"), Bulk("listpack"));
}

}  // namespace
}  // namespace hearth
