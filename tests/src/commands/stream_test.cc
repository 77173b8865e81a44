#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kEmpty[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kBadId[] = "-ERR Invalid stream ID specified as stream command argument\r\n";
constexpr char kTooSmall[] =
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class StreamCommandsTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().stream_node_entries_max = 100;
    CommandFixture::TearDown();
  }
  // Adds entries with the ids first-0 to last-0.
  void Add(std::string_view key, int first, int last) {
    for (int ms = first; ms <= last; ++ms) {
      const std::string id = std::to_string(ms) + "-0";
      EXPECT_EQ(RunWords({"XADD", std::string(key), id, "f", "v"}), Bulk(id));
    }
  }
  // What XRANGE shows of entries that Add made: "1-0 2-0".
  std::string Ids(std::string_view line) {
    const std::string reply = Run(line);
    std::string ids;
    for (size_t at = 0; (at = reply.find("-0\r\n", at)) != std::string::npos; at += 4) {
      const size_t from = reply.rfind('\n', at) + 1;
      ids += (ids.empty() ? "" : " ") + reply.substr(from, at + 2 - from);
    }
    return ids;
  }
};

TEST_F(StreamCommandsTest, XAddAnswersTheIdAndLogsOneRow) {
  EXPECT_EQ(Run("XADD s 1-1 a 1 b 2"), Bulk("1-1"));
  EXPECT_EQ(Run("XADD s 1-* a 3"), Bulk("1-2"));
  const std::string rows = LoggedRows();
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1) << rows;
  EXPECT_EQ(Run("XADD s 7-* a 4"), Bulk("7-0"));
  EXPECT_EQ(Run("XADD s 8 a 5"), Bulk("8-0"));
  EXPECT_EQ(Run("XADD s * a 6"), Bulk(std::to_string(clock_.WallMs()) + "-0"));
  EXPECT_EQ(Run("XADD s * a 6"), Bulk(std::to_string(clock_.WallMs()) + "-1"));
  Reopen();
  EXPECT_EQ(Run("XLEN s"), ":6\r\n");
  EXPECT_EQ(Run("XRANGE s - 1-1"), "*1\r\n*2\r\n" + Bulk("1-1") + Bulks({"a", "1", "b", "2"}));
}

TEST_F(StreamCommandsTest, XAddRefusesIdsThatDoNotGrow) {
  Run("XADD s 5-5 a 1");
  EXPECT_EQ(Refused("XADD s 5-5 a 1"), kTooSmall);
  EXPECT_EQ(Refused("XADD s 4-* a 1"), kTooSmall);
  EXPECT_EQ(Refused("XADD s 0-0 a 1"),
            "-ERR The ID specified in XADD must be greater than 0-0\r\n");
  EXPECT_EQ(Refused("XADD s - a 1"), kBadId);
  EXPECT_EQ(Refused("XADD s 1-x a 1"), kBadId);
  EXPECT_EQ(Refused("XADD s 18446744073709551616-1 a 1"), kBadId);
  EXPECT_EQ(Run("XADD s 9-18446744073709551615 a 1"), Bulk("9-18446744073709551615"));
  EXPECT_EQ(Refused("XADD s 9-* a 1"), kTooSmall);
  EXPECT_EQ(Run("XADD s 18446744073709551615-18446744073709551615 a 1"),
            Bulk("18446744073709551615-18446744073709551615"));
  EXPECT_EQ(Refused("XADD s * a 1"),
            "-ERR The stream has exhausted the last possible ID, unable to add more items\r\n");
}

TEST_F(StreamCommandsTest, XAddRefusesWrongOptions) {
  EXPECT_EQ(Refused("XADD s 1-1 a"), "-ERR wrong number of arguments for 'xadd' command\r\n");
  EXPECT_EQ(Refused("XADD s NOMKSTREAM * a 1"), kNull);
  EXPECT_EQ(Refused("XADD s MAXLEN 1 MINID 1 * a 1"),
            "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible\r\n");
  EXPECT_EQ(Refused("XADD s MAXLEN -1 * a 1"), "-ERR The MAXLEN argument must be >= 0.\r\n");
  EXPECT_EQ(Refused("XADD s MAXLEN ~ 1 LIMIT -1 * a 1"),
            "-ERR The LIMIT argument must be >= 0.\r\n");
  EXPECT_EQ(Refused("XADD s MAXLEN 1 LIMIT 1 * a 1"),
            "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n");
  EXPECT_EQ(Refused("XADD s LIMIT 1 * a 1"),
            "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("XADD l * a 1"), kWrongType);
  EXPECT_EQ(Refused("XLEN l"), kWrongType);
  EXPECT_EQ(Refused("XLEN s"), ":0\r\n");
}

TEST_F(StreamCommandsTest, XAddTrimsWhatItAddedTo) {
  Add("s", 1, 5);
  EXPECT_EQ(Run("XADD s MAXLEN 3 6-0 f v"), Bulk("6-0"));
  EXPECT_EQ(Ids("XRANGE s - +"), "4-0 5-0 6-0");
  EXPECT_EQ(Run("XADD s MINID = 6 7-0 f v"), Bulk("7-0"));
  EXPECT_EQ(Ids("XRANGE s - +"), "6-0 7-0");
  EXPECT_EQ(Run("XADD s MAXLEN 0 8-0 f v"), Bulk("8-0"));
  EXPECT_EQ(Run("XLEN s"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("TYPE s"), "+stream\r\n");
  EXPECT_EQ(Run("XADD s 8-0 f v"), kTooSmall);
}

TEST_F(StreamCommandsTest, XTrimByWholeNodesStopsAtTheLimit) {
  Limits().stream_node_entries_max = 10;
  Add("s", 1, 45);
  EXPECT_EQ(Refused("XTRIM s MAXLEN ~ 0 LIMIT 9"), ":0\r\n");
  EXPECT_EQ(Run("XTRIM s MAXLEN ~ 0 LIMIT 29"), ":20\r\n");
  EXPECT_EQ(Run("XTRIM s MINID ~ 35"), ":10\r\n");
  EXPECT_EQ(Run("XTRIM s MINID 35"), ":4\r\n");
  EXPECT_EQ(Run("XTRIM s MAXLEN 3"), ":8\r\n");
  EXPECT_EQ(Ids("XRANGE s - +"), "43-0 44-0 45-0");
  EXPECT_EQ(Refused("XTRIM s NOPE 1"), kSyntax);
  EXPECT_EQ(Refused("XTRIM s LIMIT 0"),
            "-ERR syntax error, XTRIM must be called with at least one trimming strategy\r\n");
  EXPECT_EQ(Refused("XTRIM none MAXLEN 0"), ":0\r\n");
}

TEST_F(StreamCommandsTest, XRangeTakesEdgesExclusiveIdsAndACount) {
  Add("s", 1, 5);
  EXPECT_EQ(Ids("XRANGE s - +"), "1-0 2-0 3-0 4-0 5-0");
  EXPECT_EQ(Ids("XRANGE s 2 (4"), "2-0 3-0 4-0") << "(4 is (4-18446744073709551615";
  EXPECT_EQ(Ids("XRANGE s (2-0 (4-0"), "3-0");
  EXPECT_EQ(Ids("XRANGE s - + COUNT 2"), "1-0 2-0");
  EXPECT_EQ(Ids("XREVRANGE s + - COUNT 2"), "5-0 4-0");
  EXPECT_EQ(Ids("XREVRANGE s (5-0 (2-0"), "4-0 3-0");
  EXPECT_EQ(Refused("XRANGE s 4 2"), kEmpty);
  EXPECT_EQ(Refused("XRANGE none - +"), kEmpty);
  EXPECT_EQ(Refused("XRANGE s - + COUNT 0"), "*-1\r\n");
  EXPECT_EQ(Refused("XRANGE s - + COUNT"), kSyntax);
  EXPECT_EQ(Refused("XRANGE s (18446744073709551615-18446744073709551615 +"),
            "-ERR invalid start ID for the interval\r\n");
  EXPECT_EQ(Refused("XRANGE s - (0-0"), "-ERR invalid end ID for the interval\r\n");
  EXPECT_EQ(Refused("XRANGE s (- +"), kBadId);
}

TEST_F(StreamCommandsTest, XDelRemovesAllOrRefuses) {
  Add("s", 1, 5);
  EXPECT_EQ(Refused("XDEL s 1-0 x"), kBadId);
  EXPECT_EQ(Run("XDEL s 1-0 3 3 9-9"), ":2\r\n");
  Reopen();
  EXPECT_EQ(Ids("XRANGE s - +"), "2-0 4-0 5-0");
  EXPECT_EQ(Refused("XDEL none 1"), ":0\r\n");
}

TEST_F(StreamCommandsTest, XSetIdMovesTheLastIdNotBelowAnEntry) {
  Add("s", 1, 3);
  Run("XDEL s 2-0");
  EXPECT_EQ(Run("XSETID s 10-0 ENTRIESADDED 20 MAXDELETEDID 9-1"), kOk);
  Reopen();
  EXPECT_EQ(Run("XADD s 9-0 f v"), kTooSmall);
  EXPECT_EQ(Refused("XSETID s 9-0"),
            "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id\r\n");
  EXPECT_EQ(Refused("XSETID s 9-1 MAXDELETEDID 9-2"),
            "-ERR The ID specified in XSETID is smaller than the provided "
            "max_deleted_entry_id\r\n");
  EXPECT_EQ(Refused("XSETID s 9-1 ENTRIESADDED 1"),
            "-ERR The entries_added specified in XSETID is smaller than the target stream "
            "length\r\n");
  EXPECT_EQ(Refused("XSETID s 9-1 ENTRIESADDED -1"), "-ERR entries_added must be positive\r\n");
  EXPECT_EQ(Refused("XSETID none 9-1"), "-ERR no such key\r\n");
  Add("t", 5, 5);
  EXPECT_EQ(Refused("XSETID t 4"),
            "-ERR The ID specified in XSETID is smaller than the target stream top item\r\n");
}

TEST_F(StreamCommandsTest, XReadAnswersWhatComesBehindTheIds) {
  Add("s", 1, 3);
  Add("t", 1, 1);
  const std::string entry = "*2\r\n" + Bulk("3-0") + Bulks({"f", "v"});
  EXPECT_EQ(Refused("XREAD STREAMS s t none 2 1 0"), "*1\r\n*2\r\n" + Bulk("s") + "*1\r\n" + entry);
  EXPECT_EQ(Refused("XREAD STREAMS s +"), "*1\r\n*2\r\n" + Bulk("s") + "*1\r\n" + entry);
  EXPECT_EQ(Refused("XREAD STREAMS s $"), "*-1\r\n");
  EXPECT_EQ(Ids("XREAD COUNT 2 STREAMS s t 0 0"), "1-0 2-0 1-0");
  protocol_ = 3;
  EXPECT_EQ(Refused("XREAD STREAMS s 2"), "%1\r\n" + Bulk("s") + "*1\r\n" + entry);
  EXPECT_EQ(Refused("XREAD STREAMS s 3"), "_\r\n");
}

TEST_F(StreamCommandsTest, XReadRefusesWhatIsForGroups) {
  EXPECT_EQ(Refused("XREAD STREAMS s t 1"),
            "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be "
            "specified.\r\n");
  EXPECT_EQ(Refused("XREAD STREAMS s >"),
            "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
            "<consumer> option.\r\n");
  EXPECT_EQ(Refused("XREAD NOACK STREAMS s 0"),
            "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.\r\n");
  EXPECT_EQ(Refused("XREAD GROUP g c STREAMS s 0"),
            "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.\r\n");
  EXPECT_EQ(Refused("XREAD BLOCK -1 STREAMS s 0"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(Refused("XREAD BLOCK 1.5 STREAMS s 0"),
            "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(Refused("XREAD BLOCK 9223372036854775807 STREAMS s 0"),
            "-ERR timeout is out of range\r\n");
  EXPECT_EQ(Refused("XREAD COUNT 1 BLOCK"), kSyntax);
  MakeList("l");
  EXPECT_EQ(Refused("XREAD STREAMS l 0"), kWrongType);
}

}  // namespace
}  // namespace hearth
