#include "src/commands/groups.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kInt32Range[] =
    "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n";
constexpr char kDbRange[] = "-ERR DB index is out of range\r\n";
constexpr char kSameObject[] = "-ERR source and destination objects are the same\r\n";
constexpr char kNoSuchKey[] = "-ERR no such key\r\n";

class GenericCommandsTest : public CommandFixture {
 protected:
  std::string RunIn(uint32_t db, std::string_view line) {
    db_ = db;
    std::string reply = Run(line);
    db_ = 0;
    return reply;
  }
};

TEST_F(GenericCommandsTest, DelAndUnlinkCountWhatWasThere) {
  Run("MSET a 1 b 2 c 3");
  EXPECT_EQ(Run("DEL a a none b"), ":2\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/a\ndelete 0/b\n");
  EXPECT_EQ(Run("UNLINK c"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/c\n");
  EXPECT_EQ(Refused("DEL none"), ":0\r\n");
  EXPECT_EQ(Refused("DEL"), "-ERR wrong number of arguments for 'del' command\r\n");
  Reopen();
  EXPECT_EQ(Run("EXISTS a b c"), ":0\r\n");
}

TEST_F(GenericCommandsTest, AnExpiredKeyIsNotCounted) {
  Run("SET k v PX 10");
  clock_.AdvanceMs(10);
  EXPECT_EQ(Run("DEL k"), ":0\r\n");
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

TEST_F(GenericCommandsTest, ExistsAndTouchCountAKeyAsOftenAsItIsNamed) {
  Run("SET k v");
  EXPECT_EQ(Refused("EXISTS k k none"), ":2\r\n");
  EXPECT_EQ(Refused("TOUCH k k none"), ":2\r\n");
}

TEST_F(GenericCommandsTest, TypeNamesTheType) {
  Run("SET k v");
  MakeList("l");
  EXPECT_EQ(Refused("TYPE k"), "+string\r\n");
  EXPECT_EQ(Refused("TYPE l"), "+list\r\n");
  EXPECT_EQ(Refused("TYPE none"), "+none\r\n");
}

TEST_F(GenericCommandsTest, RenameTakesTheExpiryAlong) {
  Run("SET a 1 PXAT 1700000100000");
  Run("SET b 2 PXAT 1700000200000");
  EXPECT_EQ(Run("RENAME a b"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/b int 1 until 1700000100000\ndelete 0/a\n");
  EXPECT_EQ(Refused("RENAME b b"), kOk);
  EXPECT_EQ(Refused("RENAME none b"), kNoSuchKey);
  EXPECT_EQ(Refused("RENAME none none"), kNoSuchKey);
  Reopen();
  EXPECT_EQ(Run("MGET a b"), "*2\r\n$-1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("PEXPIRETIME b"), ":1700000100000\r\n");
  EXPECT_EQ(Differences(), "");
}

TEST_F(GenericCommandsTest, RenameNxKeepsTheTarget) {
  Run("MSET a 1 b 2");
  EXPECT_EQ(Refused("RENAMENX a b"), ":0\r\n");
  EXPECT_EQ(Refused("RENAMENX a a"), ":0\r\n");
  EXPECT_EQ(Refused("RENAMENX none x"), kNoSuchKey);
  EXPECT_EQ(Run("RENAMENX a c"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/c int 1\ndelete 0/a\n");
}

TEST_F(GenericCommandsTest, CopyLeavesTheSource) {
  Run("SET a 1 PXAT 1700000100000");
  EXPECT_EQ(Run("COPY a b"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/b int 1 until 1700000100000\n");
  Run("SET b other");
  EXPECT_EQ(Refused("COPY a b"), ":0\r\n");
  EXPECT_EQ(Run("COPY a b REPLACE"), ":1\r\n");
  EXPECT_EQ(Run("COPY a a DB 1"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 1/a int 1 until 1700000100000\n");
  EXPECT_EQ(Refused("COPY a a DB 1"), ":0\r\n");
  EXPECT_EQ(Run("COPY a t DB 1 DB 2 REPLACE REPLACE"), ":1\r\n");
  EXPECT_EQ(Refused("COPY none t"), ":0\r\n");
  Reopen();
  EXPECT_EQ(RunIn(2, "GET t"), Bulk("1"));
  EXPECT_EQ(RunIn(1, "GET a"), Bulk("1"));
  EXPECT_EQ(Run("GET b"), Bulk("1"));
}

TEST_F(GenericCommandsTest, CopyRefusesWhatCannotBe) {
  Run("SET a 1");
  EXPECT_EQ(Refused("COPY a a"), kSameObject);
  EXPECT_EQ(Refused("COPY none none"), kSameObject);
  EXPECT_EQ(Refused("COPY a a DB 0"), kSameObject);
  EXPECT_EQ(Refused("COPY a b DB abc"), kNotInteger);
  EXPECT_EQ(Refused("COPY a b DB 16"), kDbRange);
  EXPECT_EQ(Refused("COPY a b DB -1"), kDbRange);
  EXPECT_EQ(Refused("COPY a b DB 99999999999"), kInt32Range);
  EXPECT_EQ(Refused("COPY a b DB 9223372036854775808"), kNotInteger);
  EXPECT_EQ(Refused("COPY a b DB"), kSyntax);
  EXPECT_EQ(Refused("COPY a a foo"), kSyntax);
}

TEST_F(GenericCommandsTest, MoveGoesToAnotherDatabase) {
  Run("SET a 1 PXAT 1700000100000");
  EXPECT_EQ(Run("MOVE a 3"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 3/a int 1 until 1700000100000\ndelete 0/a\n");
  Run("SET a 2");
  EXPECT_EQ(Refused("MOVE a 3"), ":0\r\n");
  EXPECT_EQ(Refused("MOVE none 3"), ":0\r\n");
  EXPECT_EQ(Refused("MOVE none 0"), kSameObject);
  EXPECT_EQ(Refused("MOVE a abc"), kNotInteger);
  EXPECT_EQ(Refused("MOVE a 16"), kDbRange);
  EXPECT_EQ(Refused("MOVE a -1"), kDbRange);
  EXPECT_EQ(Refused("MOVE a 99999999999"), kInt32Range);
  Reopen();
  EXPECT_EQ(Run("GET a"), Bulk("2"));
  EXPECT_EQ(RunIn(3, "GET a"), Bulk("1"));
  EXPECT_EQ(RunIn(3, "PEXPIRETIME a"), ":1700000100000\r\n");
}

// Keys of two databases are loaded for one command.
TEST_F(GenericCommandsTest, ColdKeysAreCopiedAndMoved) {
  Run("SET a 1");
  RunIn(1, "SET a other");
  DemoteAll();
  EXPECT_EQ(Run("COPY a a DB 1"), ":0\r\n");
  DemoteAll();
  EXPECT_EQ(Run("MOVE a 1"), ":0\r\n");
  DemoteAll();
  EXPECT_EQ(Run("MOVE a 2"), ":1\r\n");
  DemoteAll();
  EXPECT_EQ(RunIn(2, "GET a"), Bulk("1"));
  EXPECT_EQ(Run("GET a"), kNull);
  EXPECT_EQ(Differences(), "");
}

TEST_F(GenericCommandsTest, FlushDbEmptiesOneDatabase) {
  Run("MSET a 1 b 2");
  RunIn(1, "SET a 1");
  EXPECT_EQ(Run("FLUSHDB"), kOk);
  EXPECT_EQ(LoggedRows(), "delete-range 0\n");
  EXPECT_EQ(Refused("FLUSHDB foo"), kSyntax);
  EXPECT_EQ(Refused("FLUSHDB SYNC ASYNC"), kSyntax);
  Reopen();
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
  EXPECT_EQ(RunIn(1, "DBSIZE"), ":1\r\n");
}

TEST_F(GenericCommandsTest, FlushAllEmptiesAllOfThem) {
  Run("SET a 1");
  RunIn(15, "SET a 1");
  EXPECT_EQ(Refused("FLUSHALL foo"), kSyntax);
  EXPECT_EQ(Run("FLUSHALL ASYNC"), kOk);
  EXPECT_EQ(LoggedRows(), "delete-range 0\ndelete-range 15\n");
  Reopen();
  EXPECT_EQ(RunIn(15, "DBSIZE"), ":0\r\n");
  EXPECT_EQ(Run("FLUSHALL sync"), kOk);
}

TEST_F(GenericCommandsTest, SwapDbSwapsAndSurvivesAReopen) {
  Run("SET a 0");
  RunIn(1, "SET a 1");
  EXPECT_EQ(Run("SWAPDB 0 1"), kOk);
  EXPECT_EQ(Run("GET a"), Bulk("1"));
  Reopen();
  EXPECT_EQ(Run("GET a"), Bulk("1"));
  EXPECT_EQ(RunIn(1, "GET a"), Bulk("0"));
}

TEST_F(GenericCommandsTest, SwapDbRefusesWhatIsNoDatabase) {
  EXPECT_EQ(Refused("SWAPDB a b"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(Refused("SWAPDB 0 b"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Refused("SWAPDB 0 99999999999"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Refused("SWAPDB 16 b"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Refused("SWAPDB 0 16"), kDbRange);
  EXPECT_EQ(Refused("SWAPDB -1 0"), kDbRange);
  EXPECT_EQ(Refused("SWAPDB 1 1"), kOk);
}

}  // namespace
}  // namespace hearth
